//! A delivery's row: what the store keeps of it, and how.

use std::sync::LazyLock;

use rusqlite::{Connection, Row, ToSql, params};
use tidings_core::{
    delivery::{Delivery, LeaseToken, Reason, ReasonCode, State, Waiting},
    ids::{ApplicationId, DeliveryId, EndpointId},
    time::{Elapsed, Wall},
    webhook::Running,
};

use crate::{
    error::Trouble,
    row::{bytes, int, length, number, number_if, parsed, small, wall},
};

/// A delivery with what only the store knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The delivery.
    pub(crate) delivery: Delivery,
    /// Leases since the last record.
    pub(crate) claims_count: u32,
    /// Where it is sent under its present lease.
    pub(crate) endpoint: Option<EndpointId>,
    /// The row of its frozen body.
    pub(crate) payload: Option<i64>,
    /// The bytes of its frozen body.
    pub(crate) payload_bytes: Option<usize>,
}

/// The columns of [`stored`].
pub(crate) const DELIVERY: &str = "id, application, trigger, state, next_at, token, endpoint, \
     reason_code, reason_detail, attempts_count, claims_count, deadline, waiting_since, \
     waiting_count, payload, payload_bytes, test, added_at, finished_at, waiting_code, \
     erased";

const WHAT: &str = "delivery";

/// A delivery.
pub(crate) fn stored(row: &Row<'_>) -> Result<Stored, Trouble> {
    let payload_bytes = number_if(row, 15, WHAT)?;
    Ok(Stored {
        delivery: Delivery {
            id: DeliveryId::from_bytes(bytes(row, 0, WHAT)?),
            application: ApplicationId(number(row, 1, WHAT)?),
            trigger: parsed(row, 2, WHAT)?,
            state: state(row)?,
            attempts_count: small(row, 9, WHAT)?,
            deadline: number_if(row, 11, WHAT)?.map(Running),
            waiting: waiting(row)?,
            test: row.get(16)?,
            erased: row.get(20)?,
            added_at: wall(row, 17)?,
            finished_at: row.get::<_, Option<i64>>(18)?.map(Wall),
        },
        claims_count: small(row, 10, WHAT)?,
        endpoint: number_if(row, 6, WHAT)?.map(EndpointId),
        payload: row.get(14)?,
        payload_bytes: payload_bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
    })
}

fn state(row: &Row<'_>) -> Result<State, Trouble> {
    let missing = |column: &str| Trouble::corrupt(WHAT, format!("its {column} is missing"));
    let next_at = || number_if(row, 4, WHAT)?.map(Elapsed).ok_or_else(|| missing("next_at"));
    let why = || reason(row)?.ok_or_else(|| missing("reason"));
    Ok(match row.get(3)? {
        0i64 => State::Pending { due_at: next_at()?, why: reason(row)? },
        1 => {
            let token = number_if(row, 5, WHAT)?.ok_or_else(|| missing("token"))?;
            State::Leased { token: LeaseToken(token), expires_at: next_at()? }
        }
        2 => State::Delivered,
        3 => State::Suppressed { why: why()? },
        4 => State::Exhausted { why: why()? },
        5 => State::Cancelled { why: why()? },
        other => return Err(Trouble::corrupt(WHAT, format!("there is no state {other}"))),
    })
}

fn waiting(row: &Row<'_>) -> Result<Option<Waiting>, Trouble> {
    let (Some(since), Some(code)) = (number_if(row, 12, WHAT)?, code(row, 19)?) else {
        return Ok(None);
    };
    Ok(Some(Waiting { code, since: Elapsed(since), count: small(row, 13, WHAT)? }))
}

fn code(row: &Row<'_>, column: usize) -> Result<Option<ReasonCode>, Trouble> {
    let text = row.get_ref(column)?.as_str_or_null();
    let Some(text) = text.map_err(|error| Trouble::corrupt(WHAT, error))? else {
        return Ok(None);
    };
    let code = ReasonCode::ALL.into_iter().find(|code| code.as_str() == text);
    code.map(Some).ok_or_else(|| Trouble::corrupt(WHAT, format!("there is no reason {text}")))
}

fn reason(row: &Row<'_>) -> Result<Option<Reason>, Trouble> {
    let Some(code) = code(row, 7)? else { return Ok(None) };
    let detail: Option<String> = row.get(8)?;
    Ok(Some(Reason { code, detail: detail.unwrap_or_default() }))
}

/// The number that stands for a state.
pub(crate) fn state_number(state: &State) -> i64 {
    match state {
        State::Pending { .. } => 0,
        State::Leased { .. } => 1,
        State::Delivered => 2,
        State::Suppressed { .. } => 3,
        State::Exhausted { .. } => 4,
        State::Cancelled { .. } => 5,
    }
}

/// Reads a delivery by its id.
pub(crate) fn delivery_by_id(
    connection: &Connection,
    id: DeliveryId,
) -> Result<Option<Stored>, Trouble> {
    static SQL: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {DELIVERY} FROM delivery WHERE id = ?1"));
    let mut statement = connection.prepare_cached(&SQL)?;
    let mut rows = statement.query([id.bytes().as_slice()])?;
    rows.next()?.map(stored).transpose()
}

/// Reads the deliveries that a query of [`DELIVERY`] finds.
pub(crate) fn deliveries(
    connection: &Connection,
    sql: &str,
    parameters: &[&dyn ToSql],
) -> Result<Vec<Stored>, Trouble> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(stored(row)?);
    }
    Ok(found)
}

/// Writes a delivery that is new.
pub(crate) fn insert_delivery(connection: &Connection, stored: &Stored) -> Result<(), Trouble> {
    let delivery = &stored.delivery;
    let columns = Changing::of(stored);
    connection
        .prepare_cached(
            "INSERT INTO delivery (id, application, webhook, trigger, state, next_at, token,
                 endpoint, reason_code, reason_detail, attempts_count, claims_count, deadline,
                 waiting_since, waiting_count, payload, payload_bytes, test, added_at, finished_at,
                 waiting_code)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                 ?18, ?19, ?20, ?21)",
        )?
        .execute(params![
            delivery.id.bytes().as_slice(),
            int(delivery.application.0),
            int(delivery.id.webhook().0),
            delivery.trigger.as_str(),
            columns.state,
            columns.next_at,
            columns.token,
            columns.endpoint,
            columns.reason_code,
            columns.reason_detail,
            columns.attempts_count,
            columns.claims_count,
            columns.deadline,
            columns.waiting_since,
            columns.waiting_count,
            stored.payload,
            columns.payload_bytes,
            delivery.test,
            delivery.added_at.0,
            columns.finished_at,
            columns.waiting_code,
        ])?;
    Ok(())
}

/// Writes what can change of a delivery.
pub(crate) fn update_delivery(connection: &Connection, stored: &Stored) -> Result<(), Trouble> {
    let columns = Changing::of(stored);
    connection
        .prepare_cached(
            "UPDATE delivery SET state = ?2, next_at = ?3, token = ?4, endpoint = ?5,
                 reason_code = ?6, reason_detail = ?7, attempts_count = ?8, claims_count = ?9,
                 deadline = ?10, waiting_since = ?11, waiting_count = ?12, payload = ?13,
                 payload_bytes = ?14, finished_at = ?15, waiting_code = ?16, erased = ?17
             WHERE id = ?1",
        )?
        .execute(params![
            stored.delivery.id.bytes().as_slice(),
            columns.state,
            columns.next_at,
            columns.token,
            columns.endpoint,
            columns.reason_code,
            columns.reason_detail,
            columns.attempts_count,
            columns.claims_count,
            columns.deadline,
            columns.waiting_since,
            columns.waiting_count,
            stored.payload,
            columns.payload_bytes,
            columns.finished_at,
            columns.waiting_code,
            stored.delivery.erased,
        ])?;
    Ok(())
}

/// Writes what a freeze changes of a delivery. The columns of the open queue are left out, so that
/// its index is not touched.
pub(crate) fn update_frozen(connection: &Connection, stored: &Stored) -> Result<(), Trouble> {
    let columns = Changing::of(stored);
    connection
        .prepare_cached(
            "UPDATE delivery SET deadline = ?2, waiting_since = ?3, waiting_count = ?4,
                 payload = ?5, payload_bytes = ?6, waiting_code = ?7
             WHERE id = ?1",
        )?
        .execute(params![
            stored.delivery.id.bytes().as_slice(),
            columns.deadline,
            columns.waiting_since,
            columns.waiting_count,
            stored.payload,
            columns.payload_bytes,
            columns.waiting_code,
        ])?;
    Ok(())
}

/// The columns of a delivery that change.
struct Changing<'a> {
    state: i64,
    next_at: Option<i64>,
    token: Option<i64>,
    endpoint: Option<i64>,
    reason_code: Option<&'static str>,
    reason_detail: Option<&'a str>,
    attempts_count: u32,
    claims_count: u32,
    deadline: Option<i64>,
    waiting_since: Option<i64>,
    waiting_count: u32,
    waiting_code: Option<&'static str>,
    payload_bytes: Option<i64>,
    finished_at: Option<i64>,
}

impl Changing<'_> {
    fn of(stored: &Stored) -> Changing<'_> {
        let delivery = &stored.delivery;
        let reason = delivery.state.reason();
        let token = match delivery.state {
            State::Leased { token, .. } => Some(int(token.0)),
            _ => None,
        };
        Changing {
            state: state_number(&delivery.state),
            next_at: delivery.next_at().map(|at| int(at.0)),
            token,
            endpoint: token.and(stored.endpoint).map(|id| int(id.0)),
            reason_code: reason.map(|reason| reason.code.as_str()),
            reason_detail: reason.map(|reason| reason.detail.as_str()),
            attempts_count: delivery.attempts_count,
            claims_count: stored.claims_count,
            deadline: delivery.deadline.map(|deadline| int(deadline.0)),
            waiting_since: delivery.waiting.map(|waiting| int(waiting.since.0)),
            waiting_count: delivery.waiting.map_or(0, |waiting| waiting.count),
            waiting_code: delivery.waiting.map(|waiting| waiting.code.as_str()),
            payload_bytes: stored.payload_bytes.map(length),
            finished_at: delivery.finished_at.map(|at| at.0),
        }
    }
}
