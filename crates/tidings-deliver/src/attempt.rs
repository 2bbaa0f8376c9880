//! One attempt at one delivery.
//!
//!   claimed ─► prepare ─► render ─► freeze ─► sign ─► post ─► decide ─► record
//!                 │          ├─ the query cannot run ─► hold the webhook
//!                 │          ├─ no answer from the source ─► wait_for_query
//!                 │          └─ a rule says no ─► suppress
//!                 └─ frozen before ────────────────► sign ─── the lease ran out ─► nothing is sent
//!
//! Nothing here retries or sleeps (but for a database that is away): a failed attempt is recorded
//! and comes back through `claim_due`.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use tidings_core::{
    delivery::{Reason, ReasonCode, Step, Tried, decide},
    ids::EntityId,
    limits::LEASE_MS,
    outcome::{Attempt, Outcome, classify},
    retry::{RetryPolicy, back_off_ms},
    signature::sign,
    time::{Elapsed, Now},
    webhook::{MASK, PayloadMode},
};
use tidings_query::{
    render::{RenderRequest, Rendering, SourceAnswer, Waited, render},
    source::{Identity, Source},
};
use tidings_store::{Chance, Claimed, Clock, Freeze, MadeAttempt, Record, SourceSeen, Store};
use tracing::{debug, info, warn};

use crate::{
    leases::Leases,
    metrics::Counters,
    persist::{Persisted, persist},
    prepared::{Prepared, PreparedWebhooks},
    sender::{Post, Posted, Sender},
    shared_runs::{SharedFor, SharedRuns},
    wanted::{Wanted, wanted},
};

/// All that an attempt needs.
pub(crate) struct Desk {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sources: Vec<Arc<dyn Source>>,
    pub(crate) sender: Arc<dyn Sender>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) prepared: PreparedWebhooks,
    pub(crate) runs: SharedRuns,
    pub(crate) leases: Leases,
    pub(crate) counters: Counters,
    pub(crate) user_agent: String,
}

/// A body that is on disk, and the end of its 72 hours.
struct Frozen {
    body: Bytes,
    deadline: Elapsed,
    /// Whether this attempt froze it, and so has just shown that its lease holds.
    is_new: bool,
}

/// What ended the attempt before a byte was sent.
enum NoPost {
    /// This is recorded for the delivery.
    Step(Step, Option<SourceSeen>),
    /// Another worker has the delivery, or the database is away: nothing can be recorded.
    Dropped,
}

/// Makes one attempt and records it.
pub(crate) async fn attempt(desk: &Desk, claimed: Claimed) {
    let prepared = match desk.prepared.get(&claimed.webhook) {
        Ok(prepared) => prepared,
        Err(locked) => {
            let why = Reason::new(ReasonCode::QueryBroken, locked.to_string());
            return record(desk, &claimed, None, Step::HoldWebhook { why }, None).await;
        }
    };
    let (frozen, source) = match body(desk, &claimed, &prepared).await {
        Ok(ready) => ready,
        Err(NoPost::Step(step, source)) => {
            return record(desk, &claimed, None, step, source).await;
        }
        Err(NoPost::Dropped) => return,
    };
    match wanted(desk, &claimed, frozen.is_new).await {
        Wanted::Yes => {}
        Wanted::Later => return record(desk, &claimed, None, Step::Release, source).await,
        Wanted::No => return,
    }
    let started = desk.clock.now();
    if !desk.leases.holds(claimed.delivery.id, claimed.token, started.elapsed) {
        desk.counters.lease_lost();
        return;
    }
    let post = signed(desk, &claimed, &prepared, &frozen.body, started);
    let posted = desk.sender.post(&post).await;
    let ended = desk.clock.now();
    let Some(made) = made_attempt(&claimed, &prepared, post, posted, started, ended) else {
        let step = not_sent(desk, ended.elapsed);
        return record(desk, &claimed, None, step, source).await;
    };
    let step = next_step(desk, &claimed, &made, frozen.deadline, ended.elapsed);
    record(desk, &claimed, Some(made), step, source).await;
}

/// The body that is sent: the frozen one, or a new one that is frozen now.
async fn body(
    desk: &Desk,
    claimed: &Claimed,
    prepared: &Prepared,
) -> Result<(Frozen, Option<SourceSeen>), NoPost> {
    let reuse =
        claimed.webhook.payload == PayloadMode::Frozen || claimed.delivery.attempts_count == 0;
    if let (Some(body), Some(deadline)) = (&claimed.payload, claimed.deadline)
        && reuse
    {
        return Ok((Frozen { body: body.clone(), deadline, is_new: false }, None));
    }
    let (body, subjects, source) = match &claimed.payload {
        // A replay of what was frozen: its bytes are there, its 72 hours are not.
        Some(body) if reuse => (body.clone(), None, None),
        _ => {
            let (body, subjects, source) = rendered(desk, claimed, prepared).await?;
            (body, Some(subjects), source)
        }
    };
    let frozen = freeze(desk, claimed, body, subjects).await?;
    Ok((frozen, source))
}

async fn rendered(
    desk: &Desk,
    claimed: &Claimed,
    prepared: &Prepared,
) -> Result<(Bytes, Vec<EntityId>, Option<SourceSeen>), NoPost> {
    let Claimed { event, webhook, delivery, .. } = claimed;
    let started = desk.clock.now().elapsed;
    let Some(source) = desk.sources.iter().find(|source| source.info().name == event.source) else {
        let detail = format!("there is no source `{}`: configure it again", event.source);
        let why = Reason::new(ReasonCode::QueryBroken, detail);
        return Err(NoPost::Step(Step::HoldWebhook { why }, None));
    };
    let query = prepared
        .plan(&source.schema(), webhook, &delivery.trigger)
        .map_err(|why| NoPost::Step(Step::HoldWebhook { why }, None))?;
    let identity = identity(desk, claimed).await?;
    let shared = SharedFor { runs: &desk.runs, source: &**source, event: event.id };
    let request = RenderRequest {
        delivery: delivery.id,
        trigger: &delivery.trigger,
        event,
        webhook,
        query: &query,
        identity,
        waited: waited(claimed, started),
    };
    let rendered = render(&shared, &request).await;
    let seen = match rendered.source {
        SourceAnswer::NotAsked => None,
        SourceAnswer::Answered => {
            Some(SourceSeen { started_at: started, answered: true, wait_ms: None })
        }
        SourceAnswer::Down { wait_ms } => {
            Some(SourceSeen { started_at: started, answered: false, wait_ms })
        }
    };
    let step = match rendered.rendering {
        Rendering::Payload(body) => return Ok((Bytes::from(body), rendered.subjects, seen)),
        Rendering::Wait(why) => wait_for_query(desk, claimed, why),
        Rendering::Suppress(why) => Step::Suppress { why },
        Rendering::Hold(why) => Step::HoldWebhook { why },
        Rendering::Exhaust(why) => Step::Exhaust { why },
    };
    Err(NoPost::Step(step, seen))
}

/// How long the delivery has waited for its query. While its webhook was stopped nobody asked.
fn waited(claimed: &Claimed, now: Elapsed) -> Waited {
    let Some(waiting) = claimed.delivery.waiting else { return Waited::default() };
    let went_on_at = claimed.webhook.clock.went_on_at.unwrap_or_default();
    let ms = now.since_ms(waiting.since.max(went_on_at));
    match waiting.code {
        ReasonCode::SourceDown => Waited { for_source_ms: ms, for_data_ms: 0 },
        _ => Waited { for_source_ms: 0, for_data_ms: ms },
    }
}

/// On whose behalf the query runs: the application with the rights that it has now.
async fn identity(desk: &Desk, claimed: &Claimed) -> Result<Identity, NoPost> {
    let wait = |cause: String| {
        let why = Reason::new(ReasonCode::SourceDown, cause);
        NoPost::Step(wait_for_query(desk, claimed, why), None)
    };
    let catalog = desk.store.catalog().await.map_err(|cause| wait(cause.to_string()))?;
    let Some(application) = catalog.application(claimed.delivery.application) else {
        // Deleted a moment ago; the same commit, or the one after it, cancels the delivery.
        return Err(NoPost::Dropped);
    };
    let (application, name, scopes) =
        (application.id, application.name.clone(), application.scopes);
    Ok(Identity { application, name, scopes })
}

fn wait_for_query(desk: &Desk, claimed: &Claimed, why: Reason) -> Step {
    let count = claimed.delivery.waiting.map_or(0, |waiting| waiting.count);
    let wait_ms = desk.chance.jitter().spread(back_off_ms(count));
    Step::WaitForQuery { due_at: desk.clock.now().elapsed.plus_ms(wait_ms), why }
}

/// Makes the body durable before its first byte leaves. The 72 hours begin now, or when an open
/// breaker first held it back.
async fn freeze(
    desk: &Desk,
    claimed: &Claimed,
    body: Bytes,
    subjects: Option<Vec<EntityId>>,
) -> Result<Frozen, NoPost> {
    let now = desk.clock.now();
    let begun = claimed.held_since.unwrap_or(now.elapsed).min(now.elapsed);
    let deadline = claimed.deadline.unwrap_or_else(|| begun.plus_ms(policy(claimed).horizon_ms));
    let freeze = Freeze {
        token: claimed.token,
        delivery: claimed.delivery.id,
        payload: body.clone(),
        deadline,
        subjects,
    };
    let until = now.elapsed.plus_ms(LEASE_MS / 2);
    let write = || desk.store.freeze_payloads(desk.clock.now(), vec![freeze.clone()]);
    match persist(&desk.clock, until, write).await {
        Persisted::Done => Ok(Frozen { body, deadline, is_new: true }),
        Persisted::LeaseLost | Persisted::GaveUp => {
            desk.counters.lease_lost();
            Err(NoPost::Dropped)
        }
    }
}

fn policy(claimed: &Claimed) -> Cow<'_, RetryPolicy> {
    if claimed.delivery.test {
        Cow::Owned(RetryPolicy::once())
    } else {
        Cow::Borrowed(&claimed.webhook.retry)
    }
}

fn signed(desk: &Desk, claimed: &Claimed, prepared: &Prepared, body: &Bytes, now: Now) -> Post {
    let mut headers: Vec<(String, String)> = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("accept".to_owned(), "application/json, text/plain, */*".to_owned()),
        ("user-agent".to_owned(), desk.user_agent.clone()),
    ];
    headers.extend(prepared.headers.iter().cloned());
    let signatures = sign(&prepared.keys, claimed.delivery.id, now.wall, now.elapsed, body);
    headers.extend(signatures.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Post {
        url: claimed.webhook.url.clone(),
        headers,
        body: body.clone(),
        timeout_ms: claimed.webhook.timeout_ms,
    }
}

/// What is recorded of the attempt; `None` when nothing was sent because of this machine.
fn made_attempt(
    claimed: &Claimed,
    prepared: &Prepared,
    post: Post,
    posted: Posted,
    started: Now,
    ended: Now,
) -> Option<MadeAttempt> {
    let mut attempt = Attempt {
        number: claimed.delivery.attempts_count.saturating_add(1),
        started_at: started.wall,
        duration_ms: ended.elapsed.since_ms(started.elapsed),
        outcome: Outcome::Accepted,
        status: None,
        error: None,
        request_headers: masked(post.headers, prepared),
        response_headers: Vec::new(),
        response_body: Bytes::new(),
        response_body_truncated: false,
    };
    match posted {
        Posted::Answered { status, headers, body, body_truncated } => {
            let mut asked = headers.iter().filter(|header| header.0 == "retry-after");
            let retry_after = match (asked.next(), asked.next()) {
                (Some(only), None) => Some(only.1.as_str()),
                _ => None,
            };
            attempt.outcome = classify(status, claimed.webhook.success, retry_after, ended.wall);
            attempt.status = Some(status);
            attempt.response_headers = headers;
            attempt.response_body = body;
            attempt.response_body_truncated = body_truncated;
        }
        Posted::Failed { why, text } => {
            attempt.outcome = Outcome::Failed { why, retry_after_ms: None };
            attempt.error = Some(text);
        }
        Posted::NotSent { text } => {
            warn!(delivery.id = %claimed.delivery.id, "nothing was sent: {text}");
            return None;
        }
    }
    Some(MadeAttempt { attempt, started_at: started.elapsed })
}

/// The values of the owner's own headers are secrets: they are sent, not kept.
fn masked(headers: Vec<(String, String)>, prepared: &Prepared) -> Vec<(String, String)> {
    let own = |name: &str| prepared.headers.iter().any(|header| header.0 == name);
    let mask = |(name, value): (String, String)| {
        let value = if own(&name) { MASK.to_owned() } else { value };
        (name, value)
    };
    headers.into_iter().map(mask).collect()
}

fn not_sent(desk: &Desk, now: Elapsed) -> Step {
    let detail = "this machine could not open a connection; no attempt was made";
    let why = Reason::new(ReasonCode::AttemptFailed, detail);
    Step::RetryAt { due_at: now.plus_ms(desk.chance.jitter().spread(back_off_ms(0))), why }
}

fn next_step(
    desk: &Desk,
    claimed: &Claimed,
    made: &MadeAttempt,
    deadline: Elapsed,
    now: Elapsed,
) -> Step {
    let tried =
        Tried { number: made.attempt.number, outcome: made.attempt.outcome.clone(), deadline };
    decide(&policy(claimed), &tried, now, desk.chance.jitter())
}

async fn record(
    desk: &Desk,
    claimed: &Claimed,
    made: Option<MadeAttempt>,
    step: Step,
    source: Option<SourceSeen>,
) {
    let step = if claimed.delivery.test { at_once(step) } else { step };
    tell(desk, claimed, made.as_ref(), &step);
    let record =
        Record { token: claimed.token, delivery: claimed.delivery.id, attempt: made, step, source };
    let until = desk.clock.now().elapsed.plus_ms(LEASE_MS);
    let write = || desk.store.record(desk.clock.now(), vec![record.clone()]);
    match persist(&desk.clock, until, write).await {
        Persisted::Done => {}
        Persisted::LeaseLost => {
            desk.counters.lease_lost();
            debug!(delivery.id = %record.delivery, "the result is dropped: another worker has it");
        }
        Persisted::GaveUp => {
            let id = record.delivery;
            warn!(delivery.id = %id, "the result could not be recorded: it will be sent again");
        }
    }
}

/// A test is tried once: what would be tried again, or would stop the webhook, ends it.
fn at_once(step: Step) -> Step {
    match step {
        Step::RetryAt { why, .. }
        | Step::WaitForQuery { why, .. }
        | Step::DisableWebhook { why }
        | Step::HoldWebhook { why } => Step::Exhaust { why },
        Step::Finish | Step::Exhaust { .. } | Step::Suppress { .. } | Step::Release => step,
    }
}

fn tell(desk: &Desk, claimed: &Claimed, made: Option<&MadeAttempt>, step: &Step) {
    let id = claimed.delivery.id;
    let name = match step {
        Step::Finish => "delivered",
        Step::RetryAt { .. } => "retry",
        Step::Exhaust { .. } => "exhausted",
        Step::DisableWebhook { .. } => "webhook_disabled",
        Step::HoldWebhook { .. } => "webhook_held",
        Step::WaitForQuery { .. } => "waiting_for_query",
        Step::Suppress { .. } => "suppressed",
        Step::Release => "released",
    };
    desk.counters.step(name);
    if let Some(MadeAttempt { attempt, .. }) = made {
        let (number, outcome) = (attempt.number, attempt.outcome.as_str());
        desk.counters.attempt(outcome, attempt.duration_ms);
        let duration_ms = attempt.duration_ms;
        debug!(delivery.id = %id, attempt.number = number, outcome, duration_ms,
               "attempt {number} of {id}: {outcome}");
    }
    if let Step::Exhaust { why } | Step::DisableWebhook { why } | Step::HoldWebhook { why } = step {
        let webhook = claimed.webhook.id;
        info!(delivery.id = %id, webhook.id = %webhook, step = name, "{name}: {}", why.detail);
    }
}
