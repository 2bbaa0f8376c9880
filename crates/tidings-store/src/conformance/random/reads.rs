//! Everything that can be read, page by page.

use tidings_core::{delivery::ReasonCode, ids::DeliveryId, limits::PAGE_MAX, time::Wall};

use super::{
    Run, both, catalog,
    ingest::{ENTITIES, KINDS},
    normal,
};
use crate::types::{
    DeliveryFilter, DeliveryView, EntityQuery, EventFilter, Link, LinkedQuery, Page, ShownState,
    Stats, WebhookFilter, WebhookStatus,
};

impl Run<'_> {
    pub(super) async fn compare_reads(&mut self) {
        let views = self.compare_deliveries().await;
        self.know(views.into_iter().map(|view| view.delivery.id));
        self.compare_filtered().await;
        self.compare_details().await;
        self.compare_control().await;
        self.compare_entities().await;
        self.compare_tasks().await;
        self.compare_counts().await;
    }

    /// Deliveries that an open breaker ended, one way or another.
    pub(super) async fn count_endpoint_down(&mut self) {
        let views = self.compare_deliveries().await;
        let code = |view: &DeliveryView| view.delivery.state.reason().map(|why| why.code);
        let ended = views.iter().filter(|view| code(view) == Some(ReasonCode::EndpointDown));
        self.count("endpoint down", ended.count());
    }

    /// All deliveries, and the pages that they come on.
    async fn compare_deliveries(&mut self) -> Vec<DeliveryView> {
        let mut all: Vec<DeliveryView> = Vec::new();
        let first = self.pick(&[7, PAGE_MAX]).unwrap();
        loop {
            let page = Page { first, after: all.last().map(|view| view.delivery.id) };
            let filter = DeliveryFilter::default;
            let answers = both!(self, |store| store.deliveries(self.now, filter(), page.clone()));
            let pages = self.done("deliveries", answers);
            let page = self.same("deliveries", pages.map(|it| normal::paged(it, normal::view)));
            all.extend(page.items);
            if !page.has_next_page {
                return all;
            }
        }
    }

    pub(super) fn delivery_filter(&mut self) -> DeliveryFilter {
        let states = [
            ShownState::Pending,
            ShownState::Leased,
            ShownState::Held,
            ShownState::Delivered,
            ShownState::Exhausted,
            ShownState::Cancelled,
        ];
        let some_time = Wall(self.now.wall.0 - self.random.i64(0..100_000_000));
        DeliveryFilter {
            application: self.pick(&self.applications.clone()).filter(|_| self.chance(30)),
            webhook: self.pick(&self.webhooks.clone()).filter(|_| self.chance(30)),
            trigger: self.pick(&catalog::TRIGGERS).filter(|_| self.chance(30)).map(parsed),
            entity: self.pick(&ENTITIES).filter(|_| self.chance(30)).map(str::to_owned),
            states: self.pick(&states).filter(|_| self.chance(60)).into_iter().collect(),
            from: Some(some_time).filter(|_| self.chance(20)),
            until: Some(some_time).filter(|_| self.chance(20)),
        }
    }

    async fn compare_filtered(&mut self) {
        for _ in 0..5 {
            let filter = self.delivery_filter();
            let after = self.pick(&self.deliveries.clone()).filter(|_| self.chance(50));
            let page = Page { first: self.random.usize(1..20), after };
            let answers =
                both!(self, |store| store.deliveries(self.now, filter.clone(), page.clone()));
            let pages = self.done("deliveries", answers);
            let pages = pages.map(|page| normal::paged(page, normal::view));
            self.same(&format!("deliveries of {filter:?}"), pages);
            let filter = EventFilter {
                application: filter.application,
                trigger: filter.trigger,
                entity: filter.entity,
                from: filter.from,
                until: filter.until,
            };
            let after = self.pick(&self.events.clone()).filter(|_| self.chance(50));
            let page = Page { first: self.random.usize(1..20), after };
            let answers = both!(self, |store| store.events(filter.clone(), page.clone()));
            let pages = self.done("events", answers);
            self.same(&format!("events of {filter:?}"), pages);
        }
    }

    /// What belongs to some deliveries and their events.
    async fn compare_details(&mut self) {
        let mut some: Vec<DeliveryId> = self.deliveries.clone();
        self.random.shuffle(&mut some);
        for id in some.into_iter().take(20) {
            let answers = both!(self, |store| store.delivery(self.now, id));
            let views = self.done("delivery", answers);
            self.same("delivery", views.map(|view| view.map(normal::view)));
            let answers = both!(self, |store| store.payload(id));
            let payloads = self.done("payload", answers);
            self.same("payload", payloads);
            let answers = both!(self, |store| store.attempts(id));
            let attempts = self.done("attempts", answers);
            self.same("attempts", attempts);
            let answers = both!(self, |store| store.event(id.event()));
            let events = self.done("event", answers);
            self.same("event", events);
            let answers = both!(self, |store| store.deliveries_of(self.now, id.event()));
            let all = self.done("deliveries_of", answers);
            let all = all.map(|all| all.into_iter().map(normal::view).collect::<Vec<_>>());
            self.same("deliveries_of", all);
        }
    }

    async fn compare_control(&mut self) {
        let application = self.pick(&self.applications.clone()).filter(|_| self.chance(50));
        let page = Page { first: self.random.usize(1..20), after: None };
        let answers = both!(self, |store| store.tokens(application, page.clone()));
        let pages = self.done("tokens", answers);
        let tokens = self.same("tokens", pages);
        for token in tokens.items {
            let answers = both!(self, |store| store.token(token.hash));
            let found = self.done("token", answers);
            self.same("token", found);
        }
        let statuses = [WebhookStatus::Active, WebhookStatus::Paused, WebhookStatus::Disabled];
        let filter = WebhookFilter {
            application,
            trigger: self.pick(&catalog::TRIGGERS).filter(|_| self.chance(30)).map(parsed),
            statuses: self.pick(&statuses).filter(|_| self.chance(30)).into_iter().collect(),
        };
        let after = self.pick(&self.webhooks.clone()).filter(|_| self.chance(30));
        let page = Page { first: self.random.usize(1..5), after };
        let answers = both!(self, |store| store.webhooks(filter.clone(), page.clone()));
        let pages = self.done("webhooks", answers);
        let pages = pages.map(|page| normal::paged(page, |it| normal::webhook(&it)));
        self.same("webhooks", pages);
        let answers = both!(self, |store| store.catalog());
        let catalogs = self.done("catalog", answers).map(|catalog| {
            let mut applications: Vec<_> = catalog.applications().cloned().collect();
            applications.sort_by_key(|application| application.id);
            let mut webhooks: Vec<_> = catalog.webhooks().map(|it| normal::webhook(it)).collect();
            webhooks.sort_by_key(|webhook| webhook.id);
            (applications, webhooks)
        });
        self.same("catalog", catalogs);
        let first = self.random.usize(1..50);
        let answers = both!(self, |store| store.notices(application, Page { first, after: None }));
        let pages = self.done("notices", answers);
        self.same("notices", pages.map(|page| normal::paged(page, normal::notice)));
    }

    async fn compare_entities(&mut self) {
        let application = self.pick(&self.applications.clone()).filter(|_| self.chance(70));
        for owner in [application, None] {
            let answers = both!(self, |store| store.entity_position(owner));
            let position = self.done("entity_position", answers);
            self.same("entity_position", position);
        }
        for kind in KINDS {
            let ids = || ENTITIES.map(str::to_owned).to_vec();
            let answers = both!(self, |store| store.entities(application, kind, ids()));
            let found = self.done("entities", answers).map(|mut entities| {
                entities.sort_by_key(|entity| entity.position);
                entities.into_iter().map(normal::entity).collect::<Vec<_>>()
            });
            self.same("entities", found);
            for id in ENTITIES {
                let answers = both!(self, |store| store.entity_owners(kind, id));
                let owners = self.done("entity_owners", answers);
                self.same("entity_owners", owners);
            }
            let query = EntityQuery {
                application,
                kind: kind.to_owned(),
                link: self.pick(&ENTITIES).filter(|_| self.chance(30)).map(linked),
                updated_since: Some(Wall(self.now.wall.0 - 10_000_000)).filter(|_| self.chance(30)),
                deleted_too: self.chance(50),
                page: Page { first: self.random.usize(1..4), after: None },
            };
            self.compare_entity_pages(query).await;
            let linked = LinkedQuery {
                application,
                kind: kind.to_owned(),
                role: "user".to_owned(),
                targets: ENTITIES.map(str::to_owned).to_vec(),
                deleted_too: self.chance(50),
                page: Page { first: self.random.usize(1..4), after: None },
            };
            let answers = both!(self, |store| store.linked_entities(linked.clone()));
            let pages = self.done("linked_entities", answers);
            let comparable = pages.map(|pages| {
                let page = |page| normal::paged(page, normal::entity);
                pages.into_iter().map(page).collect::<Vec<_>>()
            });
            self.same("linked_entities", comparable);
        }
    }

    /// All pages; each store goes on from its own place.
    async fn compare_entity_pages(&mut self, query: EntityQuery) {
        let mut queries = [query.clone(), query];
        loop {
            let answers = [
                self.stores[0].entity_page(queries[0].clone()).await,
                self.stores[1].entity_page(queries[1].clone()).await,
            ];
            let pages = self.done("entity_page", answers);
            for (query, page) in queries.iter_mut().zip(&pages) {
                query.page.after = page.items.last().map(|entity| entity.position);
            }
            let page = self.same("entity_page", pages.map(|it| normal::paged(it, normal::entity)));
            if !page.has_next_page {
                return;
            }
        }
    }

    async fn compare_counts(&mut self) {
        let answers = both!(self, |store| store.stats(self.now));
        let stats = self.done("stats", answers).map(|stats| Stats { bytes: None, ..stats });
        self.same("stats", stats);
        for id in self.webhooks.clone() {
            let answers = both!(self, |store| store.backlog(self.now, id));
            let backlog = self.same_write("backlog", answers).unwrap();
            self.count("breaker open", usize::from(backlog.health.breaker.is_some()));
        }
        let answers = both!(self, |store| store.clock_mark());
        let marks = self.done("clock_mark", answers);
        self.same("clock_mark", marks);
    }
}

fn parsed(text: &str) -> tidings_core::trigger::TriggerName {
    text.parse().unwrap()
}

fn linked(id: &str) -> Link {
    Link { role: "user".to_owned(), id: id.to_owned() }
}
