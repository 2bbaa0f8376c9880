//! What each command does, one file for each noun.

mod application;
mod delivery;
mod demo;
mod doctor;
mod listen;
mod migrate;
mod pages;
mod provider;
mod requests;
mod sample_provider;
mod serve;
mod token;
mod trigger;
mod webhook;

use crate::{cli::Command, failure::Failure};

/// Does what was asked for.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(options) => demo::run(options).await,
        Command::Serve(options) => serve::run(options).await,
        Command::Trigger(options) => trigger::run(options).await,
        Command::Application(command) => application::run(command).await,
        Command::Provider(command) => provider::run(command).await,
        Command::SampleProvider(options) => sample_provider::run(options).await,
        Command::Webhook(command) => webhook::run(command).await,
        Command::Delivery(command) => delivery::run(command).await,
        Command::Listen(options) => listen::run(options).await,
        Command::Token(command) => token::run(command).await,
        Command::Migrate(options) => migrate::run(options).await,
        Command::Doctor(options) => doctor::run(options).await,
    }
}
