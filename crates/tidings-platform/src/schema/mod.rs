//! The platform's GraphQL objects: one file for each entity, with its type, queries and mutations.

use std::collections::BTreeSet;

use async_graphql::{
    EmptyMutation, EmptySubscription, MergedObject, OutputType, Schema, registry::Registry,
};

mod gone;
mod asking;
mod batch;
mod page;
mod user;
mod access_token;
mod provider;
mod account;
mod link;
mod provision;
mod document;
mod to_do;
mod energy_switch;

pub use access_token::{AccessToken, AccessTokenMutation};
pub use account::{AccountMutation, AccountObject, AccountQuery};
pub use asking::StoredQuery;
pub use batch::Shown;
pub use document::{DocumentObject, DocumentQuery};
pub use energy_switch::{EnergySwitchMutation, EnergySwitchObject, EnergySwitchQuery};
pub use link::{ConsentInput, CredentialInput, LinkAccountResult, LinkMutation};
pub use page::EntityListPage;
pub use provider::{ProviderMutation, ProviderObject, ProviderQuery};
pub use provision::{ProvisionObject, ProvisionQuery};
pub use to_do::{ToDoMutation, ToDoObject, ToDoQuery};
pub use user::{UserMutation, UserObject, UserQuery};

/// All queries of the platform, to be merged into a schema whose data holds a [`crate::Reader`] and
/// a [`crate::PublicOrigin`].
#[derive(MergedObject, Default, Debug)]
pub struct PlatformQuery(
    UserQuery,
    ProviderQuery,
    AccountQuery,
    ProvisionQuery,
    DocumentQuery,
    ToDoQuery,
    EnergySwitchQuery,
);

/// All mutations of the platform, to be merged into a schema whose data holds a [`crate::Writer`]
/// too.
#[derive(MergedObject, Default, Debug)]
pub struct PlatformMutation(
    UserMutation,
    AccessTokenMutation,
    ProviderMutation,
    AccountMutation,
    LinkMutation,
    ToDoMutation,
    EnergySwitchMutation,
);

/// What can be asked of the platform.
#[derive(MergedObject, Default, Debug)]
#[graphql(name = "Query")]
pub struct QueryRoot(PlatformQuery);

/// What can be changed on the platform.
#[derive(MergedObject, Default, Debug)]
#[graphql(name = "Mutation")]
pub struct MutationRoot(PlatformMutation);

/// The schema that stored queries see.
pub type QuerySchema = Schema<QueryRoot, EmptyMutation, EmptySubscription>;

/// The schema that stored queries see, as SDL.
#[must_use]
pub fn query_sdl() -> String {
    QuerySchema::new(QueryRoot::default(), EmptyMutation, EmptySubscription).sdl()
}

/// The names of the platform's queries. Their answers depend on entities and on who asks, and on
/// nothing else: not on the time, and not on what stands in other tables.
#[must_use]
pub fn query_names() -> BTreeSet<String> {
    let mut registry = Registry::default();
    QueryRoot::create_type_info(&mut registry);
    let root = registry.types.get("Query");
    let fields = root.and_then(|root| root.fields()).expect("the root is an object");
    fields.keys().cloned().collect()
}

/// All of the platform's API as SDL, without the management API.
#[must_use]
pub fn sdl() -> String {
    Schema::new(QueryRoot::default(), MutationRoot::default(), EmptySubscription).sdl()
}
