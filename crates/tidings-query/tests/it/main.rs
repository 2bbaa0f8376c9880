//! The crate as its users see it.

#![allow(clippy::unwrap_used)]

mod canonical;
mod check;
mod cost;
mod drift;
mod limits;
mod render;
mod response;
mod schemas;
mod variables;
