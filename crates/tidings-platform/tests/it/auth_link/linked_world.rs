//! A platform with Auth Link, whose first application may be linked with.

use async_graphql::MaybeUndefined;
use axum::Router;
use serde_json::Value;
use tidings_core::{
    access::{Owner, ScopeSet, TokenKind},
    application::{Application, ClientType},
    secret::TokenHash,
};
use tidings_graphql::AccessLevel;
use tidings_platform::{
    domain::Provider,
    link::{self, Parts},
    sample::PROVIDER,
    writer::ProviderChange,
};
use tidings_store::{NewToken, Store};

use super::browser::{Answer, Browser, form, posted, send};
use crate::support::{PASSWORD, World};

pub const BACK: &str = "https://app.example.com/linked?from=tidings";
pub const SECRET: &str = "tidings_the-private-master-token-of-acme";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const OFFLINE: &str = "read:accounts download:documents offline_access";

pub struct LinkedWorld {
    pub world: World,
    pub router: Router,
}

impl LinkedWorld {
    /// With acme, and other, as clients of a type.
    pub async fn with(client_type: ClientType) -> LinkedWorld {
        let world = World::peopled().await;
        for application in [&world.acme, &world.other] {
            let mut changed = application.clone();
            changed.settings.client_type = client_type;
            changed.settings.redirect_uris =
                vec![BACK.to_owned(), "com.example.app:/linked".to_owned()];
            world.store.update_application(world.clock_now(), changed).await.unwrap();
        }
        let adapter_url = MaybeUndefined::Value("https://adapter.example.com".to_owned());
        let change = ProviderChange { adapter_url, ..ProviderChange::default() };
        world.writer.update_provider(PROVIDER, change).await.unwrap();
        let owner = Owner::Application(world.acme.id);
        let token = NewToken {
            kind: TokenKind::PrivateMaster,
            ..NewToken::own(TokenHash::of(SECRET), owner, ScopeSet::for_users())
        };
        world.store.add_token(world.clock_now(), token).await.unwrap();
        let router = link::router(Parts {
            store: world.store.clone(),
            ingest: world.ingest.clone(),
            writer: world.writer.clone(),
            clock: world.clock.clone(),
            chance: world.chance.clone(),
            adapters: world.adapters.clone(),
        });
        LinkedWorld { world, router }
    }

    /// Changes acme as it is now.
    pub async fn change_acme(&self, change: impl FnOnce(&mut Application)) {
        let catalog = self.world.store.catalog().await.unwrap();
        let mut acme = Application::clone(catalog.application(self.world.acme.id).unwrap());
        change(&mut acme);
        self.world.store.update_application(self.world.clock_now(), acme).await.unwrap();
    }

    pub async fn public() -> LinkedWorld {
        LinkedWorld::with(ClientType::Public).await
    }

    pub async fn confidential() -> LinkedWorld {
        LinkedWorld::with(ClientType::Confidential).await
    }

    /// The request for authorization of a public client, with what is changed in it.
    pub fn request(changes: &[(&str, Option<&str>)]) -> String {
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", "acme"),
            ("redirect_uri", BACK),
            ("state", "s&1"),
            ("scope", OFFLINE),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in changes {
            fields.retain(|(own, _)| own != name);
            fields.extend(value.map(|value| (*name, value)));
        }
        format!("/link?{}", form(&fields))
    }

    /// A browser that has come to the consent.
    pub async fn at_consent(&self, changes: &[(&str, Option<&str>)]) -> (Browser, Answer) {
        let mut browser = Browser::new(&self.router);
        let page = browser.open(&LinkedWorld::request(changes)).await;
        let token = page.form_token();
        let fields = [("form_token", token.as_str()), ("provider", PROVIDER)];
        let answer = browser.submit("/link/provider", &fields).await;
        assert_eq!(answer.location(), "/link/credentials");
        let fields =
            [("form_token", token.as_str()), ("credential-0", "ada"), ("credential-1", PASSWORD)];
        let answer = browser.submit("/link/credentials", &fields).await;
        assert_eq!(answer.location(), "/link/consent");
        let page = browser.get("/link/consent").await;
        (browser, page)
    }

    /// A browser whose user has agreed, with the token of its forms.
    pub async fn at_done(&self, changes: &[(&str, Option<&str>)]) -> (Browser, String) {
        let (mut browser, page) = self.at_consent(changes).await;
        let token = page.form_token();
        let fields = [("form_token", token.as_str()), ("level", "FULL_CHECK"), ("until", "365")];
        let answer = browser.submit("/link/consent", &fields).await;
        assert_eq!(answer.location(), "/link/done");
        let page = browser.get("/link/done").await;
        (browser, page.form_token())
    }

    /// Goes the whole way; the answer that leads back to the application.
    pub async fn go(&self, changes: &[(&str, Option<&str>)]) -> Answer {
        let (mut browser, token) = self.at_done(changes).await;
        browser.submit("/link/return", &[("form_token", &token)]).await
    }

    /// A code of acme, asked for so.
    pub async fn code(&self, changes: &[(&str, Option<&str>)]) -> String {
        self.go(changes).await.told("code").unwrap()
    }

    pub async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        send(&self.router, posted("/token", fields)).await
    }

    /// Exchanges a code as acme, a public client.
    pub async fn redeem(&self, code: &str, verifier: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", "acme"),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", verifier),
        ])
        .await
    }

    pub async fn refresh(&self, refresh_token: &str) -> Answer {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", "acme"),
            ("refresh_token", refresh_token),
        ];
        self.token(&fields).await
    }

    /// Whether a token still opens anything.
    pub async fn opens(&self, token: &str) -> bool {
        let stored = self.world.store.token(TokenHash::of(token)).await.unwrap();
        stored.is_some_and(|token| token.is_valid(self.world.clock_now().elapsed))
    }

    /// What the sample provider allows.
    pub async fn levels(&self) -> Vec<AccessLevel> {
        let reader = tidings_platform::Reader::new(self.world.store.clone());
        let provider = reader.one::<Provider>(None, PROVIDER).await.unwrap().unwrap();
        self.world.writer.access_levels(self.world.acme.id, &provider.body).await.unwrap()
    }
}

/// Checks that an answer is an error of RFC 6749, section 5.2.
pub fn check_error(answer: &Answer, status: u16, error: &str) {
    let told: Value = answer.json();
    assert_eq!((answer.status, told["error"].as_str()), (status, Some(error)), "{answer:?}");
    assert!(told["error_description"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// A member of a JSON answer that is a text.
pub fn text(answer: &Answer, name: &str) -> String {
    answer.json()[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer:?}")).to_owned()
}
