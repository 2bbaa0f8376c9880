//! Plain values for tests, here and in the crates that build on this one.

use crate::{
    access::ScopeSet,
    application::{Application, ApplicationSettings, ClientType},
    event::{Event, JsonObject},
    ids::{ApplicationId, EndpointId, EventId, WebhookId},
    limits,
    retry::RetryPolicy,
    time::Wall,
    webhook::{PayloadMode, Queries, RunningClock, Status, Success, Webhook},
};

/// The wall clock of the samples: 2021-02-17T08:48:47.284Z.
pub const WALL: Wall = Wall(1_613_551_727_284);

/// An application with every scope that one can have.
#[must_use]
pub fn application(id: ApplicationId) -> Application {
    Application {
        id,
        name: format!("application-{id}").parse().expect("letters, a dash and digits are a name"),
        version: 1,
        scopes: ScopeSet::for_applications(),
        token_lifetime_s: None,
        settings: ApplicationSettings {
            redirect_uris: Vec::new(),
            client_type: ClientType::Confidential,
            access_levels: None,
            jwt_profiles: Vec::new(),
        },
        added_at: WALL,
        updated_at: WALL,
    }
}

/// An unsigned webhook on the platform that listens to `EnergySwitchAdded`.
#[must_use]
pub fn webhook(id: WebhookId, application: ApplicationId) -> Webhook {
    Webhook {
        id,
        application,
        name: format!("webhook {id}"),
        source: "platform".parse().expect("letters are a name"),
        triggers: vec!["EnergySwitchAdded".parse().expect("letters are a trigger's name")],
        url: format!("https://receiver.example.com/{id}"),
        endpoint: EndpointId(id.0),
        queries: Queries {
            common: Some("query($id: ID!) { getEnergySwitch(id: $id) { __typename } }".to_owned()),
            by_trigger: [].into(),
        },
        variables: JsonObject::new(),
        keys: Vec::new(),
        timeout_ms: limits::ATTEMPT_TIMEOUT_MS,
        success: Success::Only200,
        retry: RetryPolicy::standard(),
        payload: PayloadMode::Frozen,
        headers: Vec::new(),
        error_rules: Vec::new(),
        status: Status::Active,
        clock: RunningClock::default(),
        version: 1,
        added_at: WALL,
        updated_at: WALL,
    }
}

/// An event of the platform for the sample switch, heard by every application.
#[must_use]
pub fn event(trigger: &str) -> Event {
    Event {
        id: EventId::new(WALL, [1; 10]),
        trigger: trigger.parse().expect("tests fire well-formed triggers"),
        entity: "602cd86f3755d621aff583ee".parse().expect("hexadecimal digits are an id"),
        source: "platform".parse().expect("letters are a name"),
        application: None,
        variables: JsonObject::new(),
        date: WALL,
        test: false,
    }
}
