//! Auth Link over its router: the pages as a browser sees them, the tokens as a client does.

mod browser;
mod linked_world;
mod requests;
mod flow;
mod codes;
mod refreshing;
mod pages;
mod status;
mod secrecy;
