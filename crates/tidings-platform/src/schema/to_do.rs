//! To-dos.

use async_graphql::{Context, Error, ID, Object};
use tidings_graphql::{DateTime, Failure, result_union};

use super::{
    account::AccountObject,
    asking::{Asking, find, writing, writing_own},
    batch::{Shown, shown_written},
    page::{EntityListPage, ListArguments, list},
    user::UserObject,
};
use crate::{
    domain::{ToDo, ToDoKind},
    writer::NewToDo,
};

/// A to-do, as it is shown.
#[derive(Clone, Debug)]
pub struct ToDoObject(Shown<ToDo>);

impl From<Shown<ToDo>> for ToDoObject {
    fn from(shown: Shown<ToDo>) -> ToDoObject {
        ToDoObject(shown)
    }
}

impl ToDoObject {
    fn body(&self) -> &ToDo {
        &self.0.entity.body
    }
}

/// Something that a user is asked to do.
#[Object(name = "ToDo")]
impl ToDoObject {
    /// The to-do's id: 24 digits of 0-9 and a-f.
    async fn id(&self) -> ID {
        ID(self.0.entity.id.clone())
    }

    /// The user who is asked.
    async fn user(&self, context: &Context<'_>) -> Result<UserObject, Error> {
        self.0.batch.user(context, &self.body().user).await.map(UserObject::from)
    }

    /// The account that it is about; null where it is about none.
    async fn account(&self, context: &Context<'_>) -> Result<Option<AccountObject>, Error> {
        let Some(account) = &self.body().account else { return Ok(None) };
        self.0.batch.account(context, account).await.map(|account| Some(account.into()))
    }

    /// What kind of thing is to be done.
    async fn kind(&self) -> ToDoKind {
        self.body().kind
    }

    /// What is to be done, in words.
    async fn title(&self) -> &str {
        &self.body().title
    }

    /// Whether it is done.
    async fn done(&self) -> bool {
        self.body().done_at.is_some()
    }

    /// When it was done; null while it is not.
    async fn done_date(&self) -> Option<DateTime> {
        self.body().done_at.map(DateTime)
    }

    /// When it was added.
    async fn added(&self) -> DateTime {
        self.body().added_at.into()
    }

    /// When anything about the to-do was last changed.
    async fn updated(&self) -> DateTime {
        self.0.entity.updated_at.into()
    }
}

result_union! {
    /// A to-do, or why there is none.
    GetToDoResult(ToDoObject)
}
result_union! {
    /// The to-do that was added, or why none was.
    AddToDoResult(ToDoObject)
}
result_union! {
    /// The to-do as it is now, or why it was not marked as done.
    CompleteToDoResult(ToDoObject)
}

/// Queries about to-dos.
#[derive(Default, Debug)]
pub struct ToDoQuery;

#[Object]
impl ToDoQuery {
    /// A to-do.
    async fn get_to_do(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The to-do's id.")] id: ID,
    ) -> Result<GetToDoResult, Error> {
        Ok(find(context, &id).await?.map(ToDoObject).into())
    }

    /// The to-dos of the application, in the order in which they were last changed. Who polls with
    /// `done` is not told of what leaves the list: poll without it for that.
    #[allow(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn get_to_dos(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only this user's.")] user: Option<ID>,
        #[graphql(desc = "Only what is done, or only what is not.")] done: Option<bool>,
        #[graphql(desc = "How many at most: 1 to 200.", default = 50)] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Only what was changed then or later, with what was deleted.")]
        updated_since: Option<DateTime>,
    ) -> Result<EntityListPage<ToDoObject>, Error> {
        let asking = Asking::of(context)?.map_err(Failure::into_error)?;
        let arguments = ListArguments { first, after, updated_since, user, account: None, done };
        list::<ToDo, _>(&asking, arguments).await
    }
}

/// Changes of to-dos.
#[derive(Default, Debug)]
pub struct ToDoMutation;

#[Object]
impl ToDoMutation {
    /// Adds a to-do for a user. Fires `ToDoAdded`.
    async fn add_to_do(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The to-do.")] input: NewToDo,
    ) -> Result<AddToDoResult, Error> {
        let (writer, application) = match writing(context)? {
            Ok(writing) => writing,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let written = writer.add_to_do(application, input).await;
        Ok(shown_written(application, written).map(ToDoObject).into())
    }

    /// Marks a to-do as done; a user's token does so with that user's own. Fires `ToDoDone`, unless
    /// it was done before.
    async fn complete_to_do(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The to-do's id.")] id: ID,
    ) -> Result<CompleteToDoResult, Error> {
        let (writer, application) = match writing_own::<ToDo>(context, &id).await? {
            Ok(writing) => writing,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let written = writer.complete_to_do(application, &id).await;
        Ok(shown_written(application, written).map(ToDoObject).into())
    }
}
