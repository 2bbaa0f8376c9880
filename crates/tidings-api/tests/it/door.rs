//! Routes, tokens, and GraphQL over HTTP.

use axum::body::Body;
use serde_json::{Value, json};
use tidings_core::access::{Owner, Scope};
use tidings_core::secret::TokenHash;
use tidings_store::{NewToken, Store};

use crate::support::{ACME, Answer, Door, OPERATOR, request};

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";

async fn ask(door: &Door, token: Option<&str>, accept: &str, query: &str) -> Answer {
    let body = json!({ "query": query }).to_string();
    let post = request("POST", "/v1/graphql", token)
        .header("content-type", "application/json")
        .header("accept", accept);
    door.send(post.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn what_is_not_there_is_told_as_a_problem() {
    let door = Door::open().await;
    door.get("/", None).await.assert_problem(404, "not_found");
    door.get("/v2/events", Some("wrong")).await.assert_problem(404, "not_found");
    for (path, allow) in [
        ("/v1/events", "POST"),
        ("/v1/graphql", "GET, POST"),
        ("/healthz", "GET"),
        ("/explorer", "GET"),
        ("/explorer/explorer.js", "GET"),
        ("/v1/schema.graphql", "GET"),
    ] {
        let request = request("DELETE", path, Some(ACME)).body(Body::empty()).unwrap();
        let answer = door.send(request).await;
        answer.assert_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
    }
}

#[tokio::test]
async fn health_is_open_and_metrics_are_the_operators() {
    let door = Door::open().await;
    assert_eq!(door.get("/healthz", None).await.status, 200);
    assert_eq!(door.get("/readyz", None).await.text, r#"{"status":"ready"}"#);
    door.get("/metrics", None).await.assert_problem(401, "unauthenticated");
    door.get("/metrics", Some(ACME)).await.assert_problem(403, "not_permitted");
    let answer = door.get("/metrics", Some(OPERATOR)).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "tidings_up 1\n"));
    let open = Door::with(|settings| settings.public_metrics = true, Vec::new()).await;
    assert_eq!(open.get("/metrics", None).await.status, 200);
}

#[tokio::test]
async fn a_token_that_ended_or_was_revoked_opens_nothing() {
    let door = Door::open().await;
    let check = async |token: &str, status: u16| {
        let answer = ask(&door, Some(token), JSON, "{ __typename }").await;
        assert_eq!(answer.status, status, "{}", answer.text);
    };
    let mut expires = tidings_store::Clock::now(&*door.clock);
    expires.elapsed = expires.elapsed.plus_ms(60_000);
    let scopes = [Scope::FireTriggers].into_iter().collect();
    let owner = Owner::Application(door.acme.id);
    let hash = TokenHash::of("short");
    let new = NewToken { expires: Some(expires), ..NewToken::own(hash, owner, scopes) };
    door.store.add_token(tidings_store::Clock::now(&*door.clock), new).await.unwrap();
    check("short", 200).await;
    door.clock.pass_ms(59_999);
    check("short", 200).await;
    door.clock.pass_ms(1);
    check("short", 401).await;

    let add = "mutation { addToken(input: { kind: APPLICATION, scopes: [\"fire:triggers\"] }) { \
     ... on TokenAdded { id token } } }";
    let added = door.graphql(ACME, add, json!({})).await["addToken"].clone();
    let token = added["token"].as_str().unwrap();
    check(token, 200).await;
    let revoke = "mutation($id: ID!) { revokeToken(id: $id) { __typename } }";
    let revoked = door.graphql(ACME, revoke, json!({ "id": added["id"] })).await;
    assert_eq!(revoked["revokeToken"]["__typename"], "TokenRevoked");
    check(token, 401).await;
}

#[tokio::test]
async fn a_token_that_was_just_read_opens_nothing_once_it_is_revoked() {
    let door = Door::open().await;
    let now = tidings_store::Clock::now(&*door.clock);
    assert_eq!(ask(&door, Some(ACME), JSON, "{ __typename }").await.status, 200);
    let token = door.store.token(TokenHash::of(ACME)).await.unwrap().unwrap();
    door.store.revoke_token(now, token.id).await.unwrap();
    assert_eq!(ask(&door, Some(ACME), JSON, "{ __typename }").await.status, 401);
}

#[tokio::test]
async fn without_a_token_there_is_the_typename_and_a_public_schema() {
    let door = Door::open().await;
    let typename = ask(&door, None, GRAPHQL, "{ __typename }").await.json();
    assert_eq!(typename["data"]["__typename"], "ManagementQuery");
    let schema = ask(&door, None, GRAPHQL, "{ __schema { queryType { name } } }").await.json();
    assert_eq!(schema["data"]["__schema"]["queryType"]["name"], "ManagementQuery");
    for query in [
        "{ getSources { name } }",
        "{ __typename ...F } fragment F on ManagementQuery { getSources { name } }",
        "{ ... { getNotices { items { id } } } }",
        "mutation { deleteWebhook(id: 1) { __typename } }",
    ] {
        let answer = ask(&door, None, GRAPHQL, query).await;
        let value = answer.json();
        assert_eq!(value["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{query}: {value}");
        assert_eq!((answer.status, &value["data"]), (200, &Value::Null), "{query}");
    }
    assert!(door.get("/v1/schema.graphql", None).await.text.contains("type Webhook"));
}

#[tokio::test]
async fn a_schema_that_is_not_public_tells_nothing_without_a_token() {
    let door = Door::with(|settings| settings.public_schema = false, Vec::new()).await;
    for query in [
        "{ __schema { queryType { name } } }",
        "{ __type(name: \"Webhook\") { name } }",
        "{ getSource }",
        "{ __typename @skip(if: 1) }",
        "query($a: Webhok) { __typename }",
        "{ __typename } fragment F on Webhook { kye }",
    ] {
        let answer = ask(&door, None, GRAPHQL, query).await;
        assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{query}");
        assert!(
            !answer.text.contains("Did you mean") && !answer.text.contains("Webhook"),
            "{query}"
        );
    }
    let typename = ask(&door, None, GRAPHQL, "{ __typename }").await.json();
    assert_eq!(typename["data"]["__typename"], "ManagementQuery");
    door.get("/v1/schema.graphql", None).await.assert_problem(401, "unauthenticated");
    assert_eq!(door.get("/v1/schema.graphql", Some(ACME)).await.status, 200);
}

#[tokio::test]
async fn each_media_type_has_its_statuses() {
    let door = Door::open().await;
    for (query, in_json, in_graphql) in [
        ("{ __typename }", 200, 200),
        ("{", 200, 400),
        ("{ nothingLikeThis }", 200, 400),
        ("query A { __typename } query B { __typename }", 200, 400),
        ("{ getWebhooks(first: 0) { items { id } } }", 200, 200),
    ] {
        for (accept, status) in [(JSON, in_json), (GRAPHQL, in_graphql), ("*/*", in_json)] {
            let answer = ask(&door, Some(ACME), accept, query).await;
            assert_eq!(answer.status, status, "{query} as {accept}: {}", answer.text);
            let expected = if accept == GRAPHQL { GRAPHQL } else { JSON };
            let media_type = answer.header("content-type").unwrap();
            assert_eq!(media_type, format!("{expected}; charset=utf-8"));
        }
    }
    for (accept, expected) in [
        ("text/html, application/graphql-response+json;q=0.9, application/json;q=0.8", GRAPHQL),
        ("application/json, application/graphql-response+json;q=0.5", JSON),
        ("text/html", JSON),
    ] {
        let answer = ask(&door, Some(ACME), accept, "{ __typename }").await;
        assert!(answer.header("content-type").unwrap().starts_with(expected), "{accept}");
    }
}

#[tokio::test]
async fn a_get_runs_queries_and_nothing_that_changes() {
    let door = Door::open().await;
    let get = async |query: &str| door.get(&format!("/v1/graphql?{query}"), Some(ACME)).await;
    let answer = get("query=query+A($n:Int)%7BgetWebhooks(first:$n)%7BhasNextPage%7D%7D\
        &operationName=A&variables=%7B%22n%22:1%7D")
    .await;
    assert_eq!(answer.json()["data"]["getWebhooks"]["hasNextPage"], false, "{}", answer.text);
    let answer = get("query=mutation%7BdeleteWebhook(id:1)%7B__typename%7D%7D").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    for query in [
        "",
        "query=",
        "variables=%7B%7D",
        "query=%7B__typename%7D&variables=%5B%5D",
        "query=%7B__typename%7D&query=%7B__typename%7D",
    ] {
        assert_eq!(get(query).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_post_is_one_json_object_and_nothing_else() {
    let door = Door::open().await;
    for body in [
        "",
        "[]",
        r#"[{"query":"{ __typename }"}]"#,
        r#"{"query":1}"#,
        r#"{"query":"{ __typename }","variables":"x"}"#,
        r#"{"query":"{ __typename }","operationName":{}}"#,
        r#"{"query":"{ __typename }","extensions":7}"#,
        "{}",
    ] {
        assert_eq!(door.post("/v1/graphql", ACME, body).await.status, 400, "{body}");
    }
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let post = request("POST", "/v1/graphql", Some(ACME)).header("content-type", media_type);
        let answer = door.send(post.body(Body::from(r#"{"query":"{__typename}"}"#)).unwrap()).await;
        answer.assert_problem(415, "unsupported_media_type");
    }
    let large = format!(r#"{{"query":"{{ __typename }} {}"}}"#, " ".repeat(1024 * 1024));
    door.post("/v1/graphql", ACME, large).await.assert_problem(413, "too_large");
}

#[tokio::test]
async fn an_operation_that_is_too_large_is_refused_with_the_bound() {
    let door = Door::open().await;
    let doubled: String = (0..30)
        .map(|n| format!("fragment F{n} on ManagementQuery {{ ...F{0} ...F{0} }} ", n + 1))
        .collect();
    let nested: String =
        (0..40).map(|n| format!("fragment F{n} on ManagementQuery {{ ...F{} }} ", n + 1)).collect();
    for (query, bound) in [
        (format!("{{ {} }}", "a: __typename ".repeat(201)), "50 fields at the root"),
        (format!("{{ getSources {{ {} }} }}", "a: name ".repeat(201)), "200 aliases"),
        (format!("{{ __typename {} }}", "@skip(if: false) ".repeat(101)), "100 directives"),
        (format!("{{ __typename {} }}", "@skip(if: false) ".repeat(10_000)), "10000 tokens"),
        (format!("{{ getSources {{ {} }} }}", "name ".repeat(5_000)), "5000 fields"),
        (format!("{}{}", "{ a ".repeat(200), "}".repeat(200)), "48 brackets"),
        (format!("{}{}", "{ a ".repeat(25), "}".repeat(25)), "20 levels"),
        (
            format!("{{ ...F0 }} {doubled} fragment F30 on ManagementQuery {{ __typename }}"),
            "50 \
         fields at the root",
        ),
        (
            format!(
                "{{ ...F0 }} {} fragment F30 on ManagementQuery {{ nothing {{ ...F31 }} }}",
                doubled.replace("F30 ...F30", "F31 ...F31")
            ),
            "5000 fields",
        ),
        (
            format!("{{ ...F0 }} {nested} fragment F40 on ManagementQuery {{ __typename }}"),
            "32 \
         fragments",
        ),
        (
            "{ ...A } fragment A on ManagementQuery { ...B } fragment B on ManagementQuery { ...A \
         }"
            .to_owned(),
            "32 fragments",
        ),
        (
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } \
         }"
            .to_owned(),
            "2 lists",
        ),
        (
            "{ getWebhooks(first: 200) { items { deliveries(first: 200) { items { id } } } } \
         }"
            .to_owned(),
            "20000",
        ),
        ("x ".repeat(10_001), "10000 tokens"),
    ] {
        let answer = ask(&door, Some(ACME), GRAPHQL, &query).await;
        let value = answer.json();
        let shown: String = query.chars().take(80).collect();
        assert_eq!(value["errors"][0]["extensions"]["code"], "QUERY_TOO_LARGE", "{shown}: {value}");
        let message = value["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(bound), "{shown}: {message}");
        assert_eq!(answer.status, 400);
    }
    let commas = format!("{{ __typename {} }}", ", \n".repeat(200_000));
    assert_eq!(ask(&door, Some(ACME), GRAPHQL, &commas).await.status, 200);
}

#[tokio::test]
async fn what_is_not_asked_for_is_measured_too() {
    let door = Door::open().await;
    let doubled: String = (0..30)
        .map(|n| format!("fragment F{n} on ManagementQuery {{ ...F{0} ...F{0} }} ", n + 1))
        .collect();
    let bomb = format!("{doubled} fragment F30 on ManagementQuery {{ nothing {{ x }} }}");
    let schema = |count: usize| -> String {
        (0..count).map(|n| format!("a{n}: __schema {{ queryType {{ name }} }} ")).collect()
    };
    for (document, bound) in [
        (format!("query Asked {{ __typename }} query Other {{ ...F0 }} {bomb}"), "fields"),
        (format!("query Asked {{ __typename }} {bomb}"), "fields"),
        (format!("query Asked {{ {} }}", schema(6)), "5 questions about the schema"),
        (
            format!("query Asked {{ {} }} query Other {{ {} }}", schema(3), schema(3)),
            "5 questions about the schema",
        ),
    ] {
        let body = json!({ "query": document, "operationName": "Asked" }).to_string();
        let post = request("POST", "/v1/graphql", None)
            .header("content-type", JSON)
            .header("accept", GRAPHQL);
        let answer = door.send(post.body(Body::from(body)).unwrap()).await;
        let error = &answer.json()["errors"][0];
        assert_eq!(error["extensions"]["code"], "QUERY_TOO_LARGE", "{}", answer.text);
        assert!(error["message"].as_str().unwrap().contains(bound), "{}", answer.text);
    }
    let several = "query Asked { __typename } query Other { getSources { name } }";
    let body = json!({ "query": several, "operationName": "Asked" }).to_string();
    assert_eq!(door.post("/v1/graphql", ACME, body).await.text.matches("errors").count(), 0);
}

#[tokio::test]
async fn an_operation_without_a_variable_that_it_needs_is_not_run() {
    let door = Door::open().await;
    let query = "query($yes: Boolean!, $no: Boolean! = false, $source: String) {
        getSources @include(if: $yes) { name }
        getTriggers(source: $source) @skip(if: $no) { name } }";
    for (variables, accept, status) in [
        (json!({}), GRAPHQL, 400),
        (json!({ "yes": null }), GRAPHQL, 400),
        (json!({ "yes": null }), JSON, 200),
    ] {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let post = request("POST", "/v1/graphql", Some(ACME))
            .header("content-type", JSON)
            .header("accept", accept);
        let answer = door.send(post.body(Body::from(body)).unwrap()).await;
        let error = json!({
            "message": "`$yes` is needed: give it in `variables`",
            "locations": [{ "line": 1, "column": 7 }],
            "extensions": { "code": "INVALID_INPUT" },
        });
        assert_eq!((answer.status, answer.json()), (status, json!({ "errors": [error] })));
    }
    let data = door.graphql(ACME, query, json!({ "yes": true })).await;
    assert!(data["getSources"].is_array() && data["getTriggers"].is_array(), "{data}");
}

#[tokio::test]
async fn the_usual_introspection_query_is_answered() {
    let door = Door::open().await;
    let of_type = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { \
        kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } \
        } } } } } }";
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} mutationType {{ name }} \
         types {{ ...FullType }} directives {{ name locations args {{ ...InputValue }} }} }} }} \
         fragment FullType on __Type {{ kind name description fields(includeDeprecated: true) {{ \
         name args {{ ...InputValue }} type {{ ...TypeRef }} }} inputFields {{ ...InputValue }} \
         interfaces {{ ...TypeRef }} enumValues {{ name }} possibleTypes {{ ...TypeRef }} }} \
         fragment InputValue on __InputValue {{ name type {{ ...TypeRef }} defaultValue }} \
         fragment TypeRef on __Type {{ {of_type} }}"
    );
    let value = ask(&door, None, GRAPHQL, &query).await.json();
    assert_eq!(value.get("errors"), None, "{value}");
    assert!(value["data"]["__schema"]["types"].as_array().unwrap().len() > 40);
}

#[tokio::test]
async fn a_document_that_is_no_graphql_is_told_in_one_line_with_its_place() {
    let door = Door::open().await;
    for (query, line, column) in [("{ a(", 1, 5), ("{\n  b {}\n}", 2, 6), ("query {", 1, 8)] {
        let answer = ask(&door, Some(ACME), GRAPHQL, query).await.json();
        let error = &answer["errors"][0];
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with("this is not GraphQL: ") && !message.contains('\n'),
            "{answer}"
        );
        assert!(!message.contains("-->"), "{answer}");
        assert_eq!(error["locations"], json!([{ "line": line, "column": column }]), "{query}");
    }
}

#[tokio::test]
async fn neither_a_cookie_nor_a_socket_nor_a_batch_is_a_way_in() {
    let door = Door::open().await;
    let fields = r#"{"query":"{ getWebhooks { hasNextPage } }"}"#;
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let post = request("POST", "/v1/graphql", None)
            .header("content-type", media_type)
            .header("cookie", format!("token={ACME}"))
            .header("origin", "https://elsewhere.example.com");
        let answer = door.send(post.body(Body::from(fields)).unwrap()).await;
        answer.assert_problem(415, "unsupported_media_type");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let post = request("POST", "/v1/graphql", None)
        .header("content-type", JSON)
        .header("cookie", format!("token={ACME}"));
    let answer = door.send(post.body(Body::from(fields)).unwrap()).await.json();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer}");
    let upgrade = request("GET", "/v1/graphql", Some(ACME))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "graphql-transport-ws")
        .header("origin", "https://elsewhere.example.com");
    let answer = door.send(upgrade.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.header("upgrade")), (400, None));
    let batch = format!("[{}]", vec![fields; 1_000].join(","));
    let answer = door.post("/v1/graphql", ACME, batch).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("batches are not run"), "{}", answer.text);
}

#[tokio::test]
async fn a_get_has_the_bounds_of_a_post() {
    let door = Door::open().await;
    let aliases = format!("%7BgetSources%7B{}%7D%7D", "a:name,".repeat(201));
    let deep = format!("{}{}", "%7Ba".repeat(25), "%7D".repeat(25));
    let fragments: String =
        (0..1_200).map(|n| format!("fragment+F{n}+on+Query%7B...F{}%7D", n + 1)).collect();
    for query in [aliases, deep, format!("%7B...F0%7D{fragments}")] {
        let get = request("GET", &format!("/v1/graphql?query={query}"), Some(ACME));
        let get = get.header("accept", GRAPHQL).header("if-none-match", "*");
        let answer = door.send(get.body(Body::empty()).unwrap()).await;
        let code = &answer.json()["errors"][0]["extensions"]["code"];
        assert_eq!((answer.status, code), (400, &json!("QUERY_TOO_LARGE")), "{}", answer.text);
        assert_eq!(answer.header("etag"), None);
    }
}
