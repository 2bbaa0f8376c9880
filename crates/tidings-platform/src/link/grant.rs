//! Grants: what a user agreed to that an application may see, with the code and the refresh token
//! that it has for it. Durable; codes and tokens are kept as hashes. A grant has the id of its
//! account, so that who withdraws consent for an account revokes its tokens without a search.
//!
//! ```text
//! issued ─code─► redeemed ─refresh token─► refreshed ─► …
//!    └─ the code a second time ┴─ an old refresh token ─► ended, its tokens revoked
//! ```
//!
//! Each arrow is one commit that expects the grant's version: of two at the same moment one wins.
//! Each says too when the grant is forgotten: when neither code nor token of it is good any more.

use serde::{Deserialize, Serialize};
use tidings_core::{
    access::{Owner, ScopeSet, TokenKind},
    application::Application,
    ids::{ApplicationId, GrantId},
    limits::USER_TOKEN_LIFETIME_S,
    secret::{TokenHash, token_text},
    time::{DAY_MS, Elapsed, HOUR_MS, Now, SECOND_MS, Wall},
};
use tidings_store::{
    Append, AppendError, EntityChange, EntityExpectation, NewToken, Revocation, StoreError,
};
use tracing::error;

use super::{
    AuthLink,
    authorization::{Authorization, Unknown},
    session::Linked,
};
use crate::domain::{Account, AccountStatus, User};

/// What the store calls a grant.
const KIND: &str = "AuthLinkGrant";
/// How long a code may be exchanged.
pub(super) const CODE_MS_MAX: u64 = 60_000;
/// How long a refresh token is good that nobody uses (RFC 9700, section 4.14.2).
const REFRESH_IDLE_MS_MAX: u64 = 180 * DAY_MS;
/// How long a grant is remembered beyond its use, so that who comes late is told why.
const REMEMBERED_MS: u64 = HOUR_MS;
const REFRESH_PREFIX: &str = "tidings_refresh_";
const TRIES_MAX: usize = 8;

/// A grant as it is stored.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Grant {
    user: String,
    account: String,
    scopes: ScopeSet,
    offline: bool,
    redirect_uri: String,
    challenge: Option<String>,
    given_at: Wall,
    /// The hash of the code.
    code: String,
    code_until: Elapsed,
    is_redeemed: bool,
    refresh: Option<Refresh>,
    has_ended: bool,
}

/// The refresh tokens of a grant. Their texts are made of the grant, the family, and their own
/// secret, so that an old one is known as such without a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Refresh {
    /// The hash of what all of them share.
    family: String,
    /// The hash of the present one's whole text.
    present: String,
    /// When it ends.
    #[serde(default)]
    until: Elapsed,
}

/// A grant with its place in the store.
struct Kept {
    id: GrantId,
    version: u64,
    grant: Grant,
}

/// What a client gets.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Issued {
    pub(super) access_token: String,
    pub(super) refresh_token: Option<String>,
    pub(super) expires_in_s: u64,
    pub(super) scopes: ScopeSet,
    pub(super) offline: bool,
    pub(super) user: String,
    pub(super) account: String,
}

/// Why a client gets nothing.
#[derive(Debug)]
pub(super) enum NotIssued {
    /// `invalid_grant`, with what may be said of it.
    Invalid(&'static str),
    /// `invalid_scope`.
    Scope,
    /// The store cannot be used.
    Stopped,
}

impl From<StoreError> for NotIssued {
    fn from(error: StoreError) -> NotIssued {
        error!(%error, "Auth Link cannot use the store");
        NotIssued::Stopped
    }
}

/// Why there is no code.
#[derive(Debug)]
pub(super) enum NoCode {
    /// There is no place any more to send it to.
    Nowhere(Unknown),
    /// The store cannot be used.
    Stopped,
}

impl From<NotIssued> for NoCode {
    fn from(_: NotIssued) -> NoCode {
        NoCode::Stopped
    }
}

/// What a client shows for a code.
pub(super) struct CodeShown<'a> {
    pub(super) code: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) verifier: Option<&'a str>,
}

/// The consent that a token is issued under, as it was read.
struct Agreed {
    expected: Vec<EntityExpectation>,
    /// How long it holds from now on; `None`: until it is withdrawn.
    left_ms: Option<u64>,
}

impl AuthLink {
    /// Makes a grant for what was linked, and gives its code. One that nobody has redeemed yet
    /// gives way: the user who did not get back with its code comes again.
    pub(super) async fn issue_code(
        &self,
        asked: &Authorization,
        linked: &Linked,
    ) -> Result<String, NoCode> {
        let Ok(id) = linked.account.parse::<GrantId>() else { return Err(NoCode::Stopped) };
        let now = self.now();
        let code = format!("{id}.{}", self.secret::<32>());
        let grant = Grant {
            user: linked.user.clone(),
            account: linked.account.clone(),
            scopes: asked.scopes,
            offline: asked.offline,
            redirect_uri: asked.back.uri.clone(),
            challenge: asked.challenge.clone(),
            given_at: now.wall,
            code: hash(&code),
            code_until: now.elapsed.plus_ms(CODE_MS_MAX),
            is_redeemed: false,
            refresh: None,
            has_ended: false,
        };
        let application = asked.application.id;
        for _ in 0..TRIES_MAX {
            let catalog = self.store.catalog().await.map_err(NotIssued::from)?;
            asked.is_still_known(&catalog).map_err(NoCode::Nowhere)?;
            let before = self.grant_of(application, &linked.account).await;
            let before = before.map_err(NotIssued::from)?;
            if before.as_ref().is_some_and(|it| it.grant.is_redeemed || it.grant.has_ended) {
                return Err(NoCode::Stopped);
            }
            let version = before.map(|it| it.version);
            let changes = vec![change(application, id, version, &grant, now.elapsed)];
            let append = Append { changes, ..Append::of(catalog.version(), vec![]) };
            match self.ingest.append(now, append).await {
                Ok(_) => return Ok(code),
                Err(AppendError::StaleCatalog | AppendError::EntityConflict { .. }) => {}
                Err(error) => return Err(refused(error).into()),
            }
        }
        Err(NoCode::Stopped)
    }

    /// Exchanges a code for tokens.
    pub(super) async fn redeem(
        &self,
        application: &Application,
        shown: &CodeShown<'_>,
    ) -> Result<Issued, NotIssued> {
        // What all refresh tokens of the grant share: nobody can make it who has not seen the code.
        let family = hash(&format!("{} family", shown.code));
        for _ in 0..TRIES_MAX {
            let kept = self.grant_of(application.id, shown.code).await?;
            let kept = kept.filter(|kept| kept.grant.code == hash(shown.code));
            let kept = kept.ok_or(NotIssued::Invalid("there is no such code of this client"))?;
            if kept.grant.is_redeemed {
                self.end_grant(application.id, kept).await?;
                return Err(NotIssued::Invalid("the code was used before: its tokens are revoked"));
            }
            let now = self.now();
            check_code(&kept.grant, application, shown, now.elapsed)?;
            let scopes = kept.grant.scopes;
            if let Some(issued) = self.issue(now, application, kept, scopes, &family).await? {
                return Ok(issued);
            }
        }
        Err(NotIssued::Stopped)
    }

    /// Exchanges a refresh token for tokens, the next refresh token among them.
    pub(super) async fn refresh(
        &self,
        application: &Application,
        shown: &str,
        wanted: Option<ScopeSet>,
    ) -> Result<Issued, NotIssued> {
        const UNKNOWN: NotIssued =
            NotIssued::Invalid("there is no such refresh token of this client");
        for _ in 0..TRIES_MAX {
            let rest = shown.strip_prefix(REFRESH_PREFIX).ok_or(UNKNOWN)?;
            let family = rest.split('.').nth(1).unwrap_or_default();
            let kept = self.grant_of(application.id, rest).await?.ok_or(UNKNOWN)?;
            let known = kept.grant.refresh.clone().filter(|known| known.family == hash(family));
            let known = known.ok_or(UNKNOWN)?;
            if kept.grant.has_ended {
                return Err(NotIssued::Invalid("the grant has ended: link again"));
            }
            if known.present != hash(shown) {
                self.end_grant(application.id, kept).await?;
                return Err(NotIssued::Invalid(
                    "the refresh token was used before: the grant has ended",
                ));
            }
            let now = self.now();
            if now.elapsed >= known.until {
                return Err(NotIssued::Invalid("the refresh token has expired: link again"));
            }
            let scopes = wanted.unwrap_or(kept.grant.scopes);
            if !kept.grant.scopes.covers(scopes) {
                return Err(NotIssued::Scope);
            }
            if let Some(issued) = self.issue(now, application, kept, scopes, family).await? {
                return Ok(issued);
            }
        }
        Err(NotIssued::Stopped)
    }

    /// The grant that a code or the rest of a refresh token begins with.
    async fn grant_of(
        &self,
        application: ApplicationId,
        text: &str,
    ) -> Result<Option<Kept>, StoreError> {
        let id = text.split('.').next().and_then(|id| id.parse::<GrantId>().ok());
        let Some(id) = id else { return Ok(None) };
        let found = self.store.entities(Some(application), KIND, vec![id.to_string()]).await?;
        let Some(entity) = found.into_iter().find(|entity| !entity.deleted) else {
            return Ok(None);
        };
        let grant = serde_json::from_str(&entity.body).map_err(|error| StoreError::Corrupt {
            operation: "read a grant",
            what: format!("{KIND} {id}"),
            cause: error.to_string(),
        })?;
        Ok(Some(Kept { id, version: entity.version, grant }))
    }

    /// Writes a token, and a refresh token where one was granted. `None`: the grant, or what it is
    /// for, was changed meanwhile.
    async fn issue(
        &self,
        now: Now,
        application: &Application,
        kept: Kept,
        scopes: ScopeSet,
        family: &str,
    ) -> Result<Option<Issued>, NotIssued> {
        let owner = application.id;
        let Agreed { expected, left_ms } = self.still_agreed(now, owner, &kept.grant).await?;
        // What is told is what the token can do: the application may have lost a scope meanwhile.
        let scopes = scopes.and(application.scopes);
        if scopes == ScopeSet::NONE {
            return Err(NotIssued::Scope);
        }
        let Ok(user) = kept.grant.user.parse() else { return Err(NotIssued::Stopped) };
        let access_token = token_text(self.random());
        let bounded = |ms: u64| left_ms.map_or(ms, |left_ms| left_ms.min(ms));
        let until = now.elapsed.plus_ms(bounded(REFRESH_IDLE_MS_MAX));
        let refreshing = kept.grant.offline.then(|| self.next_refresh(kept.id, family, until));
        let (refresh, refresh_token) = refreshing.unzip();
        let lifetime_ms = bounded(u64::from(USER_TOKEN_LIFETIME_S) * SECOND_MS);
        let token = NewToken {
            hash: TokenHash::of(&access_token),
            owner: Owner::Application(owner),
            kind: TokenKind::User,
            user: Some(user),
            grant: Some(kept.id),
            scopes,
            expires: Some(now.plus_ms(lifetime_ms)),
        };
        let next = Grant { is_redeemed: true, refresh, ..kept.grant };
        let append = Append {
            changes: vec![change(owner, kept.id, Some(kept.version), &next, now.elapsed)],
            expected,
            tokens: vec![token],
            ..Append::of(self.store.catalog().await?.version(), Vec::new())
        };
        match self.ingest.append(now, append).await {
            Ok(_) => Ok(Some(Issued {
                access_token,
                refresh_token,
                expires_in_s: lifetime_ms / SECOND_MS,
                scopes,
                offline: next.offline,
                user: next.user,
                account: next.account,
            })),
            Err(AppendError::StaleCatalog | AppendError::EntityConflict { .. }) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    /// The next refresh token, as it is kept and as it is given.
    fn next_refresh(&self, id: GrantId, family: &str, until: Elapsed) -> (Refresh, String) {
        let text = format!("{REFRESH_PREFIX}{id}.{family}.{}", self.secret::<32>());
        (Refresh { family: hash(family), present: hash(&text), until }, text)
    }

    /// What must stay as it is: the user is there, and the account with its consent.
    async fn still_agreed(
        &self,
        now: Now,
        application: ApplicationId,
        grant: &Grant,
    ) -> Result<Agreed, NotIssued> {
        const OVER: NotIssued =
            NotIssued::Invalid("the user or the account is gone, or consent was withdrawn");
        let owner = Some(application);
        let user = self.reader.one::<User>(owner, &grant.user).await?;
        let user = user.filter(|user| !user.deleted).ok_or(OVER)?;
        let account = self.reader.one::<Account>(owner, &grant.account).await?;
        let holds = |account: &Account| {
            account.status != AccountStatus::ConsentWithdrawn
                && account.consent.until.is_none_or(|until| now.wall < until)
        };
        let account = account.filter(|account| !account.deleted && holds(&account.body));
        let account = account.ok_or(OVER)?;
        let left = account.body.consent.until.map(|until| until.0.saturating_sub(now.wall.0));
        Ok(Agreed {
            expected: vec![user.expected(owner), account.expected(owner)],
            left_ms: left.map(|left| u64::try_from(left).unwrap_or(0)),
        })
    }

    /// Ends a grant and revokes its tokens, in one commit.
    async fn end_grant(&self, application: ApplicationId, kept: Kept) -> Result<(), NotIssued> {
        let mut kept = Some(kept);
        for _ in 0..TRIES_MAX {
            let Some(Kept { id, version, grant }) = kept.filter(|kept| !kept.grant.has_ended)
            else {
                return Ok(());
            };
            let ended = Grant { has_ended: true, ..grant };
            let now = self.now();
            let append = Append {
                changes: vec![change(application, id, Some(version), &ended, now.elapsed)],
                revocations: vec![Revocation::Grant { application, grant: id }],
                ..Append::of(self.store.catalog().await?.version(), Vec::new())
            };
            match self.ingest.append(now, append).await {
                Ok(_) => return Ok(()),
                Err(AppendError::StaleCatalog | AppendError::EntityConflict { .. }) => {}
                Err(error) => return Err(refused(error)),
            }
            kept = self.grant_of(application, &id.to_string()).await?;
        }
        Err(NotIssued::Stopped)
    }
}

fn refused(error: AppendError) -> NotIssued {
    error!(%error, "Auth Link could not commit");
    NotIssued::Stopped
}

fn check_code(
    grant: &Grant,
    application: &Application,
    shown: &CodeShown<'_>,
    now: Elapsed,
) -> Result<(), NotIssued> {
    let refuse = |why| Err(NotIssued::Invalid(why));
    if now >= grant.code_until {
        return refuse("the code is older than 60 seconds: begin again at /link");
    }
    if shown.redirect_uri != grant.redirect_uri {
        return refuse("redirect_uri is not the one that the code was asked for with");
    }
    if !application.settings.redirect_uris.contains(&grant.redirect_uri) {
        return refuse("redirect_uri is not the application's any more");
    }
    match (&grant.challenge, shown.verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => refuse("the code was asked for without code_challenge"),
        (Some(_), None) => refuse("code_verifier is missing"),
        (Some(challenge), Some(verifier)) if answers(challenge, verifier) => Ok(()),
        (Some(_), Some(_)) => refuse("code_verifier does not fit the code_challenge"),
    }
}

/// Whether a verifier is of the right form and its SHA-256 is the challenge (RFC 7636).
fn answers(challenge: &str, verifier: &str) -> bool {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let fits = (43..=128).contains(&verifier.len()) && verifier.bytes().all(is_plain);
    fits && URL_SAFE_NO_PAD.encode(TokenHash::of(verifier).0) == challenge
}

fn hash(text: &str) -> String {
    TokenHash::of(text).0.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Grant {
    /// When nobody has any use for it any more, as it is at `now`.
    fn forgotten_at(&self, now: Elapsed) -> Elapsed {
        let token_until = now.plus_ms(u64::from(USER_TOKEN_LIFETIME_S) * SECOND_MS);
        let used_until = match &self.refresh {
            _ if self.has_ended => now,
            _ if !self.is_redeemed => self.code_until,
            // A code that is used again revokes the token while it is good.
            None => token_until,
            Some(refresh) => refresh.until.max(token_until),
        };
        used_until.plus_ms(REMEMBERED_MS)
    }
}

fn change(
    application: ApplicationId,
    id: GrantId,
    expected_version: Option<u64>,
    grant: &Grant,
    now: Elapsed,
) -> EntityChange {
    EntityChange {
        application: Some(application),
        kind: KIND.to_owned(),
        id: id.to_string(),
        expected_version,
        body: serde_json::to_string(grant).expect("a grant has string keys and no fractions"),
        deleted: false,
        links: Vec::new(),
        forget_at: Some(grant.forgotten_at(now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_of_the_standard_answers_its_challenge() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(answers(challenge, verifier));
        assert!(!answers(challenge, challenge), "plain is not S256");
        assert!(!answers(challenge, &verifier.replace('d', "e")));
        assert!(!answers(challenge, &verifier[..42]));
    }
}
