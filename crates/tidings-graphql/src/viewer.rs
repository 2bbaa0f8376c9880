//! Who is asking, as a resolver sees it.

use async_graphql::{Context, Error};
use tidings_core::access::{Principal, Scope, ScopeSet};

use crate::{failure::Problem, texts::Failure};

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

/// Scopes as they were written at `path`, of those that may be given. What is wrong with them is
/// noted; `more` says it of one that may not be given.
pub fn read_scopes(
    path: &str,
    texts: &[String],
    given: ScopeSet,
    problems: &mut Vec<Problem>,
    more: impl Fn(Scope) -> String,
) -> ScopeSet {
    let mut scopes = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let path = format!("{path}/{index}");
        match text.parse::<Scope>() {
            Ok(scope) if given.allows(scope) => scopes.push(scope),
            Ok(scope) => problems.push(Problem::new(path, more(scope))),
            Err(error) => problems.push(Problem::new(path, error.to_string())),
        }
    }
    scopes.into_iter().collect()
}
