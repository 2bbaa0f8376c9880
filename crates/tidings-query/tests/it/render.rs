//! From a query to a body, with a source that answers what the test says.

use async_trait::async_trait;
use futures_util::FutureExt;
use serde_json::{Value, json};
use tidings_core::{
    access::ScopeSet,
    delivery::{Reason, ReasonCode},
    event::Event,
    ids::{ApplicationId, DeliveryId, EntityId, WebhookId},
    samples,
    source::{SourceInfo, TriggerCatalogue},
    time::{DAY_MS, HOUR_MS},
    trigger::TriggerName,
    webhook::{ErrorAction, ErrorRule, Webhook},
};
use tidings_query::{
    ResponseLimits, SourceSchema, read_response,
    render::{RenderRequest, Rendered, Rendering, SourceAnswer, Waited, plan, render},
    source::{Call, Executed, Identity, Source},
};

use crate::schemas::PLATFORM;

struct Scripted {
    info: SourceInfo,
    /// What the query must be told to be about.
    fired: TriggerName,
    executed: Executed,
}

#[async_trait]
impl Source for Scripted {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn schema(&self) -> SourceSchema {
        SourceSchema::parse("/schema", PLATFORM).unwrap()
    }

    async fn execute(&self, call: &Call) -> Executed {
        assert!(call.query.starts_with("query($id: ID!"), "{}", call.query);
        assert_eq!(call.variables["id"], call.about.entity.as_str());
        assert_eq!(call.about.trigger, self.fired);
        self.executed.clone()
    }

    async fn owners(&self, _: &TriggerName, _: &EntityId) -> Result<Vec<ApplicationId>, String> {
        Ok(Vec::new())
    }
}

fn answered(response: &Value) -> Executed {
    let bytes = response.to_string().into_bytes();
    Executed::Answered(read_response(&bytes, ResponseLimits::STANDARD).unwrap())
}

fn rules(rules: &[(&str, ErrorAction)]) -> Webhook {
    let mut webhook = samples::webhook(WebhookId(1), ApplicationId(1));
    webhook.error_rules = rules
        .iter()
        .map(|(code, action)| ErrorRule { code: (*code).to_owned(), action: *action })
        .collect();
    webhook
}

fn rendered(executed: Executed, webhook: &Webhook, event: &Event, waited_ms: u64) -> Rendered {
    let info = SourceInfo {
        name: "platform".parse().unwrap(),
        api: "https://api.example.com/v1/graphql".to_owned(),
        triggers: TriggerCatalogue::Any,
        aliases: Vec::new(),
    };
    let source = Scripted { info, fired: event.trigger.clone(), executed };
    let query = plan(&source.schema(), webhook, &event.trigger).unwrap();
    let request = RenderRequest {
        delivery: DeliveryId::new(event.id, webhook.id, 0),
        trigger: &event.trigger,
        event,
        webhook,
        query: &query,
        identity: Identity {
            application: ApplicationId(1),
            name: "acme".parse().unwrap(),
            scopes: ScopeSet::for_applications(),
        },
        waited: Waited { for_source_ms: waited_ms, for_data_ms: waited_ms },
    };
    render(&source, &request).now_or_never().expect("the scripted source answers at once")
}

fn check(response: &Value, webhook: &Webhook, waited_ms: u64, expected: &str) {
    let event = samples::event("EnergySwitchAdded");
    let rendering = rendered(answered(response), webhook, &event, waited_ms).rendering;
    let short = match &rendering {
        Rendering::Payload(body) => {
            let body: Value = serde_json::from_slice(body).unwrap();
            format!("payload with data {} and errors {}", body["data"], body["errors"])
        }
        Rendering::Wait(why) => format!("wait {}", why.code.as_str()),
        Rendering::Suppress(why) => format!("suppress {}", why.code.as_str()),
        Rendering::Hold(why) => format!("hold {}", why.code.as_str()),
        Rendering::Exhaust(why) => format!("exhaust {}", why.code.as_str()),
    };
    assert_eq!(short, expected, "{response} after {waited_ms} ms");
}

fn error(code: &str) -> Value {
    json!({ "message": "it went wrong", "extensions": { "code": code } })
}

#[test]
fn a_response_without_errors_is_sent_verbatim() {
    check(
        &json!({ "data": { "a": 1 } }),
        &rules(&[]),
        0,
        r#"payload with data {"a":1} and errors null"#,
    );
}

#[test]
fn partial_data_is_sent_with_its_errors() {
    let response = json!({ "data": { "a": null }, "errors": [{ "message": "no" }] });
    let expected = r#"payload with data {"a":null} and errors [{"message":"no"}]"#;
    check(&response, &rules(&[]), 0, expected);
}

#[test]
fn a_response_without_data_is_tried_for_24_hours_and_then_sent_as_null() {
    let response = json!({ "data": null, "errors": [{ "message": "no" }] });
    check(&response, &rules(&[]), 0, "wait QUERY_ERRORS");
    check(&response, &rules(&[]), 24 * HOUR_MS - 1, "wait QUERY_ERRORS");
    let expected = r#"payload with data null and errors [{"message":"no"}]"#;
    check(&response, &rules(&[]), 24 * HOUR_MS, expected);
}

#[test]
fn a_rule_for_a_code_decides_and_the_strongest_wins() {
    let one = |code: &str| json!({ "data": { "a": 1 }, "errors": [error(code)] });
    let all = rules(&[
        ("D", ErrorAction::Deliver),
        ("R", ErrorAction::Retry),
        ("X", ErrorAction::Drop),
        ("H", ErrorAction::Hold),
    ]);
    check(&one("R"), &all, 0, "wait QUERY_ERRORS");
    check(&one("X"), &all, 0, "suppress ERROR_RULE");
    check(&one("H"), &all, 0, "hold QUERY_ERRORS");
    let both = json!({ "data": { "a": 1 }, "errors": [error("X"), error("H"), error("D")] });
    check(&both, &all, 0, "hold QUERY_ERRORS");
    let without_data = json!({ "errors": [{ "message": "no", "extensions": { "code": "D" } }] });
    let sent = rendered(answered(&without_data), &all, &samples::event("UserAdded"), 0);
    assert!(matches!(sent.rendering, Rendering::Payload(_)), "{sent:?}");
}

#[test]
fn a_source_that_is_down_is_waited_for_seven_days() {
    let down = || Executed::Down { why: "refused".to_owned(), wait_ms: Some(9) };
    let event = samples::event("EnergySwitchAdded");
    let early = rendered(down(), &rules(&[]), &event, 7 * DAY_MS - 1);
    let why = Reason::new(ReasonCode::SourceDown, "refused");
    assert_eq!(early.rendering, Rendering::Wait(why.clone()));
    assert_eq!(early.source, SourceAnswer::Down { wait_ms: Some(9) });
    let late = rendered(down(), &rules(&[]), &event, 7 * DAY_MS);
    assert_eq!(late.rendering, Rendering::Exhaust(why));
}

#[test]
fn a_body_over_its_bound_ends_with_a_reason() {
    let large = json!({ "data": { "a": "x".repeat(1_048_500) } });
    check(&large, &rules(&[]), 0, "exhaust PAYLOAD_TOO_LARGE");
}

#[test]
fn variables_of_an_event_that_do_not_fit_are_told_to_the_receiver() {
    let mut webhook = rules(&[]);
    let query = "query($id: ID!, $after: String) { getEnergySwitch(id: $id) { __typename } \
                 getUsers(after: $after) { __typename } }";
    webhook.queries.common = Some(query.to_owned());
    let mut event = samples::event("EnergySwitchAdded");
    event.variables.insert("after".to_owned(), json!(["not", "a", "text"]));
    let rendered = rendered(answered(&json!({ "data": {} })), &webhook, &event, 0);
    let Rendering::Payload(body) = rendered.rendering else { panic!("{:?}", rendered.rendering) };
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["data"], Value::Null);
    assert_eq!(body["errors"][0]["extensions"]["code"], "VARIABLES_INVALID");
    assert_eq!(rendered.source, SourceAnswer::NotAsked);
}

#[test]
fn a_query_that_the_schema_no_longer_accepts_names_the_field() {
    let mut webhook = rules(&[]);
    let query = "query($id: ID!) { getEnergySwitch(id: $id) { ... on EnergySwitch { gone } } }";
    webhook.queries.common = Some(query.to_owned());
    let schema = SourceSchema::parse("/schema", PLATFORM).unwrap();
    let problems = plan(&schema, &webhook, &webhook.triggers[0]).unwrap_err();
    let why = tidings_query::render::broken(&problems);
    assert_eq!(why.code, ReasonCode::QueryBroken);
    assert!(why.detail.contains("gone"), "{}", why.detail);
}
