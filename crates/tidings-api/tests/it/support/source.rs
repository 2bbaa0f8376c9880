//! A source that knows users and orders, and answers at once.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Mutex,
};

use async_trait::async_trait;
use serde_json::{json, value::to_raw_value};
use tidings_core::{
    ids::{ApplicationId, EntityId},
    source::{SourceInfo, TriggerAlias, TriggerCatalogue},
    trigger::TriggerName,
};
use tidings_query::{
    GraphqlResponse, SourceSchema,
    source::{Call, Executed, Source},
};

const SDL: &str = "
    type Query { getUser(id: ID!, locale: String): User  getOrder(id: ID!): Order }
    type User { id: ID!  name: String  nick: String @deprecated(reason: \"use name\") }
    type Order { id: ID! }
    type Mutation { deleteUser(id: ID!): User }
";

/// See the module.
pub struct FakeSource {
    info: SourceInfo,
    /// Who owns which entity.
    pub owners: Mutex<HashMap<String, Vec<ApplicationId>>>,
    /// Whether it answers at all.
    pub is_down: Mutex<bool>,
    /// The calls that it got.
    pub calls: Mutex<Vec<Call>>,
}

impl FakeSource {
    pub fn named(name: &str) -> FakeSource {
        let trigger = |text: &str| text.parse::<TriggerName>().unwrap();
        let names = ["UserAdded", "UserDeleted", "OrderAdded", "AccountAdded", "AccountUpdated"];
        FakeSource {
            info: SourceInfo {
                name: name.parse().unwrap(),
                api: format!("https://{name}.example.com/graphql"),
                triggers: TriggerCatalogue::Listed(
                    names.into_iter().map(trigger).collect::<BTreeSet<_>>(),
                ),
                aliases: vec![TriggerAlias {
                    fired: trigger("AccountUpdated"),
                    heard_as: trigger("AccountAdded"),
                }],
            },
            owners: Mutex::default(),
            is_down: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    pub fn owned(&self, entity: &str, owners: &[ApplicationId]) {
        self.owners.lock().unwrap().insert(entity.to_owned(), owners.to_vec());
    }
}

#[async_trait]
impl Source for FakeSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn schema(&self) -> SourceSchema {
        SourceSchema::parse("/schema", SDL).unwrap()
    }

    async fn execute(&self, call: &Call) -> Executed {
        self.calls.lock().unwrap().push(call.clone());
        if *self.is_down.lock().unwrap() {
            return Executed::Down { why: "connection refused".to_owned(), wait_ms: None };
        }
        let data = json!({ "getUser": { "id": call.variables["id"], "name": "Ann" } });
        let data = Some(to_raw_value(&data).unwrap());
        Executed::Answered(GraphqlResponse { data, errors: Vec::new(), subjects: Vec::new() })
    }

    async fn owners(
        &self,
        _: &TriggerName,
        entity: &EntityId,
    ) -> Result<Vec<ApplicationId>, String> {
        if *self.is_down.lock().unwrap() {
            return Err("connection refused".to_owned());
        }
        Ok(self.owners.lock().unwrap().get(entity.as_str()).cloned().unwrap_or_default())
    }
}
