//! Sources and their triggers: what can be listened to.

use async_graphql::{Context, Error, Object, SimpleObject};
use tidings_core::source::{SourceInfo, TriggerCatalogue};

use super::asker::{Asker, as_error};

/// A GraphQL API that events come from and that queries run on.
#[derive(SimpleObject, Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// The GraphQL endpoint, as `query.api` tells it to receivers.
    pub api: String,
    /// Whether it fires triggers of any well-formed name, and not those of `getTriggers` alone.
    pub any_trigger: bool,
}

/// A named kind of happening that webhooks listen to.
#[derive(SimpleObject, Clone, Debug)]
pub struct Trigger {
    /// Its name: an entity and what happened to it.
    pub name: String,
    /// The source that fires it.
    pub source: String,
    /// Other names under which it is heard.
    pub also_heard_as: Vec<String>,
}

/// Queries about sources.
#[derive(Default, Debug)]
pub struct SourceQuery;

#[Object]
impl SourceQuery {
    /// All sources, in the order of the configuration.
    async fn get_sources(&self, context: &Context<'_>) -> Result<Vec<Source>, Error> {
        let asker = Asker::with(context, &[]).map_err(as_error)?;
        Ok(asker.api.source_infos().map(shown_source).collect())
    }

    /// The triggers that sources fire; those of one source where one is named.
    async fn get_triggers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The source's name.")] source: Option<String>,
    ) -> Result<Vec<Trigger>, Error> {
        let asker = Asker::with(context, &[]).map_err(as_error)?;
        let infos = asker.api.source_infos();
        let asked =
            infos.filter(|info| source.as_ref().is_none_or(|name| info.name.as_str() == name));
        Ok(asked.flat_map(shown_triggers).collect())
    }
}

fn shown_source(info: &SourceInfo) -> Source {
    Source {
        name: info.name.to_string(),
        api: info.api.clone(),
        any_trigger: info.triggers == TriggerCatalogue::Any,
    }
}

fn shown_triggers(info: &SourceInfo) -> Vec<Trigger> {
    let TriggerCatalogue::Listed(names) = &info.triggers else { return Vec::new() };
    let shown = names.iter().map(|name| {
        let aliases = info.aliases.iter().filter(|alias| alias.fired == *name);
        Trigger {
            name: name.to_string(),
            source: info.name.to_string(),
            also_heard_as: aliases.map(|alias| alias.heard_as.to_string()).collect(),
        }
    });
    shown.collect()
}
