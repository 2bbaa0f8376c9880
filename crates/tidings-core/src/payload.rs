//! The frozen body of a delivery: docs/delivery.md, "The request".

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{event::JsonObject, ids::DeliveryId, time::Wall, trigger::TriggerName};

/// What a body is made of.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The wire's `webhook.id`.
    pub id: DeliveryId,
    /// The name that the webhook listens to.
    pub trigger: &'a TriggerName,
    /// When the trigger fired.
    pub date: Wall,
    /// The GraphQL endpoint that the query ran against.
    pub api: &'a str,
    /// The query as it ran.
    pub query: &'a str,
    /// The variables that it ran with.
    pub variables: &'a JsonObject,
    /// The response's `data`, verbatim; `None` is written as `null`.
    pub data: Option<&'a RawValue>,
    /// The response's `errors`, where they are let through; verbatim.
    pub errors: Option<&'a RawValue>,
}

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    errors: Option<&'a RawValue>,
    #[serde(borrow)]
    query: &'a RawValue,
    #[serde(borrow)]
    webhook: About<'a>,
}

#[derive(Serialize)]
struct Asked<'a> {
    api: &'a str,
    query: &'a str,
    variables: &'a JsonObject,
}

#[derive(Serialize, Deserialize)]
struct About<'a> {
    id: std::borrow::Cow<'a, str>,
    date: std::borrow::Cow<'a, str>,
    trigger: std::borrow::Cow<'a, str>,
}

/// The bytes that are stored, signed and sent.
#[must_use]
pub fn compose(envelope: &Envelope<'_>) -> Vec<u8> {
    let asked = Asked { api: envelope.api, query: envelope.query, variables: envelope.variables };
    let asked = to_raw(&asked);
    let body = Body {
        data: envelope.data,
        errors: envelope.errors,
        query: &asked,
        webhook: About {
            id: envelope.id.to_string().into(),
            date: envelope.date.iso().into(),
            trigger: envelope.trigger.as_str().into(),
        },
    };
    serde_json::to_vec(&body).expect("texts and raw JSON always serialize")
}

/// The same body under another delivery's id, for a replay of what was frozen. `None` when the
/// bytes are no such body.
#[must_use]
pub fn readdress(bytes: &[u8], id: DeliveryId) -> Option<Vec<u8>> {
    let mut body: Body<'_> = serde_json::from_slice(bytes).ok()?;
    body.webhook.id = id.to_string().into();
    serde_json::to_vec(&body).ok()
}

fn to_raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("texts and JSON objects always serialize")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{EventId, WebhookId},
        samples,
    };

    fn body(errors: Option<&RawValue>) -> Vec<u8> {
        let data = RawValue::from_string(r#"{"b":1.0,"a":"\/"}"#.to_owned()).unwrap();
        let mut variables = JsonObject::new();
        variables.insert("id".to_owned(), "x".into());
        let id = DeliveryId::new(EventId::from_bytes([0; 16]), WebhookId(1), 0);
        compose(&Envelope {
            id,
            trigger: &"UserAdded".parse().unwrap(),
            date: samples::WALL,
            api: "https://api.example.com/v1/graphql",
            query: "query($id: ID!) { a }",
            variables: &variables,
            data: Some(&data),
            errors,
        })
    }

    #[test]
    fn a_body_holds_the_response_verbatim_and_what_was_asked() {
        let text = String::from_utf8(body(None)).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"data":{"b":1.0,"a":"\/"},"#,
                r#""query":{"api":"https://api.example.com/v1/graphql","#,
                r#""query":"query($id: ID!) { a }","variables":{"id":"x"}},"#,
                r#""webhook":{"id":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAA=","#,
                r#""date":"2021-02-17T08:48:47.284Z","trigger":"UserAdded"}}"#
            )
        );
    }

    #[test]
    fn a_replay_changes_the_id_and_no_other_byte() {
        let errors = RawValue::from_string(r#"[{"message":"é"}]"#.to_owned()).unwrap();
        let original = body(Some(&errors));
        let id = DeliveryId::new(EventId::from_bytes([0; 16]), WebhookId(1), 1);
        let replayed = String::from_utf8(readdress(&original, id).unwrap()).unwrap();
        let restored =
            replayed.replace(&id.to_string(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAA=");
        assert_eq!(restored.as_bytes(), original);
        assert_ne!(replayed.as_bytes(), original);
        assert_eq!(readdress(b"[]", id), None);
    }
}
