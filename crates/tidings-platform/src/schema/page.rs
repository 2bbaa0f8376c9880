//! Pages of entities, for those who look and for those who poll.

use std::borrow::Cow;

use async_graphql::{Error, ID, OutputType, SimpleObject, TypeName};
use tidings_core::ids::ApplicationId;
use tidings_graphql::{DateTime, Failure, PageArguments, cursor};
use tidings_store::Link;

use super::{
    asking::Asking,
    batch::{Shown, ShownPage, shown},
};
use crate::{
    domain::{ACCOUNT_ROLE, Body, ToDo, last_role, link},
    reader::{EntityPage, PageQuery, Tombstones},
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

impl<T: OutputType> EntityListPage<T> {
    /// The page of what was found. `after` is where it was begun.
    pub(super) fn of<B: Body>(page: ShownPage<B>, after: Option<String>) -> Self
    where
        T: From<Shown<B>>,
    {
        EntityListPage {
            items: page.items.into_iter().map(T::from).collect(),
            end_cursor: page.end.map(|position| cursor(B::KIND, position)).or(after),
            has_next_page: page.has_next_page,
            deleted: page.deleted.into_iter().map(ID).collect(),
        }
    }

    fn empty(after: Option<String>) -> Self {
        let (items, deleted) = (Vec::new(), Vec::new());
        EntityListPage { items, end_cursor: after, has_next_page: false, deleted }
    }
}

/// The arguments of a list as they came.
#[derive(Default)]
pub(super) struct ListArguments {
    pub(super) first: Option<i32>,
    pub(super) after: Option<String>,
    pub(super) updated_since: Option<DateTime>,
    /// Only what hangs on this user.
    pub(super) user: Option<ID>,
    /// Only what hangs on this account.
    pub(super) account: Option<ID>,
    /// Only what is done, or is not; for to-dos.
    pub(super) done: Option<bool>,
}

/// Reads a page of what belongs to the asker's application.
pub(super) async fn list<B: Body, T: OutputType + From<Shown<B>>>(
    asking: &Asking<'_>,
    arguments: ListArguments,
) -> Result<EntityListPage<T>, Error> {
    let application = asking.application().map_err(Failure::into_error)?;
    let first = arguments.first;
    let page = PageArguments::<u64>::parse(B::KIND, first, arguments.after.as_deref())?;
    let narrowed = narrowed(asking, application, &arguments).await;
    let Some(Narrowed { link, is_gone }) = narrowed.map_err(Failure::into_error)? else {
        return Ok(EntityListPage::empty(arguments.after));
    };
    let is_poll = page.after.is_some() || arguments.updated_since.is_some();
    let query = PageQuery {
        application: Some(application),
        link,
        updated_since: arguments.updated_since.map(|date| date.0),
        tombstones: match (is_gone, is_poll) {
            (true, _) => Tombstones::Shown,
            (false, true) => Tombstones::Told,
            (false, false) => Tombstones::LeftOut,
        },
        page,
    };
    let page = asking.reader.page::<B>(query).await;
    let mut page = page.map_err(|error| asking.stopped(&error).into_error())?;
    page.items.retain(|entity| asking.sees(entity));
    let EntityPage { items, deleted, end, has_next_page } = page;
    let shown = ShownPage { items: shown(application, items), deleted, end, has_next_page };
    Ok(EntityListPage::of(shown, arguments.after))
}

/// What a list is read by.
struct Narrowed {
    link: Option<Link>,
    /// Whether what it hangs on is gone, and this is the query that tells of it.
    is_gone: bool,
}

/// `None`: nothing can be on the list, because the account is not that user's.
async fn narrowed(
    asking: &Asking<'_>,
    application: ApplicationId,
    arguments: &ListArguments,
) -> Result<Option<Narrowed>, Failure> {
    let done = arguments.done;
    let own = asking.principal.user.as_ref().map(|user| user.as_str());
    let asked = arguments.user.as_deref().map(String::as_str);
    if own.is_some() && asked.is_some() && own != asked {
        return Ok(None);
    }
    let (link, is_gone) = match (own.or(asked), &arguments.account) {
        (user, Some(account)) => {
            if let Some(user) = user
                && !asking.is_account_of(application, account, user).await?
            {
                return Ok(None);
            }
            let is_gone = asking.is_of_gone_account(application, account).await?;
            (Some(link(ACCOUNT_ROLE, account)), is_gone)
        }
        (Some(user), None) => {
            let is_gone = asking.is_of_gone_user(application, user).await?;
            (ToDo::link_to(Some(user), done), is_gone)
        }
        (None, None) => (ToDo::link_to(None, done), false),
    };
    let last = |it: Link| Link { role: last_role(&it.role), ..it };
    Ok(Some(Narrowed { link: if is_gone { link.map(last) } else { link }, is_gone }))
}
