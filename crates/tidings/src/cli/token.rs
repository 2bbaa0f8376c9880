//! `tidings token` as it is written.

use clap::{Subcommand, ValueEnum};
use tidings_core::access::TokenKind;

use super::{ConfigOptions, ServerOptions};

/// What an application's token is for.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum IssuedKind {
    /// The application's own
    Application,
    /// Kept on its servers: makes tokens of its users and reads what is theirs
    PrivateMaster,
    /// Given to its users' devices: makes new users with their tokens
    PublicMaster,
    /// For one of its users
    User,
}

impl IssuedKind {
    /// The kind that it stands for.
    #[must_use]
    pub fn token_kind(self) -> TokenKind {
        match self {
            IssuedKind::Application => TokenKind::Application,
            IssuedKind::PrivateMaster => TokenKind::PrivateMaster,
            IssuedKind::PublicMaster => TokenKind::PublicMaster,
            IssuedKind::User => TokenKind::User,
        }
    }
}

#[derive(Subcommand, Debug)]
pub enum TokenCommand {
    /// Issues a token and prints it, once
    #[command(after_help = "Examples:\n  tidings token issue\n  \
        tidings token issue --application acme --scopes fire:triggers\n  \
        tidings token issue --application acme --kind private-master\n  \
        tidings token issue --application acme --kind user --user 5d5d8f0a9f2b3c4d5e6f7a8b")]
    Issue {
        /// Whose it is [default: the operator's]
        #[arg(long, value_name = "NAME")]
        application: Option<String>,
        /// What it is for [default: its owner's own]
        #[arg(long, value_enum, requires = "application")]
        kind: Option<IssuedKind>,
        /// The id of the user whose it is, for a token of the kind `user`
        #[arg(long, value_name = "ID", requires = "kind")]
        user: Option<String>,
        /// A scope that it has; repeat for more [default: admin for the operator, else all that
        /// the application has and the kind can have]
        #[arg(long, value_name = "SCOPE", alias = "scope")]
        scopes: Vec<String>,
        /// How long it lasts, in seconds [default: what the application says, else an hour for a
        /// user's and for ever for others]
        #[arg(long, value_name = "SECONDS")]
        lifetime_s: Option<u32>,
        #[command(flatten)]
        config: ConfigOptions,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Lists tokens, without their secrets
    #[command(after_help = "Example:\n  tidings token list --application acme")]
    List {
        /// Of this application
        #[arg(long, value_name = "NAME")]
        application: Option<String>,
        #[command(flatten)]
        config: ConfigOptions,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Revokes a token
    #[command(after_help = "Example:\n  tidings token revoke 3")]
    Revoke {
        /// Its id, as `token list` shows it
        id: String,
        #[command(flatten)]
        config: ConfigOptions,
        #[command(flatten)]
        server: ServerOptions,
    },
}
