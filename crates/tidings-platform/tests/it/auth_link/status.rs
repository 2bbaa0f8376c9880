//! How far accounts have come, as `GET /status` tells it.

use tidings_core::access::{Owner, Principal, ScopeSet, TokenKind};
use tidings_graphql::AccessLevel;
use tidings_platform::{
    AccountProgress, Progress, Reader, domain::AccountStatus, sample::PROVIDER,
};

use super::linked_world::{LinkedWorld, VERIFIER, text};

/// A principal of acme.
fn principal(linker: &LinkedWorld, kind: TokenKind, user: Option<&str>) -> Principal {
    Principal {
        owner: Owner::Application(linker.world.acme.id),
        kind,
        user: user.map(|user| user.parse().unwrap()),
        application_name: Some(linker.world.acme.name.clone()),
        scopes: ScopeSet::for_users(),
        expires_at: None,
    }
}

/// The ids of a new user and of the user's account.
async fn link(linker: &LinkedWorld) -> (String, String) {
    let code = linker.code(&[]).await;
    let answer = linker.redeem(&code, VERIFIER).await;
    (text(&answer, "user"), text(&answer, "account"))
}

#[tokio::test]
async fn a_user_and_the_application_are_told_how_far_accounts_have_come() {
    let linker = LinkedWorld::public().await;
    let (user, account) = link(&linker).await;
    linker.world.add_documents(&account, &["bill-1", "bill-2"]).await;
    let progress = Progress::new(Reader::new(linker.world.store.clone()));
    let wanted = AccountProgress {
        id: account,
        provider: PROVIDER.to_owned(),
        status: AccountStatus::Linking,
        access_level: AccessLevel::FullCheck,
        last_collected_at: None,
        documents_count: 2,
    };
    for (kind, own) in [
        (TokenKind::User, Some(user.as_str())),
        (TokenKind::Application, None),
        (TokenKind::PrivateMaster, None),
    ] {
        let told = progress.accounts_of(&principal(&linker, kind, own), &user).await.unwrap();
        assert_eq!(told.as_deref(), Some(&[wanted.clone()][..]), "{kind:?}");
    }
}

#[tokio::test]
async fn others_are_told_nothing() {
    let linker = LinkedWorld::public().await;
    let ((user, _), (stranger, _)) = (link(&linker).await, link(&linker).await);
    let progress = Progress::new(Reader::new(linker.world.store.clone()));
    let own = principal(&linker, TokenKind::Application, None);
    let other = Principal { owner: Owner::Application(linker.world.other.id), ..own.clone() };
    let operator = Principal { owner: Owner::Operator, kind: TokenKind::Operator, ..own.clone() };
    for asker in [
        principal(&linker, TokenKind::User, Some(&stranger)),
        principal(&linker, TokenKind::PublicMaster, None),
        other,
        operator,
    ] {
        assert_eq!(progress.accounts_of(&asker, &user).await.unwrap(), None, "{asker:?}");
    }
    assert_eq!(progress.accounts_of(&own, "nobody").await.unwrap(), None);
    linker.world.writer.delete_user(linker.world.acme.id, &user).await.unwrap();
    assert_eq!(progress.accounts_of(&own, &user).await.unwrap(), None);
}
