//! Who sees what, asked of every field of the management schema: a field that is added is asked
//! too, and this test fails where it does not know how.

use std::collections::HashMap;

use serde_json::{Value, json};
use tidings_core::{
    access::{Owner, ScopeSet, TokenKind},
    secret::TokenHash,
};
use tidings_store::{Clock, NewToken, Store};

use crate::{
    jwts::{profile, set},
    support::{ACME, Door, OPERATOR, OTHER},
};

/// How deep the answers go: the items of a page, and what is in them. The door bounds answers.
const DEPTH: usize = 2;
/// What stands in every text that is seeded here.
const CANARY: &str = "canary";
/// The roots, as they are called before the platform is merged in.
const QUERY: &str = "ManagementQuery";
const MUTATION: &str = "ManagementMutation";
const INTROSPECTION: &str = "{ __schema { types { kind name possibleTypes { name }
    fields { name args { name defaultValue type { kind } } type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType {
        kind name } } } }";

/// The types of the schema by their names.
struct Types(HashMap<String, Value>);

impl Types {
    async fn of(door: &Door) -> Types {
        let schema = door.graphql(OPERATOR, INTROSPECTION, json!({})).await;
        let types = schema["__schema"]["types"].as_array().unwrap().iter();
        Types(types.map(|it| (it["name"].as_str().unwrap().to_owned(), it.clone())).collect())
    }

    /// The fields of a type, with the names of their types, that need no argument or are a root's.
    fn fields(&self, of: &str) -> Vec<(String, String)> {
        let is_root = of == QUERY || of == MUTATION;
        let fields = self.0[of]["fields"].as_array().into_iter().flatten();
        let is_asked = |field: &&Value| {
            let needed =
                |it: &Value| it["type"]["kind"] == "NON_NULL" && it["defaultValue"].is_null();
            is_root || !field["args"].as_array().unwrap().iter().any(needed)
        };
        let name =
            |field: &Value| (field["name"].as_str().unwrap().to_owned(), named(&field["type"]));
        fields.filter(is_asked).map(name).collect()
    }

    /// All that can be selected of a type, as deep as that. The fields of a union's members are
    /// called by their types too: members have fields of the same name and of other types.
    fn selection(&self, of: &str, depth: usize) -> String {
        self.fields_of(of, depth, false)
    }

    fn fields_of(&self, of: &str, depth: usize, is_member: bool) -> String {
        match self.0[of]["kind"].as_str().unwrap() {
            "OBJECT" => {
                let is_leaf =
                    |it: &str| matches!(self.0[it]["kind"].as_str(), Some("SCALAR" | "ENUM"));
                let fields = self.fields(of).into_iter();
                let shown = fields.filter(|(_, target)| depth > 0 || is_leaf(target));
                let parts: Vec<String> = shown
                    .map(|(name, target)| {
                        let below = self.selection(&target, depth.saturating_sub(1));
                        let alias =
                            if is_member { format!("{of}_{name}: ") } else { String::new() };
                        format!("{alias}{name} {below}")
                    })
                    .collect();
                format!("{{ {} }}", parts.join(" "))
            }
            "UNION" => {
                let members = self.0[of]["possibleTypes"].as_array().unwrap().iter();
                let parts: Vec<String> = members
                    .map(|it| it["name"].as_str().unwrap())
                    .map(|it| format!("... on {it} {}", self.fields_of(it, depth, true)))
                    .collect();
                format!("{{ {} }}", parts.join(" "))
            }
            _ => String::new(),
        }
    }
}

fn named(of: &Value) -> String {
    of["name"].as_str().map_or_else(|| named(&of["ofType"]), str::to_owned)
}

struct Scene {
    door: Door,
    types: Types,
    webhook: String,
    event: String,
    delivery: String,
}

impl Scene {
    async fn set() -> Scene {
        let door = Door::open().await;
        let input = json!({
            "name": "canary-webhook", "url": "https://canary.example.com/hook",
            "key": "canary-key-of-the-webhook",
            "query": "query($id: ID!) { getUser(id: $id) { id canary: name } }",
        });
        let webhook = door.added(ACME, input).await;
        set(&door, "acme", json!([profile(&json!({ "issuer": "canary issuer" }))])).await;
        let fired = json!({ "trigger": "UserAdded", "id": "canary-entity" });
        let fired = door.fire(ACME, fired).await.json();
        door.ingest.deliver(door.clock.now()).await;
        let list = door.graphql(ACME, "{ getDeliveries { items { id } } }", json!({})).await;
        let delivery = list["getDeliveries"]["items"][0]["id"].as_str().unwrap().to_owned();
        let event = fired["events"][0]["id"].as_str().unwrap().to_owned();
        let types = Types::of(&door).await;
        Scene { door, types, webhook, event, delivery }
    }

    /// How a field of the root is asked for what is acme's.
    fn arguments(&self, field: &str) -> String {
        let Scene { webhook, event, delivery, .. } = self;
        match field {
            "getSources" | "getTriggers" => String::new(),
            "getApplications" | "getNotices" | "getWebhooks" | "getEvents" | "getDeliveries"
            | "getTokens" => "(first: 2)".to_owned(),
            "getApplication" | "deleteApplication" => "(name: \"acme\")".to_owned(),
            "getEvent" => format!("(id: \"{event}\")"),
            "getDelivery" | "replayDelivery" | "cancelDelivery" => format!("(id: \"{delivery}\")"),
            "getWebhook"
            | "deleteWebhook"
            | "pauseWebhook"
            | "resumeWebhook"
            | "rotateWebhookKey"
            | "finishWebhookKeyRotation" => format!("(id: \"{webhook}\")"),
            "updateWebhook" => format!("(id: \"{webhook}\", input: {{ name: \"mine\" }})"),
            "testWebhook" | "previewWebhook" => {
                format!("(id: \"{webhook}\", trigger: \"UserAdded\", entity: \"u\")")
            }
            "replayDeliveries" => "(filter: { application: \"acme\" })".to_owned(),
            "addApplication" => "(input: { name: \"mine\" })".to_owned(),
            "updateApplication" => "(name: \"acme\", input: { scopes: [] })".to_owned(),
            "addToken" => "(input: { application: \"acme\", kind: APPLICATION, scopes: \
                           [\"read:accounts\"] })"
                .to_owned(),
            "revokeToken" => "(id: \"1\")".to_owned(),
            "addWebhook" => "(input: { application: \"acme\", name: \"mine\", triggers: \
                             [\"UserAdded\"], url: \"https://mine.example.com\" })"
                .to_owned(),
            _ => panic!("say here how `{field}` is asked for what is acme's"),
        }
    }

    /// The answer to one field of a root.
    async fn asked(&self, token: Option<&str>, root: &str, field: &str, of: &str) -> String {
        let selection = self.types.selection(of, DEPTH);
        let kind = if root == QUERY { "query" } else { "mutation" };
        let query = format!("{kind} {{ {field}{} {selection} }}", self.arguments(field));
        let body = json!({ "query": query }).to_string();
        let request = crate::support::request("POST", "/v1/graphql", token)
            .header("content-type", "application/json");
        self.door.send(request.body(body.into()).unwrap()).await.text
    }

    /// Tokens that may see and change nothing of acme's by this schema.
    async fn strangers(&self) -> Vec<(&'static str, Option<String>)> {
        let mut all = vec![("no token", None), ("another application", Some(OTHER.to_owned()))];
        let user = Some("5d5d8f0a9f2b3c4d5e6f7a8b".parse().unwrap());
        for (who, kind, user) in [
            ("a private master token", TokenKind::PrivateMaster, None),
            ("a public master token", TokenKind::PublicMaster, None),
            ("a user's token", TokenKind::User, user),
        ] {
            let owner = Owner::Application(self.door.acme.id);
            let text = who.replace([' ', '\''], "-");
            let own = NewToken::own(TokenHash::of(&text), owner, ScopeSet::for_users());
            let new = NewToken { kind, user, ..own };
            self.door.store.add_token(self.door.clock.now(), new).await.unwrap();
            all.push((who, Some(text)));
        }
        all
    }
}

#[tokio::test]
async fn no_field_tells_a_stranger_anything_or_changes_what_is_not_the_strangers() {
    let scene = Scene::set().await;
    let strangers = scene.strangers().await;
    let (mut seen, mut before) = (0, Vec::new());
    for (field, of) in scene.types.fields(QUERY) {
        let answer = scene.asked(Some(ACME), QUERY, &field, &of).await;
        assert!(!answer.contains("TOO_LARGE"), "{field} was not asked: {answer}");
        seen += usize::from(answer.contains(CANARY));
        before.push(answer);
    }
    assert!(seen >= 8, "{seen} fields tell the owner something");
    for (who, token) in strangers {
        for root in [QUERY, MUTATION] {
            for (field, of) in scene.types.fields(root) {
                let answer = scene.asked(token.as_deref(), root, &field, &of).await;
                assert!(!answer.contains(CANARY), "{field} tells {who}: {answer}");
                assert!(!answer.contains("TOO_LARGE"), "{field} was not asked: {answer}");
            }
        }
    }
    for ((field, of), before) in scene.types.fields(QUERY).into_iter().zip(before) {
        let after = scene.asked(Some(ACME), QUERY, &field, &of).await;
        assert_eq!(after, before, "a stranger changed something that {field} shows");
    }
}
