//! Who sees what, asked of every field that the schema has: a field that is added is asked too, and
//! this test fails where it does not know how.

use std::collections::BTreeSet;

use async_graphql::MaybeUndefined;
use serde_json::{Value, json};
use tidings_core::{
    access::{Principal, Scope, ScopeSet, TokenKind},
    samples,
};
use tidings_graphql::Viewer;
use tidings_platform::{
    domain::{AccountStatus, Address, Money},
    sample::{ENERGY_SWITCH, PROVIDER, USER},
    writer::{AccountChange, NewProvision, NewUser},
};
use tidings_store::{Append, Clock, EntityChange, Store};

use crate::support::{
    World,
    linked::{Linked, changed, provision, provisions},
    walk::{Walk, told},
};

/// How deep the answers go: a list of users, their accounts, the documents of those.
const DEPTH: usize = 5;
/// What stands in every text of a user's that is seeded here.
const CANARY: &str = "canary";

struct Scene {
    world: World,
    linked: Linked,
    walk: Walk,
    /// A user of the same application who has nothing.
    stranger: String,
    gone: Gone,
}

/// Who was deleted, with all that can hang on someone.
struct Gone {
    user: String,
    account: String,
}

impl Gone {
    async fn seed(world: &World) -> Gone {
        let user = world.writer.add_user(world.acme.id, NewUser::default()).await.unwrap();
        let user = user.entity.id;
        let account = world.add_account(&user).await;
        world.add_documents(&account, &["bill-1"]).await;
        world.put_provisions(&account, &["gas-1"]).await;
        world.add_to_do(&user, Some(&account), "canary gone").await;
        let switch = format!(
            "mutation {{ addEnergySwitch(input: {{ user: \"{user}\" provider: \"{PROVIDER}\" \
             fuelType: Elec fuelsSwitched: 1 }}) {{ __typename }} }}"
        );
        let added = world.get(world.acme(), &switch, Value::Null).await;
        assert_eq!(added["__typename"], "EnergySwitch");
        world.writer.delete_user(world.acme.id, &user).await.unwrap();
        Gone { user, account }
    }
}

impl Scene {
    async fn set() -> Scene {
        let (world, linked) = World::linked().await;
        seed_user(&world).await;
        let money = Money { currency: "GBP".to_owned(), amount: 12.5 };
        let change = AccountChange {
            status: Some(AccountStatus::Collecting),
            reference: MaybeUndefined::Value("canary account".to_owned()),
            last_collected_at: Some(samples::WALL),
            balance: MaybeUndefined::Value(money.clone()),
        };
        world.keep(&linked.account, changed(change)).await.unwrap();
        let lines = vec!["canary street 1".to_owned()];
        let full = NewProvision {
            supply_number: Some("canary supply".to_owned()),
            address: Some(Address { lines, postcode: Some("OX18 4EN".to_owned()) }),
            end_date: Some(samples::WALL),
            projected_spend: Some(money),
            ..provision("elec-1")
        };
        world.keep(&linked.account, provisions(vec![full])).await.unwrap();
        world.writer.complete_to_do(world.acme.id, &linked.account_to_do).await.unwrap();
        let stranger = world.writer.add_user(world.acme.id, NewUser::default()).await.unwrap();
        let gone = Gone::seed(&world).await;
        let walk = Walk::of(&world).await;
        Scene { world, linked, walk, stranger: stranger.entity.id, gone }
    }

    /// How a field of `Query` is asked for what is the seeded user's.
    fn queries(&self, field: &str) -> Vec<String> {
        let since = "updatedSince: \"2001-01-01T00:00:00Z\"";
        let by_id = |id: &str| vec![format!("(id: \"{id}\")")];
        let lists = |filters: &[&str]| {
            let mut all = vec![String::new()];
            for filter in filters.iter().chain(&[since]) {
                all.push(format!("({filter})"));
            }
            all
        };
        let user = format!("user: \"{USER}\"");
        let account = format!("account: \"{}\"", self.linked.account);
        let gone_user = format!("user: \"{}\" {since}", self.gone.user);
        let gone_account = format!("account: \"{}\" {since}", self.gone.account);
        match field {
            "getAuthorisedUser" | "getProviders" => vec![String::new()],
            "getProvider" => vec![format!("(code: \"{PROVIDER}\")")],
            "getUser" => by_id(USER),
            "getAccount" => by_id(&self.linked.account),
            "getDocument" => by_id(&self.linked.document),
            "getToDo" => by_id(&self.linked.account_to_do),
            "getEnergySwitch" => by_id(ENERGY_SWITCH),
            "getUsers" => lists(&[]),
            "getAccounts" | "getEnergySwitches" => lists(&[&user, &gone_user]),
            "getProvisions" => {
                lists(&[&user, &account, &format!("{user} {account}"), &gone_user, &gone_account])
            }
            "getDocuments" => {
                lists(&[&user, &account, &format!("{user} {account}"), &gone_account])
            }
            "getToDos" => lists(&[&user, &format!("{user} done: true"), "done: true", &gone_user]),
            _ => panic!("say here how `{field}` is asked for what is the seeded user's"),
        }
    }

    /// How a field of `Mutation` is asked to touch what is the seeded user's.
    fn mutation(&self, field: &str) -> String {
        match field {
            "addUser" | "addUserAndAccessToken" => String::new(),
            "deleteUser" => format!("(id: \"{USER}\")"),
            "addAccessToken" => format!("(user: \"{USER}\")"),
            "linkAccount" => format!(
                "(user: \"{USER}\" provider: \"{PROVIDER}\" accessLevel: QUICK_CHECK \
                 credentials: [{{ name: \"a\" value: \"b\" }}] consent: {{ text: \"mine\" \
                 givenAt: \"2020-01-01T00:00:00Z\" }})"
            ),
            "withdrawConsent" => format!("(account: \"{}\")", self.linked.account),
            "completeToDo" => format!("(id: \"{}\")", self.linked.user_to_do),
            "addToDo" => format!("(input: {{ user: \"{USER}\" kind: OTHER title: \"mine\" }})"),
            "addEnergySwitch" => format!(
                "(input: {{ user: \"{USER}\" provider: \"{PROVIDER}\" fuelType: Elec \
                 fuelsSwitched: 1 }})"
            ),
            "updateEnergySwitch" => {
                format!("(id: \"{ENERGY_SWITCH}\" input: {{ postcode: \"OX1\" }})")
            }
            "addProvider" => {
                "(input: { code: \"mine\" name: \"Mine\" sector: ENERGY capabilities: \
                              { automatedDataCollection: true quickCheck: true } })"
                    .to_owned()
            }
            "updateProvider" => format!("(code: \"{PROVIDER}\" input: {{ name: \"Mine\" }})"),
            "deleteProvider" => format!("(code: \"{PROVIDER}\")"),
            _ => panic!("say here how `{field}` is asked to touch what is the seeded user's"),
        }
    }

    /// All answers to one field of `Query`.
    async fn asked(&self, viewer: &Viewer, field: &str, of: &str) -> Vec<Value> {
        let selection = self.walk.selection(of, DEPTH);
        let mut answers = Vec::new();
        for arguments in self.queries(field) {
            let query = format!("{{ {field}{arguments} {selection} }}");
            answers.push(self.world.ask(viewer.clone(), &query, Value::Null).await);
        }
        answers
    }

    /// What the owner sees of everything that was seeded.
    async fn seen_by_owner(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for (field, of) in self.walk.fields("Query") {
            if !of.ends_with("Page") && field != "getProviders" {
                all.extend(self.asked(&self.world.acme(), &field, &of).await);
            }
        }
        all
    }

    fn token(&self, kind: TokenKind, user: Option<&str>, scopes: ScopeSet) -> Viewer {
        let Viewer(principal) = self.world.acme();
        let user = user.map(|id| id.parse().unwrap());
        Viewer(Some(Principal { kind, user, scopes, ..principal.unwrap() }))
    }

    /// Those who may see nothing of the seeded user's.
    fn strangers(&self) -> Vec<(&'static str, Viewer)> {
        let users = ScopeSet::for_users();
        let downloads: ScopeSet = [Scope::DownloadDocuments].into_iter().collect();
        let Viewer(other) = self.world.other();
        let other_master = Principal { kind: TokenKind::PrivateMaster, ..other.unwrap() };
        let without: ScopeSet =
            ScopeSet::for_applications().iter().filter(|it| *it != Scope::ReadAccounts).collect();
        vec![
            ("another application", self.world.other()),
            ("another application's private master token", Viewer(Some(other_master))),
            ("another user", self.token(TokenKind::User, Some(&self.stranger), users)),
            ("a public master token", self.token(TokenKind::PublicMaster, None, users)),
            ("no scope to read", self.token(TokenKind::Application, None, without)),
            ("a private master that reads nothing", {
                self.token(TokenKind::PrivateMaster, None, downloads)
            }),
            ("the user without the scope", self.token(TokenKind::User, Some(USER), downloads)),
            ("no token", Viewer(None)),
        ]
    }
}

/// What can be set of a user: `tenantId` comes from the application's own tokens alone.
async fn seed_user(world: &World) {
    let user = world.store_entity("User", USER).await;
    let mut body: Value = serde_json::from_str(&user.body).unwrap();
    body["tenant_id"] = json!("canary tenant");
    body["reference"] = json!("canary reference");
    let change = EntityChange {
        application: Some(world.acme.id),
        kind: "User".to_owned(),
        id: USER.to_owned(),
        expected_version: Some(user.version),
        body: body.to_string(),
        deleted: false,
        links: Vec::new(),
        forget_at: None,
    };
    let version = world.store.catalog().await.unwrap().version();
    let append = Append { changes: vec![change], ..Append::of(version, Vec::new()) };
    world.store.append(world.clock.now(), append).await.unwrap();
}

/// What may stand in an answer to anyone: failures, and whose token it is.
fn is_nobodys(leaf: &str) -> bool {
    let of_anyone = ["OperationFailure_", "Problem_", "AuthorisedUser_"];
    of_anyone.iter().any(|prefix| leaf.starts_with(prefix)) || leaf.ends_with("Page_hasNextPage")
}

fn is_providers(leaf: &str) -> bool {
    leaf.starts_with("Provider_") || leaf.starts_with("ProviderCapabilities_")
}

#[tokio::test]
async fn every_field_is_seeded_so_that_the_owner_sees_something_in_it() {
    let scene = Scene::set().await;
    let mut seen = BTreeSet::new();
    for (field, of) in scene.walk.fields("Query") {
        for answer in scene.asked(&scene.world.acme(), &field, &of).await {
            told(&answer["data"], &mut seen);
        }
    }
    let all = scene.walk.leaves("Query").into_iter();
    // Failures are not seeded.
    let all = all.filter(|leaf| !is_nobodys(leaf));
    // The operator's alone, as a test of links has it.
    let all = all.filter(|leaf| leaf != "Provider_adapterUrl");
    let unseen: Vec<String> = all.filter(|leaf| !seen.contains(leaf)).collect();
    assert!(unseen.is_empty(), "seed these, so that it is tested who sees them: {unseen:?}");
}

#[tokio::test]
async fn no_field_of_any_query_tells_a_stranger_anything() {
    let scene = Scene::set().await;
    for (who, viewer) in scene.strangers() {
        let may_see_providers = matches!(who, "another application" | "another user")
            || who == "another application's private master token";
        for (field, of) in scene.walk.fields("Query") {
            let is_identity = field == "getAuthorisedUser";
            for answer in scene.asked(&viewer, &field, &of).await {
                let mut leaves = BTreeSet::new();
                told(&answer["data"], &mut leaves);
                leaves.retain(|leaf| {
                    let is_open = is_nobodys(leaf)
                        || (may_see_providers && is_providers(leaf))
                        || (is_identity && leaf.starts_with("User_"));
                    !is_open
                });
                assert!(leaves.is_empty(), "{field} tells {who} of {leaves:?} in {answer}");
                let is_own = is_identity && who == "the user without the scope";
                let has_canary = answer.to_string().contains(CANARY);
                assert!(is_own || !has_canary, "{field} tells {who} too much: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn no_field_of_any_mutation_tells_a_stranger_anything_or_touches_what_is_not_the_strangers() {
    let scene = Scene::set().await;
    let before = scene.seen_by_owner().await;
    for (who, viewer) in scene.strangers() {
        for (field, of) in scene.walk.fields("Mutation") {
            // What is done here is for the token's own application: that is its right.
            let is_own = matches!(field.as_str(), "addUser" | "addUserAndAccessToken")
                || (field == "addAccessToken" && who == "a private master that reads nothing");
            let selection = scene.walk.selection(&of, DEPTH);
            let query = format!("mutation {{ {field}{} {selection} }}", scene.mutation(&field));
            let answer = scene.world.ask(viewer.clone(), &query, Value::Null).await;
            let mut leaves = BTreeSet::new();
            told(&answer["data"], &mut leaves);
            leaves.retain(|leaf| {
                let is_new = leaf.starts_with("User_") || leaf.starts_with("AccessToken_");
                !(is_nobodys(leaf) || (is_own && is_new))
            });
            assert!(leaves.is_empty(), "{field} tells {who} of {leaves:?} in {answer}");
        }
    }
    assert_eq!(scene.seen_by_owner().await, before, "a stranger changed something");
}
