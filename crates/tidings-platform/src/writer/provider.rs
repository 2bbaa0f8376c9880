//! Adding, changing and deleting providers. Only the operator does; no trigger tells of it.

use async_graphql::{InputObject, MaybeUndefined};
use tidings_graphql::{Failure, OperationFailure, Thing};

use super::{Plan, TRIES_MAX, Writer, Written, changed_meanwhile, over, stopped};
use crate::domain::{Checks, Provider, ProviderCapabilities, Sector, Stored, change};

/// A provider that is to be.
#[derive(InputObject, Clone, Debug)]
#[graphql(name = "AddProviderInput")]
pub struct NewProvider {
    /// Its code: the group, an underscore, the brand, as in `sse_sse`.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// What it supplies.
    pub sector: Sector,
    /// What the platform can do with it.
    pub capabilities: ProviderCapabilities,
    /// Where its adapter is: a URL. Left out: there is none, and its accounts cannot be linked.
    pub adapter_url: Option<String>,
}

/// What is to be changed of a provider. A field that is left out keeps what is stored; only
/// `adapterUrl` can be cleared.
#[derive(InputObject, Clone, Debug, Default)]
#[graphql(name = "UpdateProviderInput")]
pub struct ProviderChange {
    /// What people call it.
    pub name: MaybeUndefined<String>,
    /// What it supplies.
    pub sector: MaybeUndefined<Sector>,
    /// What the platform can do with it.
    pub capabilities: MaybeUndefined<ProviderCapabilities>,
    /// Where its adapter is: a URL. Null: there is none any more.
    pub adapter_url: MaybeUndefined<String>,
}

impl Writer {
    fn check_adapter_url(&self, checks: &mut Checks, url: Option<&str>) {
        if let Some(Err(message)) = url.map(|url| self.adapters.check_url(url)) {
            checks.refuse("/input/adapterUrl", message);
        }
    }

    /// Adds a provider. One that was deleted may come back.
    ///
    /// # Errors
    /// `INVALID_INPUT`, `CONFLICT` when the code is taken, or what stops the store.
    pub async fn add_provider(
        &self,
        new: NewProvider,
    ) -> Result<Written<Provider>, OperationFailure> {
        let mut checks = Checks::default();
        checks.provider_code("/input/code", &new.code);
        checks.text("/input/name", &new.name);
        self.check_adapter_url(&mut checks, new.adapter_url.as_deref());
        checks.finish()?;
        let NewProvider { code, name, sector, capabilities, adapter_url } = new;
        let body = Provider { name, sector, capabilities, adapter_url };
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let before = self.reader.one::<Provider>(None, &code).await;
            let before = before.map_err(|error| stopped(&error))?;
            if before.as_ref().is_some_and(|provider| !provider.deleted) {
                let id = code.clone();
                return Err(Failure::Taken { what: Thing::Provider, id }.into());
            }
            let version = before.map(|tombstone| tombstone.version);
            let plan = Plan {
                changes: vec![change(None, &code, version, &body)],
                ..Plan::of(Stored::over(version, &code, now.wall, body.clone()))
            };
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<Provider>(&code))
    }

    /// Changes a provider.
    ///
    /// # Errors
    /// `INVALID_INPUT`, `NOT_FOUND`, or what stops the store.
    pub async fn update_provider(
        &self,
        code: &str,
        wanted: ProviderChange,
    ) -> Result<Written<Provider>, OperationFailure> {
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let before = self.existing::<Provider>(None, code).await?;
            let Provider { name, sector, capabilities, adapter_url } = before.body.clone();
            let mut checks = Checks::default();
            let body = Provider {
                name: checks.required("/input/name", &wanted.name, name),
                sector: checks.required("/input/sector", &wanted.sector, sector),
                capabilities: checks.required(
                    "/input/capabilities",
                    &wanted.capabilities,
                    capabilities,
                ),
                adapter_url: over(&wanted.adapter_url, &adapter_url),
            };
            checks.text("/input/name", &body.name);
            self.check_adapter_url(&mut checks, wanted.adapter_url.value().map(String::as_str));
            checks.finish()?;
            if body == before.body {
                return Ok(Written { entity: before, event: None });
            }
            let changes = vec![before.change(None, &body)];
            let plan = Plan { changes, ..Plan::of(before.next(now.wall, body)) };
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<Provider>(code))
    }

    /// Deletes a provider. Switches to it still show it.
    ///
    /// # Errors
    /// `NOT_FOUND`, or what stops the store.
    pub async fn delete_provider(&self, code: &str) -> Result<Written<Provider>, OperationFailure> {
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let entity = self.existing::<Provider>(None, code).await?;
            let changes = vec![entity.tombstone(None)];
            let plan = Plan { changes, ..Plan::of(entity) };
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<Provider>(code))
    }
}
