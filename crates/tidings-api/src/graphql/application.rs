//! Applications: who owns webhooks and tokens.

use std::sync::Arc;

use async_graphql::{Context, Enum, Error, InputObject, MaybeUndefined, Object, SimpleObject};
use tidings_core::{
    access::ScopeSet,
    application::{self, Name},
    ids::ApplicationId,
};
use tidings_graphql::{
    AccessLevel, DateTime, Failure, ListPage, OperationFailure, Problem, Thing, result_union,
    viewer::read_scopes,
};
use tidings_store::{NewApplication, Page, Paged, WriteError, rules};

use super::{
    asker::{
        Asker, as_error, invalid, page, parse_argument, shown, store_error, store_failure,
        write_failure,
    },
    jwt_profile::{JwtProfile, JwtProfileInput, PROFILE_TAKEN, Surroundings, profiles},
    redirect_uri,
};

/// Redirect URIs that one application has.
const REDIRECT_URIS_MAX: usize = 32;
/// The shortest life of a token.
const TOKEN_LIFETIME_S_MIN: i32 = 60;
/// How often a change is tried while others change the same application.
const CHANGES_MAX: usize = 8;
/// The name of the list in its cursors.
const LIST: &str = "applications";

/// Whether an application can keep a secret.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "application::ClientType")]
pub enum ClientType {
    /// It runs where nobody else reads its secret.
    Confidential,
    /// It runs on its user's device.
    Public,
}

/// An application that is to be.
#[derive(InputObject, Clone, Debug)]
pub struct AddApplicationInput {
    /// Its name: 1 to 63 lower-case letters, digits, `-` or `_`.
    pub name: String,
    /// The most that its tokens and its webhooks' queries may do. Left out: everything that an
    /// application can.
    pub scopes: Option<Vec<String>>,
    /// Where people may be sent back to after they have linked an account; compared exactly.
    pub redirect_uris: Option<Vec<String>>,
    /// Whether it can keep a secret. Left out: it can.
    pub client_type: Option<ClientType>,
    /// What it may have collected of accounts. Left out or empty: everything.
    pub access_levels: Option<Vec<AccessLevel>>,
    /// Seconds that its tokens last, at least 60. Left out: they do not end.
    pub token_lifetime_s: Option<i32>,
    /// How tokens are checked that it signs itself: at most 16 profiles. Left out: it signs none.
    pub jwt_profiles: Option<Vec<JwtProfileInput>>,
}

/// What is to change about an application. What is left out stays as it is; null goes back to what
/// counts when nothing is given.
#[derive(InputObject, Clone, Debug)]
pub struct UpdateApplicationInput {
    /// The most that its tokens and its webhooks' queries may do.
    pub scopes: MaybeUndefined<Vec<String>>,
    /// Where people may be sent back to.
    pub redirect_uris: MaybeUndefined<Vec<String>>,
    /// Whether it can keep a secret.
    pub client_type: MaybeUndefined<ClientType>,
    /// What it may have collected of accounts; empty: everything.
    pub access_levels: MaybeUndefined<Vec<AccessLevel>>,
    /// Seconds that tokens last that are added from now on, at least 60.
    pub token_lifetime_s: MaybeUndefined<i32>,
    /// How tokens are checked that it signs itself, in place of all profiles that it has. Secrets
    /// are given again.
    pub jwt_profiles: MaybeUndefined<Vec<JwtProfileInput>>,
}

/// A client application: it owns webhooks and tokens, and sees what is its own.
#[derive(SimpleObject, Clone, Debug)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// The most that its tokens and its webhooks' queries may do.
    pub scopes: Vec<String>,
    /// Where people may be sent back to.
    pub redirect_uris: Vec<String>,
    /// Whether it can keep a secret.
    pub client_type: ClientType,
    /// What it may have collected of accounts; null: everything.
    pub access_levels: Option<Vec<AccessLevel>>,
    /// Seconds that its tokens last; null: they do not end.
    pub token_lifetime_s: Option<u32>,
    /// How tokens are checked that it signs itself.
    pub jwt_profiles: Vec<JwtProfile>,
    /// When it was added.
    pub added: DateTime,
    /// When it was last changed.
    pub updated: DateTime,
}

impl From<&application::Application> for Application {
    fn from(stored: &application::Application) -> Application {
        Application {
            name: stored.name.to_string(),
            scopes: stored.scopes.iter().map(|scope| scope.to_string()).collect(),
            redirect_uris: stored.settings.redirect_uris.clone(),
            client_type: stored.settings.client_type.into(),
            access_levels: stored
                .settings
                .access_levels
                .as_ref()
                .map(|levels| levels.iter().copied().map(Into::into).collect()),
            token_lifetime_s: stored.token_lifetime_s,
            jwt_profiles: stored.settings.jwt_profiles.iter().map(JwtProfile::from).collect(),
            added: stored.added_at.into(),
            updated: stored.updated_at.into(),
        }
    }
}

result_union! {
    /// The application that was added, or why not.
    AddApplicationResult(Application)
}
result_union! {
    /// The application as it is now, or why not.
    UpdateApplicationResult(Application)
}
result_union! {
    /// The application as it last was, or why it was not deleted.
    DeleteApplicationResult(Application)
}

/// Queries about applications.
#[derive(Default, Debug)]
pub struct ApplicationQuery;

#[Object]
impl ApplicationQuery {
    /// An application; null where there is none of that name. An application sees itself alone.
    async fn get_application(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its name.")] name: String,
    ) -> Result<Option<Application>, Error> {
        let asker = reader(context).map_err(as_error)?;
        Ok(asker.application(&name).await.ok().map(|found| Application::from(&*found)))
    }

    /// All applications, in the order in which they were added. An application sees itself alone.
    async fn get_applications(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many: 1 to 200.", default_with = "Some(50)")] first: Option<i32>,
        #[graphql(desc = "An `endCursor`, for the page after it.")] after: Option<String>,
    ) -> Result<ListPage<Application>, Error> {
        let asker = reader(context).map_err(as_error)?;
        let Page { first, after } = page::<ApplicationId>(LIST, first, after.as_deref())?;
        let catalog = asker.api.store.catalog().await.map_err(store_error)?;
        let mut all: Vec<_> = catalog
            .applications()
            .filter(|one| asker.principal.sees(one.id) && after.is_none_or(|id| one.id > id))
            .map(Arc::clone)
            .collect();
        all.sort_by_key(|one| one.id);
        let has_next_page = all.len() > first;
        all.truncate(first);
        let paged = Paged { items: all, has_next_page };
        Ok(shown(LIST, paged, |one| one.id.to_string(), |one| Application::from(&*one)))
    }
}

/// An application reads itself with any token, the operator all with one that may do everything.
fn reader<'a>(context: &Context<'a>) -> Result<Asker<'a>, OperationFailure> {
    let asker = Asker::with(context, &[])?;
    if asker.principal.application().is_some() { Ok(asker) } else { Asker::operator(context) }
}

/// Mutations of applications.
#[derive(Default, Debug)]
pub struct ApplicationMutation;

#[Object]
impl ApplicationMutation {
    /// Adds an application. For the operator.
    async fn add_application(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The application that is to be.")] input: AddApplicationInput,
    ) -> AddApplicationResult {
        add(context, input).await.into()
    }

    /// Changes an application. For the operator. Scopes that are taken away are gone from its
    /// tokens and queries at once.
    async fn update_application(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its name.")] name: String,
        #[graphql(desc = "What is to change.")] input: UpdateApplicationInput,
    ) -> UpdateApplicationResult {
        update(context, &name, input).await.into()
    }

    /// Deletes an application with its webhooks; its tokens are revoked and its deliveries
    /// cancelled. For the operator.
    async fn delete_application(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its name.")] name: String,
    ) -> DeleteApplicationResult {
        delete(context, &name).await.into()
    }
}

async fn add(
    context: &Context<'_>,
    input: AddApplicationInput,
) -> Result<Application, OperationFailure> {
    let asker = Asker::operator(context)?;
    let name: Name = parse_argument("/input/name", &input.name)?;
    let mut problems = Vec::new();
    let scopes = match &input.scopes {
        None => ScopeSet::for_applications(),
        Some(texts) => scopes(texts, &mut problems),
    };
    let redirect_uris = input.redirect_uris.unwrap_or_default();
    check_redirect_uris(&redirect_uris, &mut problems);
    let token_lifetime_s = lifetime(input.token_lifetime_s, &mut problems);
    let given = input.jwt_profiles.unwrap_or_default();
    let jwt_profiles = jwt_profiles(&asker, None, &given, &mut problems).await?;
    if !problems.is_empty() {
        return Err(OperationFailure::invalid(problems));
    }
    let client_type = input.client_type.map_or(application::ClientType::Confidential, Into::into);
    let access_levels = access_levels(input.access_levels);
    let settings = application::ApplicationSettings {
        redirect_uris,
        client_type,
        access_levels,
        jwt_profiles,
    };
    let new = NewApplication { name, scopes, token_lifetime_s, settings };
    let added = asker.api.store.add_application(asker.now(), new).await;
    let added = added.map_err(|error| match error {
        WriteError::Taken { what, .. } if what == rules::TAKEN_PROFILE => {
            invalid("/input/jwtProfiles", PROFILE_TAKEN)
        }
        error => write_failure(Thing::Application, "/input/name", error),
    })?;
    Ok(Application::from(&added))
}

/// Reads, changes and writes an application; again, where someone else wrote in between.
async fn update(
    context: &Context<'_>,
    name: &str,
    input: UpdateApplicationInput,
) -> Result<Application, OperationFailure> {
    let asker = Asker::operator(context)?;
    for _ in 0..CHANGES_MAX {
        let changed = changed(&asker, name, input.clone()).await?;
        match asker.api.store.update_application(asker.now(), changed).await {
            Ok(updated) => return Ok(Application::from(&updated)),
            // What was taken meanwhile is told at its place by the next turn.
            Err(WriteError::Stale { .. } | WriteError::Taken { .. }) => {}
            Err(error) => return Err(write_failure(Thing::Application, "/name", error)),
        }
    }
    Err(Failure::ChangedMeanwhile { what: Thing::Application, id: name.to_owned() }.into())
}

async fn changed(
    asker: &Asker<'_>,
    name: &str,
    input: UpdateApplicationInput,
) -> Result<application::Application, OperationFailure> {
    let mut changed = application::Application::clone(&*asker.application(name).await?);
    let mut problems = Vec::new();
    match input.scopes {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => changed.scopes = ScopeSet::for_applications(),
        MaybeUndefined::Value(texts) => changed.scopes = scopes(&texts, &mut problems),
    }
    if !input.redirect_uris.is_undefined() {
        changed.settings.redirect_uris = input.redirect_uris.take().unwrap_or_default();
        check_redirect_uris(&changed.settings.redirect_uris, &mut problems);
    }
    if !input.client_type.is_undefined() {
        let given = input.client_type.take();
        changed.settings.client_type =
            given.map_or(application::ClientType::Confidential, Into::into);
    }
    if !input.access_levels.is_undefined() {
        changed.settings.access_levels = access_levels(input.access_levels.take());
    }
    if !input.token_lifetime_s.is_undefined() {
        changed.token_lifetime_s = lifetime(input.token_lifetime_s.take(), &mut problems);
    }
    if !input.jwt_profiles.is_undefined() {
        let given = input.jwt_profiles.take().unwrap_or_default();
        changed.settings.jwt_profiles =
            jwt_profiles(asker, Some(changed.id), &given, &mut problems).await?;
    }
    if problems.is_empty() { Ok(changed) } else { Err(OperationFailure::invalid(problems)) }
}

async fn delete(context: &Context<'_>, name: &str) -> Result<Application, OperationFailure> {
    let asker = Asker::operator(context)?;
    let id = asker.application(name).await?.id;
    let deleted = asker.api.store.delete_application(asker.now(), id).await;
    let deleted = deleted.map_err(|error| write_failure(Thing::Application, "/name", error))?;
    Ok(Application::from(&deleted))
}

/// Each level once; none given is all.
fn access_levels(given: Option<Vec<AccessLevel>>) -> Option<Vec<application::AccessLevel>> {
    let mut levels: Vec<application::AccessLevel> = Vec::new();
    for level in given.unwrap_or_default().into_iter().map(Into::into) {
        if !levels.contains(&level) {
            levels.push(level);
        }
    }
    (!levels.is_empty()).then_some(levels)
}

async fn jwt_profiles(
    asker: &Asker<'_>,
    application: Option<ApplicationId>,
    given: &[JwtProfileInput],
    problems: &mut Vec<Problem>,
) -> Result<Vec<tidings_core::jwt::JwtProfile>, OperationFailure> {
    let catalog = asker.api.store.catalog().await.map_err(store_failure)?;
    let around = Surroundings { api: asker.api, catalog: &catalog, application };
    Ok(profiles(&around, given, problems))
}

/// The scopes of an application, and what is wrong with them.
fn scopes(texts: &[String], problems: &mut Vec<Problem>) -> ScopeSet {
    let more = |scope| format!("`{scope}` is for the operator's tokens alone");
    read_scopes("/input/scopes", texts, ScopeSet::for_applications(), problems, more)
}

fn lifetime(given: Option<i32>, problems: &mut Vec<Problem>) -> Option<u32> {
    let given = given?;
    if given < TOKEN_LIFETIME_S_MIN {
        let message = format!("{given} s is too short: write at least {TOKEN_LIFETIME_S_MIN}");
        problems.push(Problem::new("/input/tokenLifetimeS", message));
    }
    u32::try_from(given).ok()
}

fn check_redirect_uris(uris: &[String], problems: &mut Vec<Problem>) {
    if uris.len() > REDIRECT_URIS_MAX {
        let message = format!("{} URIs: write at most {REDIRECT_URIS_MAX}", uris.len());
        problems.push(Problem::new("/input/redirectUris", message));
        return;
    }
    for (index, uri) in uris.iter().enumerate() {
        if let Some(message) = redirect_uri::refusal(uri) {
            problems.push(Problem::new(format!("/input/redirectUris/{index}"), message));
        }
    }
}
