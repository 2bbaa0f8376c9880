//! Whose token a request bears.

use http::header;
use tidings_core::{
    access::{Owner, Principal},
    secret::TokenHash,
};
use tidings_store::StoreError;

use super::{AuthLink, asked::Asked};

/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 512;

impl AuthLink {
    /// The principal of a request; `None` where its token is missing, wrong, expired or revoked.
    pub(super) async fn bearer(&self, asked: &Asked) -> Result<Option<Principal>, StoreError> {
        let value = asked.header(&header::AUTHORIZATION).and_then(|value| value.split_once(' '));
        let Some((scheme, text)) = value else { return Ok(None) };
        let text = text.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || text.len() > TOKEN_BYTES_MAX {
            return Ok(None);
        }
        let token = self.store.token(TokenHash::of(text)).await?;
        let Some(token) = token.filter(|token| token.is_valid(self.now().elapsed)) else {
            return Ok(None);
        };
        let Owner::Application(id) = token.owner else { return Ok(None) };
        let catalog = self.store.catalog().await?;
        Ok(catalog.application(id).map(|application| token.principal(application)))
    }
}
