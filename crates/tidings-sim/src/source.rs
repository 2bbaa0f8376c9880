//! A source that answers as it is told. Every run gives another answer, so that a body which was
//! rendered twice is noticed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidings_core::{
    ids::{ApplicationId, EntityId},
    source::{SourceInfo, TriggerAlias, TriggerCatalogue},
    time::Elapsed,
    trigger::TriggerName,
};
use tidings_query::{
    ResponseLimits, SourceSchema, read_response,
    source::{Call, Executed, Source},
};

use crate::executor::{SeededChance, VirtualClock};

/// The query of the world's webhooks.
pub const QUERY: &str = "query($id: ID!) { thing(id: $id) { id run } }";

const SDL: &str = "type Query { thing(id: ID!): Thing } type Thing { id: ID! run: Int }";

/// What the source does with a query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SourceMode {
    /// It answers.
    Answers {
        /// How long it takes.
        after_ms: u64,
    },
    /// It answers with an error.
    Errors {
        /// The error's code.
        code: String,
        /// Whether there is data beside it.
        with_data: bool,
    },
    /// It does not answer.
    Down {
        /// How long it asks to be left alone.
        wait_ms: Option<u64>,
    },
    /// It does not answer so many times in a hundred.
    Flaky {
        /// How often.
        percent: u64,
    },
}

impl SourceMode {
    /// It answers after 10 ms.
    #[must_use]
    pub fn fine() -> SourceMode {
        SourceMode::Answers { after_ms: 10 }
    }
}

/// A query that ran, or was to.
#[derive(Clone, Debug)]
pub struct Run {
    /// When it began.
    pub at: Elapsed,
    /// On whose behalf.
    pub application: ApplicationId,
    /// For which entity.
    pub entity: String,
}

/// The source.
pub struct SimSource {
    clock: Arc<VirtualClock>,
    chance: Arc<SeededChance>,
    info: SourceInfo,
    schema: SourceSchema,
    mode: Mutex<SourceMode>,
    runs: Mutex<Vec<Run>>,
}

impl SimSource {
    /// A source that answers.
    #[must_use]
    pub fn new(clock: &Arc<VirtualClock>, chance: &Arc<SeededChance>) -> Arc<SimSource> {
        let trigger = |text: &str| text.parse().expect("a word in camel case is a trigger's name");
        let info = SourceInfo {
            name: "platform".parse().expect("letters are a name"),
            api: "https://api.example.com/v1/graphql".to_owned(),
            triggers: TriggerCatalogue::Any,
            aliases: vec![TriggerAlias {
                fired: trigger("AccountUpdated"),
                heard_as: trigger("AccountAdded"),
            }],
        };
        Arc::new(SimSource {
            clock: Arc::clone(clock),
            chance: Arc::clone(chance),
            info,
            schema: SourceSchema::parse("/schema", SDL).expect("the schema above is valid"),
            mode: Mutex::new(SourceMode::fine()),
            runs: Mutex::default(),
        })
    }

    /// Tells it how to behave from now on.
    pub fn set(&self, mode: SourceMode) {
        *lock(&self.mode) = mode;
    }

    /// The queries that came, in their order.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        lock(&self.runs).clone()
    }

    fn began(&self, call: &Call) -> (usize, String) {
        let id = call.variables.get("id").and_then(|id| id.as_str()).unwrap_or_default();
        let run = Run {
            at: self.clock.elapsed(),
            application: call.identity.application,
            entity: id.to_owned(),
        };
        let mut runs = lock(&self.runs);
        runs.push(run);
        (runs.len(), serde_json::json!({ "thing": { "id": id, "run": runs.len() } }).to_string())
    }
}

fn answered(text: &str) -> Executed {
    let response = read_response(text.as_bytes(), ResponseLimits::STANDARD);
    Executed::Answered(response.expect("what this file writes is a GraphQL response"))
}

fn down(wait_ms: Option<u64>) -> Executed {
    Executed::Down { why: "the source refuses connections".to_owned(), wait_ms }
}

#[async_trait]
impl Source for SimSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn schema(&self) -> SourceSchema {
        self.schema.clone()
    }

    async fn execute(&self, call: &Call) -> Executed {
        let mode = lock(&self.mode).clone();
        let (number, data) = self.began(call);
        let after_ms = if let SourceMode::Answers { after_ms } = mode { after_ms } else { 10 };
        self.clock.pass(after_ms).await;
        match mode {
            SourceMode::Answers { .. } => answered(&format!("{{\"data\":{data}}}")),
            SourceMode::Errors { code, with_data } => {
                let data = if with_data { data.as_str() } else { "null" };
                let error = serde_json::json!({
                    "message": format!("run {number} went wrong"),
                    "extensions": { "code": code },
                });
                answered(&format!("{{\"data\":{data},\"errors\":[{error}]}}"))
            }
            SourceMode::Down { wait_ms } => down(wait_ms),
            SourceMode::Flaky { percent } if self.chance.happens(percent) => down(None),
            SourceMode::Flaky { .. } => answered(&format!("{{\"data\":{data}}}")),
        }
    }

    async fn owners(
        &self,
        _trigger: &TriggerName,
        _entity: &EntityId,
    ) -> Result<Vec<ApplicationId>, String> {
        Ok(Vec::new())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
