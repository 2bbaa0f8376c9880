//! Every failure in every language. Each text says what is wrong and what to do.
//!
//! The Welsh texts put names behind a colon: there no name has to mutate.

use async_graphql::{Error, ErrorExtensions};
use tidings_core::access::Scope;

use crate::{denial::Denial, failure::OperationFailureCode, locale::Locale};

// Words that need nothing filled in.
const UNAVAILABLE_ENGLISH: &str = "\
    The database cannot be used at present, and nothing was changed: try again in a moment.";
const OUTCOME_UNKNOWN_ENGLISH: &str = "\
    The database did not say whether the change was made: read before you repeat it.";
const UNAUTHENTICATED_WELSH: &str = "\
    Mae angen tocyn ar gyfer hyn: anfonwch y pennyn `Authorization: Bearer TOCYN`.";
const UNAVAILABLE_WELSH: &str = "\
    Ni ellir defnyddio'r gronfa ddata ar hyn o bryd, ac ni newidiwyd dim: rhowch gynnig arall \
    arni ymhen ychydig.";
const OUTCOME_UNKNOWN_WELSH: &str = "\
    Ni ddywedodd y gronfa ddata a wnaed y newid: darllenwch cyn ei wneud eto.";

/// Something that has a name or an id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Thing {
    /// An end user of the platform.
    User,
    /// A business that supplies something.
    Provider,
    /// An account with a provider.
    Account,
    /// Something that is supplied under an account.
    Provision,
    /// A document of an account.
    Document,
    /// Something that a user is asked to do.
    ToDo,
    /// A switch of energy supplier.
    EnergySwitch,
    /// A client application.
    Application,
    /// A source.
    Source,
    /// A trigger.
    Trigger,
    /// A webhook.
    Webhook,
    /// An event.
    Event,
    /// A delivery.
    Delivery,
    /// A token.
    Token,
}

impl Thing {
    /// Its word in a language.
    #[must_use]
    pub fn word(self, locale: Locale) -> &'static str {
        let (english, welsh) = match self {
            Thing::User => ("user", "defnyddiwr"),
            Thing::Provider => ("provider", "darparwr"),
            Thing::Account => ("account", "cyfrif"),
            Thing::Provision => ("provision", "darpariaeth"),
            Thing::Document => ("document", "dogfen"),
            Thing::ToDo => ("to-do", "tasg"),
            Thing::EnergySwitch => ("energy switch", "newid ynni"),
            Thing::Application => ("application", "rhaglen"),
            Thing::Source => ("source", "ffynhonnell"),
            Thing::Trigger => ("trigger", "sbardun"),
            Thing::Webhook => ("webhook", "bachyn gwe"),
            Thing::Event => ("event", "digwyddiad"),
            Thing::Delivery => ("delivery", "danfoniad"),
            Thing::Token => ("token", "tocyn"),
        };
        match locale {
            Locale::EnGb => english,
            Locale::CyGb => welsh,
        }
    }
}

/// Why an operation gave nothing, with what its text needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// There is nothing with this id, or not for this token.
    NotFound {
        /// What was looked for.
        what: Thing,
        /// Its id, name or code as it was given.
        id: String,
    },
    /// There is no token.
    Unauthenticated,
    /// The token lacks a scope.
    ScopeMissing {
        /// The one that it needs.
        scope: Scope,
    },
    /// Only the operator's tokens may do this.
    OperatorOnly,
    /// It is done in an application's name, and the operator's token has none.
    ApplicationOnly,
    /// It is offered, and not done for this asker.
    Denied(Denial),
    /// The input is wrong; the problems say where.
    InvalidInput,
    /// The id, name or code is taken.
    Taken {
        /// What has it.
        what: Thing,
        /// The id, name or code.
        id: String,
    },
    /// Someone else changed it between our reading and our writing, again and again.
    ChangedMeanwhile {
        /// What was to be changed.
        what: Thing,
        /// Its id, name or code.
        id: String,
    },
    /// A user has as many as there may be.
    TooMany {
        /// What there are so many of.
        what: Thing,
        /// How many there may be.
        max: usize,
    },
    /// The consent was withdrawn, so that nothing more is kept of the account.
    ConsentWithdrawn {
        /// The account's id.
        account: String,
    },
    /// It tells of what was deleted, or of what consent was withdrawn for.
    Erased {
        /// What it is.
        what: Thing,
        /// Its id.
        id: String,
    },
    /// The answer would hold too much.
    AnswerTooLarge {
        /// How many nested items it may hold.
        items_max: usize,
    },
    /// It is not offered here.
    NotSupported {
        /// What was asked for, as a name of the interface.
        what: String,
    },
    /// As things stand, no request would be sent.
    NothingToSend {
        /// Why not.
        why: String,
    },
    /// The source of the entity does not answer.
    SourceDown {
        /// What happened.
        why: String,
    },
    /// The database cannot be used at present; nothing was done.
    Unavailable,
    /// The database did not say whether the change was made.
    OutcomeUnknown,
}

impl Failure {
    /// What kind of failure it is.
    #[must_use]
    pub fn code(&self) -> OperationFailureCode {
        match self {
            Failure::NotFound { .. } => OperationFailureCode::NotFound,
            Failure::Unauthenticated => OperationFailureCode::Unauthenticated,
            Failure::ScopeMissing { .. } | Failure::OperatorOnly | Failure::ApplicationOnly => {
                OperationFailureCode::NotPermitted
            }
            Failure::Denied(denial) => denial.code(),
            Failure::InvalidInput | Failure::AnswerTooLarge { .. } => {
                OperationFailureCode::InvalidInput
            }
            Failure::NotSupported { .. } => OperationFailureCode::NotSupported,
            Failure::Taken { .. }
            | Failure::ChangedMeanwhile { .. }
            | Failure::TooMany { .. }
            | Failure::ConsentWithdrawn { .. }
            | Failure::Erased { .. }
            | Failure::NothingToSend { .. } => OperationFailureCode::Conflict,
            Failure::SourceDown { .. } | Failure::Unavailable | Failure::OutcomeUnknown => {
                OperationFailureCode::Unavailable
            }
        }
    }

    /// What happened and what to do about it.
    #[must_use]
    pub fn text(&self, locale: Locale) -> String {
        match locale {
            Locale::EnGb => self.english(),
            Locale::CyGb => self.welsh(),
        }
    }

    fn english(&self) -> String {
        let word = |what: &Thing| what.word(Locale::EnGb);
        match self {
            Failure::NotFound { what, id } => format!(
                "There is no {} `{id}` for this token: check the id, or use a token of the \
                 application that owns it.",
                word(what)
            ),
            Failure::Unauthenticated => {
                "This needs a token: send the header `Authorization: Bearer TOKEN`.".to_owned()
            }
            Failure::ScopeMissing { scope } => {
                format!("This needs the scope `{scope}`: use a token that has it.")
            }
            Failure::OperatorOnly => {
                "Only the operator may do this: use an operator's token.".to_owned()
            }
            Failure::ApplicationOnly => {
                "This is done in an application's name: use a token of that application instead \
                 of the operator's."
                    .to_owned()
            }
            Failure::Denied(denial) => denial.text(Locale::EnGb),
            Failure::InvalidInput => {
                "The input cannot be used: `problems` names each field and what to write instead."
                    .to_owned()
            }
            Failure::Taken { what, id } => format!(
                "The {} `{id}` exists already: choose another, or update that one.",
                word(what)
            ),
            Failure::ChangedMeanwhile { what, id } => format!(
                "Others are changing the {} `{id}` at the same moment: read it again, then repeat \
                 the change.",
                word(what)
            ),
            Failure::TooMany { what, max } => format!(
                "A user may have {max} of this at most: {}. Add it for another user, or delete \
                 the user with all that is there.",
                word(what)
            ),
            Failure::ConsentWithdrawn { account } => format!(
                "The consent for the account `{account}` was withdrawn, so nothing more is kept \
                 of it: link the account again with a new consent."
            ),
            Failure::Erased { what, id } => format!(
                "The {} `{id}` tells of what was deleted, or of what consent was withdrawn for: \
                 it cannot be sent again.",
                word(what)
            ),
            Failure::AnswerTooLarge { items_max } => format!(
                "The answer would hold more than {items_max} nested items: ask for fewer with \
                 `first`, or for fewer levels at once."
            ),
            Failure::NotSupported { what } => {
                format!("`{what}` is not offered by this server: leave it out.")
            }
            Failure::NothingToSend { why } => {
                format!("As things stand, nothing would be sent: {why}.")
            }
            Failure::SourceDown { why } => {
                format!("The source does not answer at present ({why}): try again in a moment.")
            }
            Failure::Unavailable => UNAVAILABLE_ENGLISH.to_owned(),
            Failure::OutcomeUnknown => OUTCOME_UNKNOWN_ENGLISH.to_owned(),
        }
    }

    fn welsh(&self) -> String {
        let word = |what: &Thing| what.word(Locale::CyGb);
        match self {
            Failure::NotFound { what, id } => format!(
                "Nid yw hwn ar gael i'r tocyn hwn: {} `{id}`. Gwiriwch yr id, neu defnyddiwch \
                 docyn y rhaglen sy'n berchen arno.",
                word(what)
            ),
            Failure::Unauthenticated => UNAUTHENTICATED_WELSH.to_owned(),
            Failure::ScopeMissing { scope } => format!(
                "Mae angen yr hawl `{scope}` ar gyfer hyn: defnyddiwch docyn sydd â'r hawl honno."
            ),
            Failure::OperatorOnly => {
                "Dim ond y gweithredwr a gaiff wneud hyn: defnyddiwch un o docynnau'r \
                 gweithredwr."
                    .to_owned()
            }
            Failure::ApplicationOnly => {
                "Yn enw rhaglen y gwneir hyn: defnyddiwch un o docynnau'r rhaglen yn lle tocyn y \
                 gweithredwr."
                    .to_owned()
            }
            Failure::Denied(denial) => denial.text(Locale::CyGb),
            Failure::InvalidInput => {
                "Ni ellir defnyddio'r mewnbwn: mae `problems` yn enwi pob maes a beth i'w \
                 ysgrifennu yn ei le."
                    .to_owned()
            }
            Failure::Taken { what, id } => format!(
                "Mae hwn yn bod eisoes: {} `{id}`. Dewiswch un arall, neu diweddarwch hwnnw.",
                word(what)
            ),
            Failure::ChangedMeanwhile { what, id } => format!(
                "Mae eraill yn newid hwn ar yr un pryd: {} `{id}`. Darllenwch ef eto, yna gwnewch \
                 y newid o'r newydd.",
                word(what)
            ),
            Failure::TooMany { what, max } => format!(
                "Ni chaiff defnyddiwr fwy na {max} o'r rhain: {}. Ychwanegwch ef ar gyfer \
                 defnyddiwr arall, neu dilëwch y defnyddiwr gyda phopeth sydd yno.",
                word(what)
            ),
            Failure::ConsentWithdrawn { account } => format!(
                "Tynnwyd y caniatâd yn ôl ar gyfer y cyfrif hwn, felly ni chedwir rhagor ohono: \
                 `{account}`. Cysylltwch y cyfrif eto gyda chaniatâd newydd."
            ),
            Failure::Erased { what, id } => format!(
                "Mae'n sôn am rywbeth a ddilëwyd, neu y tynnwyd caniatâd yn ôl ar ei gyfer: {} \
                 `{id}`. Ni ellir ei anfon eto.",
                word(what)
            ),
            Failure::AnswerTooLarge { items_max } => format!(
                "Byddai'r ateb yn cynnwys mwy na {items_max} o eitemau nythog: gofynnwch am lai \
                 gyda `first`, neu am lai o lefelau ar y tro."
            ),
            Failure::NotSupported { what } => {
                format!("Nid yw'r gweinydd hwn yn cynnig hyn: `{what}`. Gadewch ef allan.")
            }
            Failure::NothingToSend { why } => {
                format!("Fel y mae pethau, ni fyddai dim yn cael ei anfon: {why}.")
            }
            Failure::SourceDown { why } => format!(
                "Nid yw'r ffynhonnell yn ateb ar hyn o bryd ({why}): rhowch gynnig arall arni \
                 ymhen ychydig."
            ),
            Failure::Unavailable => UNAVAILABLE_WELSH.to_owned(),
            Failure::OutcomeUnknown => OUTCOME_UNKNOWN_WELSH.to_owned(),
        }
    }

    /// The failure as a GraphQL error, for fields whose type has no room for an `OperationFailure`:
    /// its text in English, and its code as `extensions.code`.
    #[must_use]
    pub fn into_error(self) -> Error {
        let code = self.code().as_str();
        Error::new(self.text(Locale::EnGb))
            .extend_with(|_, extensions| extensions.set("code", code))
    }
}
