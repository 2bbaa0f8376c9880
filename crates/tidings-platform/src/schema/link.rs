//! Linking accounts.

use async_graphql::{Context, Error, ID, InputObject, Object};
use tidings_graphql::{AccessLevel, DateTime, result_union};

use super::{account::AccountObject, asking::writing, batch::shown_written};
use crate::{collect::protocol::Credential, domain::Consent, writer::NewLink};

/// One thing that opens an account, as its provider asks for it.
#[derive(InputObject)]
pub struct CredentialInput {
    /// Its name, as the provider's adapter calls it.
    pub name: String,
    /// What the user gave: 1 to 1,024 bytes. It is stored encrypted and shown nowhere.
    pub value: String,
}

/// What the user agreed to.
#[derive(InputObject)]
pub struct ConsentInput {
    /// The words that the user saw: 1 to 4,096 characters.
    pub text: String,
    /// When the user agreed.
    pub given_at: DateTime,
    /// Until when it holds; then it counts as withdrawn. Left out: until it is withdrawn.
    pub until: Option<DateTime>,
}

result_union! {
    /// The account that was linked, or why none was.
    LinkAccountResult(AccountObject)
}

/// Links.
#[derive(Default, Debug)]
pub struct LinkMutation;

#[Object]
impl LinkMutation {
    /// Links an account that a user holds with a provider, and begins to collect it. Where the
    /// user has an account with the provider whose credentials were rejected, or which has failed,
    /// that one gets these credentials. Fires `AccountAdded`, or `AccountUpdated` and `ToDoDone`.
    async fn link_account(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the user who holds it.")] user: ID,
        #[graphql(desc = "The provider's code.")] provider: String,
        #[graphql(desc = "How far the platform may look.")] access_level: AccessLevel,
        #[graphql(desc = "What opens the account.")] credentials: Vec<CredentialInput>,
        #[graphql(desc = "What the user agreed to.")] consent: ConsentInput,
    ) -> Result<LinkAccountResult, Error> {
        let (writer, application) = match writing(context)? {
            Ok(writing) => writing,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let consent = Consent::from(consent);
        let credentials = credentials.into_iter().map(Credential::from).collect();
        let new = NewLink { provider, access_level, credentials, consent };
        let written = writer.link_account(application, &user, new).await;
        Ok(shown_written(application, written).map(AccountObject::from).into())
    }
}

impl From<CredentialInput> for Credential {
    fn from(CredentialInput { name, value }: CredentialInput) -> Credential {
        Credential { name, value }
    }
}

impl From<ConsentInput> for Consent {
    fn from(ConsentInput { text, given_at, until }: ConsentInput) -> Consent {
        Consent { text, given_at: given_at.0, until: until.map(|date| date.0) }
    }
}
