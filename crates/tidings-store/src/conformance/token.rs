//! Tokens: whose they are, what revokes them, when they are forgotten.

use tidings_core::{
    access::{Owner, ScopeSet, Token, TokenKind},
    application::Application,
    ids::{GrantId, TokenId},
    limits::USER_TOKEN_REMEMBERED_MS,
    secret::TokenHash,
    time::{Elapsed, Now, Wall},
};

use super::{
    control::new_token,
    world::{World, first},
};
use crate::{
    error::{AppendError, WriteError},
    store::Store,
    types::{Append, EntityChange, NewToken, Page, Revocation},
};

/// A token of a user, under a consent, that ends at that moment.
fn of_user(text: &str, application: &Application, user: &str, ends_at: Elapsed) -> NewToken {
    NewToken {
        hash: TokenHash::of(text),
        owner: Owner::Application(application.id),
        kind: TokenKind::User,
        user: Some(user.parse().unwrap()),
        grant: Some(GrantId::new([7; 12])),
        scopes: ScopeSet::for_users(),
        expires: Some(Now { elapsed: ends_at, wall: Wall(9) }),
    }
}

async fn token(world: &World<'_>, text: &str) -> Option<Token> {
    world.store.token(TokenHash::of(text)).await.unwrap()
}

async fn is_revoked(world: &World<'_>, text: &str) -> bool {
    token(world, text).await.unwrap().revoked_at.is_some()
}

async fn write(
    world: &World<'_>,
    tokens: Vec<NewToken>,
    revocations: Vec<Revocation>,
) -> Result<(), AppendError> {
    let append = world.append_of(Vec::new(), None).await;
    let append = Append { tokens, revocations, ..append };
    world.store.append(world.now, append).await.map(|_| ())
}

pub async fn a_token_is_found_by_its_hash_also_when_it_is_over(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    let mut new = new_token("secret", Owner::Application(application.id));
    new.expires = Some(Now { elapsed: world.in_ms(5_000), wall: Wall(77) });
    let added = store.add_token(world.now, new.clone()).await.unwrap();
    assert_eq!((added.hash, &added.owner, added.scopes), (new.hash, &new.owner, new.scopes));
    assert_eq!((added.expires, added.added_at), (new.expires, world.now.wall));
    assert_eq!(added.revoked_at, None);
    world.pass_ms(9_000);
    assert_eq!(store.token(new.hash).await.unwrap(), Some(added.clone()));
    assert_eq!(store.token(TokenHash::of("other")).await.unwrap(), None);
    let again = store.add_token(world.now, new.clone()).await;
    assert!(matches!(again, Err(WriteError::Taken { .. })), "{again:?}");
    let revoked = store.revoke_token(world.now, added.id).await.unwrap();
    assert_eq!(revoked.revoked_at, Some(world.now.wall));
    world.pass_ms(1_000);
    assert_eq!(store.revoke_token(world.now, added.id).await.unwrap(), revoked);
    assert_eq!(store.token(new.hash).await.unwrap(), Some(revoked));
    let unknown = store.revoke_token(world.now, TokenId(added.id.0 + 9)).await;
    assert!(matches!(unknown, Err(WriteError::NotFound { .. })), "{unknown:?}");
}

pub async fn tokens_are_listed_by_owner_in_the_order_of_their_numbers(store: &dyn Store) {
    let world = World::new(store);
    let application = world.add_application("acme").await;
    let mut ids = Vec::new();
    for index in 0..5 {
        let owner =
            if index % 2 == 0 { Owner::Operator } else { Owner::Application(application.id) };
        let token = new_token(&format!("token {index}"), owner);
        ids.push(store.add_token(world.now, token).await.unwrap().id);
    }
    let check = async |application, page: Page<TokenId>, expected: &[usize], more| {
        let found = store.tokens(application, page).await.unwrap();
        let found_ids: Vec<TokenId> = found.items.iter().map(|token| token.id).collect();
        let expected: Vec<TokenId> = expected.iter().map(|index| ids[*index]).collect();
        assert_eq!((found_ids, found.has_next_page), (expected, more));
    };
    check(None, first(9), &[0, 1, 2, 3, 4], false).await;
    check(None, first(3), &[0, 1, 2], true).await;
    check(None, Page { first: 3, after: Some(ids[2]) }, &[3, 4], false).await;
    check(None, Page { first: 2, after: Some(ids[2]) }, &[3, 4], false).await;
    check(Some(application.id), first(1), &[1], true).await;
    check(Some(application.id), Page { first: 1, after: Some(ids[1]) }, &[3], false).await;
}

pub async fn a_token_is_kept_with_what_it_is_for(store: &dyn Store) {
    let world = World::new(store);
    let application = world.add_application("acme").await;
    let owner = Owner::Application(application.id);
    let own = new_token("own", owner.clone());
    let operator = new_token("operator", Owner::Operator);
    let master = |text, kind| NewToken { kind, ..new_token(text, owner.clone()) };
    let user = of_user("user", &application, "zoé", world.in_ms(1_000));
    for new in [
        own,
        operator,
        master("private", TokenKind::PrivateMaster),
        master("public", TokenKind::PublicMaster),
        user,
    ] {
        let added = store.add_token(world.now, new.clone()).await.unwrap();
        assert_eq!((added.kind, &added.owner), (new.kind, &new.owner));
        assert_eq!((&added.user, added.grant), (&new.user, new.grant));
        assert_eq!(store.token(new.hash).await.unwrap(), Some(added));
    }
}

pub async fn a_token_is_added_with_what_it_is_for_or_not_at_all(store: &dyn Store) {
    let world = World::new(store);
    let application = world.add_application("acme").await;
    let ends_at = world.in_ms(1_000);
    let new = |text: &&str| of_user(text, &application, "u", ends_at);
    let change = |version| EntityChange {
        application: Some(application.id),
        kind: "User".to_owned(),
        id: "u".to_owned(),
        expected_version: version,
        body: "{}".to_owned(),
        deleted: false,
        links: Vec::new(),
        forget_at: None,
    };
    let append = async |version, tokens: &[&str]| {
        let tokens = tokens.iter().map(new).collect();
        let append = world.append_of(Vec::new(), None).await;
        let append = Append { changes: vec![change(version)], tokens, ..append };
        store.append(world.now, append).await.map(|_| ())
    };
    append(None, &["a"]).await.unwrap();
    assert!(token(&world, "a").await.is_some());
    let refused = append(None, &["b"]).await;
    assert!(matches!(refused, Err(AppendError::EntityConflict { .. })), "{refused:?}");
    let refused = append(Some(1), &["b", "a"]).await;
    assert!(matches!(refused, Err(AppendError::TokenTaken { index: 1 })), "{refused:?}");
    let refused = append(Some(1), &["b", "c", "c"]).await;
    assert!(matches!(refused, Err(AppendError::TokenTaken { index: 2 })), "{refused:?}");
    assert_eq!(token(&world, "b").await, None);
    store.delete_application(world.now, application.id).await.unwrap();
    let refused = append(Some(1), &["b"]).await;
    assert!(matches!(refused, Err(AppendError::StaleCatalog)), "{refused:?}");
    assert_eq!(token(&world, "b").await, None);
}

pub async fn a_revocation_takes_the_tokens_of_its_grant_or_user_alone(store: &dyn Store) {
    let world = World::new(store);
    let [acme, other] = [world.add_application("acme").await, world.add_application("b").await];
    let ends_at = world.in_ms(60_000);
    let granted = |text, application, user, grant| NewToken {
        grant,
        ..of_user(text, application, user, ends_at)
    };
    let [one, two] = [GrantId::new([1; 12]), GrantId::new([2; 12])];
    let tokens = vec![
        granted("u1", &acme, "u", Some(one)),
        granted("u2", &acme, "u", Some(two)),
        granted("u-", &acme, "u", None),
        granted("v1", &acme, "v", Some(one)),
        granted("other", &other, "u", Some(one)),
    ];
    write(&world, tokens, Vec::new()).await.unwrap();
    let count = store.revocations_count().await.unwrap();
    let of_one = Revocation::Grant { application: acme.id, grant: one };
    write(&world, vec![granted("u1 again", &acme, "u", Some(one))], vec![of_one]).await.unwrap();
    assert_ne!(store.revocations_count().await.unwrap(), count);
    for (text, expected) in
        [("u1", true), ("v1", true), ("u2", false), ("u-", false), ("u1 again", false)]
    {
        assert_eq!(is_revoked(&world, text).await, expected, "{text}");
    }
    let of_user = Revocation::User { application: acme.id, user: "u".parse().unwrap() };
    write(&world, Vec::new(), vec![of_user]).await.unwrap();
    for text in ["u1", "u2", "u-", "u1 again"] {
        assert!(is_revoked(&world, text).await, "{text}");
    }
    assert!(!is_revoked(&world, "other").await);
}

pub async fn a_users_token_is_forgotten_a_day_after_its_end(store: &dyn Store) {
    let mut world = World::new(store);
    let application = world.add_application("acme").await;
    let (soon, later) = (world.in_ms(1_000), world.in_ms(USER_TOKEN_REMEMBERED_MS * 9));
    let own = NewToken {
        expires: Some(Now { elapsed: soon, wall: Wall(1) }),
        ..new_token("own", Owner::Application(application.id))
    };
    let tokens = vec![
        own,
        of_user("ends", &application, "u", soon),
        of_user("lasts", &application, "v", later),
        of_user("revoked", &application, "w", later),
    ];
    write(&world, tokens, Vec::new()).await.unwrap();
    let last = token(&world, "revoked").await.unwrap().id;
    let of_w = Revocation::User { application: application.id, user: "w".parse().unwrap() };
    write(&world, Vec::new(), vec![of_w]).await.unwrap();
    world.pass_ms(USER_TOKEN_REMEMBERED_MS - 1);
    assert_eq!(store.forget_expired(world.now).await.unwrap(), 0);
    world.pass_ms(1);
    assert_eq!(store.forget_expired(world.now).await.unwrap(), 1, "the one that was revoked");
    assert_eq!(token(&world, "revoked").await, None);
    world.pass_ms(1_000);
    assert_eq!(store.forget_expired(world.now).await.unwrap(), 1, "the one that ended");
    assert_eq!(token(&world, "ends").await, None);
    assert!(token(&world, "own").await.is_some() && token(&world, "lasts").await.is_some());
    let next = new_token("next", Owner::Operator);
    let next = store.add_token(world.now, next).await.unwrap().id;
    assert!(next > last, "numbers are never used again: {next} after {last}");
}
