//! Collecting accounts' data from providers, through their adapters. docs/adapters.md is what an
//! adapter is asked and answers.

pub mod adapter;
pub(crate) mod collection;
pub mod collector;
mod lease;
pub mod over_http;
pub mod protocol;
pub mod running;
pub(crate) mod secrecy;
mod setback;
