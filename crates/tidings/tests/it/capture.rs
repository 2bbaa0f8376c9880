//! What a running server signs, captured for verification by code that is not ours: see
//! tests/verify/README.md.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use tidings_verify::{Key, StandardHeaders, verify_sha1, verify_standard};

use crate::support::{
    http::{Message, graphql},
    program::Installation,
    receiver::Receiver,
};

const OLD: &str = "whsec_b2xkLXNoYXJlZC1rZXktb2YtdGhlLWNhcHR1cmU=";
const NEW: &str = "new-shared-key-of-the-capture-with-plain-text";

/// One captured request with the keys that must verify it.
struct Captured {
    request: Message,
    /// Each must verify `webhook-signature` on its own.
    keys: Vec<Key>,
    /// The one that `X-Signature` was made with.
    sha1_key: Key,
}

impl Captured {
    /// Our own verification, so that a capture that nobody can verify fails here.
    fn verify(&self) {
        let request = &self.request;
        let find = |name: &str| Some(request.header(name)).filter(|value| !value.is_empty());
        let headers = StandardHeaders::read(find).unwrap();
        let now = headers.timestamp.parse().unwrap();
        for key in &self.keys {
            let key = std::slice::from_ref(key);
            assert_eq!(verify_standard(key, &headers, &request.body, now), Ok(()));
        }
        let signatures = request.header("webhook-signature").split(' ').count();
        assert_eq!(signatures, self.keys.len());
        let sha1 = std::slice::from_ref(&self.sha1_key);
        assert_eq!(verify_sha1(sha1, request.header("x-signature"), &request.body), Ok(()));
    }

    fn as_json(&self) -> Value {
        let mut headers = Map::new();
        for (name, value) in &self.request.headers {
            headers.insert(name.clone(), value.as_str().into());
        }
        let secrets: Vec<String> = self.keys.iter().map(Key::to_whsec).collect();
        json!({
            "headers": headers,
            "body_base64": STANDARD.encode(&self.request.body),
            "secrets": secrets,
            "key_base64": STANDARD.encode(self.sha1_key.as_bytes()),
        })
    }
}

fn fire(installation: &Installation, receiver: &Receiver, entity: &str) -> Message {
    let before = receiver.arrived().len();
    installation.fire(entity);
    receiver.wait_for(before + 1).pop().unwrap()
}

fn change(installation: &Installation, mutation: &str, id: &str) {
    let query = format!("mutation($id: ID!, $key: String) {{ {mutation} {{ __typename }} }}");
    let query = if mutation.contains("$key") { query } else { query.replace(", $key: String", "") };
    let mut variables = json!({ "id": id });
    if mutation.contains("$key") {
        variables["key"] = NEW.into();
    }
    let changed = graphql(&installation.url, &installation.token, &query, variables);
    let name = changed.as_object().unwrap().values().next().unwrap()["__typename"].clone();
    assert_ne!(name, "OperationFailure", "{mutation}");
}

#[test]
fn capture_verifies_before_during_and_after_a_rotation() {
    let installation = Installation::start();
    let receiver = Receiver::start();
    let added = installation.add_webhook(&receiver.url, &["--key", OLD]);
    let id = added["webhook"]["id"].as_str().unwrap();
    let (old, new) = (Key::parse(OLD).unwrap(), Key::parse(NEW).unwrap());
    let mut captured = Vec::new();
    let mut take = |entity: &str, keys: &[&Key], sha1_key: &Key| {
        captured.push(Captured {
            request: fire(&installation, &receiver, entity),
            keys: keys.iter().map(|key| (*key).clone()).collect(),
            sha1_key: sha1_key.clone(),
        });
    };
    take("before-1", &[&old], &old);
    take("before-\u{1F4A1}-é\"\\", &[&old], &old);
    change(&installation, "rotateWebhookKey(id: $id, key: $key)", id);
    take("during-1", &[&old, &new], &old);
    take("during-2", &[&old, &new], &old);
    change(&installation, "finishWebhookKeyRotation(id: $id)", id);
    take("after-1", &[&new], &new);
    installation.json(&["webhook", "update", id, "--unsigned"]);
    let unsigned = fire(&installation, &receiver, "unsigned");
    assert_eq!((unsigned.header("x-signature"), unsigned.header("webhook-signature")), ("", ""));
    assert!(!unsigned.header("webhook-id").is_empty());
    captured.iter().for_each(Captured::verify);
    if let Ok(path) = std::env::var("TIDINGS_CAPTURE_FILE") {
        let list: Vec<Value> = captured.iter().map(Captured::as_json).collect();
        std::fs::write(path, Value::Array(list).to_string()).unwrap();
    }
}
