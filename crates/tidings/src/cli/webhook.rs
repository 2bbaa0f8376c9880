//! `tidings webhook`: the options are the input fields of the management API in kebab-case.

use clap::{Args, Subcommand};

use super::{ServerOptions, values};

#[derive(Subcommand, Debug)]
pub enum WebhookCommand {
    /// Adds a webhook
    #[command(after_help = "Example:\n  tidings webhook add --application acme --name switches \
        --triggers EnergySwitchAdded --url https://example.com/hook --query @switch.graphql")]
    Add {
        /// Who owns it; needed with an operator's token
        #[arg(long, value_name = "NAME")]
        application: Option<String>,
        #[command(flatten)]
        fields: Box<WebhookFields>,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Lists webhooks
    #[command(after_help = "Example:\n  tidings webhook list --status HELD")]
    List {
        /// Of this application
        #[arg(long, value_name = "NAME")]
        application: Option<String>,
        /// That listen to this trigger
        #[arg(long, value_name = "NAME")]
        trigger: Option<String>,
        /// ACTIVE, PAUSED, HELD or DISABLED; repeat for more
        #[arg(long, value_name = "STATUS", value_parser = values::one_of(&values::WEBHOOK_STATUS))]
        status: Vec<String>,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Shows a webhook and how its endpoint is
    #[command(after_help = "Example:\n  tidings webhook show 1")]
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Changes a webhook: what is not named stays
    #[command(after_help = "Example:\n  tidings webhook update 1 --timeout-ms 5000 --clear retry")]
    Update {
        /// Its id
        id: String,
        #[command(flatten)]
        fields: Box<WebhookFields>,
        /// A field that goes back to its default, as in `--clear headers`
        #[arg(long, value_name = "FIELD")]
        clear: Vec<String>,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Removes a webhook and cancels what waits for it
    #[command(after_help = "Example:\n  tidings webhook remove 1")]
    Remove {
        /// Its id
        id: String,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Stops sending; deliveries wait
    #[command(after_help = "Example:\n  tidings webhook pause 1")]
    Pause {
        /// Its id
        id: String,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Sends again, also after the receiver answered 410
    #[command(after_help = "Example:\n  tidings webhook resume 1")]
    Resume {
        /// Its id
        id: String,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Sends a test delivery and shows the answer; exit code 1 when it is not a success
    #[command(after_help = "Example:\n  tidings webhook test 1 602cd86f3755d621aff583ee")]
    Test {
        /// Its id
        id: String,
        /// The entity's id
        entity: String,
        /// The trigger [default: the first that the webhook listens to]
        #[arg(long, value_name = "NAME")]
        trigger: Option<String>,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Runs the query and prints the exact signed request, without sending it; the connection adds
    /// Host and Content-Length
    #[command(after_help = "Examples:\n  tidings webhook preview 1 602cd86f3755d621aff583ee\n  \
        tidings webhook preview --entity 602cd86f3755d621aff583ee --name new --application acme \
        --triggers EnergySwitchAdded --url https://example.com/hook --query @switch.graphql")]
    Preview {
        /// Its id; without one the options describe a webhook that does not exist yet
        id: Option<String>,
        /// The entity's id
        #[arg(value_name = "ENTITY")]
        entity_after_id: Option<String>,
        /// The entity's id, where no webhook is named
        #[arg(long, value_name = "ID")]
        entity: Option<String>,
        /// The trigger [default: the first that the webhook listens to]
        #[arg(long, value_name = "NAME")]
        trigger: Option<String>,
        /// Who would own it; needed with an operator's token
        #[arg(long, value_name = "NAME")]
        application: Option<String>,
        #[command(flatten)]
        fields: Box<WebhookFields>,
        #[command(flatten)]
        server: ServerOptions,
    },
}

/// The input fields of a webhook. Lists repeat the option; a value `@FILE` is read from the file.
#[derive(Args, Clone, Debug, Default)]
pub struct WebhookFields {
    /// What it is called
    #[arg(long, help_heading = "Webhook")]
    pub name: Option<String>,
    /// The source that its queries run on, where there are several
    #[arg(long, help_heading = "Webhook")]
    pub source: Option<String>,
    /// A trigger that it listens to
    #[arg(long, value_name = "TRIGGER", help_heading = "Webhook")]
    pub triggers: Vec<String>,
    /// Where it is sent
    #[arg(long, help_heading = "Webhook")]
    pub url: Option<String>,
    /// The query for all triggers that have none of their own
    #[arg(long, help_heading = "Webhook")]
    pub query: Option<String>,
    /// The query for one trigger
    #[arg(long, value_name = "TRIGGER=QUERY", help_heading = "Webhook")]
    pub queries: Vec<String>,
    /// Variables for the queries that declare them
    #[arg(long, value_name = "JSON", help_heading = "Webhook")]
    pub variables: Option<String>,
    /// The shared key; left out, a strong one is made and shown once
    #[arg(long, help_heading = "Webhook")]
    pub key: Option<String>,
    /// No shared key: requests are not signed
    #[arg(long, help_heading = "Webhook")]
    pub unsigned: bool,
    /// How long an attempt may take, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", help_heading = "Webhook")]
    pub timeout_ms: Option<u32>,
    /// Which answers are a success: ONLY_200 or ANY_2XX
    #[arg(long, help_heading = "Webhook", value_parser = values::one_of(&values::SUCCESS))]
    pub success: Option<String>,
    /// When it is tried again, as {"delaysS": [5, 30], "horizonS": 3600}
    #[arg(long, value_name = "JSON", help_heading = "Webhook")]
    pub retry: Option<String>,
    /// Whether retries send the same bytes (FROZEN) or run the query again (FRESH)
    #[arg(long, value_name = "MODE", help_heading = "Webhook",
        value_parser = values::one_of(&values::PAYLOAD_MODE))]
    pub payload: Option<String>,
    /// A header that is added to each request
    #[arg(long, value_name = "NAME=VALUE", alias = "header", help_heading = "Webhook")]
    pub headers: Vec<String>,
    /// What is done about an error of the query: DELIVER, RETRY, HOLD or DROP
    #[arg(long, value_name = "CODE=ACTION", alias = "error", help_heading = "Webhook",
        value_parser = values::error_rule)]
    pub errors: Vec<String>,
}
