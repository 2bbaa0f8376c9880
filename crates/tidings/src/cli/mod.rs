//! The command line: what can be asked for. What it means is in `commands/`.
//!
//! ```text
//!   arguments ─┐
//!   TIDINGS_* ─┴─► clap ─► Cli ─► commands
//!                    └─ wrong usage ─► one line on stderr, exit code 2
//! ```

mod environment;
mod provider;
mod token;
mod usage;
mod values;
mod webhook;

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Args, Command as ClapCommand, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    error::ErrorKind,
};

use crate::{config::Overrides, failure::Failure};

use environment::with_environment;
pub use provider::{ProviderCommand, ProviderFields, SampleProviderOptions};
pub use token::{IssuedKind, TokenCommand};
use usage::{named_command, wrong_usage};
pub use values::{from_file, json_value, list_items};
pub use webhook::{WebhookCommand, WebhookFields};

/// Query-shaped webhooks for any GraphQL API, self-hosted.
#[derive(Parser, Debug)]
#[command(name = "tidings", version, disable_help_subcommand = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  tidings demo                          everything on this machine, with nothing to prepare
  tidings serve                         the server
  tidings trigger EnergySwitchAdded 602cd86f3755d621aff583ee

Every option can be set by the environment: TIDINGS_ and its name, as in TIDINGS_LISTEN.
An option beats the environment, which beats the configuration file.";

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Shows the whole product on this machine, with nothing to prepare
    #[command(after_help = "Example:\n  tidings demo --once")]
    Demo(Demo),
    /// Runs the server
    #[command(after_help = "Example:\n  tidings serve --config tidings.toml")]
    Serve(Serve),
    /// Fires a trigger at a running server
    #[command(
        after_help = "Example:\n  tidings trigger EnergySwitchAdded 602cd86f3755d621aff583ee"
    )]
    Trigger(Trigger),
    /// Manages client applications
    #[command(subcommand, after_help = "Example:\n  tidings application add acme")]
    Application(ApplicationCommand),
    /// Manages the platform's providers
    #[command(subcommand, after_help = "Example:\n  tidings provider list")]
    Provider(ProviderCommand),
    /// Runs a provider's adapter to play with: POST sample/documents adds a bill
    #[command(after_help = "Example:\n  tidings sample-provider --documents 200 --new-every-s 60")]
    SampleProvider(SampleProviderOptions),
    /// Manages webhooks
    #[command(subcommand, after_help = "Example:\n  tidings webhook list --application acme")]
    Webhook(WebhookCommand),
    /// Shows what became of deliveries, and sends them again
    #[command(subcommand, after_help = "Example:\n  tidings delivery list --state EXHAUSTED")]
    Delivery(DeliveryCommand),
    /// Receives webhooks: prints what arrives, verifies it, answers 200
    #[command(after_help = "Example:\n  tidings listen --port 9000 --key whsec_…")]
    Listen(Listen),
    /// Manages API tokens
    #[command(subcommand, after_help = "Example:\n  tidings token issue --application acme")]
    Token(TokenCommand),
    /// Brings the database to this version's schema, and says which that is
    #[command(after_help = "Example:\n  tidings migrate --database sqlite:tidings.db")]
    Migrate(Migrate),
    /// Says what is wrong with this installation and how to mend it
    #[command(after_help = "Examples:\n  tidings doctor --config tidings.toml\n  \
        tidings doctor --data-dir tidings-demo")]
    Doctor(Doctor),
}

/// How the log is written; it goes to stderr.
#[derive(Args, Clone, Debug)]
pub struct LogOptions {
    /// What is logged: error, warn, info, debug or trace, also by part, as in
    /// `info,tidings_deliver=debug`
    #[arg(long, value_name = "LEVEL", default_value = "info", help_heading = "Log")]
    pub log_level: String,
    /// How log lines look
    #[arg(long, value_name = "FORMAT", default_value = "human", help_heading = "Log")]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Where the configuration and the database are.
#[derive(Args, Clone, Debug)]
pub struct ConfigOptions {
    /// The configuration [default: tidings.toml, where it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The database, as sqlite:PATH [default: sqlite:tidings.db]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
}

impl ConfigOptions {
    /// What is laid over the file.
    pub fn overrides(&self) -> Overrides {
        Overrides { file: self.config.clone(), listen: None, database: self.database.clone() }
    }
}

/// How a running server is reached.
#[derive(Args, Clone, Debug)]
pub struct ServerOptions {
    /// The running server [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", env = "TIDINGS_URL", help_heading = "Server")]
    pub server: Option<String>,
    /// An API token, or @FILE with one; better set in the environment
    #[arg(long, value_name = "TOKEN", help_heading = "Server")]
    pub token: Option<String>,
    /// Prints the API's object as JSON; of a list, one object a line
    #[arg(long, help_heading = "Server")]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Demo {
    /// Ends after the deliveries were verified: exit code 0, or 1 when they were not
    #[arg(long)]
    pub once: bool,
    /// Where the server listens [default: 127.0.0.1:8080, or another port when that is taken]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Where everything is kept
    #[arg(long, value_name = "DIR", default_value = "tidings-demo")]
    pub data_dir: PathBuf,
    #[command(flatten)]
    pub log: DemoLogOptions,
}

/// The demo tells its own story, so its log is quiet unless asked.
#[derive(Args, Clone, Debug)]
pub struct DemoLogOptions {
    /// What is logged beside the demo's own lines: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "warn", help_heading = "Log")]
    pub log_level: String,
    /// How log lines look
    #[arg(long, value_name = "FORMAT", default_value = "human", help_heading = "Log")]
    pub log_format: LogFormat,
}

#[derive(Args, Debug)]
pub struct Serve {
    #[command(flatten)]
    pub config: ConfigOptions,
    /// Where the server listens [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    #[command(flatten)]
    pub log: LogOptions,
}

#[derive(Args, Debug)]
pub struct Trigger {
    /// The trigger, as in EnergySwitchAdded
    pub name: String,
    /// The entity's id
    pub id: String,
    /// Whose webhooks hear it [default: the token's application; the operator's: all]
    #[arg(long, value_name = "NAME")]
    pub application: Option<String>,
    /// Passed to the queries that declare them: a JSON object, or @FILE with one
    #[arg(long, value_name = "JSON")]
    pub variables: Option<String>,
    /// The source, where there are several
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// The same key within 7 days gives the same event
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Subcommand, Debug)]
pub enum ApplicationCommand {
    /// Adds an application
    #[command(after_help = "Examples:\n  \
        tidings application add acme --scopes fire:triggers\n  \
        tidings application add app --client-type PUBLIC --redirect-uris \
        https://app.example.com/linked")]
    Add {
        /// Its name: lower-case letters, digits, `-` and `_`
        name: String,
        #[command(flatten)]
        fields: ApplicationFields,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Lists applications
    #[command(after_help = "Example:\n  tidings application list --json")]
    List {
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Shows an application
    #[command(after_help = "Example:\n  tidings application show acme")]
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Changes an application
    #[command(after_help = "Examples:\n  \
        tidings application update acme --token-lifetime-s 3600\n  \
        tidings application update acme --access-levels QUICK_CHECK --access-levels FULL_CHECK\n  \
        tidings application update acme --jwt-profiles @login.json\n  \
        tidings application update acme --clear jwt-profiles")]
    Update {
        /// Its name
        name: String,
        #[command(flatten)]
        fields: ApplicationFields,
        /// A field that is to be empty again, as in `--clear token-lifetime-s`
        #[arg(long, value_name = "FIELD")]
        clear: Vec<String>,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Removes an application with its webhooks and tokens
    #[command(after_help = "Example:\n  tidings application remove acme")]
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        server: ServerOptions,
    },
}

/// The fields of an application; lists repeat the option.
#[derive(Args, Debug)]
pub struct ApplicationFields {
    /// A scope that its tokens and queries may have
    #[arg(long, value_name = "SCOPE", alias = "scope")]
    pub scopes: Vec<String>,
    /// Where people may be sent back to
    #[arg(long, value_name = "URI", alias = "redirect-uri")]
    pub redirect_uris: Vec<String>,
    /// CONFIDENTIAL or PUBLIC
    #[arg(long, value_name = "TYPE", value_parser = values::one_of(&values::CLIENT_TYPE))]
    pub client_type: Option<String>,
    /// What it may have collected: QUICK_CHECK, FULL_CHECK or FULL_CHECK_ONGOING [default: all]
    #[arg(long, value_name = "LEVEL", alias = "access-level",
        value_parser = values::one_of(&values::ACCESS_LEVEL))]
    pub access_levels: Vec<String>,
    /// How long its tokens last, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub token_lifetime_s: Option<u32>,
    /// How tokens are checked that it signs itself: a profile as JSON, or @FILE with one; see
    /// docs/tokens.md. What is given replaces all that it has
    #[arg(long, value_name = "JSON", alias = "jwt-profile")]
    pub jwt_profiles: Vec<String>,
}

#[derive(Subcommand, Debug)]
pub enum DeliveryCommand {
    /// Lists deliveries, newest first
    #[command(after_help = "Example:\n  tidings delivery list --webhook 1 --state EXHAUSTED")]
    List {
        #[command(flatten)]
        filter: DeliveryFilterOptions,
        /// How many at most
        #[arg(long, value_name = "COUNT", default_value_t = 50,
            value_parser = clap::value_parser!(u32).range(1..=10_000))]
        first: u32,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Shows a delivery with its payload and attempts
    #[command(after_help = "Example:\n  tidings delivery show AZqQ…AAA=")]
    Show {
        /// Its id, the `webhook.id` of the request
        id: String,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Sends a delivery again, or all that the options name, as new deliveries
    #[command(after_help = "Examples:\n  tidings delivery replay AZqQ…AAA=\n  \
        tidings delivery replay --webhook 1 --state EXHAUSTED")]
    Replay {
        /// Its id; without one the options say which
        id: Option<String>,
        #[command(flatten)]
        filter: DeliveryFilterOptions,
        /// FROZEN sends the same data again, FRESH runs the query anew
        #[arg(long, value_name = "MODE",
            value_parser = values::one_of(&values::PAYLOAD_MODE))]
        payload: Option<String>,
        #[command(flatten)]
        server: ServerOptions,
    },
}

/// Which deliveries; `state` repeats the option.
#[derive(Args, Debug)]
pub struct DeliveryFilterOptions {
    /// Of this application
    #[arg(long, value_name = "NAME")]
    pub application: Option<String>,
    /// To this webhook
    #[arg(long, value_name = "ID")]
    pub webhook: Option<String>,
    /// Heard under this trigger
    #[arg(long, value_name = "NAME")]
    pub trigger: Option<String>,
    /// For this entity
    #[arg(long, value_name = "ID")]
    pub entity: Option<String>,
    /// PENDING, LEASED, HELD, DELIVERED, SUPPRESSED, EXHAUSTED or CANCELLED
    #[arg(long, value_name = "STATE", value_parser = values::one_of(&values::DELIVERY_STATE))]
    pub state: Vec<String>,
    /// Added then or later, as 2021-02-17T08:48:47Z
    #[arg(long, value_name = "DATE", value_parser = values::date)]
    pub from: Option<String>,
    /// Added before
    #[arg(long, value_name = "DATE", value_parser = values::date)]
    pub until: Option<String>,
}

#[derive(Args, Debug)]
pub struct Listen {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 9000)]
    pub port: u16,
    /// The webhook's shared key, or @FILE with it; two while it is being rotated
    #[arg(long, value_name = "KEY")]
    pub key: Vec<String>,
    /// The status of every answer
    #[arg(long, value_name = "STATUS", default_value_t = 200,
        value_parser = clap::value_parser!(u16).range(200..=599))]
    pub status: u16,
    /// How long every answer waits
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pub delay_ms: u64,
    /// Which part of the requests is answered with 500: 0 is none, 1 is all
    #[arg(long, value_name = "PART", default_value_t = 0.0, value_parser = values::part)]
    pub fail_rate: f64,
    /// Prints one JSON object a request
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Migrate {
    #[command(flatten)]
    pub config: ConfigOptions,
    /// Prints a JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Doctor {
    #[command(flatten)]
    pub config: ConfigOptions,
    /// The folder of a demo, to look at that instead
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "database"])]
    pub data_dir: Option<PathBuf>,
    /// Where the server listens [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Prints one JSON object a finding
    #[arg(long)]
    pub json: bool,
}

/// What reading the command line came to.
pub enum Parsed {
    /// A command.
    Command(Box<Command>),
    /// A text was asked for: help or the version.
    Text(String),
}

/// Reads the command line and the environment.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Parsed, Failure> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = command().try_get_matches_from(&arguments);
    match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => Ok(Parsed::Command(Box::new(cli.command))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(Parsed::Text(error.render().to_string()))
            }
            _ => Err(wrong_usage(&error, &named_command(&command(), &arguments))),
        },
    }
}

/// The command line with an environment variable for every option.
fn command() -> ClapCommand {
    let singular = |command: ClapCommand| command.mut_arg("triggers", |all| all.alias("trigger"));
    // `preview` has a --trigger of its own.
    let command = Cli::command().mut_subcommand("webhook", |webhook| {
        webhook.mut_subcommand("add", singular).mut_subcommand("update", singular)
    });
    with_environment(command)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
