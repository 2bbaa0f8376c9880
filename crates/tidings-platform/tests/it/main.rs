//! The platform on the reference store.
#![allow(clippy::unwrap_used)]

mod support;

mod queries;
mod mutations;
mod providers;
mod inputs;
mod pages;
mod source;
mod schema;
