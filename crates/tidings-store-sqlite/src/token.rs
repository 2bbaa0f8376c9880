//! Tokens, and what revokes them.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter, types::Value};
use tidings_core::{
    access::{Owner, Token, TokenKind},
    ids::{ApplicationId, TokenId},
    limits::PAGE_MAX,
    secret::TokenHash,
    time::{Elapsed, Now, Wall},
};
use tidings_store::{AppendError, NewToken, Page, Paged, Revocation, WriteError, rules};

use crate::{
    catalog::{self, not_found},
    error::{Stop, Trouble},
    row::{self, int, length},
    state::{Tx, keep_setting, setting},
};

/// The name of the highest number that a forgotten token had in the table of settings.
const LAST_TOKEN: &str = "last_token";
const TOKEN: &str = "id, hash, application, scopes, added_at, expires_wall, expires_elapsed, \
     revoked_at, kind, user, grant_id";

fn kind_number(kind: TokenKind) -> i64 {
    match kind {
        TokenKind::Operator | TokenKind::Application => 0,
        TokenKind::PrivateMaster => 1,
        TokenKind::PublicMaster => 2,
        TokenKind::User => 3,
    }
}

fn kind(number: i64, owner: &Owner) -> Result<TokenKind, Trouble> {
    match number {
        0 => Ok(TokenKind::own(owner)),
        1 => Ok(TokenKind::PrivateMaster),
        2 => Ok(TokenKind::PublicMaster),
        3 => Ok(TokenKind::User),
        _ => Err(Trouble::corrupt("token", format!("there is no kind {number}"))),
    }
}

fn token(row: &Row<'_>) -> Result<Token, Trouble> {
    let expires_wall: Option<i64> = row.get(5)?;
    let expires = match (expires_wall, row::number_if(row, 6, "token")?) {
        (Some(wall), Some(elapsed)) => Some(Now { wall: Wall(wall), elapsed: Elapsed(elapsed) }),
        _ => None,
    };
    let owner = row::number_if(row, 2, "token")?
        .map_or(Owner::Operator, |id| Owner::Application(ApplicationId(id)));
    Ok(Token {
        id: TokenId(row::number(row, 0, "token")?),
        hash: TokenHash(row::bytes(row, 1, "token")?),
        kind: kind(row.get(8)?, &owner)?,
        owner,
        user: row::parsed_if(row, 9, "token")?,
        grant: row::parsed_if(row, 10, "token")?,
        scopes: row::json(row, 3, "token")?,
        added_at: row::wall(row, 4)?,
        expires,
        revoked_at: row.get::<_, Option<i64>>(7)?.map(Wall),
    })
}

// --- reads ---

/// See [`tidings_store::Store::token`].
pub(crate) fn by_hash(connection: &Connection, hash: TokenHash) -> Result<Option<Token>, Trouble> {
    let sql = format!("SELECT {TOKEN} FROM token WHERE hash = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([hash.0.as_slice()])?;
    rows.next()?.map(token).transpose()
}

/// See [`tidings_store::Store::tokens`].
pub(crate) fn page(
    connection: &Connection,
    application: Option<ApplicationId>,
    asked: &Page<TokenId>,
) -> Result<Paged<Token>, Trouble> {
    let first = asked.first.clamp(1, PAGE_MAX);
    let after = asked.after.map_or(0, |after| int(after.0));
    let mut parameters = vec![Value::from(after), Value::from(length(first + 1))];
    let mut of = "";
    if let Some(application) = application {
        parameters.push(Value::from(int(application.0)));
        of = "AND application = ?3";
    }
    let sql = format!("SELECT {TOKEN} FROM token WHERE id > ?1 {of} ORDER BY id LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(parameters))?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(token(row)?);
    }
    let has_next_page = items.len() > first;
    items.truncate(first);
    Ok(Paged { items, has_next_page })
}

// --- writes ---

fn is_taken(connection: &Connection, hash: TokenHash) -> Result<bool, Trouble> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM token WHERE hash = ?1")?;
    Ok(statement.exists([hash.0.as_slice()])?)
}

/// See [`tidings_store::Store::add_token`].
pub(crate) fn add(tx: &Tx<'_>, now: Now, new: &NewToken) -> Result<Token, Stop<WriteError>> {
    if let Owner::Application(application) = &new.owner {
        catalog::application(tx, *application)?;
    }
    if is_taken(tx.connection, new.hash)? {
        let id = "of this text".to_owned();
        return Err(Stop::Refused(WriteError::Taken { what: "token", id }));
    }
    Ok(insert(tx, now, new)?)
}

/// Whether the tokens of an append can be added.
pub(crate) fn check(tx: &Tx<'_>, new: &[NewToken]) -> Result<(), Stop<AppendError>> {
    let mut within = HashSet::new();
    for (index, token) in new.iter().enumerate() {
        let has_owner = match &token.owner {
            Owner::Operator => true,
            Owner::Application(id) => tx.state.applications.contains_key(id),
        };
        if !has_owner {
            return Err(Stop::Refused(AppendError::StaleCatalog));
        }
        if !within.insert(token.hash) || is_taken(tx.connection, token.hash)? {
            return Err(Stop::Refused(AppendError::TokenTaken { index }));
        }
    }
    Ok(())
}

/// Adds a token that was checked.
pub(crate) fn insert(tx: &Tx<'_>, now: Now, new: &NewToken) -> Result<Token, Trouble> {
    let forgotten: Option<u64> = setting(tx.connection, LAST_TOKEN)?;
    let next = catalog::next_number(tx, "SELECT max(id) FROM token")?;
    let token = Token {
        id: TokenId(next.max(forgotten.map_or(0, |last| last + 1))),
        hash: new.hash,
        owner: new.owner.clone(),
        kind: new.kind,
        user: new.user.clone(),
        grant: new.grant,
        scopes: new.scopes,
        added_at: now.wall,
        expires: new.expires,
        revoked_at: None,
    };
    let application = match &token.owner {
        Owner::Operator => None,
        Owner::Application(id) => Some(int(id.0)),
    };
    let ends_at = token.expires.map(|expires| expires.elapsed);
    let forget_at = ends_at.and_then(|at| rules::token_forgotten_at(token.kind, at));
    tx.connection
        .prepare_cached(
            "INSERT INTO token (id, hash, application, scopes, added_at, expires_wall,
                 expires_elapsed, kind, user, grant_id, forget_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            int(token.id.0),
            token.hash.0.as_slice(),
            application,
            row::to_json(&token.scopes),
            token.added_at.0,
            token.expires.map(|expires| expires.wall.0),
            token.expires.map(|expires| int(expires.elapsed.0)),
            kind_number(token.kind),
            token.user.as_ref().map(|user| user.as_str()),
            token.grant.map(|grant| grant.to_string()),
            forget_at.map(|at| int(at.0)),
        ])?;
    Ok(token)
}

/// What of [`rules::token_forgotten_at`] a revocation writes: `?1` is the wall clock, `?2` when
/// users' tokens are forgotten.
macro_rules! revoke {
    ($which:literal) => {
        concat!(
            "UPDATE token SET revoked_at = ?1, forget_at = CASE WHEN kind = 3
                 THEN min(coalesce(forget_at, ?2), ?2) ELSE forget_at END
             WHERE revoked_at IS NULL AND ",
            $which
        )
    };
}

/// When a user's token is forgotten that is revoked now.
fn forget_at(now: Now) -> Option<i64> {
    rules::token_forgotten_at(TokenKind::User, now.elapsed).map(|at| int(at.0))
}

/// See [`tidings_store::Store::revoke_token`].
pub(crate) fn revoke(tx: &mut Tx<'_>, now: Now, id: TokenId) -> Result<Token, Stop<WriteError>> {
    tx.state.revocations_count += 1;
    tx.connection.prepare_cached(revoke!("id = ?3"))?.execute(params![
        now.wall.0,
        forget_at(now),
        int(id.0)
    ])?;
    let sql = format!("SELECT {TOKEN} FROM token WHERE id = ?1");
    let mut statement = tx.connection.prepare_cached(&sql)?;
    let mut rows = statement.query([int(id.0)])?;
    let found = rows.next()?.map(token).transpose()?;
    found.ok_or_else(|| not_found("token", id))
}

/// Makes a revocation of an append.
pub(crate) fn revoke_by(tx: &mut Tx<'_>, revocation: &Revocation, now: Now) -> Result<(), Trouble> {
    tx.state.revocations_count += 1;
    let (wall, forget_at) = (now.wall.0, forget_at(now));
    match revocation {
        Revocation::Grant { application, grant } => tx
            .connection
            .prepare_cached(revoke!("application = ?3 AND grant_id = ?4"))?
            .execute(params![wall, forget_at, int(application.0), grant.to_string()])?,
        Revocation::User { application, user } => tx
            .connection
            .prepare_cached(revoke!("application = ?3 AND user = ?4"))?
            .execute(params![wall, forget_at, int(application.0), user.as_str()])?,
    };
    Ok(())
}

/// Revokes all tokens of an application.
pub(crate) fn revoke_of(
    tx: &mut Tx<'_>,
    application: ApplicationId,
    now: Now,
) -> Result<(), Trouble> {
    tx.state.revocations_count += 1;
    tx.connection.prepare_cached(revoke!("application = ?3"))?.execute(params![
        now.wall.0,
        forget_at(now),
        int(application.0)
    ])?;
    Ok(())
}

/// Forgets users' tokens that have been over for long enough. Returns how many.
pub(crate) fn forget_expired(tx: &Tx<'_>, now: Now) -> Result<usize, Trouble> {
    let last: Option<i64> = tx
        .connection
        .prepare_cached("SELECT id FROM token ORDER BY id DESC LIMIT 1")?
        .query_row([], |found| found.get(0))
        .optional()?;
    let forgotten = tx
        .connection
        .prepare_cached(
            "DELETE FROM token WHERE id IN (
                 SELECT id FROM token INDEXED BY token_to_forget
                 WHERE forget_at <= ?1 ORDER BY forget_at, id LIMIT ?2)",
        )?
        .execute([int(now.elapsed.0), length(rules::FORGOTTEN_PER_COMMIT_MAX)])?;
    if forgotten > 0 {
        let last = last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0);
        let before: Option<u64> = setting(tx.connection, LAST_TOKEN)?;
        keep_setting(tx.connection, LAST_TOKEN, &before.unwrap_or(0).max(last))?;
    }
    Ok(forgotten)
}
