//! `POST /token` (RFC 6749, sections 4.1.3 and 6), and what the server says of itself (RFC 8414).

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use serde_json::{Map, Value, json};

use super::{
    AuthLink, answer,
    asked::{Asked, FormTrouble},
    authorization::{OFFLINE_ACCESS, scopes_of},
    client::{self, HeaderSays, NotClient},
    form::Form,
    grant::{CodeShown, Issued, NotIssued},
};

/// Why there are no tokens.
enum Refusal {
    Client { basic: bool },
    Request(&'static str),
    Grant(&'static str),
    GrantType,
    Scope,
    Stopped,
}

/// Answers with tokens, or with an error of RFC 6749, section 5.2.
pub(super) async fn answer(State(link): State<Arc<AuthLink>>, request: Request) -> Response {
    let (asked, body) = Asked::of(request);
    let address = asked.address;
    let in_header = client::in_header(&asked);
    let basic = !matches!(in_header, HeaderSays::Nothing);
    let form = match asked.form(body).await {
        Ok(form) => form,
        Err(trouble) => return refuse(&Refusal::Request(said_of(trouble))),
    };
    let claimed = match client::claimed(in_header, &form) {
        Ok(claimed) => claimed,
        Err(NotClient::Ambiguous) => {
            return refuse(&Refusal::Request("the client says in two ways who it is: use one"));
        }
        Err(_) => return refuse(&Refusal::Client { basic }),
    };
    // Names that are nobody's share one count: whoever makes them up finds no end of counts.
    let about = match link.store.catalog().await {
        Ok(catalog) if client::named(&catalog, &claimed).is_some() => claimed.name.as_str(),
        Ok(_) => "",
        Err(_) => return refuse(&Refusal::Stopped),
    };
    let quota = &link.quotas.refusals;
    if let Err(exceeded) = quota.look(link.now().elapsed, address, about) {
        return answer::too_many_tokens(exceeded);
    }
    match tokens(&link, &claimed, basic, &form).await {
        Ok(issued) => answer::json(200, &shown(&issued)),
        Err(refusal) => {
            if !matches!(refusal, Refusal::Stopped) {
                quota.note(link.now().elapsed, address, about);
            }
            refuse(&refusal)
        }
    }
}

async fn tokens(
    link: &AuthLink,
    claimed: &client::Claimed,
    basic: bool,
    form: &Form,
) -> Result<Issued, Refusal> {
    let application = link.client(claimed).await.map_err(|error| match error {
        NotClient::Stopped => Refusal::Stopped,
        NotClient::Ambiguous | NotClient::Wrong => Refusal::Client { basic },
    })?;
    let needed = |name: &str, missing| form.get(name).ok_or(Refusal::Request(missing));
    let issued = match form.get("grant_type") {
        Some("authorization_code") => {
            let shown = CodeShown {
                code: needed("code", "code is missing")?,
                redirect_uri: needed("redirect_uri", "redirect_uri is missing")?,
                verifier: form.get("code_verifier"),
            };
            link.redeem(&application, &shown).await
        }
        Some("refresh_token") => {
            let shown = needed("refresh_token", "refresh_token is missing")?;
            let wanted = match form.get("scope") {
                None => None,
                list => Some(scopes_of(list, application.scopes).ok_or(Refusal::Scope)?.0),
            };
            link.refresh(&application, shown, wanted).await
        }
        Some(_) => return Err(Refusal::GrantType),
        None => return Err(Refusal::Request("grant_type is missing")),
    };
    issued.map_err(|error| match error {
        NotIssued::Invalid(why) => Refusal::Grant(why),
        NotIssued::Scope => Refusal::Scope,
        NotIssued::Stopped => Refusal::Stopped,
    })
}

fn said_of(trouble: FormTrouble) -> &'static str {
    match trouble {
        FormTrouble::WrongType => {
            "the body must be a form: send Content-Type: application/x-www-form-urlencoded"
        }
        FormTrouble::Broken => "the body is too long, too slow, or broke off",
        FormTrouble::Ambiguous => "a parameter stands there twice",
    }
}

fn shown(issued: &Issued) -> Value {
    let mut scope: Vec<String> = issued.scopes.iter().map(|scope| scope.to_string()).collect();
    if issued.offline {
        scope.push(OFFLINE_ACCESS.to_owned());
    }
    let mut shown = Map::new();
    shown.insert("access_token".to_owned(), json!(issued.access_token));
    shown.insert("token_type".to_owned(), json!("Bearer"));
    shown.insert("expires_in".to_owned(), json!(issued.expires_in_s));
    shown.insert("scope".to_owned(), json!(scope.join(" ")));
    if let Some(refresh_token) = &issued.refresh_token {
        shown.insert("refresh_token".to_owned(), json!(refresh_token));
    }
    shown.insert("user".to_owned(), json!(issued.user));
    shown.insert("account".to_owned(), json!(issued.account));
    Value::Object(shown)
}

fn refuse(refusal: &Refusal) -> Response {
    let (status, error, description) = match refusal {
        Refusal::Client { .. } => (401, "invalid_client", CLIENT_WANTED),
        Refusal::Request(why) => (400, "invalid_request", *why),
        Refusal::Grant(why) => (400, "invalid_grant", *why),
        Refusal::GrantType => (
            400,
            "unsupported_grant_type",
            "grant_type must be authorization_code or refresh_token",
        ),
        Refusal::Scope => (400, "invalid_scope", "scope asks for more than was granted"),
        Refusal::Stopped => {
            (503, "temporarily_unavailable", "nothing was issued as far as is known: try again")
        }
    };
    let told = json!({ "error": error, "error_description": description });
    let response = answer::json(status, &told);
    match refusal {
        Refusal::Client { basic: true } => answer::asking_for_basic(response),
        _ => response,
    }
}

const CLIENT_WANTED: &str = "send client_id, and as client_secret a valid private master token of \
     the application where it is confidential; a public one has no secret";

/// What a client can find out by itself.
pub(super) async fn metadata(State(link): State<Arc<AuthLink>>) -> Response {
    let origin = link.origin.as_str();
    let told = json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/link"),
        "token_endpoint": format!("{origin}/token"),
        "scopes_supported": ["read:accounts", "download:documents", OFFLINE_ACCESS],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported":
            ["none", "client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "ui_locales_supported": ["en-GB", "cy-GB"],
        "authorization_response_iss_parameter_supported": true,
    });
    answer::json(200, &told)
}
