//! The platform's GraphQL objects: one file for each entity, with its type, queries and mutations.

use async_graphql::{EmptyMutation, EmptySubscription, MergedObject, Schema};

mod asking;
mod page;
mod user;
mod provider;
mod energy_switch;

pub use asking::StoredQuery;
pub use energy_switch::{EnergySwitchMutation, EnergySwitchObject, EnergySwitchQuery};
pub use page::EntityListPage;
pub use provider::{ProviderMutation, ProviderObject, ProviderQuery};
pub use user::{UserMutation, UserObject, UserQuery};

/// All queries of the platform. The data of the schema must hold a [`crate::Reader`].
#[derive(MergedObject, Default, Debug)]
#[graphql(name = "Query")]
pub struct PlatformQuery(UserQuery, ProviderQuery, EnergySwitchQuery);

/// All mutations of the platform. The data of the schema must hold a [`crate::Writer`] too.
#[derive(MergedObject, Default, Debug)]
#[graphql(name = "Mutation")]
pub struct PlatformMutation(UserMutation, ProviderMutation, EnergySwitchMutation);

/// The schema that stored queries see.
pub type QuerySchema = Schema<PlatformQuery, EmptyMutation, EmptySubscription>;

/// The schema that stored queries see, as SDL.
#[must_use]
pub fn query_sdl() -> String {
    QuerySchema::new(PlatformQuery::default(), EmptyMutation, EmptySubscription).sdl()
}

/// All of the platform's API as SDL, without the management API.
#[must_use]
pub fn sdl() -> String {
    let (query, mutation) = (PlatformQuery::default(), PlatformMutation::default());
    Schema::new(query, mutation, EmptySubscription).sdl()
}
