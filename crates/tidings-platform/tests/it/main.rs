//! The platform on the reference store.
#![allow(clippy::unwrap_used)]

mod support;

mod queries;
mod access;
mod access_tokens;
mod accounts;
mod subjects;
mod collected;
mod to_dos;
mod batches;
mod tombstones;
mod erasure;
mod mutations;
mod providers;
mod inputs;
mod pages;
mod polling;
mod source;
mod schema;
mod library;
mod adapters;
mod adapters_over_http;
mod collecting;
mod collecting_stops;
mod collecting_secrets;
mod examples;
mod auth_link;
