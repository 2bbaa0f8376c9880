//! Who is asking, as a resolver sees it.

use async_graphql::{Context, Error};
use tidings_core::access::{Principal, Scope};

use crate::texts::Failure;

/// Who is asking. The one who executes a request puts it into the request's data; without it nobody
/// is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Viewer(pub Option<Principal>);

/// The principal of a request.
///
/// # Errors
/// An error with `extensions.code` `UNAUTHENTICATED` when the request came without a token.
pub fn principal<'a>(context: &Context<'a>) -> Result<&'a Principal, Error> {
    context
        .data_opt::<Viewer>()
        .and_then(|viewer| viewer.0.as_ref())
        .ok_or_else(|| Failure::Unauthenticated.into_error())
}

/// Refuses a principal without the scope.
///
/// # Errors
/// [`Failure::ScopeMissing`]: for the caller to put into `data`, or to raise with
/// [`Failure::into_error`].
pub fn require(principal: &Principal, scope: Scope) -> Result<(), Failure> {
    if principal.scopes.allows(scope) { Ok(()) } else { Err(Failure::ScopeMissing { scope }) }
}
