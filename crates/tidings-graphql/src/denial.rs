//! What is denied for what a token is, or for what was agreed with a provider or an application,
//! in every language.
//!
//! The Welsh texts put names behind a colon: there no name has to mutate.

use crate::{failure::OperationFailureCode, locale::Locale};

/// Why something that is offered is not done for this asker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Denial {
    /// Only the application's own tokens may do this: no master token, no user's.
    OwnerOnly,
    /// Only a master token may do this.
    MasterOnly,
    /// Only a private master token may do this.
    PrivateMasterOnly,
    /// The provider cannot be read so.
    LevelNotOffered {
        /// The provider's code.
        provider: String,
        /// The access level, as a name of the interface.
        level: String,
    },
    /// The operator does not let the application read so.
    LevelNotAllowed {
        /// The access level, as a name of the interface.
        level: String,
    },
    /// There is no adapter that speaks to the provider.
    NoAdapter {
        /// The provider's code.
        provider: String,
    },
}

impl Denial {
    pub(crate) fn code(&self) -> OperationFailureCode {
        match self {
            Denial::OwnerOnly
            | Denial::MasterOnly
            | Denial::PrivateMasterOnly
            | Denial::LevelNotAllowed { .. } => OperationFailureCode::NotPermitted,
            Denial::LevelNotOffered { .. } | Denial::NoAdapter { .. } => {
                OperationFailureCode::NotSupported
            }
        }
    }

    pub(crate) fn text(&self, locale: Locale) -> String {
        match locale {
            Locale::EnGb => self.english(),
            Locale::CyGb => self.welsh(),
        }
    }

    fn english(&self) -> String {
        match self {
            Denial::OwnerOnly => "Only the application itself may do this: use one of its own \
                                  tokens instead of a master token or a user's."
                .to_owned(),
            Denial::MasterOnly => {
                "This makes tokens of users: use a master token of the application.".to_owned()
            }
            Denial::PrivateMasterOnly => "This is for a user who is there already: use a private \
                                          master token of the application."
                .to_owned(),
            Denial::LevelNotOffered { provider, level } => format!(
                "The provider `{provider}` does not offer `{level}`: its `capabilities` say which \
                 access levels can be used."
            ),
            Denial::LevelNotAllowed { level } => format!(
                "This application may not use `{level}`: ask for another access level, or ask the \
                 operator to allow it."
            ),
            Denial::NoAdapter { provider } => format!(
                "The accounts of the provider `{provider}` cannot be read yet: ask the operator \
                 to set its `adapterUrl`."
            ),
        }
    }

    fn welsh(&self) -> String {
        match self {
            Denial::OwnerOnly => "Dim ond y rhaglen ei hun a gaiff wneud hyn: defnyddiwch un o'i \
                                  thocynnau ei hun yn lle prif docyn neu docyn defnyddiwr."
                .to_owned(),
            Denial::MasterOnly => {
                "Mae hyn yn gwneud tocynnau defnyddwyr: defnyddiwch brif docyn y rhaglen."
                    .to_owned()
            }
            Denial::PrivateMasterOnly => "Ar gyfer defnyddiwr sydd yno eisoes y mae hyn: \
                                          defnyddiwch brif docyn preifat y rhaglen."
                .to_owned(),
            Denial::LevelNotOffered { provider, level } => format!(
                "Nid yw'r darparwr hwn yn cynnig y lefel: `{provider}`, `{level}`. Mae \
                 `capabilities` yn dweud pa lefelau y gellir eu defnyddio."
            ),
            Denial::LevelNotAllowed { level } => format!(
                "Ni chaiff y rhaglen hon ddefnyddio'r lefel hon: `{level}`. Gofynnwch am lefel \
                 arall, neu gofynnwch i'r gweithredwr ei chaniatáu."
            ),
            Denial::NoAdapter { provider } => format!(
                "Ni ellir darllen cyfrifon y darparwr hwn eto: `{provider}`. Gofynnwch i'r \
                 gweithredwr osod ei `adapterUrl`."
            ),
        }
    }
}
