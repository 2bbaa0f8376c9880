//! The management API: applications, tokens, sources, webhooks, events, deliveries and notices. One
//! file for each noun.
//!
//! ```text
//! resolver ─► Asker (who, with which scope) ─► store, provision ─► what was asked for
//!                                                └─ OperationFailure
//!                                                   or, on plain fields, an error with a code
//! ```
//!
//! An application sees and touches what is its own; another's is not there for it. The operator
//! sees everything.

use async_graphql::MergedObject;

mod asker;
mod jwt_profile;
mod redirect_uri;
mod application;
mod token;
mod token_list;
mod source;
mod filter;
mod webhook;
mod webhook_change;
mod event;
mod delivery;
mod delivery_change;
mod preview;
mod test_delivery;
mod notice;

pub use application::{Application, ApplicationMutation, ApplicationQuery};
pub use delivery::{Attempt, Delivery, DeliveryQuery};
pub use delivery_change::DeliveryMutation;
pub use event::{Event, EventQuery};
pub use notice::{Notice, NoticeQuery};
pub use preview::{Preview, PreviewMutation};
pub use source::{Source, SourceQuery, Trigger};
pub use test_delivery::TestMutation;
pub use token::{TokenAdded, TokenMutation, TokenRevoked};
pub use token_list::{Token, TokenQuery};
pub use webhook::{EndpointHealth, Webhook, WebhookQuery};
pub use webhook_change::WebhookMutation;

/// The queries of the management API.
#[derive(MergedObject, Default)]
pub struct ManagementQuery(
    ApplicationQuery,
    TokenQuery,
    SourceQuery,
    WebhookQuery,
    EventQuery,
    DeliveryQuery,
    NoticeQuery,
);

/// The mutations of the management API.
#[derive(MergedObject, Default)]
pub struct ManagementMutation(
    ApplicationMutation,
    TokenMutation,
    WebhookMutation,
    PreviewMutation,
    TestMutation,
    DeliveryMutation,
);
