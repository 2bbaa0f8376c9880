//! An end user.

use serde::{Deserialize, Serialize};
use tidings_core::time::Wall;
use tidings_graphql::Thing;

use super::stored::Body;

/// An end user of a client application.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct User {
    /// What the application's own sign-on calls the user, where it told us.
    pub tenant_id: Option<String>,
    /// What the application calls the user.
    pub reference: Option<String>,
    /// When the user was added.
    pub added_at: Wall,
}

impl Body for User {
    const KIND: &'static str = "User";
    const THING: Thing = Thing::User;
}
