//! In construction.

fn main() {}
