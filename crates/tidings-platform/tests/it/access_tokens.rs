//! Tokens of users, which master tokens hand out.

use serde_json::{Value, json};
use tidings_core::{
    access::{Owner, Principal, Scope, Token, TokenKind},
    secret::TokenHash,
    time::Wall,
};
use tidings_graphql::Viewer;
use tidings_platform::{sample::USER, writer::NewUser};
use tidings_store::{AppendError, Clock, Store};

use crate::support::{Upset, World, operator};

const ADDED: &str = "__typename ... on AccessToken { token scope expires user { id reference
    accounts { id } } } ... on OperationFailure { code description problems { path message } }";
const HOUR_MS: i64 = 3_600_000;

fn with(world: &World, kind: TokenKind, scopes: &[Scope]) -> Principal {
    let Viewer(principal) = world.acme();
    let scopes = scopes.iter().copied().collect();
    Principal { kind, scopes, expires_at: None, ..principal.unwrap() }
}

fn master(world: &World, kind: TokenKind) -> Viewer {
    Viewer(Some(with(world, kind, &[Scope::ReadAccounts, Scope::DownloadDocuments])))
}

fn user_token(world: &World, user: &str) -> Viewer {
    let principal = with(world, TokenKind::User, &[Scope::ReadAccounts]);
    Viewer(Some(Principal { user: Some(user.parse().unwrap()), ..principal }))
}

fn new_user(arguments: &str) -> String {
    format!("mutation {{ addUserAndAccessToken{arguments} {{ {ADDED} }} }}")
}

fn for_user(user: &str) -> String {
    format!("mutation {{ addAccessToken(user: \"{user}\") {{ {ADDED} }} }}")
}

async fn stored(world: &World, added: &Value) -> Token {
    let hash = TokenHash::of(added["token"].as_str().unwrap());
    world.store.token(hash).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_public_master_token_adds_a_user_with_a_token_in_one_commit() {
    let world = World::empty().await;
    let viewer = master(&world, TokenKind::PublicMaster);
    // The first try meets a catalog that changed.
    let upset = Upset::Refused(AppendError::StaleCatalog);
    world.ingest.upsets.lock().unwrap().push_back(upset);
    let added = world.get(viewer, &new_user("(reference: \"seven\")"), Value::Null).await;
    assert_eq!(added["scope"], json!(["read:accounts", "download:documents"]));
    assert_eq!(added["user"]["reference"], "seven");
    let token = stored(&world, &added).await;
    let user = added["user"]["id"].as_str().unwrap();
    assert_eq!(token.user.as_ref().unwrap().as_str(), user);
    assert_eq!((token.kind, token.owner), (TokenKind::User, Owner::Application(world.acme.id)));
    assert_eq!(token.expires.unwrap().wall.0 - token.added_at.0, HOUR_MS);
    assert_eq!(world.fired().await, ["UserAdded"]);
    let text = added["token"].as_str().unwrap();
    assert!(text.starts_with("tidings_") && text.len() == 51, "{text}");
}

#[tokio::test]
async fn nobody_is_added_where_the_token_cannot_be_stored() {
    let world = World::empty().await;
    let upset = Upset::Refused(AppendError::TokenTaken { index: 0 });
    world.ingest.upsets.lock().unwrap().push_back(upset);
    let viewer = master(&world, TokenKind::PublicMaster);
    let failure = world.get(viewer, &new_user(""), Value::Null).await;
    assert_eq!(failure["code"], "UNAVAILABLE");
    assert!(world.fired().await.is_empty());
}

#[tokio::test]
async fn a_token_for_a_user_who_is_there_takes_a_private_master_token() {
    let world = World::peopled().await;
    let private = master(&world, TokenKind::PrivateMaster);
    let added = world.get(private, &for_user(USER), Value::Null).await;
    let token = stored(&world, &added).await;
    assert_eq!(token.user.unwrap().as_str(), USER);
    let nobody = for_user(&"0".repeat(24));
    let private = || master(&world, TokenKind::PrivateMaster);
    world.check_failure(private(), &nobody, "NOT_FOUND").await;
    for viewer in [
        master(&world, TokenKind::PublicMaster),
        world.acme(),
        operator(),
        user_token(&world, USER),
    ] {
        world.check_failure(viewer, &for_user(USER), "NOT_PERMITTED").await;
    }
    for viewer in [world.acme(), operator(), user_token(&world, USER)] {
        world.check_failure(viewer, &new_user(""), "NOT_PERMITTED").await;
    }
    world.check_error(Viewer(None), &for_user(USER), "UNAUTHENTICATED").await;
    let Viewer(other) = world.other();
    let other = Principal { kind: TokenKind::PrivateMaster, ..other.unwrap() };
    world.check_failure(Viewer(Some(other)), &for_user(USER), "NOT_FOUND").await;
}

#[tokio::test]
async fn no_more_is_handed_on_than_the_master_token_has() {
    let world = World::empty().await;
    let master = |scopes: &[Scope]| Viewer(Some(with(&world, TokenKind::PublicMaster, scopes)));
    let reads = || master(&[Scope::ReadAccounts, Scope::FireTriggers]);
    let added = world.get(reads(), &new_user(""), Value::Null).await;
    assert_eq!(added["scope"], json!(["read:accounts"]));
    for (scope, named) in [
        ("download:documents", "`download:documents`"),
        ("fire:triggers", "`fire:triggers`"),
        ("admin", "`admin`"),
        ("read:everything", "`read:everything`"),
    ] {
        let query = new_user(&format!("(scope: [\"read:accounts\", \"{scope}\"])"));
        let failure = world.get(reads(), &query, Value::Null).await;
        assert_eq!(failure["code"], "INVALID_INPUT");
        let problem = &failure["problems"][0];
        assert_eq!(problem["path"], "/scope/1");
        assert!(problem["message"].as_str().unwrap().contains(named), "{problem}");
    }
    world.check_failure(reads(), &new_user("(scope: [])"), "INVALID_INPUT").await;
    world.check_failure(reads(), &new_user("(reference: \"\")"), "INVALID_INPUT").await;
    world.check_failure(master(&[Scope::FireTriggers]), &new_user(""), "NOT_PERMITTED").await;
    assert_eq!(world.fired().await, ["UserAdded"]);
}

#[tokio::test]
async fn a_users_token_lasts_as_its_application_says_and_never_longer_than_the_master_token() {
    let world = World::empty().await;
    let mut acme = world.acme.clone();
    acme.token_lifetime_s = Some(600);
    let now = world.clock.now();
    world.store.update_application(now, acme).await.unwrap();
    let own = with(&world, TokenKind::PublicMaster, &[Scope::ReadAccounts]);
    for (ends_ms, lasts_ms) in [(None, 600_000), (Some(700_000), 600_000), (Some(5_000), 5_000)] {
        let expires_at = ends_ms.map(|ms| Wall(now.wall.0 + ms));
        let viewer = Viewer(Some(Principal { expires_at, ..own.clone() }));
        let added = world.get(viewer, &new_user(""), Value::Null).await;
        let expires = stored(&world, &added).await.expires.unwrap();
        assert_eq!(expires.wall.0 - now.wall.0, lasts_ms);
        assert_eq!(expires.elapsed.since_ms(now.elapsed), u64::try_from(lasts_ms).unwrap());
    }
}

#[tokio::test]
async fn deleting_a_user_revokes_the_users_tokens_and_no_others() {
    let world = World::peopled().await;
    let private = || master(&world, TokenKind::PrivateMaster);
    let gone = world.get(private(), &for_user(USER), Value::Null).await;
    let stays = world.get(private(), &new_user(""), Value::Null).await;
    world.writer.delete_user(world.acme.id, USER).await.unwrap();
    assert!(stored(&world, &gone).await.revoked_at.is_some());
    assert_eq!(stored(&world, &stays).await.revoked_at, None);
    world.check_failure(private(), &for_user(USER), "NOT_FOUND").await;
}

#[tokio::test]
async fn a_token_that_may_not_read_accounts_is_shown_whose_it_is_and_nothing_of_it() {
    let world = World::sampled().await;
    world.add_account(USER).await;
    let query = "{ getAuthorisedUser { user { id accounts { id } } scope } }";
    let accounts = async |scopes: &[Scope]| {
        let principal = with(&world, TokenKind::User, scopes);
        let user = Some(USER.parse().unwrap());
        let viewer = Viewer(Some(Principal { user, ..principal }));
        let found = world.get(viewer, query, Value::Null).await;
        assert_eq!(found["user"]["id"], USER);
        found["user"]["accounts"].as_array().unwrap().len()
    };
    assert_eq!(accounts(&[Scope::ReadAccounts]).await, 1);
    assert_eq!(accounts(&[Scope::DownloadDocuments]).await, 0);
    let handed_on =
        Viewer(Some(with(&world, TokenKind::PrivateMaster, &[Scope::DownloadDocuments])));
    let added = world.get(handed_on, &for_user(USER), Value::Null).await;
    assert_eq!(added["user"]["accounts"], json!([]));
}

#[tokio::test]
async fn a_user_completes_to_dos_and_withdraws_consent_of_the_users_own_alone() {
    let world = World::sampled().await;
    let account = world.add_account(USER).await;
    let to_do = world.add_to_do(USER, None, "Read the meter").await;
    let other = world.writer.add_user(world.acme.id, NewUser::default()).await.unwrap().entity.id;
    let complete = format!(
        "mutation {{ completeToDo(id: \"{to_do}\") {{ ... on ToDo {{ done }}
            ... on OperationFailure {{ code description }} }} }}"
    );
    let withdraw = format!(
        "mutation {{ withdrawConsent(account: \"{account}\") {{ ... on Account {{ status }}
            ... on OperationFailure {{ code description }} }} }}"
    );
    let delete = format!(
        "mutation {{ deleteUser(id: \"{USER}\") {{
            ... on OperationFailure {{ code description }} }} }}"
    );
    for query in [&complete, &withdraw] {
        world.check_failure(user_token(&world, &other), query, "NOT_FOUND").await;
        let private = master(&world, TokenKind::PrivateMaster);
        world.check_failure(private, query, "NOT_PERMITTED").await;
    }
    world.check_failure(user_token(&world, USER), &delete, "NOT_PERMITTED").await;
    let done = world.get(user_token(&world, USER), &complete, Value::Null).await;
    assert_eq!(done["done"], true);
    let withdrawn = world.get(user_token(&world, USER), &withdraw, Value::Null).await;
    assert_eq!(withdrawn["status"], "CONSENT_WITHDRAWN");
}
