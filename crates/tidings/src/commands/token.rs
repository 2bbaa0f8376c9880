//! `tidings token`: on the database alone, so that the first token can be made before the server
//! runs, or through the running server when that holds the database.
//!
//! ```text
//!   the database is named, or there ─► open it ─┬─ done there
//!                                               └─ in use ─► the server, with TIDINGS_TOKEN
//!   a server is named, and no database is there ─► the server
//! ```

use serde_json::{Value, json};
use tidings_core::{
    access::{Owner, Scope, ScopeSet, Token, TokenKind},
    application::Name,
    catalog::Catalog,
    ids::{EntityId, TokenId},
    limits::USER_TOKEN_LIFETIME_S,
    secret::{TokenHash, token_text},
    time::{Now, Wall},
};
use tidings_store::{Clock, NewToken, Page, Store};

use super::{
    pages,
    requests::{self, TOKEN, TOKEN_ADDED, TOKEN_REVOKED, with},
};
use crate::{
    chance,
    cli::{ConfigOptions, IssuedKind, ServerOptions, TokenCommand},
    client::Client,
    clock::SystemClock,
    config::{Config, Database},
    failure::Failure,
    output::{self, cell},
    wiring::{self, Opened},
};

/// A token that is wanted.
pub struct Wanted<'a> {
    /// Whose; `None`: the operator's.
    pub application: Option<&'a str>,
    /// What it is for; `None`: it is its owner's own.
    pub kind: Option<IssuedKind>,
    /// The user whose token it is.
    pub user: Option<&'a str>,
    /// What it may do; empty: as much as its owner and its kind let it.
    pub scopes: &'a [String],
    /// How long it lasts.
    pub lifetime_s: Option<u32>,
}

pub async fn run(command: TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Issue { application, kind, user, scopes, lifetime_s, config, server } => {
            let wanted = Wanted {
                application: application.as_deref(),
                kind,
                user: user.as_deref(),
                scopes: &scopes,
                lifetime_s,
            };
            let issued = match place(&config, &server, IfMissing::Make).await? {
                Place::Database(store) => {
                    let clock = resume(&store).await?;
                    let issued = issue(store.as_ref(), clock.now(), &wanted).await?;
                    keep(&store, &clock).await?;
                    issued
                }
                Place::Server(client) => issue_at(&client, &wanted).await?,
            };
            print_issued(&issued, server.json);
        }
        TokenCommand::List { application, config, server } => {
            let (items, has_more) = match place(&config, &server, IfMissing::Refuse).await? {
                Place::Database(store) => list(store.as_ref(), application.as_deref()).await?,
                Place::Server(client) => {
                    let variables = json!({ "application": application });
                    let document = with(requests::GET_TOKENS, TOKEN);
                    pages::read(&client, &document, &variables, None).await?
                }
            };
            let keys =
                ["id", "application", "kind", "user", "scopes", "added", "expires", "revoked"];
            let headings =
                ["ID", "APPLICATION", "KIND", "USER", "SCOPES", "ADDED", "EXPIRES", "REVOKED"];
            pages::print(&items, has_more, server.json, &headings, |item| {
                keys.iter().map(|key| cell(&item[*key])).collect()
            });
        }
        TokenCommand::Revoke { id, config, server } => {
            let revoked = match place(&config, &server, IfMissing::Refuse).await? {
                Place::Database(store) => revoke(&store, &id).await?,
                Place::Server(client) => {
                    let document = with(requests::REVOKE_TOKEN, TOKEN_REVOKED);
                    client.run_union(&document, json!({ "id": id })).await?
                }
            };
            pages::print_done(
                &revoked,
                server.json,
                &format!("revoked token {}", cell(&revoked["id"])),
            );
        }
    }
    Ok(())
}

/// Where tokens are dealt with.
enum Place {
    Database(std::sync::Arc<dyn Store>),
    Server(Client),
}

/// What becomes of a database that is not there: a token can be the first thing in it.
enum IfMissing {
    Make,
    Refuse,
}

async fn place(
    config: &ConfigOptions,
    server: &ServerOptions,
    if_missing: IfMissing,
) -> Result<Place, Failure> {
    let read = Config::read(&config.overrides())?;
    let Database::Sqlite(path) = &read.database;
    if server.server.is_some() && config.database.is_none() && !path.exists() {
        return Client::new(server).map(Place::Server);
    }
    if matches!(if_missing, IfMissing::Refuse) && !path.exists() {
        return Err(Failure::new(format!(
            "there is no database {}: name it with --database or --config, or the running server \
             with --server",
            path.display()
        )));
    }
    match wiring::try_open(&read.database).await? {
        Opened::Store(store) => Ok(Place::Database(store)),
        Opened::InUse { .. } if server.token.is_some() => {
            let named = server.server.clone();
            let listens = format!("http://{}", read.server.listen);
            let server = ServerOptions { server: named.or(Some(listens)), ..server.clone() };
            Client::new(&server).map(Place::Server)
        }
        Opened::InUse { why } => Err(Failure::new(format!(
            "{why}; or, to go through the running server, set TIDINGS_TOKEN to an operator's token"
        ))),
    }
}

async fn resume(store: &std::sync::Arc<dyn Store>) -> Result<SystemClock, Failure> {
    Ok(SystemClock::resume(store.clock_mark().await.map_err(stopped)?.as_ref()))
}

/// The next start goes on from here, so that what was issued lasts as long as it should.
async fn keep(store: &std::sync::Arc<dyn Store>, clock: &SystemClock) -> Result<(), Failure> {
    store.keep_clock_mark(clock.mark()).await.map_err(stopped)
}

fn stopped(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

/// Issues a token in the database: the object that the API would give.
pub async fn issue(store: &dyn Store, now: Now, wanted: &Wanted<'_>) -> Result<Value, Failure> {
    let catalog = store.catalog().await.map_err(stopped)?;
    let mut scopes = Vec::with_capacity(wanted.scopes.len());
    for text in wanted.scopes {
        let scope: Scope =
            text.parse().map_err(|error| Failure::usage(format!("--scopes: {error}")))?;
        scopes.push(scope);
    }
    let asked: ScopeSet = scopes.into_iter().collect();
    let (owner, most, lifetime_s) = owner(&catalog, wanted.application)?;
    let kind = wanted.kind.map_or(TokenKind::own(&owner), IssuedKind::token_kind);
    let most = most.and(kind.scopes_max());
    let scopes = if wanted.scopes.is_empty() { most } else { asked };
    if !most.covers(scopes) {
        let allowed: Vec<&str> = most.iter().map(Scope::as_str).collect();
        return Err(Failure::new(format!(
            "the token can have no more than {}: leave the other scopes out, or add them to the \
             application where its kind can have them",
            allowed.join(", ")
        )));
    }
    if let (Some(given), Some(most)) = (wanted.lifetime_s, lifetime_s)
        && given > most
    {
        return Err(Failure::new(format!(
            "the application's tokens last {most} s at most: lower --lifetime-s, or raise \
             token-lifetime-s of the application"
        )));
    }
    let of_user = (kind == TokenKind::User).then_some(USER_TOKEN_LIFETIME_S);
    let lifetime_s = wanted.lifetime_s.or(lifetime_s).or(of_user);
    let expires = lifetime_s.map(|seconds| now.plus_ms(u64::from(seconds) * 1_000));
    let text = token_text(chance::random_key());
    let user = user(store, &owner, kind, wanted.user).await?;
    let own = NewToken::own(TokenHash::of(&text), owner, scopes);
    let token = store.add_token(now, NewToken { kind, user, expires, ..own }).await;
    let token = token.map_err(stopped)?;
    Ok(json!({
        "id": token.id.to_string(), "token": text, "scopes": scopes,
        "expires": token.expires.map(|expires| expires.wall.iso()),
    }))
}

/// The user whose token it will be. Nobody deletes one meanwhile: this process has the database.
async fn user(
    store: &dyn Store,
    owner: &Owner,
    kind: TokenKind,
    wanted: Option<&str>,
) -> Result<Option<EntityId>, Failure> {
    let (application, id) = match (kind, owner, wanted) {
        (TokenKind::User, Owner::Application(application), Some(id)) => (*application, id),
        (TokenKind::User, ..) => {
            return Err(Failure::usage("--user: name the user whose token it will be"));
        }
        (_, _, None) => return Ok(None),
        (_, _, Some(_)) => {
            return Err(Failure::usage("--user: only a token of the kind `user` has a user"));
        }
    };
    let found = store.entities(Some(application), "User", vec![id.to_owned()]).await;
    if !found.map_err(stopped)?.iter().any(|user| !user.deleted) {
        return Err(Failure::new(format!(
            "the application has no user `{id}`: `addUser` of the GraphQL API makes one"
        )));
    }
    id.parse().map(Some).map_err(|error| Failure::usage(format!("--user: {error}")))
}

fn owner(
    catalog: &Catalog,
    application: Option<&str>,
) -> Result<(Owner, ScopeSet, Option<u32>), Failure> {
    let Some(name) = application else {
        return Ok((Owner::Operator, [Scope::Admin].into_iter().collect(), None));
    };
    let name: Name =
        name.parse().map_err(|error| Failure::usage(format!("--application: {error}")))?;
    match catalog.application_named(&name) {
        Some(found) => Ok((Owner::Application(found.id), found.scopes, found.token_lifetime_s)),
        None => Err(Failure::new(format!(
            "there is no application `{name}`: `tidings application add {name}` makes it"
        ))),
    }
}

async fn issue_at(client: &Client, wanted: &Wanted<'_>) -> Result<Value, Failure> {
    let scopes = match (wanted.scopes.is_empty(), wanted.application) {
        (false, _) => json!(wanted.scopes),
        (true, None) => json!(["admin"]),
        (true, Some(name)) => {
            let most = wanted.kind.map(|kind| kind.token_kind().scopes_max());
            let document = with(requests::GET_APPLICATION, "scopes");
            let found = client.run(&document, json!({ "name": name })).await?;
            if found.is_null() {
                return Err(Failure::new(format!(
                    "there is no application `{name}`: `tidings application add {name}` makes it"
                )));
            }
            let scopes = found["scopes"].as_array().map(Vec::as_slice).unwrap_or_default();
            let can_have = |scope: &&Value| {
                let scope = scope.as_str().and_then(|scope| scope.parse().ok());
                most.is_none_or(|most| scope.is_some_and(|scope| most.allows(scope)))
            };
            scopes.iter().filter(can_have).cloned().collect()
        }
    };
    let input = json!({
        "application": wanted.application,
        "kind": kind_name(match (wanted.kind, wanted.application) {
            (Some(kind), _) => kind.token_kind(),
            (None, Some(_)) => TokenKind::Application,
            (None, None) => TokenKind::Operator,
        }),
        "user": wanted.user,
        "scopes": scopes,
        "lifetimeS": wanted.lifetime_s,
    });
    let document = with(requests::ADD_TOKEN, TOKEN_ADDED);
    client.run_union(&document, json!({ "input": input })).await
}

async fn list(store: &dyn Store, application: Option<&str>) -> Result<(Vec<Value>, bool), Failure> {
    let catalog = store.catalog().await.map_err(stopped)?;
    let application = match application {
        None => None,
        Some(_) => match owner(&catalog, application)?.0 {
            Owner::Application(id) => Some(id),
            Owner::Operator => None,
        },
    };
    let mut items = Vec::new();
    let mut after: Option<TokenId> = None;
    loop {
        let page = Page { first: tidings_core::limits::PAGE_MAX, after };
        let found = store.tokens(application, page).await.map_err(stopped)?;
        after = found.items.last().map(|token| token.id);
        items.extend(found.items.iter().map(|token| shown(token, &catalog)));
        if !found.has_next_page {
            return Ok((items, false));
        }
    }
}

async fn revoke(store: &std::sync::Arc<dyn Store>, id: &str) -> Result<Value, Failure> {
    let id: TokenId = id.parse().map_err(|error| Failure::usage(format!("{error}")))?;
    let clock = resume(store).await?;
    let token = store.revoke_token(clock.now(), id).await.map_err(stopped)?;
    keep(store, &clock).await?;
    Ok(json!({ "id": token.id.to_string(), "revoked": token.revoked_at.map(Wall::iso) }))
}

fn shown(token: &Token, catalog: &Catalog) -> Value {
    let application = match token.owner {
        Owner::Operator => None,
        Owner::Application(id) => {
            catalog.application(id).map(|application| application.name.to_string())
        }
    };
    json!({
        "id": token.id.to_string(), "application": application, "kind": kind_name(token.kind),
        "user": token.user, "scopes": token.scopes,
        "added": token.added_at.iso(),
        "expires": token.expires.map(|expires| expires.wall.iso()),
        "revoked": token.revoked_at.map(Wall::iso),
    })
}

fn kind_name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Operator => "OPERATOR",
        TokenKind::Application => "APPLICATION",
        TokenKind::PrivateMaster => "PRIVATE_MASTER",
        TokenKind::PublicMaster => "PUBLIC_MASTER",
        TokenKind::User => "USER",
    }
}

fn print_issued(issued: &Value, is_json: bool) {
    if is_json {
        return output::line(&issued.to_string());
    }
    // The token alone on stdout, so that a script can take it; the rest is for people.
    output::line(issued["token"].as_str().unwrap_or_default());
    output::error(&format!(
        "token {} with {}, expires: {}; it is shown this once",
        cell(&issued["id"]),
        cell(&issued["scopes"]),
        cell(&issued["expires"]),
    ));
}
