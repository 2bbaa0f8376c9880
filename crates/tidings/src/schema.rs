//! The one schema of `/v1/graphql`: the management API and, where the platform is enabled, the
//! platform's.

use std::sync::Arc;

use async_graphql::{EmptySubscription, MergedObject, Schema};
use tidings_api::{
    Executor,
    graphql::{ManagementMutation, ManagementQuery},
};
use tidings_platform::{
    PlatformMutation, PlatformQuery, PublicOrigin, Reader, Writer, schema::query_names,
};
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
                .data(PublicOrigin::of(writer.source()))
                .data(writer.clone())
                .finish(),
        )
        .with_polled(query_names()),
        None => Executor::of(Schema::new(
            ManagementQuery::default(),
            ManagementMutation::default(),
            EmptySubscription,
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Set by `cargo xtask schema`: the file is written instead of compared.
    const WRITE: &str = "TIDINGS_WRITE_SCHEMA";

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the chore that writes the file asks by variable")]
    fn the_committed_schema_is_the_one_that_is_served() {
        let schema = Schema::new(Query::default(), Mutation::default(), EmptySubscription);
        let sdl = schema.sdl();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema.graphql");
        if std::env::var_os(WRITE).is_some() {
            fs::write(&file, &sdl).unwrap();
        }
        let committed = fs::read_to_string(&file).unwrap_or_default();
        assert!(committed == sdl, "schema.graphql is not what is served: run `cargo xtask schema`");
    }
}
