//! The way out, tried from the outside. Servers listen on 127.0.0.1 alone; no other machine is ever
//! called.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod support;

mod denied;
mod hostile;
mod names;
mod network;
mod ranges;
mod reuse;
mod tls;
mod urls;
