//! `tidings provider` and `tidings sample-provider`.

use std::net::SocketAddr;

use clap::{ArgAction, Args, Subcommand};

use super::{ServerOptions, values};

#[derive(Subcommand, Debug)]
pub enum ProviderCommand {
    /// Adds a provider, for every application
    #[command(after_help = "Example:\n  tidings provider add sse_sse --name SSE --sector ENERGY \
        --quick-check true --automated-data-collection true \
        --adapter-url http://127.0.0.1:9400")]
    Add {
        /// Its code: the group, an underscore, the brand
        code: String,
        #[command(flatten)]
        fields: ProviderFields,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Lists providers
    #[command(after_help = "Example:\n  tidings provider list --sector WATER")]
    List {
        /// That supply this
        #[arg(long, value_name = "SECTOR", value_parser = values::one_of(&values::SECTOR))]
        sector: Option<String>,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Shows a provider
    #[command(after_help = "Example:\n  tidings provider show sse_sse")]
    Show {
        /// Its code
        code: String,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Changes a provider: what is not named stays
    #[command(after_help = "Example:\n  tidings provider update sse_sse --quick-check false")]
    Update {
        /// Its code
        code: String,
        #[command(flatten)]
        fields: ProviderFields,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Removes a provider; accounts and switches still show it
    #[command(after_help = "Example:\n  tidings provider remove sse_sse")]
    Remove {
        /// Its code
        code: String,
        #[command(flatten)]
        server: ServerOptions,
    },
}

/// The fields of a provider.
#[derive(Args, Debug)]
pub struct ProviderFields {
    /// What people call it
    #[arg(long)]
    pub name: Option<String>,
    /// ENERGY, WATER, BROADBAND, MOBILE, TV, INSURANCE or OTHER
    #[arg(long, value_name = "SECTOR", value_parser = values::one_of(&values::SECTOR))]
    pub sector: Option<String>,
    /// Where its adapter is; empty: there is none any more
    #[arg(long, value_name = "URL")]
    pub adapter_url: Option<String>,
    /// Whether Full Check and Ongoing are offered
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    pub automated_data_collection: Option<bool>,
    /// Whether Quick Check is offered
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    pub quick_check: Option<bool>,
}

#[derive(Args, Debug)]
pub struct SampleProviderOptions {
    /// Where it listens; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9400")]
    pub listen: SocketAddr,
    /// Bills that every account has at first
    #[arg(long, value_name = "COUNT", default_value_t = 3,
        value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub documents: u32,
    /// How often every account gets another bill; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub new_every_s: u64,
    /// How long a bill's bytes are waited for
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pub document_delay_ms: u64,
    /// How often it wants to be asked for what is new
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(5..=2_592_000))]
    pub sync_every_s: u32,
}
