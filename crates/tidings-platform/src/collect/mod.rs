//! Collecting accounts' data from providers, through their adapters. docs/adapters.md is what an
//! adapter is asked and answers.

pub mod protocol;
