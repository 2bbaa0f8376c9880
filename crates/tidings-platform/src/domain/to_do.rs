//! Something that a user is asked to do.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};
use tidings_core::time::Wall;
use tidings_graphql::Thing;
use tidings_store::Link;

use super::stored::{ACCOUNT_ROLE, Body, USER_ROLE, link};

/// A to-do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ToDo {
    /// The id of the user who is asked.
    pub user: String,
    /// The id of the account that it is about.
    pub account: Option<String>,
    /// What kind of thing is to be done.
    pub kind: ToDoKind,
    /// What is to be done, in words.
    pub title: String,
    /// When it was done.
    pub done_at: Option<Wall>,
    /// When it was added.
    pub added_at: Wall,
}

impl Body for ToDo {
    const KIND: &'static str = "ToDo";
    const THING: Thing = Thing::ToDo;

    fn links(&self) -> Vec<Link> {
        let done = self.done_at.is_some();
        let mut links = vec![
            ToDo::link_to(Some(&self.user), None).expect("there is a user"),
            ToDo::link_to(None, Some(done)).expect("there is a state"),
            ToDo::link_to(Some(&self.user), Some(done)).expect("there are a user and a state"),
        ];
        links.extend(self.account.as_deref().map(|account| link(ACCOUNT_ROLE, account)));
        links
    }

    fn user(&self) -> Option<&str> {
        Some(&self.user)
    }

    fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }
}

impl ToDo {
    /// The link by which the to-dos of a user, in a state, or of a user in a state are found.
    /// `None`: all are meant.
    #[must_use]
    pub fn link_to(user: Option<&str>, done: Option<bool>) -> Option<Link> {
        match (user, done) {
            (None, None) => None,
            (Some(user), None) => Some(link(USER_ROLE, user)),
            (None, Some(done)) => Some(link("done", &done.to_string())),
            (Some(user), Some(done)) => Some(link(ToDo::user_role(Some(done)), user)),
        }
    }

    /// The role by which the to-dos of a user, perhaps those in one state, hang on the user.
    #[must_use]
    pub fn user_role(done: Option<bool>) -> &'static str {
        match done {
            None => USER_ROLE,
            Some(true) => "user_done",
            Some(false) => "user_open",
        }
    }
}

/// What kind of thing is to be done.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ToDoKind {
    /// Give the credentials of an account again.
    RenewCredentials,
    /// Read a meter and tell the number.
    ProvideMeterReading,
    /// Look at a tariff, whether it still fits.
    ReviewTariff,
    /// Confirm a switch.
    ConfirmSwitch,
    /// Anything else.
    Other,
}
