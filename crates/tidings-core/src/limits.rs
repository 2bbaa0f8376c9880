//! Every bound of the product, in one place, with its unit in its name.

use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

// --- the front door ---
/// A request body at any door.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Events in one request.
pub const EVENTS_PER_REQUEST_MAX: usize = 1_000;
/// Deliveries that one request may make.
pub const DELIVERIES_PER_REQUEST_MAX: usize = 10_000;
/// Webhooks that listen to one trigger.
pub const WEBHOOKS_PER_TRIGGER_MAX: usize = 10_000;
/// Nesting of JSON that is taken in.
pub const JSON_DEPTH_MAX: usize = 64;
/// An entity's id.
pub const ENTITY_ID_BYTES_MAX: usize = 256;
/// An event's or a webhook's variables, as JSON text.
pub const VARIABLES_BYTES_MAX: usize = 16 * 1024;
/// An idempotency key: 1 to this many visible ASCII characters.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// How long an idempotency key is remembered.
pub const IDEMPOTENCY_REMEMBERED_MS: u64 = 7 * DAY_MS;
/// How long a user's token lasts where its application says nothing.
pub const USER_TOKEN_LIFETIME_S: u32 = 3_600;
/// How long a user's token is remembered after it ended or was revoked.
pub const USER_TOKEN_REMEMBERED_MS: u64 = DAY_MS;

// --- a webhook ---
/// A webhook's name.
pub const WEBHOOK_NAME_CHARACTERS_MAX: usize = 200;
/// Triggers that one webhook listens to.
pub const WEBHOOK_TRIGGERS_MAX: usize = 64;
/// A webhook's URL.
pub const URL_BYTES_MAX: usize = 2_048;
/// Headers that a webhook adds.
pub const WEBHOOK_HEADERS_MAX: usize = 16;
/// The value of a header that a webhook adds.
pub const HEADER_VALUE_BYTES_MAX: usize = 4_096;
/// The name of a header that a webhook adds.
pub const HEADER_NAME_BYTES_MAX: usize = 128;
/// Rules for error codes that a webhook has.
pub const ERROR_RULES_MAX: usize = 32;
/// Delays that a webhook may set for its retries.
pub const RETRY_DELAYS_MAX: usize = 64;
/// A shared key that is taken as it is: at least this many bytes.
pub const KEY_BYTES_MIN: usize = 12;
/// A shared key: at most this many bytes.
pub const KEY_BYTES_MAX: usize = 256;
/// A shared key under this many bytes is taken with a warning.
pub const KEY_BYTES_ADVISED: usize = 24;
/// Keys of one webhook that sign at the same time.
pub const KEYS_VALID_MAX: usize = 4;
/// How long two keys may be valid beside each other.
pub const KEY_OVERLAP_MS_MAX: u64 = 30 * DAY_MS;

// --- an attempt ---
/// From the start of an attempt to the end of the answer's header block; a webhook may lower it.
pub const ATTEMPT_TIMEOUT_MS: u32 = 30_000;
/// The least that a webhook may lower it to.
pub const ATTEMPT_TIMEOUT_MS_MIN: u32 = 100;
/// The part of it that may be spent on connecting.
pub const CONNECT_TIMEOUT_MS: u64 = 10 * SECOND_MS;
/// How much of an answer's body is kept.
pub const ANSWER_BODY_BYTES_MAX: usize = 16 * 1024;
/// How long, after its header block, an answer's body is read.
pub const ANSWER_BODY_MS_MAX: u64 = 2 * SECOND_MS;
/// How much of an answer's headers is kept, names and values together.
pub const ANSWER_HEADER_BYTES_MAX: usize = 16 * 1024;
/// A payload.
pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

// --- retries ---
/// How long a receiver is tried.
pub const HORIZON_MS: u64 = 72 * HOUR_MS;
/// How long a source that is down is waited for.
pub const SOURCE_PATIENCE_MS: u64 = 7 * DAY_MS;
/// How long a response without data is tried again before it is delivered as it is.
pub const RESPONSE_PATIENCE_MS: u64 = 24 * HOUR_MS;
/// Jitter, as parts in a hundred of the delay, to either side.
pub const JITTER_PERCENT: u64 = 10;
/// What `webhook.retry.delays` may hold.
pub const RETRY_DELAY_MS_MAX: u64 = 24 * HOUR_MS;

// --- health ---
/// Failures in a row that open the breaker.
pub const BREAKER_FAILURES: u32 = 5;
/// The first wait of an open breaker.
pub const BREAKER_DELAY_MS: u64 = 5 * SECOND_MS;
/// The longest wait of an open breaker.
pub const BREAKER_DELAY_MS_MAX: u64 = 5 * MINUTE_MS;
/// Attempts that may be on their way to one endpoint at a time, from one process.
pub const ENDPOINT_CONCURRENCY_MAX: u32 = 64;
/// Behind an open breaker, deliveries at their deadline go at most this often.
pub const BREAKER_DEADLINE_PACE_MS: u64 = SECOND_MS;

// --- work ---
/// A worker's right to a delivery, unless it extends it.
pub const LEASE_MS: u64 = 60 * SECOND_MS;
/// Attempts that one process has in flight.
pub const ATTEMPTS_IN_FLIGHT_MAX: usize = 512;
/// Items on a page.
pub const PAGE_MAX: usize = 200;
/// Attempts that may be on their way to one endpoint also while a process is crowded.
pub const ENDPOINT_CONCURRENCY_MIN: u32 = 2;
/// The part of a process's spare room that one endpoint may have: one in so many.
pub const ENDPOINT_SHARE: usize = 3;
/// Deliveries that one command replays.
pub const REPLAY_MAX: usize = 50_000;
/// Claims of a delivery that ended without a word before it is set aside.
pub const CLAIMS_WITHOUT_RESULT_MAX: u32 = 10;
