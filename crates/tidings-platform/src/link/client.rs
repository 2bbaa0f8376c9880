//! Which application asks for tokens (RFC 6749, section 2.3): its name, and for a confidential one
//! its secret, which is a private master token of it.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::header;
use percent_encoding::percent_decode_str;
use tidings_core::{
    access::{Owner, TokenKind},
    application::{Application, ClientType, Name},
    catalog::Catalog,
    secret::TokenHash,
};
use tidings_store::StoreError;

use super::{AuthLink, asked::Asked, form::Form};

/// The longest secret that is looked at.
const SECRET_BYTES_MAX: usize = 512;

/// What a request says of its client.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Claimed {
    pub(super) name: String,
    secret: Option<String>,
}

/// Why a client is not known.
#[derive(Debug)]
pub(super) enum NotClient {
    /// It says who it is in two ways, or not at all.
    Ambiguous,
    /// It is not there, or its secret is wrong, or it gave none.
    Wrong,
    /// The store cannot be used.
    Stopped,
}

impl From<StoreError> for NotClient {
    fn from(error: StoreError) -> NotClient {
        tracing::error!(%error, "Auth Link cannot use the store");
        NotClient::Stopped
    }
}

/// What the header says, before the body is read.
pub(super) enum HeaderSays {
    Nothing,
    Client(Claimed),
    Nonsense,
}

/// Reads `Authorization: Basic`, whose name and secret are encoded as in a form.
pub(super) fn in_header(asked: &Asked) -> HeaderSays {
    if !asked.headers.contains_key(header::AUTHORIZATION) {
        return HeaderSays::Nothing;
    }
    let basic = || {
        let (scheme, code) = asked.header(&header::AUTHORIZATION)?.split_once(' ')?;
        let bytes = STANDARD.decode(code.trim()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (name, secret) = text.split_once(':')?;
        let plain = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
        };
        let secret = plain(secret)?;
        let secret = (!secret.is_empty()).then_some(secret);
        scheme.eq_ignore_ascii_case("basic").then_some(Claimed { name: plain(name)?, secret })
    };
    basic().map_or(HeaderSays::Nonsense, HeaderSays::Client)
}

/// What header and form say together.
pub(super) fn claimed(in_header: HeaderSays, form: &Form) -> Result<Claimed, NotClient> {
    let (name, secret) = (form.get("client_id"), form.get("client_secret"));
    match in_header {
        HeaderSays::Nonsense => Err(NotClient::Wrong),
        HeaderSays::Client(_) if secret.is_some() => Err(NotClient::Ambiguous),
        HeaderSays::Client(claimed) if name.is_some_and(|name| name != claimed.name) => {
            Err(NotClient::Ambiguous)
        }
        HeaderSays::Client(claimed) => Ok(claimed),
        HeaderSays::Nothing => {
            let name = name.ok_or(NotClient::Wrong)?.to_owned();
            Ok(Claimed { name, secret: secret.map(str::to_owned) })
        }
    }
}

/// The application of that name, whether or not it is the one who asks.
pub(super) fn named(catalog: &Catalog, claimed: &Claimed) -> Option<Arc<Application>> {
    let name = claimed.name.parse::<Name>().ok()?;
    catalog.application_named(&name).cloned()
}

impl AuthLink {
    /// The application that a client is.
    pub(super) async fn client(&self, claimed: &Claimed) -> Result<Arc<Application>, NotClient> {
        let catalog = self.store.catalog().await?;
        let application = named(&catalog, claimed).ok_or(NotClient::Wrong)?;
        match (application.settings.client_type, &claimed.secret) {
            (ClientType::Public, None) => Ok(application),
            (ClientType::Confidential, Some(secret)) if secret.len() <= SECRET_BYTES_MAX => {
                let token = self.store.token(TokenHash::of(secret)).await?;
                let is_own = token.is_some_and(|token| {
                    token.owner == Owner::Application(application.id)
                        && token.kind == TokenKind::PrivateMaster
                        && token.is_valid(self.now().elapsed)
                });
                if is_own { Ok(application) } else { Err(NotClient::Wrong) }
            }
            _ => Err(NotClient::Wrong),
        }
    }
}
