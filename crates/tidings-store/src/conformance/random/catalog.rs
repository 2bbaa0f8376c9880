//! Applications, tokens and webhooks.

use tidings_core::{
    access::{Owner, Scope, ScopeSet, TokenKind},
    application::Application,
    delivery::ReasonCode,
    ids::{ApplicationId, GrantId, TokenId, WebhookId},
    limits::HORIZON_MS,
    retry::RetryPolicy,
    samples,
    secret::TokenHash,
    time::{HOUR_MS, Now},
    webhook::{PayloadMode, Status, Webhook},
};

use super::{super::world::new_application, Run, both, ingest::ENTITIES, normal};
use crate::types::NewToken;

/// Applications that are there at a time.
const APPLICATIONS_MAX: usize = 4;
/// Webhooks that are there at a time.
const WEBHOOKS_MAX: usize = 9;

pub(super) const TRIGGERS: [&str; 3] = ["EnergySwitchAdded", "UserAdded", "UserDeleted"];
pub(super) const SOURCES: [&str; 2] = ["platform", "shop"];

impl Run<'_> {
    pub(super) async fn change_applications(&mut self) {
        let now = self.now;
        match self.pick(&self.applications.clone()) {
            Some(id) if self.chance(50) => {
                let catalog = self.stores[0].catalog().await.unwrap();
                let mut changed = Application::clone(catalog.application(id).unwrap());
                changed.scopes = ScopeSet::from_iter(self.pick(&Scope::ALL));
                changed.token_lifetime_s = self.chance(50).then_some(self.step as u32);
                let answers = both!(self, |store| store.update_application(now, changed.clone()));
                self.same_write("update_application", answers).unwrap();
                self.count("application updated", 1);
            }
            _ => self.add_application().await,
        }
    }

    /// Adds one whose name is taken now and then.
    pub(super) async fn add_application(&mut self) {
        if self.applications.len() == APPLICATIONS_MAX {
            return;
        }
        let new = new_application(&format!("application-{}", self.random.u32(0..6)));
        let answers = both!(self, |store| store.add_application(self.now, new.clone()));
        match self.same_write("add_application", answers) {
            Ok(added) => {
                self.applications.push(added.id);
                self.count("application added", 1);
            }
            Err(_) => self.count("application taken", 1),
        }
    }

    pub(super) async fn delete_something(&mut self) {
        if let Some(id) = self.pick(&self.webhooks.clone()) {
            self.delete_webhook(id).await;
        }
        if let Some(id) = self.pick(&self.applications.clone()) {
            self.delete_application(id).await;
        }
    }

    async fn delete_application(&mut self, id: ApplicationId) {
        let answers = both!(self, |store| store.delete_application(self.now, id));
        self.same_write("delete_application", answers).unwrap();
        self.applications.retain(|other| *other != id);
        let mut left = Vec::new();
        for webhook in self.webhooks.clone() {
            let stored = self.stores[0].webhook(webhook).await.unwrap().unwrap();
            if stored.application != id {
                left.push(webhook);
            }
        }
        self.webhooks = left;
        self.count("application deleted", 1);
    }

    pub(super) async fn change_tokens(&mut self) {
        if self.chance(40)
            && let Some(id) = self.pick(&self.tokens.clone())
        {
            let id = TokenId(id.0 + u64::from(self.chance(5)) * 1_000);
            let answers = both!(self, |store| store.revoke_token(self.now, id));
            let answer = self.same_write("revoke_token", answers);
            self.count("token revoked", usize::from(answer.is_ok()));
            return;
        }
        let owner = match self.pick(&self.applications.clone()) {
            Some(id) if self.chance(70) => Owner::Application(id),
            _ => Owner::Operator,
        };
        let text = format!("token {}", self.random.u32(0..40));
        let in_an_hour = Now { elapsed: self.now.elapsed.plus_ms(HOUR_MS), wall: self.now.wall };
        let scopes = ScopeSet::from_iter(self.pick(&Scope::ALL));
        let expires = self.chance(50).then_some(in_an_hour);
        let mut new = NewToken { expires, ..NewToken::own(TokenHash::of(&text), owner, scopes) };
        if matches!(new.owner, Owner::Application(_)) && self.chance(60) {
            new = self.of_user(new);
        }
        let answers = both!(self, |store| store.add_token(self.now, new.clone()));
        if let Ok(token) = self.same_write("add_token", answers) {
            self.tokens.push(token.id);
            self.count("token added", 1);
        }
    }

    /// An application's token, for one of its users.
    pub(super) fn of_user(&mut self, new: NewToken) -> NewToken {
        let user = self.pick(&ENTITIES).unwrap().parse().unwrap();
        let grant = self.chance(70).then(|| GrantId::new([self.random.u8(0..3); 12]));
        NewToken { kind: TokenKind::User, user: Some(user), grant, ..new }
    }

    pub(super) async fn change_webhooks(&mut self) {
        let id = self.pick(&self.webhooks.clone());
        match (id, self.random.u32(0..30)) {
            (Some(id), 0) => self.delete_webhook(id).await,
            (Some(id), 1..22) => self.update_webhook(id).await,
            _ if self.webhooks.len() < WEBHOOKS_MAX => self.add_webhook().await,
            _ => {}
        }
    }

    pub(super) async fn add_webhook(&mut self) {
        let Some(application) = self.pick(&self.applications.clone()) else { return };
        let mut webhook = samples::webhook(WebhookId(0), application);
        webhook.source = self.pick(&SOURCES).unwrap().parse().unwrap();
        self.vary(&mut webhook);
        webhook.status = Status::Active;
        let answers = both!(self, |store| store.add_webhook(self.now, webhook.clone()));
        let answers = answers.map(|answer| answer.map(|webhook| normal::webhook(&webhook)));
        let added = self.same_write("add_webhook", answers).unwrap();
        self.webhooks.push(added.id);
        self.count("webhook added", 1);
    }

    async fn update_webhook(&mut self, id: WebhookId) {
        let answers = both!(self, |store| store.webhook(id));
        let mut wanted =
            self.done("webhook", answers).map(|webhook| Webhook::clone(&webhook.unwrap()));
        let seed = self.random.u64(..);
        let is_stale = self.chance(15);
        for webhook in &mut wanted {
            let after = std::mem::replace(&mut self.random, fastrand::Rng::with_seed(seed));
            self.vary(webhook);
            self.random = after;
            webhook.version -= u64::from(is_stale);
        }
        let [first, second] = wanted;
        let answers = [
            self.stores[0].update_webhook(self.now, first).await,
            self.stores[1].update_webhook(self.now, second).await,
        ];
        let answers = answers.map(|answer| answer.map(|webhook| normal::webhook(&webhook)));
        match self.same_write("update_webhook", answers) {
            Ok(_) => self.count("webhook updated", 1),
            Err(reaction) => {
                assert_eq!(reaction, "stale");
                self.count("webhook stale", 1);
            }
        }
    }

    /// Changes something of a webhook. It is mostly active.
    fn vary(&mut self, webhook: &mut Webhook) {
        match self.random.u32(0..8) {
            0 => webhook.name = format!("webhook of step {}", self.step),
            1 => {
                let first = self.random.usize(0..TRIGGERS.len());
                let triggers = TRIGGERS[first..].iter().map(|text| text.parse().unwrap());
                webhook.triggers = triggers.collect();
            }
            2 => webhook.url = format!("https://example.com/{}", self.random.u32(0..3)),
            3 => {
                let modes = [PayloadMode::Fresh, PayloadMode::Frozen, PayloadMode::Frozen];
                webhook.payload = self.pick(&modes).unwrap();
            }
            4 => {
                let horizon_ms = self.pick(&[HOUR_MS, HORIZON_MS]).unwrap();
                webhook.retry = RetryPolicy { delays_ms: vec![1_000], horizon_ms };
            }
            5 => {
                let why = format!("step {}", self.step);
                let statuses = [
                    Status::Paused,
                    Status::Held { why: why.clone(), code: ReasonCode::QueryBroken },
                    Status::Disabled { why },
                ];
                webhook.set_status(self.pick(&statuses).unwrap(), self.now.elapsed);
            }
            _ => webhook.set_status(Status::Active, self.now.elapsed),
        }
    }

    async fn delete_webhook(&mut self, id: WebhookId) {
        let answers = both!(self, |store| store.delete_webhook(self.now, id));
        let answers = answers.map(|answer| answer.map(|webhook| normal::webhook(&webhook)));
        self.same_write("delete_webhook", answers).unwrap();
        self.webhooks.retain(|other| *other != id);
        self.count("webhook deleted", 1);
    }
}
