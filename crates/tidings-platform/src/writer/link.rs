//! Linking accounts: the account, its sealed credentials and the task that collects it come into
//! being in one commit.

use std::collections::HashSet;

use tidings_core::{
    application::AccessLevel as Level,
    ids::ApplicationId,
    limits::PAGE_MAX,
    time::{Now, Wall},
};
use tidings_graphql::{AccessLevel, Denial, Failure, OperationFailure};
use tidings_store::TaskChange;

use super::{Firing, Plan, TRIES_MAX, Writer, Written, changed_meanwhile, stopped, user};
use crate::{
    collect::{
        collection::{Collection, lane},
        protocol::{CREDENTIAL_VALUE_BYTES_MAX, CREDENTIALS_MAX, Credential},
    },
    domain::{
        ACCOUNT_ROLE, Account, AccountStatus, Checks, Consent, Document, Provider, Stored, ToDo,
        ToDoKind, USER_ROLE, User, change, link, new_entity_code,
    },
    reader::PageQuery,
    triggers::Trigger,
};

/// How far a date may lie ahead that was "now" on another machine.
const AHEAD_MS_MAX: i64 = 5 * 60 * 1_000;

/// An account that is to be linked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewLink {
    /// The code of the provider.
    pub provider: String,
    /// How far the platform may look.
    pub access_level: AccessLevel,
    /// What opens the account.
    pub credentials: Vec<Credential>,
    /// What the user agreed to.
    pub consent: Consent,
}

impl Writer {
    /// Adds a user, links the user's account and sets its collection to work: one commit. Fires
    /// `UserAdded` and `AccountAdded`.
    ///
    /// # Errors
    /// As [`Writer::link_account`].
    pub async fn link_account_of_new_user(
        &self,
        application: ApplicationId,
        new: NewLink,
    ) -> Result<Written<Account>, OperationFailure> {
        self.check_link(&new)?;
        let user_id = new_entity_code(&*self.chance);
        let id = new_entity_code(&*self.chance);
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let provider = self.referred::<Provider>(None, &new.provider, "/provider").await?;
            self.refuse_level(application, &provider, new.access_level).await?;
            let body = User { tenant_id: None, reference: None, added_at: now.wall };
            let user = user::plan(application, &user_id, None, now, body);
            let mut plan = plan_link(application, now.wall, &user_id, &id, &new);
            plan.changes.splice(0..0, user.changes);
            plan.firings.splice(0..0, user.firings);
            plan.tasks.push(self.set_to_work(application, &id, &new, now));
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<Account>(&id))
    }

    /// Links an account and sets its collection to work; fires `AccountAdded`. Where the user has
    /// an account with the provider whose credentials were rejected, or whose first collection
    /// failed, that one gets the new credentials instead, and its to-dos that asked for them are
    /// done: fires `AccountUpdated` and `ToDoDone`.
    ///
    /// # Errors
    /// `INVALID_INPUT`, `NOT_FOUND` for its user or provider, `NOT_SUPPORTED` where the provider
    /// does not offer the access level, `NOT_PERMITTED` where the application may not use it,
    /// `CONFLICT` when the user has as many accounts as there may be, or what stops the store.
    pub async fn link_account(
        &self,
        application: ApplicationId,
        user: &str,
        new: NewLink,
    ) -> Result<Written<Account>, OperationFailure> {
        self.check_link(&new)?;
        let fresh_id = new_entity_code(&*self.chance);
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let owner = Some(application);
            let user = self.referred::<User>(owner, user, "/user").await?;
            let provider = self.referred::<Provider>(None, &new.provider, "/provider").await?;
            self.refuse_level(application, &provider, new.access_level).await?;
            let mut plan = match self.rejected_account(application, &user.id, &new.provider).await?
            {
                Some(account) => self.plan_renewal(application, now.wall, account, &new).await?,
                None => {
                    self.refuse_too_many_accounts(application, &user.id).await?;
                    plan_link(application, now.wall, &user.id, &fresh_id, &new)
                }
            };
            plan.expected.push(user.expected(owner));
            plan.tasks.push(self.set_to_work(application, &plan.made.id, &new, now));
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<Account>(&fresh_id))
    }

    /// What sets the collection of an account to work.
    fn set_to_work(
        &self,
        application: ApplicationId,
        account: &str,
        new: &NewLink,
        now: Now,
    ) -> TaskChange {
        let collection = Collection::new(&self.vault, &self.chance, account, &new.credentials);
        let lane = lane(&new.provider, new.access_level);
        collection.put(application, account, lane, now)
    }

    /// The access levels that the provider offers and the application may use.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn access_levels(
        &self,
        application: ApplicationId,
        provider: &Provider,
    ) -> Result<Vec<AccessLevel>, OperationFailure> {
        let catalog = self.store.catalog().await.map_err(|error| stopped(&error))?;
        let settings = catalog.application(application).map(|found| &found.settings);
        let all = [Level::QuickCheck, Level::FullCheck, Level::FullCheckOngoing];
        let allowed = all.into_iter().filter(|level| settings.is_some_and(|it| it.allows(*level)));
        let levels = allowed.map(AccessLevel::from).filter(|level| provider.offers(*level));
        Ok(levels.filter(|_| provider.adapter_url.is_some()).collect())
    }

    async fn refuse_level(
        &self,
        application: ApplicationId,
        provider: &Stored<Provider>,
        level: AccessLevel,
    ) -> Result<(), OperationFailure> {
        let name = || Level::from(level).as_str().to_owned();
        let code = || provider.id.clone();
        if !provider.body.offers(level) {
            let denial = Denial::LevelNotOffered { provider: code(), level: name() };
            return Err(Failure::Denied(denial).into());
        }
        if provider.body.adapter_url.is_none() {
            return Err(Failure::Denied(Denial::NoAdapter { provider: code() }).into());
        }
        let catalog = self.store.catalog().await.map_err(|error| stopped(&error))?;
        let application = catalog.application(application);
        if application.is_some_and(|found| found.settings.allows(level.into())) {
            return Ok(());
        }
        Err(Failure::Denied(Denial::LevelNotAllowed { level: name() }).into())
    }

    fn check_link(&self, new: &NewLink) -> Result<(), OperationFailure> {
        let mut checks = Checks::default();
        checks.consent("/consent", &new.consent);
        let now = self.now().wall;
        if new.consent.given_at.0 > now.0.saturating_add(AHEAD_MS_MAX) {
            checks.refuse("/consent/givenAt", "write when the user agreed: that is still to come");
        }
        if new.consent.until.is_some_and(|until| until <= now) {
            checks.refuse("/consent/until", "write a date that is still to come, or leave it out");
        }
        if new.credentials.is_empty() {
            checks.refuse("/credentials", "give what the provider asks for");
        }
        checks.list("/credentials", new.credentials.len(), CREDENTIALS_MAX);
        let mut names = HashSet::new();
        for (index, credential) in new.credentials.iter().enumerate() {
            let path = |field: &str| format!("/credentials/{index}/{field}");
            checks.credential_name(&path("name"), &credential.name);
            if !names.insert(&credential.name) {
                checks.refuse(&path("name"), "another credential has this name");
            }
            // What was given is never told back.
            if !(1..=CREDENTIAL_VALUE_BYTES_MAX).contains(&credential.value.len()) {
                let message = format!("write 1 to {CREDENTIAL_VALUE_BYTES_MAX} bytes");
                checks.refuse(&path("value"), message);
            }
        }
        checks.finish()
    }

    /// The account whose credentials are renewed by this link.
    async fn rejected_account(
        &self,
        application: ApplicationId,
        user: &str,
        provider: &str,
    ) -> Result<Option<Stored<Account>>, OperationFailure> {
        let accounts = self.hanging::<Account>(application, USER_ROLE, user).await?;
        let of_provider = accounts.into_iter().filter(|it| it.body.provider == provider);
        for account in of_provider.rev() {
            let is_meant = match account.body.status {
                AccountStatus::CredentialsRejected => true,
                // What was collected before it failed is not to stand among what is another's.
                AccountStatus::Failed => self
                    .hanging::<Document>(application, ACCOUNT_ROLE, &account.id)
                    .await?
                    .is_empty(),
                _ => false,
            };
            if is_meant {
                return Ok(Some(account));
            }
        }
        Ok(None)
    }

    async fn plan_renewal(
        &self,
        application: ApplicationId,
        now: Wall,
        account: Stored<Account>,
        new: &NewLink,
    ) -> Result<Plan<Stored<Account>>, OperationFailure> {
        let owner = Some(application);
        let body = Account {
            access_level: new.access_level,
            status: AccountStatus::Linking,
            consent: new.consent.clone(),
            ..account.body.clone()
        };
        let mut changes = vec![account.change(owner, &body)];
        let mut firings = vec![Firing::of(Trigger::AccountUpdated, &account.id, application)];
        for to_do in self.open_renewals(application, &account.id).await? {
            let done = ToDo { done_at: Some(now), ..to_do.body.clone() };
            changes.push(to_do.change(owner, &done));
            firings.push(Firing::of(Trigger::ToDoDone, &to_do.id, application));
        }
        Ok(Plan { changes, firings, ..Plan::of(account.next(now, body)) })
    }

    /// The to-dos that ask for new credentials of an account and are not done: a page at most.
    pub(super) async fn open_renewals(
        &self,
        application: ApplicationId,
        account: &str,
    ) -> Result<Vec<Stored<ToDo>>, OperationFailure> {
        let is_open = |to_do: &Stored<ToDo>| {
            to_do.body.kind == ToDoKind::RenewCredentials && to_do.body.done_at.is_none()
        };
        let (mut open, mut after) = (Vec::new(), None);
        loop {
            let on = Some(link(ACCOUNT_ROLE, account));
            let query = PageQuery::existing(Some(application), on, after);
            let page = self.reader.page::<ToDo>(query).await.map_err(|error| stopped(&error))?;
            open.extend(page.items.into_iter().filter(is_open));
            open.truncate(PAGE_MAX);
            after = page.end;
            if !page.has_next_page || open.len() == PAGE_MAX {
                return Ok(open);
            }
        }
    }

    /// The first that hang on an entity: a page.
    pub(super) async fn hanging<B: crate::domain::Body>(
        &self,
        application: ApplicationId,
        role: &str,
        id: &str,
    ) -> Result<Vec<Stored<B>>, OperationFailure> {
        let query = PageQuery::existing(Some(application), Some(link(role, id)), None);
        let page = self.reader.page::<B>(query).await.map_err(|error| stopped(&error))?;
        Ok(page.items)
    }
}

fn plan_link(
    application: ApplicationId,
    now: Wall,
    user: &str,
    id: &str,
    new: &NewLink,
) -> Plan<Stored<Account>> {
    let body = Account {
        user: user.to_owned(),
        provider: new.provider.clone(),
        reference: None,
        access_level: new.access_level,
        status: AccountStatus::Linking,
        last_collected_at: None,
        balance: None,
        added_at: now,
        consent: new.consent.clone(),
    };
    Plan {
        changes: vec![change(Some(application), id, None, &body)],
        firings: vec![Firing::of(Trigger::AccountAdded, id, application)],
        ..Plan::of(Stored::first(id, now, body))
    }
}
