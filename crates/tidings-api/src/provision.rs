//! Saving a webhook: everything about it is checked before it is stored, and every fault is told at
//! once.
//!
//!   stored webhook, or a blank one ─┐
//!   what its owner wrote ───────────┴─► field by field ─► queries against the schema ─► Webhook
//!                                         └─ problems, each with its pointer, line and column
//!
//! Nothing is resolved, connected or stored here.

use std::{collections::BTreeMap, sync::Arc};

use async_graphql::MaybeUndefined;
use tidings_core::{
    application::Name,
    event::JsonObject,
    ids::{ApplicationId, EndpointId, WebhookId},
    limits,
    retry::RetryPolicy,
    secret::Secret,
    time::Now,
    trigger::TriggerName,
    webhook::{
        CustomHeader, HEADER_PURPOSE, KEY_PURPOSE, PayloadMode, Queries, RunningClock, SigningKey,
        Status, Success, Webhook,
    },
};
use tidings_graphql::Json;
use tidings_query::{QueryProblem, source::Source};

use crate::{
    state::Api,
    webhook_input::{HeaderInput, TriggerQueryInput, UpdateWebhookInput},
};

mod fields;
mod key;
mod policies;
mod queries;

pub use key::{ShownKey, shown_secret};

/// A webhook that can be stored.
#[derive(Debug)]
pub struct Provisioned {
    /// The webhook, its secrets sealed.
    pub webhook: Webhook,
    /// The key that signs it from now on, where that was changed.
    pub key: Option<ShownKey>,
    /// What works today and should be changed.
    pub warnings: Vec<QueryProblem>,
}

/// A webhook of which nothing is known but whose it is.
#[must_use]
pub fn blank(application: ApplicationId, source: Name, now: Now) -> Webhook {
    Webhook {
        id: WebhookId(0),
        application,
        name: String::new(),
        source,
        triggers: Vec::new(),
        url: String::new(),
        endpoint: EndpointId(0),
        queries: Queries::default(),
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
        version: 0,
        added_at: now.wall,
        updated_at: now.wall,
    }
}

/// A webhook as its owner wrote it. A key that is left out is made.
///
/// # Errors
/// Everything that is wrong.
pub fn add(
    api: &Api,
    application: ApplicationId,
    mut input: UpdateWebhookInput,
    now: Now,
) -> Result<Provisioned, Vec<QueryProblem>> {
    let key = std::mem::take(&mut input.key);
    let first = api.source_infos().next().map(|info| info.name.clone());
    let Some(first) = first else {
        let message = "this server has no source: have the operator configure one";
        return Err(vec![QueryProblem::new("/input/source", message)]);
    };
    let webhook = blank(application, first, now);
    if input.source.is_undefined() {
        input.source = MaybeUndefined::Null;
    }
    let mut work = Work::on(api, webhook);
    work.apply(input, true);
    let key = match key {
        MaybeUndefined::Undefined => Some(ShownKey::made(api.random())),
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(text) => work.given_key("/input/key", &text),
    };
    work.set_key(key.as_ref());
    work.finish(key)
}

/// A stored webhook with what its owner changed. One that was held is active again when what its
/// queries are made of was changed and is found right.
///
/// # Errors
/// Everything that is wrong.
pub fn update(
    api: &Api,
    webhook: Webhook,
    mut input: UpdateWebhookInput,
    now: Now,
) -> Result<Provisioned, Vec<QueryProblem>> {
    let new_key = std::mem::take(&mut input.key);
    let asks_anew = !(input.source.is_undefined()
        && input.triggers.is_undefined()
        && input.query.is_undefined()
        && input.queries.is_undefined()
        && input.variables.is_undefined());
    let mut work = Work::on(api, webhook);
    work.apply(input, asks_anew);
    let mut key = None;
    match new_key {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => work.set_key(None),
        MaybeUndefined::Value(text) => {
            key = work.given_key("/input/key", &text);
            work.set_key(key.as_ref());
        }
    }
    if asks_anew && matches!(work.webhook.status, Status::Held { .. }) {
        work.webhook.set_status(Status::Active, now.elapsed);
    }
    work.finish(key)
}

/// A webhook with a second key beside the one that it has; the old one signs until `overlap_ms` are
/// over. Without an old one, or without an overlap, the new one signs alone.
///
/// # Errors
/// What is wrong with the key, or with the overlap.
pub fn rotate(
    api: &Api,
    webhook: Webhook,
    given: Option<&str>,
    overlap_s: i64,
    now: Now,
) -> Result<Provisioned, Vec<QueryProblem>> {
    let mut work = Work::on(api, webhook);
    let max_s = limits::KEY_OVERLAP_MS_MAX / 1_000;
    let overlap_s = u64::try_from(overlap_s).ok().filter(|seconds| *seconds <= max_s);
    if overlap_s.is_none() {
        work.fault("/overlapS", format!("the overlap is 0 to {max_s} seconds"));
    }
    let key = match given {
        None => Some(ShownKey::made(api.random())),
        Some(text) => work.given_key("/key", text),
    };
    let (Some(key), Some(overlap_s)) = (key, overlap_s) else {
        return Err(work.problems);
    };
    let until = now.elapsed.plus_ms(overlap_s * 1_000);
    let keys = &mut work.webhook.keys;
    keys.retain(|old| old.expires_at.is_none_or(|expires_at| now.elapsed < expires_at));
    for old in keys.iter_mut() {
        // An older key keeps the end that it was given before.
        old.expires_at = Some(old.expires_at.map_or(until, |expires_at| expires_at.min(until)));
    }
    keys.retain(|old| old.expires_at.is_some_and(|expires_at| now.elapsed < expires_at));
    let new = signing_key(api, key.secret());
    keys.push(new);
    if keys.len() > limits::KEYS_VALID_MAX {
        let max = limits::KEYS_VALID_MAX;
        work.fault(
            "/id",
            format!("{max} keys are valid already: call finishWebhookKeyRotation first"),
        );
    }
    work.finish(Some(key))
}

/// A webhook that its newest key signs alone.
#[must_use]
pub fn finish_rotation(mut webhook: Webhook) -> Webhook {
    webhook.keys = webhook.keys.pop().into_iter().collect();
    for key in &mut webhook.keys {
        key.expires_at = None;
    }
    webhook
}

/// What works today and should be changed about a stored webhook: its newest key, and what its
/// queries use. A key that does not open and a query that does not fit are no warnings: they hold
/// the webhook.
pub fn warnings(api: &Api, webhook: &Webhook) -> Vec<QueryProblem> {
    let key = webhook.keys.last().and_then(|key| api.open(&key.sealed, KEY_PURPOSE));
    let key = key.and_then(|secret| key::warning(&secret));
    let mut found: Vec<QueryProblem> =
        key.map(|warning| QueryProblem::new("/input/key", warning)).into_iter().collect();
    if let Some(source) = api.source(&webhook.source) {
        found.extend(queries::check(&source.schema(), webhook, &BTreeMap::new()).warnings);
    }
    found
}

fn signing_key(api: &Api, secret: &Secret) -> SigningKey {
    SigningKey {
        sealed: api.seal(secret, KEY_PURPOSE),
        fingerprint: secret.fingerprint(),
        expires_at: None,
    }
}

struct Work<'a> {
    api: &'a Api,
    webhook: Webhook,
    /// Where in the input the queries of single triggers stand.
    places: BTreeMap<TriggerName, usize>,
    problems: Vec<QueryProblem>,
    warnings: Vec<QueryProblem>,
}

impl<'a> Work<'a> {
    fn on(api: &'a Api, webhook: Webhook) -> Work<'a> {
        let (places, problems, warnings) = (BTreeMap::new(), Vec::new(), Vec::new());
        Work { api, webhook, places, problems, warnings }
    }

    fn fault(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(QueryProblem::new(path, message));
    }

    fn finish(self, key: Option<ShownKey>) -> Result<Provisioned, Vec<QueryProblem>> {
        if self.problems.is_empty() {
            Ok(Provisioned { webhook: self.webhook, key, warnings: self.warnings })
        } else {
            Err(self.problems)
        }
    }

    fn apply(&mut self, input: UpdateWebhookInput, asks_anew: bool) {
        self.name(input.name);
        let faults_before = self.problems.len();
        self.source(input.source);
        let is_known = self.problems.len() == faults_before;
        let source = self.api.source(&self.webhook.source).filter(|_| is_known).map(Arc::clone);
        self.triggers(input.triggers, asks_anew, source.as_deref());
        self.url(input.url);
        self.queries(input.query, input.queries);
        let faults_before = self.problems.len();
        self.variables(input.variables);
        // Without its variables it is not known whether a query is provided with all that it needs.
        if let Some(source) = source.filter(|_| asks_anew && self.problems.len() == faults_before) {
            let checked = queries::check(&source.schema(), &self.webhook, &self.places);
            self.problems.extend(checked.problems);
            self.warnings.extend(checked.warnings);
        }
        self.policies(input.timeout_ms, input.success, input.payload);
        self.retry(input.retry);
        self.headers(input.headers);
        self.errors(input.errors);
    }

    fn name(&mut self, name: MaybeUndefined<String>) {
        match name {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => self.fault("/input/name", "a webhook needs a name"),
            MaybeUndefined::Value(name) => match fields::name(&name) {
                Ok(()) => self.webhook.name = name,
                Err(message) => self.fault("/input/name", message),
            },
        }
    }

    fn source(&mut self, source: MaybeUndefined<String>) {
        let names: Vec<&str> = self.api.source_infos().map(|info| info.name.as_str()).collect();
        let names = names.join(", ");
        match source {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => match self.api.sources.as_slice() {
                [only] => self.webhook.source = only.info().name.clone(),
                _ => self.fault("/input/source", format!("name a source, one of {names}")),
            },
            MaybeUndefined::Value(text) => {
                let known =
                    text.parse::<Name>().ok().filter(|name| self.api.source(name).is_some());
                match known {
                    Some(name) => self.webhook.source = name,
                    None => {
                        let shown: String = text.chars().take(64).collect();
                        let message = format!("there is no source `{shown}`, but {names}");
                        self.fault("/input/source", message);
                    }
                }
            }
        }
    }

    fn triggers(
        &mut self,
        triggers: MaybeUndefined<Vec<String>>,
        asks_anew: bool,
        source: Option<&dyn Source>,
    ) {
        let texts = match triggers {
            MaybeUndefined::Undefined if !asks_anew => return,
            // Another source may not fire what the webhook listens to.
            MaybeUndefined::Undefined => {
                self.webhook.triggers.iter().map(ToString::to_string).collect()
            }
            MaybeUndefined::Null => Vec::new(),
            MaybeUndefined::Value(texts) => texts,
        };
        let (triggers, problems) = fields::triggers(&texts, source.map(Source::info));
        self.problems.extend(problems);
        self.webhook.triggers = triggers;
    }

    fn url(&mut self, url: MaybeUndefined<String>) {
        match url {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => self.fault("/input/url", "a webhook needs a URL"),
            MaybeUndefined::Value(url) => match (self.api.url_policy)(&url) {
                Ok(()) => self.webhook.url = url,
                Err(message) => self.fault("/input/url", message),
            },
        }
    }

    fn queries(
        &mut self,
        query: MaybeUndefined<String>,
        queries: MaybeUndefined<Vec<TriggerQueryInput>>,
    ) {
        match query {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => self.webhook.queries.common = None,
            MaybeUndefined::Value(query) => self.webhook.queries.common = Some(query),
        }
        let listened = &self.webhook.triggers;
        self.webhook.queries.by_trigger.retain(|trigger, _| listened.contains(trigger));
        if queries.is_undefined() {
            return;
        }
        self.webhook.queries.by_trigger.clear();
        for (index, given) in queries.take().unwrap_or_default().into_iter().enumerate() {
            let path = format!("/input/queries/{index}/trigger");
            let trigger = match given.trigger.parse::<TriggerName>() {
                Ok(trigger) => trigger,
                Err(error) => {
                    self.fault(&path, error.to_string());
                    continue;
                }
            };
            if !self.webhook.triggers.contains(&trigger) {
                let message =
                    format!("the webhook does not listen to {trigger}: add it to `triggers`");
                self.fault(&path, message);
                continue;
            }
            self.places.insert(trigger.clone(), index);
            if self.webhook.queries.by_trigger.insert(trigger, given.query).is_some() {
                self.fault(&path, "the trigger has a query already: keep one of them");
            }
        }
    }

    fn variables(&mut self, variables: MaybeUndefined<Json>) {
        match variables {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => self.webhook.variables = JsonObject::new(),
            MaybeUndefined::Value(json) => match fields::variables(json.0) {
                Ok(variables) => self.webhook.variables = variables,
                Err(message) => self.fault("/input/variables", message),
            },
        }
    }

    fn headers(&mut self, headers: MaybeUndefined<Vec<HeaderInput>>) {
        if headers.is_undefined() {
            return;
        }
        let (headers, problems) = fields::headers(&headers.take().unwrap_or_default());
        self.problems.extend(problems);
        let seal = |value: &str| self.api.seal(&Secret::new(value.into()), HEADER_PURPOSE);
        self.webhook.headers = headers
            .into_iter()
            .map(|(name, value)| CustomHeader { name, sealed: seal(&value) })
            .collect();
    }

    fn given_key(&mut self, path: &str, text: &str) -> Option<ShownKey> {
        match key::given(text) {
            Ok(key) => {
                if let Some(warning) = key.warning() {
                    self.warnings.push(QueryProblem::new(path, warning));
                }
                Some(key)
            }
            Err(message) => {
                self.fault(path, message);
                None
            }
        }
    }

    fn set_key(&mut self, key: Option<&ShownKey>) {
        self.webhook.keys =
            key.map(|key| signing_key(self.api, key.secret())).into_iter().collect();
    }
}
