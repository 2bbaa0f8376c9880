//! Pages of lists: how many, after which, and the cursor to go on from.

use std::{borrow::Cow, fmt::Display, str::FromStr};

use async_graphql::{Error, ErrorExtensions, OutputType, SimpleObject, TypeName};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tidings_core::limits;

use crate::failure::OperationFailureCode;

/// Items on a page when nobody says how many.
pub const FIRST: i32 = 50;
/// The longest cursor that is looked at, in bytes.
const CURSOR_BYTES_MAX: usize = 512;

/// The arguments of a list, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageArguments<C> {
    /// How many items: 1 to [`limits::PAGE_MAX`].
    pub first: usize,
    /// What the last item of the page before stood for.
    pub after: Option<C>,
}

impl<C: FromStr> PageArguments<C> {
    /// Checks `first` and takes `after` apart. `list` is the name that [`cursor`] was given.
    ///
    /// # Errors
    /// An error with `extensions.code` `INVALID_INPUT` that names the argument.
    pub fn parse(
        list: &str,
        first: Option<i32>,
        after: Option<&str>,
    ) -> Result<PageArguments<C>, Error> {
        let first = first.unwrap_or(FIRST);
        let first = usize::try_from(first)
            .ok()
            .filter(|first| (1..=limits::PAGE_MAX).contains(first))
            .ok_or_else(|| {
                invalid(format!("`first` is {first}: write 1 to {}", limits::PAGE_MAX))
            })?;
        let after = after.map(|text| read_cursor(list, text)).transpose()?;
        Ok(PageArguments { first, after })
    }
}

/// The opaque cursor of an item in a list. `place` is what the list goes on from.
pub fn cursor(list: &str, place: impl Display) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}:{place}"))
}

fn read_cursor<C: FromStr>(list: &str, text: &str) -> Result<C, Error> {
    let place = || {
        let bytes = URL_SAFE_NO_PAD.decode(text.get(..CURSOR_BYTES_MAX).unwrap_or(text)).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        text.strip_prefix(list)?.strip_prefix(':')?.parse().ok()
    };
    place().ok_or_else(|| {
        invalid("`after` is no cursor of this list: write an `endCursor` that it gave".to_owned())
    })
}

fn invalid(message: String) -> Error {
    let code = OperationFailureCode::InvalidInput.as_str();
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// A page of a list.
#[derive(SimpleObject, Clone, Debug)]
#[graphql(name_type)]
pub struct ListPage<T: OutputType> {
    /// The items of this page.
    pub items: Vec<T>,
    /// What to pass as `after` for the next page; null where there is nothing on this one.
    pub end_cursor: Option<String>,
    /// Whether there are more items behind this page.
    pub has_next_page: bool,
}

impl<T: OutputType> TypeName for ListPage<T> {
    /// The item's name and `Page`.
    fn type_name() -> Cow<'static, str> {
        format!("{}Page", <T as OutputType>::type_name()).into()
    }
}
