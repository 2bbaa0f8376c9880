//! Entities as values: the only place that reads them from the store.

use std::{collections::HashMap, fmt, sync::Arc};

use tidings_core::{
    ids::{ApplicationId, EntityId},
    limits,
    time::Wall,
};
use tidings_graphql::PageArguments;
use tidings_store::{Entity, EntityQuery, Link, LinkedQuery, Page, Paged, Store, StoreError};

use crate::domain::{Body, Stored};

/// Reads entities.
#[derive(Clone)]
pub struct Reader {
    store: Arc<dyn Store>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// Which entities a page shows, in the order of their last commit.
#[derive(Clone, Debug)]
pub struct PageQuery {
    /// Whose.
    pub application: Option<ApplicationId>,
    /// What they hang on.
    pub link: Option<Link>,
    /// Changed then or later.
    pub updated_since: Option<Wall>,
    /// What is done with tombstones.
    pub tombstones: Tombstones,
    /// How many, after which position.
    pub page: PageArguments<u64>,
}

impl PageQuery {
    /// The first that exist and hang on this, or all of a kind; after a position, those behind it.
    #[must_use]
    pub fn existing(
        application: Option<ApplicationId>,
        link: Option<Link>,
        after: Option<u64>,
    ) -> PageQuery {
        PageQuery {
            application,
            link,
            updated_since: None,
            tombstones: Tombstones::LeftOut,
            page: PageArguments { first: limits::PAGE_MAX, after },
        }
    }
}

/// What is done with tombstones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tombstones {
    /// They are left out.
    LeftOut,
    /// Their ids are told.
    Told,
    /// They are shown as they last were.
    Shown,
}

/// What hangs on each of several entities.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hanging {
    /// Whose.
    pub application: ApplicationId,
    /// The role of what they hang on.
    pub role: String,
    /// The ids of what they hang on; any number.
    pub targets: Vec<String>,
    /// What is done with tombstones.
    pub tombstones: Tombstones,
    /// How many for each, after which position.
    pub page: PageArguments<u64>,
    /// How many of all together may be read, and a page more.
    pub entities_max: usize,
}

/// What a page holds.
#[derive(Clone, Debug)]
pub struct EntityPage<B> {
    /// Those that exist.
    pub items: Vec<Stored<B>>,
    /// The ids of those that were deleted.
    pub deleted: Vec<String>,
    /// The position of the last one, deleted or not.
    pub end: Option<u64>,
    /// Whether there are more.
    pub has_next_page: bool,
}

impl<B: Body> EntityPage<B> {
    fn read(entities: Paged<Entity>, tombstones: Tombstones) -> Result<EntityPage<B>, StoreError> {
        let end = entities.items.last().map(|entity| entity.position);
        let (mut items, mut deleted) = (Vec::new(), Vec::new());
        for entity in entities.items {
            if entity.deleted && tombstones != Tombstones::Shown {
                deleted.push(entity.id);
            } else {
                items.push(Stored::read(entity)?);
            }
        }
        Ok(EntityPage { items, deleted, end, has_next_page: entities.has_next_page })
    }
}

impl Reader {
    /// Reads from this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Reader {
        Reader { store }
    }

    /// An entity, also a tombstone.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn one<B: Body>(
        &self,
        application: Option<ApplicationId>,
        id: &str,
    ) -> Result<Option<Stored<B>>, StoreError> {
        if id.parse::<EntityId>().is_err() {
            return Ok(None);
        }
        let found = self.store.entities(application, B::KIND, vec![id.to_owned()]).await?;
        found.into_iter().next().map(Stored::read).transpose()
    }

    /// The entities with these ids, also tombstones.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn many<B: Body>(
        &self,
        application: Option<ApplicationId>,
        ids: Vec<String>,
    ) -> Result<HashMap<String, Arc<Stored<B>>>, StoreError> {
        let found = self.store.entities(application, B::KIND, ids).await?;
        let by_id = |entity| Stored::read(entity).map(|read| (read.id.clone(), Arc::new(read)));
        found.into_iter().map(by_id).collect()
    }

    /// A page.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn page<B: Body>(&self, query: PageQuery) -> Result<EntityPage<B>, StoreError> {
        let entities: Paged<_> = self
            .store
            .entity_page(EntityQuery {
                application: query.application,
                kind: B::KIND.to_owned(),
                link: query.link,
                updated_since: query.updated_since,
                deleted_too: query.tombstones != Tombstones::LeftOut,
                page: Page { first: query.page.first, after: query.page.after },
            })
            .await?;
        EntityPage::read(entities, query.tombstones)
    }

    /// What hangs on each of the targets: a page of its own for each. Up to
    /// [`limits::PAGE_MAX`] targets are one read. `None`: there are more than may be read.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn hanging_on<B: Body>(
        &self,
        hanging: Hanging,
    ) -> Result<Option<HashMap<String, EntityPage<B>>>, StoreError> {
        let Hanging { application, role, targets, tombstones, page, entities_max } = hanging;
        let mut found = HashMap::new();
        let mut entities_count = 0;
        for targets in targets.chunks(limits::PAGE_MAX) {
            let query = LinkedQuery {
                application: Some(application),
                kind: B::KIND.to_owned(),
                role: role.clone(),
                targets: targets.to_vec(),
                deleted_too: tombstones != Tombstones::LeftOut,
                page: Page { first: page.first, after: page.after },
            };
            let pages = self.store.linked_entities(query).await?;
            entities_count += pages.iter().map(|page| page.items.len()).sum::<usize>();
            if entities_count > entities_max {
                return Ok(None);
            }
            for (target, entities) in targets.iter().zip(pages) {
                found.insert(target.clone(), EntityPage::read(entities, tombstones)?);
            }
        }
        Ok(Some(found))
    }

    /// All entities of a kind that belong to no application. The operator makes them, one by one.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn all_for_everyone<B: Body>(&self) -> Result<Vec<Stored<B>>, StoreError> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = self.page(PageQuery::existing(None, None, after)).await?;
            all.extend(page.items);
            after = page.end;
            if !page.has_next_page {
                return Ok(all);
            }
        }
    }

    /// The applications that are not deleted.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn applications(&self) -> Result<Vec<ApplicationId>, StoreError> {
        let catalog = self.store.catalog().await?;
        Ok(catalog.applications().map(|application| application.id).collect())
    }

    /// The applications that have an entity with this id.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn owners(&self, kind: &str, id: &str) -> Result<Vec<ApplicationId>, StoreError> {
        if id.parse::<EntityId>().is_err() {
            return Ok(Vec::new());
        }
        self.store.entity_owners(kind, id).await
    }
}
