//! The one schema of `/v1/graphql`: the management API and, where the platform is enabled, the
//! platform's.

use std::sync::Arc;

use async_graphql::{EmptySubscription, MergedObject, Schema};
use tidings_api::{
    Executor,
    graphql::{ManagementMutation, ManagementQuery},
};
use tidings_platform::{PlatformMutation, PlatformQuery, Reader, Writer};
use tidings_store::Store;

#[derive(MergedObject, Default)]
struct Query(ManagementQuery, PlatformQuery);

#[derive(MergedObject, Default)]
struct Mutation(ManagementMutation, PlatformMutation);

/// What runs requests; without a writer the schema is the management API alone.
pub fn executor(writer: Option<&Writer>, store: &Arc<dyn Store>) -> Executor {
    match writer {
        Some(writer) => Executor::of(
            Schema::build(Query::default(), Mutation::default(), EmptySubscription)
                .data(Reader::new(Arc::clone(store)))
                .data(writer.clone())
                .finish(),
        ),
        None => Executor::of(Schema::new(
            ManagementQuery::default(),
            ManagementMutation::default(),
            EmptySubscription,
        )),
    }
}
