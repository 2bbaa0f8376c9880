//! Which webhooks hear an event.

use std::sync::Arc;

use crate::{
    catalog::Catalog, event::Event, source::TriggerAlias, trigger::TriggerName, webhook::Webhook,
};

/// A webhook that hears an event, and under which name.
#[derive(Clone, Debug)]
pub struct Match {
    /// The webhook.
    pub webhook: Arc<Webhook>,
    /// The name that it listens to: the wire's `webhook.trigger`.
    pub trigger: TriggerName,
}

/// The webhooks that hear the event, each once, in the order of their numbers: those that listen to
/// its trigger, and those that listen to another name of it.
#[must_use]
pub fn match_event(event: &Event, catalog: &Catalog, aliases: &[TriggerAlias]) -> Vec<Match> {
    let also = aliases.iter().filter(|alias| alias.fired == event.trigger).map(|a| &a.heard_as);
    let names = std::iter::once(&event.trigger).chain(also);
    let mut matches: Vec<Match> = Vec::new();
    for name in names {
        for webhook in catalog.listeners(&event.source, name) {
            if event.application.is_none_or(|application| application == webhook.application) {
                matches.push(Match { webhook: Arc::clone(webhook), trigger: name.clone() });
            }
        }
    }
    // Stable: of a webhook that listens to both names, the event's own name comes first and stays.
    matches.sort_by_key(|found| found.webhook.id);
    matches.dedup_by_key(|found| found.webhook.id);
    matches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        application::Application,
        ids::{ApplicationId, WebhookId},
        samples,
    };

    fn webhook(id: u64, application: u64, triggers: &[&str]) -> Arc<Webhook> {
        let mut webhook = samples::webhook(WebhookId(id), ApplicationId(application));
        webhook.triggers = triggers.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(webhook)
    }

    fn check(trigger: &str, application: Option<u64>, expected: &[(u64, &str)]) {
        let applications: [Arc<Application>; 2] =
            [1, 2].map(|id| Arc::new(samples::application(ApplicationId(id))));
        let catalog = Catalog::new(
            1,
            [
                webhook(1, 1, &["AccountAdded"]),
                webhook(2, 2, &["AccountUpdated", "AccountAdded"]),
                webhook(3, 1, &["AccountAdded", "AccountUpdated", "UserAdded"]),
                webhook(4, 9, &["UserAdded"]),
            ],
            applications,
        );
        let aliases = [TriggerAlias {
            fired: "AccountUpdated".parse().unwrap(),
            heard_as: "AccountAdded".parse().unwrap(),
        }];
        let mut event = samples::event(trigger);
        event.application = application.map(ApplicationId);
        let found = match_event(&event, &catalog, &aliases);
        let found: Vec<(u64, &str)> =
            found.iter().map(|found| (found.webhook.id.0, found.trigger.as_str())).collect();
        assert_eq!(found, expected, "{trigger} of {application:?}");
    }

    #[test]
    fn a_webhook_hears_the_triggers_of_its_own_application() {
        check("UserAdded", Some(1), &[(3, "UserAdded")]);
        check("UserAdded", Some(2), &[]);
        check("UserDeleted", None, &[]);
        check("AccountAdded", Some(1), &[(1, "AccountAdded"), (3, "AccountAdded")]);
    }

    #[test]
    fn an_event_with_two_names_reaches_each_webhook_once_under_the_name_that_it_listens_to() {
        check(
            "AccountUpdated",
            None,
            &[(1, "AccountAdded"), (2, "AccountUpdated"), (3, "AccountUpdated")],
        );
    }
}
