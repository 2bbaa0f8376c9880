//! Providers. Everyone reads them, the operator writes them.

use std::sync::Arc;

use async_graphql::{Context, Error, Object};
use tidings_graphql::{Failure, principal, result_union};

use super::asking::{Asking, operating};
use crate::{
    domain::{Provider, ProviderCapabilities, Sector, Stored},
    writer::{NewProvider, ProviderChange},
};

/// A business that supplies something.
#[derive(Clone, Debug)]
pub struct ProviderObject(pub Arc<Stored<Provider>>);

/// A business that supplies a utility or another service to end users.
#[Object(name = "Provider")]
impl ProviderObject {
    /// Its code: the group, an underscore, the brand, as in `sse_sse`.
    async fn code(&self) -> &str {
        &self.0.id
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.body.name
    }

    /// What it supplies.
    async fn sector(&self) -> Sector {
        self.0.body.sector
    }

    /// What the platform can do with it.
    async fn capabilities(&self) -> ProviderCapabilities {
        self.0.body.capabilities
    }

    /// Where its adapter is; null where there is none, and for everyone but the operator.
    async fn adapter_url(&self, context: &Context<'_>) -> Result<Option<&str>, Error> {
        let is_operator = principal(context)?.application().is_none();
        Ok(self.0.body.adapter_url.as_deref().filter(|_| is_operator))
    }
}

result_union! {
    /// The provider that was added, or why none was.
    AddProviderResult(ProviderObject)
}
result_union! {
    /// The provider as it is now, or why it was not changed.
    UpdateProviderResult(ProviderObject)
}
result_union! {
    /// The provider that was deleted, as it last was, or why none was.
    DeleteProviderResult(ProviderObject)
}

/// Queries about providers.
#[derive(Default, Debug)]
pub struct ProviderQuery;

#[Object]
impl ProviderQuery {
    /// The providers, in the order of their codes.
    async fn get_providers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only those that offer, or do not offer, a Quick Check.")]
        quick_check_supported: Option<bool>,
        #[graphql(desc = "Only those whose data can, or cannot, be collected without the user.")]
        automated_data_collection_supported: Option<bool>,
        #[graphql(desc = "Only those that supply this.")] sector: Option<Sector>,
    ) -> Result<Vec<ProviderObject>, Error> {
        let asking = Asking::of(context)?.map_err(Failure::into_error)?;
        let providers = asking.reader.all_for_everyone::<Provider>().await;
        let mut providers = providers.map_err(|error| asking.stopped(&error).into_error())?;
        providers.retain(|provider| {
            let Provider { capabilities, sector: supplies, .. } = &provider.body;
            let collects = capabilities.automated_data_collection;
            quick_check_supported.is_none_or(|wanted| wanted == capabilities.quick_check)
                && automated_data_collection_supported.is_none_or(|wanted| wanted == collects)
                && sector.is_none_or(|wanted| wanted == *supplies)
        });
        providers.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(providers.into_iter().map(|provider| ProviderObject(Arc::new(provider))).collect())
    }

    /// A provider; null where there is none with this code.
    async fn get_provider(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The provider's code, as in `sse_sse`.")] code: String,
    ) -> Result<Option<ProviderObject>, Error> {
        let asking = Asking::of(context)?.map_err(Failure::into_error)?;
        let provider = asking.reader.one::<Provider>(None, &code).await;
        let provider = provider.map_err(|error| asking.stopped(&error).into_error())?;
        let provider = provider.filter(|provider| !provider.deleted);
        Ok(provider.map(|provider| ProviderObject(Arc::new(provider))))
    }
}

/// Changes of providers.
#[derive(Default, Debug)]
pub struct ProviderMutation;

#[Object]
impl ProviderMutation {
    /// Adds a provider, for every application. For the operator.
    async fn add_provider(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The provider.")] input: NewProvider,
    ) -> Result<AddProviderResult, Error> {
        let writer = match operating(context)? {
            Ok(writer) => writer,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let written = writer.add_provider(input).await;
        Ok(written.map(|written| ProviderObject(Arc::new(written.entity))).into())
    }

    /// Changes a provider. For the operator.
    async fn update_provider(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The provider's code.")] code: String,
        #[graphql(desc = "What is to be changed.")] input: ProviderChange,
    ) -> Result<UpdateProviderResult, Error> {
        let writer = match operating(context)? {
            Ok(writer) => writer,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let written = writer.update_provider(&code, input).await;
        Ok(written.map(|written| ProviderObject(Arc::new(written.entity))).into())
    }

    /// Deletes a provider. Switches to it still show it. For the operator.
    async fn delete_provider(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The provider's code.")] code: String,
    ) -> Result<DeleteProviderResult, Error> {
        let writer = match operating(context)? {
            Ok(writer) => writer,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let written = writer.delete_provider(&code).await;
        Ok(written.map(|written| ProviderObject(Arc::new(written.entity))).into())
    }
}
