//! What every store decides alike, as plain functions and values, so that the databases never
//! drift apart: reasons and texts that a store itself writes, the bounds of its commits, and what
//! a delivery is beside its webhook and its endpoint.

use std::collections::HashMap;

use tidings_core::{
    access::TokenKind,
    application::{Application, ApplicationSettings},
    delivery::{Delivery, Reason, ReasonCode, State, Step},
    event::Event,
    health::{EndpointHealth, SourceHealth},
    ids::{ApplicationId, EntityId},
    jwt::JwtProfile,
    limits::{CLAIMS_WITHOUT_RESULT_MAX, SOURCE_PATIENCE_MS, USER_TOKEN_REMEMBERED_MS},
    time::{Elapsed, HOUR_MS},
    webhook::{PayloadMode, Status, Webhook},
};

use crate::{
    error::WriteError,
    types::{DeliveryFilter, EventFilter, NoticeKind, ShownState, WebhookStatus},
};

/// Deliveries that one commit cancels or exhausts beside its main work.
pub const ENDED_PER_COMMIT_MAX: usize = 1_000;
/// Idempotency keys, and tokens, that one commit forgets.
pub const FORGOTTEN_PER_COMMIT_MAX: usize = 1_000;
/// How long after the first one an equal notice is counted on it.
pub const NOTICE_MERGED_MS: u64 = HOUR_MS;
/// What [`crate::WebhookBacklog::waiting`] counts to.
pub const BACKLOG_COUNTED_MAX: u64 = 10_001;
/// What [`crate::Stats::waiting`] counts to.
pub const WAITING_COUNTED_MAX: u64 = 100_001;
/// What [`crate::Store::deliveries_of`] gives at most.
pub const DELIVERIES_OF_EVENT_MAX: usize = 10_000;

/// The room that lanes of tasks have in a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LaneRoom {
    permits: usize,
    used: HashMap<String, usize>,
}

impl LaneRoom {
    /// Room for so many of each lane.
    #[must_use]
    pub fn new(permits: usize) -> LaneRoom {
        LaneRoom { permits, used: HashMap::new() }
    }

    /// So many of a lane have theirs already.
    pub fn use_up(&mut self, lane: &str, count: usize) {
        *self.used.entry(lane.to_owned()).or_default() += count;
    }

    /// Whether there is room for one more of a lane. The empty lane needs none.
    #[must_use]
    pub fn has(&self, lane: &str) -> bool {
        lane.is_empty() || self.used.get(lane).copied().unwrap_or(0) < self.permits
    }

    /// The same, and one more of the lane has the room then.
    pub fn take(&mut self, lane: &str) -> bool {
        let has_room = self.has(lane);
        if has_room {
            self.use_up(lane, 1);
        }
        has_room
    }
}

/// Why deliveries of a deleted webhook are cancelled.
#[must_use]
pub fn webhook_deleted() -> Reason {
    Reason::new(ReasonCode::WebhookDeleted, "the webhook was deleted")
}

/// Why deliveries of a deleted application are cancelled.
#[must_use]
pub fn application_deleted() -> Reason {
    Reason::new(ReasonCode::ApplicationDeleted, "the application was deleted")
}

/// Why a delivery ends that tells of what was deleted, or of what consent was withdrawn for.
#[must_use]
pub fn consent_withdrawn() -> Reason {
    let detail = "what it tells of was deleted, or consent for it was withdrawn";
    Reason::new(ReasonCode::ConsentWithdrawn, detail)
}

/// Whom a body tells of beside the entity of its event, which is known by its event.
#[must_use]
pub fn subjects_beside(event: &Event, subjects: &[EntityId]) -> Vec<EntityId> {
    subjects.iter().filter(|subject| **subject != event.entity).cloned().collect()
}

/// Why a delivery ends whose deadline came behind an open breaker.
#[must_use]
pub fn endpoint_down() -> Reason {
    let detail =
        "the endpoint did not answer until the deadline: replay it once the endpoint works";
    Reason::new(ReasonCode::EndpointDown, detail)
}

/// Why a delivery ends that was begun again and again.
#[must_use]
pub fn quarantined() -> Reason {
    let detail = format!(
        "it was begun {CLAIMS_WITHOUT_RESULT_MAX} times and no result was ever recorded: \
         look at its body, then replay it"
    );
    Reason::new(ReasonCode::Quarantined, detail)
}

/// Whether a delivery that would be given out is exhausted (`Quarantined`) instead. `claims` counts
/// the leases given since the last record.
#[must_use]
pub fn is_quarantined(delivery: &Delivery, claims: u32) -> bool {
    matches!(delivery.state, State::Leased { .. }) && claims >= CLAIMS_WITHOUT_RESULT_MAX
}

/// Whether a delivery cannot be sent before its query has run. A body that was never sent is sent
/// as it is also by a webhook that asks anew for each attempt.
#[must_use]
pub fn needs_query(webhook: &Webhook, delivery: &Delivery, has_payload: bool) -> bool {
    !has_payload || (webhook.payload == PayloadMode::Fresh && delivery.attempts_count > 0)
}

/// Since when an open breaker has held back a delivery whose 72 hours have not begun:
/// [`crate::Claimed::held_since`]. A webhook that was stopped in between counts from when it went
/// on, so that a pause never shortens the 72 hours.
#[must_use]
pub fn held_since(
    delivery: &Delivery,
    webhook: &Webhook,
    health: &EndpointHealth,
) -> Option<Elapsed> {
    if delivery.deadline.is_some() {
        return None;
    }
    let since = health.held_since(delivery.next_at()?)?;
    Some(since.max(webhook.clock.went_on_at.unwrap_or_default()))
}

/// The end of the 72 hours of a delivery: what was set when its body was frozen, else the webhook's
/// horizon after [`held_since`]; `None` when they have not begun.
#[must_use]
pub fn deadline(
    delivery: &Delivery,
    webhook: &Webhook,
    health: &EndpointHealth,
    now: Elapsed,
) -> Option<Elapsed> {
    match delivery.deadline {
        Some(deadline) => Some(webhook.clock.moment(deadline, now)),
        None => held_since(delivery, webhook, health)
            .map(|since| since.plus_ms(webhook.retry.horizon_ms)),
    }
}

/// The deadline that people see: of what waits behind an open breaker also one that no freeze has
/// set yet.
#[must_use]
pub fn shown_deadline(
    delivery: &Delivery,
    webhook: &Webhook,
    health: &EndpointHealth,
    now: Elapsed,
) -> Option<Elapsed> {
    match delivery.state {
        State::Pending { .. } => deadline(delivery, webhook, health, now),
        _ => delivery.deadline.map(|running| webhook.clock.moment(running, now)),
    }
}

/// Until when an open breaker holds a delivery back that is due; `None` where none does.
#[must_use]
pub fn held_back_until(
    delivery: &Delivery,
    health: &EndpointHealth,
    now: Elapsed,
) -> Option<Elapsed> {
    let State::Pending { due_at, .. } = delivery.state else { return None };
    health.breaker.as_ref().filter(|_| due_at <= now).map(|breaker| breaker.next_at)
}

/// Why deliveries end that waited for their source for as long as they may.
#[must_use]
pub fn source_down() -> Reason {
    let detail = "the source did not answer for 7 days: replay it once the source works";
    Reason::new(ReasonCode::SourceDown, detail)
}

/// The moment until which a delivery must have been due to be given up, because its source has
/// been down for [`SOURCE_PATIENCE_MS`] since then; `None` while that is over for none of the
/// webhook. Counts to the last query that found the source down, and not from before the source was
/// down or the webhook went on.
#[must_use]
pub fn given_up_until(webhook: &Webhook, source: &SourceHealth) -> Option<Elapsed> {
    let down = source.down.as_ref()?;
    let until = down.found_at.0.checked_sub(SOURCE_PATIENCE_MS).map(Elapsed)?;
    let since = down.since.max(webhook.clock.went_on_at.unwrap_or_default());
    (since <= until).then_some(until)
}

/// What [`check_jwt_profiles`] says is taken.
pub const TAKEN_PROFILE: &str = "profile with the issuer and audience of";

/// Refuses settings with a profile of the same issuer and audience as another application's, since
/// a token must name one profile (`Taken`).
///
/// # Errors
/// As said.
pub fn check_jwt_profiles<'a>(
    applications: impl Iterator<Item = &'a Application>,
    own: Option<ApplicationId>,
    settings: &ApplicationSettings,
) -> Result<(), WriteError> {
    let others = applications.filter(|application| Some(application.id) != own);
    for other in others.flat_map(|application| &application.settings.jwt_profiles) {
        let is_same = |it: &&JwtProfile| it.issuer == other.issuer && it.audience == other.audience;
        if let Some(profile) = settings.jwt_profiles.iter().find(is_same) {
            let id = profile.name.to_string();
            return Err(WriteError::Taken { what: TAKEN_PROFILE, id });
        }
    }
    Ok(())
}

/// When a token is forgotten that ended, or was revoked, at that moment: users' alone are.
#[must_use]
pub fn token_forgotten_at(kind: TokenKind, ended_at: Elapsed) -> Option<Elapsed> {
    (kind == TokenKind::User).then(|| ended_at.plus_ms(USER_TOKEN_REMEMBERED_MS))
}

/// The status that a step gives an active webhook, with the notice that tells its owner.
#[must_use]
pub fn status_after(step: &Step) -> Option<(Status, NoticeKind)> {
    match step {
        Step::DisableWebhook { why } => {
            Some((Status::Disabled { why: why.detail.clone() }, NoticeKind::WebhookDisabled))
        }
        Step::HoldWebhook { why } => {
            let status = Status::Held { why: why.detail.clone(), code: why.code };
            Some((status, NoticeKind::WebhookHeld))
        }
        _ => None,
    }
}

/// A notice in words.
#[must_use]
pub fn notice_text(kind: NoticeKind, why: &str) -> String {
    match kind {
        NoticeKind::WebhookDisabled => format!("The webhook was disabled: {why}"),
        NoticeKind::WebhookHeld => format!("The webhook was put on hold: {why}"),
        NoticeKind::DeliveryExhausted => format!("Deliveries were exhausted: {why}"),
    }
}

/// A delivery's state as it is shown.
#[must_use]
pub fn shown(delivery: &Delivery, webhook: &Webhook) -> ShownState {
    match delivery.state {
        State::Pending { .. } if webhook.status != Status::Active => ShownState::Held,
        State::Pending { .. } => ShownState::Pending,
        State::Leased { .. } => ShownState::Leased,
        State::Delivered => ShownState::Delivered,
        State::Suppressed { .. } => ShownState::Suppressed,
        State::Exhausted { .. } => ShownState::Exhausted,
        State::Cancelled { .. } => ShownState::Cancelled,
    }
}

/// A webhook's status without its reason.
#[must_use]
pub fn webhook_status(status: &Status) -> WebhookStatus {
    match status {
        Status::Active => WebhookStatus::Active,
        Status::Paused => WebhookStatus::Paused,
        Status::Held { .. } => WebhookStatus::Held,
        Status::Disabled { .. } => WebhookStatus::Disabled,
    }
}

/// Whether an event is asked for.
#[must_use]
pub fn event_matches(filter: &EventFilter, event: &Event) -> bool {
    let seen = |application| event.application.is_none_or(|own| own == application);
    filter.application.is_none_or(seen)
        && filter.trigger.as_ref().is_none_or(|trigger| *trigger == event.trigger)
        && filter.entity.as_ref().is_none_or(|entity| entity == event.entity.as_str())
        && filter.from.is_none_or(|from| event.date >= from)
        && filter.until.is_none_or(|until| event.date < until)
}

/// Whether a delivery is asked for.
#[must_use]
pub fn delivery_matches(
    filter: &DeliveryFilter,
    delivery: &Delivery,
    event: &Event,
    webhook: &Webhook,
) -> bool {
    filter.application.is_none_or(|application| application == delivery.application)
        && filter.webhook.is_none_or(|id| id == delivery.id.webhook())
        && filter.trigger.as_ref().is_none_or(|trigger| *trigger == delivery.trigger)
        && filter.entity.as_ref().is_none_or(|entity| entity == event.entity.as_str())
        && (filter.states.is_empty() || filter.states.contains(&shown(delivery, webhook)))
        && filter.from.is_none_or(|from| delivery.added_at >= from)
        && filter.until.is_none_or(|until| delivery.added_at < until)
}
