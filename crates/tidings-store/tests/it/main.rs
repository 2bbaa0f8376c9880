//! The reference is held to the contract that it is the reference of.

#![allow(clippy::unwrap_used)]

mod memory;
