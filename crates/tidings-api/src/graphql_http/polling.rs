//! Answers that are asked for again and again. A query of the platform's fields alone is answered
//! with a tag; who sends the tag along is told `304` while nothing changed that they could see.
//!
//! ```text
//! If-None-Match ─► tag of (salt, asker, URL, media type, position) ─► the same: 304
//!      └─ another, or none ─► position ─► run ─► the same position, no trouble? ─► 200 with tag
//! ```
//!
//! Nothing is looked up to find that a tag is right. Whoever sends the present tag of this very
//! request has it from us, because the salt is secret: so the request was run, and its answer was
//! whole and at this position. What is asked for need not even be parsed.

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Uri};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use tidings_core::{
    access::{Owner, Principal, TokenKind},
    ids::ApplicationId,
};

use super::{MediaType, asked::root_fields};
use crate::{known::Known, state::Api};

/// Bytes of a tag before they are written as text.
const TAG_BYTES: usize = 18;

/// A request whose answer may have a tag.
pub(super) struct Poll {
    /// All that the tag depends on but the position.
    request: Sha256,
    application: Option<ApplicationId>,
    known: Known,
}

impl Poll {
    /// A GET by this asker.
    pub(super) fn of(
        api: &Api,
        principal: &Principal,
        uri: &Uri,
        headers: &HeaderMap,
        media_type: MediaType,
    ) -> Poll {
        let mut request = Sha256::new();
        request.update(api.tag_salt.bytes(&*api.chance));
        add_principal(&mut request, principal);
        add(&mut request, uri.query().unwrap_or_default().as_bytes());
        add(&mut request, media_type.as_str().as_bytes());
        Poll { request, application: principal.application(), known: Known::of(headers) }
    }

    /// The present tag, where the client sent it.
    pub(super) async fn unchanged(&self, api: &Api) -> Option<String> {
        match &self.known {
            Known::Tags(tags) if !tags.is_empty() => {}
            // That there is an answer is known when it was made.
            Known::Any | Known::Tags(_) => return None,
        }
        let tag = self.tag(self.position(api).await?);
        self.knows(&tag).then_some(tag)
    }

    /// Whether the client has the answer with this tag.
    pub(super) fn knows(&self, tag: &str) -> bool {
        self.known.has(tag)
    }

    /// Where the latest change stands that the asker can see. A store that cannot say so makes no
    /// tag; what it means for the query is for the query to tell.
    pub(super) async fn position(&self, api: &Api) -> Option<u64> {
        api.store.entity_position(self.application).await.ok()
    }

    /// The tag of the answer at a position.
    pub(super) fn tag(&self, position: u64) -> String {
        let mut tag = self.request.clone();
        tag.update(position.to_be_bytes());
        format!("\"{}\"", URL_SAFE_NO_PAD.encode(&tag.finalize()[..TAG_BYTES]))
    }
}

/// All that an answer can tell of who asks, or that decides what they see. The pattern names every
/// field, so that a new one cannot be forgotten.
fn add_principal(tag: &mut Sha256, principal: &Principal) {
    let Principal { owner, kind, user, application_name, scopes, expires_at } = principal;
    let owner = match owner {
        Owner::Operator => 0,
        Owner::Application(id) => id.0,
    };
    add(tag, &owner.to_be_bytes());
    add(
        tag,
        &[match kind {
            TokenKind::Operator => 0,
            TokenKind::Application => 1,
            TokenKind::PrivateMaster => 2,
            TokenKind::PublicMaster => 3,
            TokenKind::User => 4,
        }],
    );
    add(tag, user.as_ref().map_or("", |user| user.as_str()).as_bytes());
    add(tag, application_name.as_ref().map_or("", |name| name.as_str()).as_bytes());
    for scope in scopes.iter() {
        add(tag, scope.as_str().as_bytes());
    }
    let ends = expires_at.map_or_else(Vec::new, |at| at.0.to_be_bytes().to_vec());
    add(tag, b"ends");
    add(tag, &ends);
}

/// Each part with its length, so that two parts are never taken for two others.
fn add(tag: &mut Sha256, part: &[u8]) {
    tag.update((part.len() as u64).to_be_bytes());
    tag.update(part);
}

/// Whether the operation asks for nothing but these fields.
pub(super) fn is_polled(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    polled: &BTreeSet<String>,
) -> bool {
    root_fields(document, operation).into_iter().all(|root| {
        let name = root.map(|field| field.name.node.as_str());
        name.is_ok_and(|name| name == "__typename" || polled.contains(name))
    })
}
