//! The platform as a source: stored queries run in this process, on the queries alone.
//!
//! ```text
//! call ─► parsed once, kept ─► executed as the application ─┬─ the store failed ─► Down
//!                                                           └─ response ─► raw JSON ─► Answered
//! ```

use std::{collections::BTreeSet, fmt, sync::Arc};

use async_graphql::{
    EmptyMutation, EmptySubscription, Request, Response, Schema, ServerError, ValidationMode,
    Value, Variables,
};
use async_trait::async_trait;
use serde_json::value::{RawValue, to_raw_value};
use tidings_core::{
    access::{Owner, Principal, TokenKind},
    ids::{ApplicationId, EntityId},
    source::SourceInfo,
    trigger::TriggerName,
};
use tidings_graphql::{Viewer, order};
use tidings_query::{
    GraphqlError, GraphqlResponse, SourceSchema, limits,
    source::{Call, Executed, Identity, Source},
};

use crate::{
    parsed_queries::ParsedQueries,
    reader::Reader,
    schema::{QueryRoot, QuerySchema, StoredQuery, query_sdl},
    triggers::{PublicOrigin, Trigger},
};

/// The built-in platform.
pub struct PlatformSource {
    info: SourceInfo,
    reader: Reader,
    parsed: ParsedQueries,
    executor: QuerySchema,
    schema: SourceSchema,
}

impl fmt::Debug for PlatformSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformSource").field("info", &self.info).finish_non_exhaustive()
    }
}

impl PlatformSource {
    /// `info` is what [`crate::source_info`] gave.
    #[must_use]
    pub fn new(reader: Reader, info: SourceInfo) -> PlatformSource {
        let executor = Schema::build(QueryRoot::default(), EmptyMutation, EmptySubscription)
            .data(reader.clone())
            .data(PublicOrigin::of(&info))
            // Rendering has checked the query in full against `schema` before it comes here, and
            // checks it again whenever that changes: doing so at each delivery would cost a third
            // more.
            .validation_mode(ValidationMode::Fast)
            .limit_depth(count(limits::DEPTH_MAX))
            .limit_complexity(count(limits::SELECTIONS_MAX))
            .limit_directives(count(limits::DIRECTIVES_MAX))
            .finish();
        let schema = SourceSchema::parse("", &query_sdl())
            .expect("the platform's own schema is valid: a test parses it");
        PlatformSource { info, reader, parsed: ParsedQueries::default(), executor, schema }
    }
}

fn count(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[async_trait]
impl Source for PlatformSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn schema(&self) -> SourceSchema {
        self.schema.clone()
    }

    async fn execute(&self, call: &Call) -> Executed {
        let document = match self.parsed.parse(&call.query) {
            Ok(document) => document,
            Err(error) => {
                return answered(Response::from_errors(vec![error.into()]), &BTreeSet::new());
            }
        };
        let variables = serde_json::Value::Object(call.variables.clone());
        let application = call.identity.application;
        let stored_query = match StoredQuery::about(&call.about, application, &self.reader).await {
            Ok(stored_query) => Arc::new(stored_query),
            Err(error) => return Executed::Down { why: error.to_string(), wait_ms: None },
        };
        let mut request = Request::new("")
            .variables(Variables::from_json(variables))
            .data(Viewer(Some(principal_of(&call.identity))))
            .data(Arc::clone(&stored_query));
        request.operation_name.clone_from(&call.operation_name);
        request.set_parsed_query((*document).clone());
        let mut response = self.executor.execute(request).await;
        order::restore(&mut response, &document, call.operation_name.as_deref());
        match stored_query.trouble() {
            Some(why) => Executed::Down { why, wait_ms: None },
            None => answered(response, &stored_query.subjects()),
        }
    }

    async fn owners(
        &self,
        trigger: &TriggerName,
        entity: &EntityId,
    ) -> Result<Vec<ApplicationId>, String> {
        let Some(trigger) = Trigger::named(trigger) else { return Ok(Vec::new()) };
        let owners = self.reader.owners(trigger.kind(), entity.as_str()).await;
        owners.map_err(|error| error.to_string())
    }
}

fn principal_of(identity: &Identity) -> Principal {
    Principal {
        owner: Owner::Application(identity.application),
        kind: TokenKind::Application,
        user: None,
        application_name: Some(identity.name.clone()),
        scopes: identity.scopes,
        expires_at: None,
    }
}

fn answered(response: Response, subjects: &BTreeSet<String>) -> Executed {
    let data = match &response.data {
        Value::Null => None,
        data => Some(raw(data)),
    };
    let errors = response.errors.iter().map(read_error).collect();
    // What is stored as an id is one.
    let subjects = subjects.iter().filter_map(|id| id.parse().ok()).collect();
    Executed::Answered(GraphqlResponse { data, errors, subjects })
}

fn read_error(error: &ServerError) -> GraphqlError {
    let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    let code = match code {
        Some(Value::String(code)) => Some(code.clone()),
        _ => None,
    };
    GraphqlError { message: error.message.clone(), code, raw: raw(error) }
}

fn raw(value: &impl serde::Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("a GraphQL response has string keys and finite numbers")
}
