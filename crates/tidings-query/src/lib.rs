//! Stored GraphQL documents: read, checked, made canonical, run and turned into payloads.
//!
//! ```text
//! when a webhook is saved     text ─► document ─► check ─► CheckedQuery   (problems for people)
//!                                        schema ───┘ └─ variables, cost, coordinates
//! when a schema changes       drift: the same check against the new schema
//! when a trigger fires        variables ─► source ─► response ─► render ─► payload
//! ```
//!
//! Nothing here knows a runtime, a file, a socket, a clock or a source of randomness. Modules use
//! those above them in this list.

pub mod limits;
mod problem;
mod suggest;
mod token;
mod canonical;
mod explain;
mod affordable;
mod schema;
mod document;
mod shape;
mod coerce;
mod variables;
mod positions;
pub mod cost;
mod checked;
mod coordinates;
pub mod check;
mod drift;
pub mod response;
pub mod source;
pub mod render;

pub use canonical::canonical;
pub use check::{CheckedQuery, check, check_at};
pub use coordinates::coordinates;
pub use document::{ParsedDocument, parse};
pub use drift::drift;
pub use problem::QueryProblem;
pub use response::{GraphqlError, GraphqlResponse, ResponseError, ResponseLimits, read_response};
pub use schema::SourceSchema;
pub use variables::{
    DeclaredVariable, DeclaredVariables, ID, ProvidedVariables, Undeclared, compose,
    compose_checked, undeclared_everywhere,
};
