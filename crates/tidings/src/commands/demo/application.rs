//! The application of the demo, as its users see it: a page from which a person links an account by
//! Auth Link, with PKCE and `state`, as docs/auth-link.md tells every application to.
//!
//! ```text
//! GET /        ─► what this is, a link to /begin
//! GET /begin   ─► state and verifier are made ─► 303 to Auth Link
//! GET /linked  ─► state and issuer are checked ─► POST /token ─► 303 to /account
//! GET /account ─► GET /status with the user's token ─► what the application knows now
//! ```

use std::{
    collections::VecDeque,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use maud::{DOCTYPE, Markup, html};
use serde_json::{Value, json};
use tidings_core::secret::TokenHash;
use tidings_platform::sample::PROVIDER_NAME;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::{Url, form_urlencoded};

use super::stage::{APPLICATION, Stage};
use crate::{
    chance,
    client::Client,
    commands::requests::{self, with},
    failure::Failure,
    sample_provider::PASSWORD,
    small_server::{self, Answer},
};

const STYLE: &str = include_str!("application.css");
/// Links that were begun and are remembered.
const BEGUN_MAX: usize = 16;

/// The application's page; it ends when it is dropped.
pub struct Application {
    url: String,
    stop: CancellationToken,
}

impl Application {
    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What the application remembers.
struct Memory {
    server: String,
    /// Where it is itself.
    own: String,
    begun: Mutex<VecDeque<Begun>>,
    linked: Mutex<Option<Linked>>,
}

/// A link that was begun.
struct Begun {
    state: String,
    verifier: String,
}

/// What a link came to.
#[derive(Clone)]
struct Linked {
    token: String,
    scope: String,
    user: String,
}

/// Registers the page's redirect URI with the demo's application, and listens until it is dropped.
pub async fn start(stage: &Stage) -> Result<Application, Failure> {
    let cannot = |error: std::io::Error| Failure::new(format!("cannot listen: {error}"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(cannot)?;
    let own = format!("http://{}", listener.local_addr().map_err(cannot)?);
    register(&stage.client, &own).await?;
    let memory = Arc::new(Memory {
        server: stage.notes.url.clone(),
        own: own.clone(),
        begun: Mutex::default(),
        linked: Mutex::default(),
    });
    let stop = CancellationToken::new();
    let served = small_server::serve(listener, move |request| answer(request, Arc::clone(&memory)));
    tokio::spawn(stop.clone().run_until_cancelled_owned(served));
    Ok(Application { url: own, stop })
}

/// Adds the page's redirect URI to those that people set, in the place of an earlier run's.
async fn register(client: &Client, own: &str) -> Result<(), Failure> {
    let document = with(requests::GET_APPLICATION, "clientType redirectUris");
    let found = client.run(&document, json!({ "name": APPLICATION })).await?;
    if found["clientType"] != "PUBLIC" {
        return Err(Failure::new(format!(
            "the application {APPLICATION} is no public client any more: `tidings application \
             update {APPLICATION} --client-type public` makes it one"
        )));
    }
    let is_earlier = |uri: &str| uri.starts_with("http://127.0.0.1:") && uri.ends_with("/linked");
    let uris = found["redirectUris"].as_array().cloned().unwrap_or_default();
    let mut uris: Vec<Value> =
        uris.into_iter().filter(|uri| !uri.as_str().is_some_and(is_earlier)).collect();
    uris.push(format!("{own}/linked").into());
    let document = with(requests::UPDATE_APPLICATION, "name");
    let variables = json!({ "name": APPLICATION, "input": { "redirectUris": uris } });
    client.run_union(&document, variables).await?;
    Ok(())
}

async fn answer(request: Request<Incoming>, memory: Arc<Memory>) -> Answer {
    if request.method() != Method::GET {
        return problem(StatusCode::METHOD_NOT_ALLOWED, "this page is for browsers");
    }
    let query = request.uri().query().unwrap_or_default();
    match request.uri().path() {
        "/" => page("Acme", &welcome()),
        "/begin" => see_other(&memory.begin()),
        "/linked" => match memory.finish(query).await {
            Ok(()) => see_other("/account"),
            Err(why) => problem(StatusCode::BAD_REQUEST, &why),
        },
        "/account" => match memory.account().await {
            Ok(content) => page("Acme: your account", &content),
            Err(why) => problem(StatusCode::BAD_REQUEST, &why),
        },
        "/style.css" => small_server::answer(StatusCode::OK, "text/css; charset=utf-8", STYLE),
        _ => problem(StatusCode::NOT_FOUND, "there is no such page"),
    }
}

impl Memory {
    /// Where a person who wants to link an account is sent.
    fn begin(&self) -> String {
        let (state, verifier) = (chance::random_text(), chance::random_text());
        // RFC 7636, section 4.2: a token's hash is the SHA-256 of its text.
        let challenge = URL_SAFE_NO_PAD.encode(TokenHash::of(&verifier).0);
        let parameters = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", APPLICATION)
            .append_pair("redirect_uri", &self.redirect_uri())
            .append_pair("scope", "read:accounts download:documents")
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.truncate(BEGUN_MAX - 1);
        begun.push_front(Begun { state, verifier });
        format!("{}/link?{parameters}", self.server)
    }

    fn redirect_uri(&self) -> String {
        format!("{}/linked", self.own)
    }

    /// The person is back. The error is for people.
    async fn finish(&self, query: &str) -> Result<(), String> {
        let told = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find_map(|(own, value)| (own == name).then(|| value.into_owned()))
        };
        let state = told("state").unwrap_or_default();
        let begun = {
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            let place = begun.iter().position(|one| one.state == state);
            place.and_then(|place| begun.remove(place))
        };
        let begun = begun.ok_or("this link was not begun here: begin again on the first page")?;
        if told("iss").as_deref() != Some(self.server.as_str()) {
            return Err("the answer is not from the server that was asked".to_owned());
        }
        if let Some(error) = told("error") {
            return Err(format!("{error}: {}", told("error_description").unwrap_or_default()));
        }
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", APPLICATION),
            ("code", &told("code").unwrap_or_default()),
            ("redirect_uri", &self.redirect_uri()),
            ("code_verifier", &begun.verifier),
        ];
        let client = Client::to(&self.server, None).map_err(|error| error.to_string())?;
        let answer =
            client.post_form("/token", &fields).await.map_err(|error| error.to_string())?;
        let text = |key: &str| answer.body[key].as_str().unwrap_or_default().to_owned();
        if answer.status != 200 {
            return Err(format!("{}: {}", text("error"), text("error_description")));
        }
        let linked =
            Linked { token: text("access_token"), scope: text("scope"), user: text("user") };
        *self.linked.lock().unwrap_or_else(PoisonError::into_inner) = Some(linked);
        Ok(())
    }

    /// What the application knows of the account now. The error is for people.
    async fn account(&self) -> Result<Markup, String> {
        let linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let linked = linked.ok_or("no account was linked here yet: begin on the first page")?;
        let client = Client::to(&self.server, Some(linked.token.clone()))
            .map_err(|error| error.to_string())?;
        let status = client.get("/status").await.map_err(|error| error.to_string())?;
        if status.status != 200 {
            return Err("the access was withdrawn, or is over".to_owned());
        }
        Ok(self.linked_page(&linked, &status.body))
    }

    fn linked_page(&self, linked: &Linked, status: &Value) -> Markup {
        let none = Vec::new();
        let accounts = status["accounts"].as_array().unwrap_or(&none);
        let explorer = Url::parse(&self.server).and_then(|server| server.join("/explorer"));
        html! {
            h1 { "Your account is linked" }
            @for account in accounts {
                dl {
                    dt { "Provider" } dd { (account["provider"].as_str().unwrap_or_default()) }
                    dt { "Access" } dd { (account["accessLevel"].as_str().unwrap_or_default()) }
                    dt { "Status" } dd { (account["status"].as_str().unwrap_or_default()) }
                    dt { "Documents" } dd #documents { (account["documents"]) }
                }
            }
            p { a.button href="/account" { "Look again" } }
            p { "With ongoing access another document comes every half minute, and the demo's"
                " terminal shows the webhook that tells of it." }
            h2 { "What the application holds" }
            p { "A token of the user " code { (linked.user) } " for " code { (linked.scope) }
                ". It opens this user's accounts and nothing else." }
            pre #token { (linked.token) }
            @if let Ok(explorer) = explorer {
                p { "Try it in the " a href=(explorer) { "Explorer" } "." }
            }
            p { a href="/begin" { "Link another account" } }
        }
    }
}

fn welcome() -> Markup {
    html! {
        h1 { "Acme" }
        p { "This stands for an application of yours. It would like to see your bills." }
        p { a.button href="/begin" { "Link an account" } }
        p { "Choose " strong { (PROVIDER_NAME) } ". Any e-mail address opens an account there; the"
            " password is " code { (PASSWORD) } "." }
    }
}

fn page(title: &str, content: &Markup) -> Answer {
    answer_page(StatusCode::OK, title, content)
}

fn problem(status: StatusCode, why: &str) -> Answer {
    let content = html! {
        h1 { "That did not work" }
        p { (why) }
        p { a href="/" { "To the first page" } }
    };
    answer_page(status, "Acme: that did not work", &content)
}

fn answer_page(status: StatusCode, title: &str, content: &Markup) -> Answer {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/style.css";
            }
            body { main { (content) } }
        }
    };
    let text = document.into_string();
    let mut answer = small_server::answer(status, "text/html; charset=utf-8", text);
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The address of /linked holds a code.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy = "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    answer
}

fn see_other(place: &str) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::SEE_OTHER;
    let place = HeaderValue::try_from(place).expect("what was encoded is a header's value");
    answer.headers_mut().insert(header::LOCATION, place);
    answer
}
