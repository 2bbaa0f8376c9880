//! The shared types, through a small schema of their own.
#![allow(clippy::unwrap_used)]

use async_graphql::{
    Context, EmptyMutation, EmptySubscription, Error, Object, Request, Schema, Union, Variables,
};
use serde_json::{Value, json};
use tidings_core::{
    access::{Owner, Principal, Scope, ScopeSet, TokenKind},
    ids::ApplicationId,
    time::Wall,
};
use tidings_graphql::{
    DateTime, Denial, Failure, Json, ListPage, Locale, OperationFailure, PageArguments, Problem,
    Thing, Viewer, cursor, principal, viewer::require,
};

#[derive(Union)]
enum GetResult {
    Failure(OperationFailure),
}

struct Query;

#[Object]
impl Query {
    async fn echo_date(&self, date: DateTime) -> DateTime {
        date
    }

    async fn echo_json(&self, json: Json) -> Json {
        json
    }

    async fn fail(&self) -> GetResult {
        let mut failure: OperationFailure =
            Failure::NotFound { what: Thing::User, id: "x".to_owned() }.into();
        failure.problems.push(Problem::new("/id", "is not known"));
        GetResult::Failure(failure)
    }

    async fn who(&self, context: &Context<'_>) -> Result<String, Error> {
        let principal = principal(context)?;
        require(principal, Scope::ReadAccounts).map_err(Failure::into_error)?;
        Ok(format!("{:?}", principal.owner))
    }

    async fn list(
        &self,
        #[graphql(default = 50)] first: Option<i32>,
        after: Option<String>,
    ) -> Result<ListPage<Problem>, Error> {
        let page = PageArguments::<u64>::parse("problems", first, after.as_deref())?;
        let end = page.after.unwrap_or(0) + page.first as u64;
        let items = vec![Problem::new(format!("/{end}"), "")];
        Ok(ListPage { items, end_cursor: Some(cursor("problems", end)), has_next_page: true })
    }
}

fn schema() -> Schema<Query, EmptyMutation, EmptySubscription> {
    Schema::new(Query, EmptyMutation, EmptySubscription)
}

async fn run(request: impl Into<Request>) -> Value {
    serde_json::to_value(schema().execute(request).await).unwrap()
}

fn asking(scopes: ScopeSet) -> Viewer {
    Viewer(Some(Principal {
        owner: Owner::Application(ApplicationId(7)),
        kind: TokenKind::Application,
        user: None,
        application_name: Some("acme".parse().unwrap()),
        scopes,
        expires_at: None,
    }))
}

#[tokio::test]
async fn a_date_comes_out_in_utc_with_milliseconds() {
    let answer = run(r#"{ echoDate(date: "2021-02-17T09:48:47+01:00") }"#).await;
    assert_eq!(answer["data"]["echoDate"], "2021-02-17T08:48:47.000Z");
    for wrong in [r#""yesterday""#, "1613551727284", r#""2021-02-17""#] {
        let answer = run(format!("{{ echoDate(date: {wrong}) }}")).await;
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("2021-02-17T08:48:47.284Z"), "{message}");
    }
    assert_eq!(DateTime::from(Wall(0)), DateTime(Wall(0)));
}

#[tokio::test]
async fn json_keeps_the_order_of_keys_and_the_digits_of_numbers() {
    let given = r#"{"b":1,"a":[0.30000000000000004,123.540000915527,null,{"z":"","y":true}]}"#;
    let variables =
        Variables::from_json(json!({ "json": serde_json::from_str::<Value>(given).unwrap() }));
    let request =
        Request::new("query($json: JSON!) { echoJson(json: $json) }").variables(variables);
    let answer = schema().execute(request).await;
    let text = serde_json::to_string(&answer.data).unwrap();
    assert_eq!(text, format!(r#"{{"echoJson":{given}}}"#));
}

#[tokio::test]
async fn a_failure_is_described_in_the_language_asked_for() {
    let query = "{ fail { __typename ... on OperationFailure {
        code description en: description(locale: en_GB) cy: description(locale: cy_GB)
        problems { path message line column } } } }";
    let answer = &run(query).await["data"]["fail"];
    assert_eq!(answer["__typename"], "OperationFailure");
    assert_eq!(answer["code"], "NOT_FOUND");
    assert_eq!(answer["description"], answer["en"]);
    assert!(answer["en"].as_str().unwrap().starts_with("There is no user `x`"));
    assert!(answer["cy"].as_str().unwrap().contains("defnyddiwr `x`"));
    let problem = json!({ "path": "/id", "message": "is not known", "line": null, "column": null });
    assert_eq!(answer["problems"], json!([problem]));
}

#[test]
fn every_failure_says_in_both_languages_what_to_do() {
    let id = || "x".to_owned();
    let failures = [
        Failure::NotFound { what: Thing::Provider, id: id() },
        Failure::Unauthenticated,
        Failure::ScopeMissing { scope: Scope::ReadAccounts },
        Failure::OperatorOnly,
        Failure::ApplicationOnly,
        Failure::Denied(Denial::OwnerOnly),
        Failure::Denied(Denial::MasterOnly),
        Failure::Denied(Denial::PrivateMasterOnly),
        Failure::Denied(Denial::LevelNotOffered { provider: id(), level: id() }),
        Failure::Denied(Denial::LevelNotAllowed { level: id() }),
        Failure::Denied(Denial::NoAdapter { provider: id() }),
        Failure::InvalidInput,
        Failure::Taken { what: Thing::EnergySwitch, id: id() },
        Failure::ChangedMeanwhile { what: Thing::User, id: id() },
        Failure::TooMany { what: Thing::Account, max: 200 },
        Failure::ConsentWithdrawn { account: id() },
        Failure::AnswerTooLarge { items_max: 20_000 },
        Failure::Unavailable,
        Failure::OutcomeUnknown,
    ];
    for failure in failures {
        let (english, welsh) = (failure.text(Locale::EnGb), failure.text(Locale::CyGb));
        assert_ne!(english, welsh);
        for text in [english, welsh] {
            assert!(text.contains(": ") && text.ends_with('.') && !text.contains('\n'), "{text}");
        }
    }
}

async fn check_error(request: impl Into<Request>, code: &str, part: &str) {
    let answer = run(request).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], code, "{answer}");
    assert!(error["message"].as_str().unwrap().contains(part), "{answer}");
}

#[tokio::test]
async fn without_a_token_a_field_is_refused_and_so_is_one_without_the_scope() {
    check_error("{ who }", "UNAUTHENTICATED", "Authorization").await;
    check_error(Request::new("{ who }").data(Viewer(None)), "UNAUTHENTICATED", "token").await;
    let nothing = Request::new("{ who }").data(asking(ScopeSet::NONE));
    check_error(nothing, "NOT_PERMITTED", "`read:accounts`").await;
    let enough = Request::new("{ who }").data(asking(ScopeSet::for_applications()));
    assert_eq!(run(enough).await["data"]["who"], "Application(ApplicationId(7))");
}

#[tokio::test]
async fn a_page_goes_on_where_its_cursor_says() {
    let page = run("{ list { endCursor items { path } } }").await;
    assert_eq!(page["data"]["list"]["items"][0]["path"], "/50");
    let after = page["data"]["list"]["endCursor"].as_str().unwrap();
    let page =
        run(format!("{{ list(first: 200, after: \"{after}\") {{ items {{ path }} }} }}")).await;
    assert_eq!(page["data"]["list"]["items"][0]["path"], "/250");
}

#[tokio::test]
async fn what_is_no_page_is_refused_with_the_argument_named() {
    for first in ["0", "-1", "201"] {
        let query = format!("{{ list(first: {first}) {{ endCursor }} }}");
        check_error(query, "INVALID_INPUT", "`first`").await;
    }
    let foreign = cursor("webhooks", 5);
    for after in ["", "5", "!", &foreign, &cursor("problems", "x"), &"A".repeat(10_000)] {
        let query = format!("{{ list(after: \"{after}\") {{ endCursor }} }}");
        check_error(query, "INVALID_INPUT", "`after`").await;
    }
}

#[test]
fn the_schema_names_pages_after_their_items() {
    let sdl = schema().sdl();
    for part in [
        "type ProblemPage",
        "description(",
        "locale: Locale! = en_GB",
        "enum Locale",
        "scalar DateTime",
        "scalar JSON",
        "first: Int = 50",
    ] {
        assert!(sdl.contains(part), "{part} is not in\n{sdl}");
    }
}
