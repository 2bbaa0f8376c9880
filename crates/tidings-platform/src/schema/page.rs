//! Pages of entities, for those who look and for those who poll.

use std::borrow::Cow;

use async_graphql::{Error, ID, OutputType, SimpleObject, TypeName};
use tidings_graphql::{DateTime, Failure, PageArguments, cursor};
use tidings_store::Link;

use super::asking::Asking;
use crate::{
    domain::{Body, Stored},
    reader::{PageQuery, Tombstones},
};

/// A page of a list, in the order in which its items were last changed. What is changed later comes
/// behind the last `endCursor`: asking `after` it again and again misses nothing.
#[derive(SimpleObject, Clone, Debug)]
#[graphql(name_type)]
pub struct EntityListPage<T: OutputType> {
    /// The items of this page.
    pub items: Vec<T>,
    /// What to pass as `after`, for the next page or for what changes later; null where there never
    /// was anything.
    pub end_cursor: Option<String>,
    /// Whether there are more items behind this page at present.
    pub has_next_page: bool,
    /// The ids of what was deleted, where `after` or `updatedSince` was given.
    pub deleted: Vec<ID>,
}

impl<T: OutputType> TypeName for EntityListPage<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Page", <T as OutputType>::type_name()).into()
    }
}

/// The arguments of a list as they came.
pub(super) struct ListArguments {
    pub(super) first: Option<i32>,
    pub(super) after: Option<String>,
    pub(super) updated_since: Option<DateTime>,
    pub(super) link: Option<Link>,
}

/// Reads a page of what belongs to the asker's application. `objects` makes what is shown.
pub(super) async fn list<B: Body, T: OutputType>(
    asking: &Asking<'_>,
    arguments: ListArguments,
    objects: impl FnOnce(Vec<Stored<B>>) -> Vec<T>,
) -> Result<EntityListPage<T>, Error> {
    let ListArguments { first, after, updated_since, link } = arguments;
    let application = asking.application().map_err(Failure::into_error)?;
    let page = PageArguments::<u64>::parse(B::KIND, first, after.as_deref())?;
    let query = PageQuery {
        application: Some(application),
        link,
        updated_since: updated_since.map(|date| date.0),
        tombstones: if page.after.is_some() || updated_since.is_some() {
            Tombstones::Told
        } else {
            Tombstones::LeftOut
        },
        page,
    };
    let page = asking.reader.page::<B>(query).await;
    let page = page.map_err(|error| asking.stopped(&error).into_error())?;
    Ok(EntityListPage {
        items: objects(page.items),
        end_cursor: page.end.map(|position| cursor(B::KIND, position)).or(after),
        has_next_page: page.has_next_page,
        deleted: page.deleted.into_iter().map(ID).collect(),
    })
}
