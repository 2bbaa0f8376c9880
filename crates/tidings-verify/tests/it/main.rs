//! What a receiver may count on.
#![allow(clippy::unwrap_used)]

mod key;
mod properties;
mod sha1_header;
mod standard;
mod vectors;
