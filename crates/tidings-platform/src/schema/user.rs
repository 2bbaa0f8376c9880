//! Users.

use std::sync::Arc;

use async_graphql::{Context, Error, ID, Object, SimpleObject};
use tidings_graphql::{DateTime, Failure, principal};

use super::{
    asking::{Asking, result_union, writing},
    page::{EntityListPage, ListArguments, list},
};
use crate::{
    domain::{Stored, User},
    writer::{NewUser, not_found},
};

/// An end user of a client application.
#[derive(Clone, Debug)]
pub struct UserObject(pub Arc<Stored<User>>);

/// An end user of a client application.
#[Object(name = "User")]
impl UserObject {
    /// The user's id: 24 digits of 0-9 and a-f.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// What the application's own sign-on calls the user; null where it did not say.
    async fn tenant_id(&self) -> Option<&str> {
        self.0.body.tenant_id.as_deref()
    }

    /// What the application calls the user.
    async fn reference(&self) -> Option<&str> {
        self.0.body.reference.as_deref()
    }

    /// When the user was added.
    async fn added(&self) -> DateTime {
        self.0.body.added_at.into()
    }

    /// When the user was last changed.
    async fn updated(&self) -> DateTime {
        self.0.updated_at.into()
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
    GetUserResult { User(UserObject) }
}
result_union! {
    /// The user that was added, or why none was.
    AddUserResult { User(UserObject) }
}
result_union! {
    /// The user that was deleted, as it last was, or why none was.
    DeleteUserResult { User(UserObject) }
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
            user: None,
            application: name.to_string(),
            scope: principal.scopes.iter().map(|scope| scope.to_string()).collect(),
            expires: principal.expires_at.map(DateTime),
        })
    }

    /// A user. A query that is run for a webhook also gets one that was deleted, as it last was.
    async fn get_user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The user's id.")] id: ID,
    ) -> Result<GetUserResult, Error> {
        Ok(match Asking::of(context)? {
            Ok(asking) => find(&asking, &id).await.into(),
            Err(failure) => Err(failure).into(),
        })
    }

    /// The users of the application, in the order in which they were last changed.
    async fn get_users(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 200.", default = 50)] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Only what was changed then or later, with what was deleted.")]
        updated_since: Option<DateTime>,
    ) -> Result<EntityListPage<UserObject>, Error> {
        let asking = Asking::of(context)?.map_err(Failure::into_error)?;
        let arguments = ListArguments { first, after, updated_since, link: None };
        let objects =
            |users: Vec<_>| users.into_iter().map(|user| UserObject(Arc::new(user))).collect();
        list(&asking, arguments, objects).await
    }
}

async fn find(asking: &Asking<'_>, id: &str) -> Result<UserObject, Failure> {
    let application = asking.application_of::<User>(id).await?;
    let user = asking.reader.one::<User>(Some(application), id).await;
    user.map_err(|error| asking.stopped(&error))?
        .filter(|user| !user.deleted || asking.sees_tombstones())
        .map(|user| UserObject(Arc::new(user)))
        .ok_or_else(|| not_found::<User>(id))
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
        Ok(written.map(|written| UserObject(Arc::new(written.entity))).into())
    }

    /// Deletes a user with the user's switches, and gives the user as it last was. Fires
    /// `UserDeleted`.
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
        Ok(written.map(|written| UserObject(Arc::new(written.entity))).into())
    }
}
