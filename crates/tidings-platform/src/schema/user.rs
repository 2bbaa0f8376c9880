//! Users.

use async_graphql::{Context, Error, ID, Object, SimpleObject};
use tidings_core::{access::Principal, limits};
use tidings_graphql::{DateTime, Denial, Failure, PageArguments, principal, result_union};

use super::{
    account::AccountObject,
    asking::{Asking, find, stopped, writing},
    batch::{Shown, shown_alone, shown_written},
    page::{EntityListPage, ListArguments, list},
    to_do::ToDoObject,
};
use crate::{
    domain::{ACCOUNTS_PER_USER_MAX, ToDo, USER_ROLE, User},
    reader::Reader,
    writer::NewUser,
};

/// A user, as it is shown.
#[derive(Clone, Debug)]
pub struct UserObject(Shown<User>);

impl From<Shown<User>> for UserObject {
    fn from(shown: Shown<User>) -> UserObject {
        UserObject(shown)
    }
}

/// An end user of a client application.
#[Object(name = "User")]
impl UserObject {
    /// The user's id: 24 digits of 0-9 and a-f.
    async fn id(&self) -> ID {
        ID(self.0.entity.id.clone())
    }

    /// What the application's own sign-on calls the user; null where it did not say.
    async fn tenant_id(&self) -> Option<&str> {
        self.0.entity.body.tenant_id.as_deref()
    }

    /// What the application calls the user.
    async fn reference(&self) -> Option<&str> {
        self.0.entity.body.reference.as_deref()
    }

    /// When the user was added.
    async fn added(&self) -> DateTime {
        self.0.entity.body.added_at.into()
    }

    /// When the user was last changed.
    async fn updated(&self) -> DateTime {
        self.0.entity.updated_at.into()
    }

    /// The user's accounts, in the order in which they were last changed.
    async fn accounts(&self, context: &Context<'_>) -> Result<Vec<AccountObject>, Error> {
        let Shown { entity, batch } = &self.0;
        let page = PageArguments { first: ACCOUNTS_PER_USER_MAX, after: None };
        let found = batch.hanging(context, &batch.accounts_of, USER_ROLE, &entity.id, page).await?;
        Ok(found.items.into_iter().map(AccountObject::from).collect())
    }

    /// What the user is asked to do, in the order in which it was last changed: the first 200.
    /// `getToDos` has all of it.
    async fn to_dos(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only what is done, or only what is not.")] done: Option<bool>,
    ) -> Result<Vec<ToDoObject>, Error> {
        let Shown { entity, batch } = &self.0;
        let page = PageArguments { first: limits::PAGE_MAX, after: None };
        let role = ToDo::user_role(done);
        let found = batch.hanging(context, &batch.to_dos_of, role, &entity.id, page).await?;
        Ok(found.items.into_iter().map(ToDoObject::from).collect())
    }
}

/// What the token of a request stands for.
#[derive(SimpleObject, Debug)]
pub struct AuthorisedUser {
    /// The user, where the token is a user's; null for a token of the application itself.
    user: Option<UserObject>,
    /// The application's name.
    application: String,
    /// What the token may do.
    scope: Vec<String>,
    /// When the token ends; null where it does not.
    expires: Option<DateTime>,
}

result_union! {
    /// A user, or why there is none.
    GetUserResult(UserObject)
}
result_union! {
    /// The user that was added, or why none was.
    AddUserResult(UserObject)
}
result_union! {
    /// The user that was deleted, as it last was, or why none was.
    DeleteUserResult(UserObject)
}

/// The user whose token it is, where it is a user's.
async fn authorised_user(
    context: &Context<'_>,
    principal: &Principal,
) -> Result<Option<UserObject>, Error> {
    let (Some(application), Some(id)) = (principal.application(), &principal.user) else {
        return Ok(None);
    };
    let found = context.data::<Reader>()?.one::<User>(Some(application), id.as_str()).await;
    let found = found.map_err(|error| stopped(context, &error).into_error())?;
    let found = found.filter(|user| !user.deleted);
    Ok(found.map(|user| UserObject(shown_alone(application, user))))
}

/// Queries about users.
#[derive(Default, Debug)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// What the token of this request stands for.
    async fn get_authorised_user(&self, context: &Context<'_>) -> Result<AuthorisedUser, Error> {
        let principal = principal(context)?;
        let name = principal.application_name.as_ref();
        let name = name.ok_or_else(|| Failure::ApplicationOnly.into_error())?;
        Ok(AuthorisedUser {
            user: authorised_user(context, principal).await?,
            application: name.to_string(),
            scope: principal.scopes.iter().map(|scope| scope.to_string()).collect(),
            expires: principal.expires_at.map(DateTime),
        })
    }

    /// A user. The query of a webhook that is run for `UserDeleted` gets the user who was deleted,
    /// as it last was.
    async fn get_user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The user's id.")] id: ID,
    ) -> Result<GetUserResult, Error> {
        Ok(find(context, &id).await?.map(UserObject).into())
    }

    /// The users of the application, in the order in which they were last changed. Not for a user's
    /// token: `getAuthorisedUser` tells whose it is.
    async fn get_users(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 200.", default = 50)] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Only what was changed then or later, with what was deleted.")]
        updated_since: Option<DateTime>,
    ) -> Result<EntityListPage<UserObject>, Error> {
        let asking = Asking::of(context)?.map_err(Failure::into_error)?;
        if asking.principal.user.is_some() {
            return Err(Failure::Denied(Denial::OwnerOnly).into_error());
        }
        let arguments = ListArguments { first, after, updated_since, ..ListArguments::default() };
        list::<User, _>(&asking, arguments).await
    }
}

/// Changes of users.
#[derive(Default, Debug)]
pub struct UserMutation;

#[Object]
impl UserMutation {
    /// Adds a user to the application. Fires `UserAdded`.
    async fn add_user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the application calls the user: 1 to 256 characters.")]
        reference: Option<String>,
    ) -> Result<AddUserResult, Error> {
        let (writer, application) = match writing(context)? {
            Ok(writing) => writing,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let written = writer.add_user(application, NewUser { id: None, reference }).await;
        Ok(shown_written(application, written).map(UserObject).into())
    }

    /// Deletes a user with all accounts, to-dos and switches, revokes the user's tokens, and gives
    /// the user as it last was, with empty lists: what hung on it is told to the query of its
    /// `UserDeleted`. Fires that, and `AccountDeleted` for each account.
    async fn delete_user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The user's id.")] id: ID,
    ) -> Result<DeleteUserResult, Error> {
        let (writer, application) = match writing(context)? {
            Ok(writing) => writing,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let written = writer.delete_user(application, &id).await;
        Ok(shown_written(application, written).map(UserObject).into())
    }
}
