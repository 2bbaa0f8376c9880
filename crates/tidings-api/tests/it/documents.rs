//! `/v1/documents/{id}`.

use std::sync::atomic::Ordering;

use axum::body::Body;
use http_body_util::BodyExt;
use tidings_api::FoundDocument;
use tidings_core::access::Scope;
use tower::ServiceExt;

use crate::support::{ACME, Answer, Door, OPERATOR, OTHER, request};

const ID: &str = "602cd86f3755d621aff583ee";
const PATH: &str = "/v1/documents/602cd86f3755d621aff583ee";
const TEXT: &str = "a bill of forty-two pounds";
const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn bill() -> FoundDocument {
    FoundDocument {
        title: "Bil Chwefror £42".to_owned(),
        media_type: "application/pdf".to_owned(),
        bytes: 26,
        sha256: SHA256.to_owned(),
    }
}

async fn door() -> Door {
    let door = Door::open().await;
    door.shelf.put(ID, door.acme.id, bill(), TEXT.as_bytes());
    door
}

async fn ask(door: &Door, method: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = request(method, PATH, Some(ACME));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    door.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_document_is_an_attachment_that_no_browser_runs() {
    let door = door().await;
    let answer = ask(&door, "GET", &[]).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, TEXT));
    let etag = format!("\"{SHA256}\"");
    for (name, value) in [
        ("content-type", "application/pdf"),
        ("content-length", "26"),
        ("content-disposition", "attachment; filename*=UTF-8''Bil%20Chwefror%20%C2%A342.pdf"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "private, no-cache"),
        ("accept-ranges", "bytes"),
        ("etag", &etag),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let head = ask(&door, "HEAD", &[]).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(head.headers, answer.headers);
}

#[tokio::test]
async fn a_type_that_a_browser_might_run_is_not_passed_on() {
    let door = door().await;
    for media_type in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "a/b"] {
        let media_type = media_type.to_owned();
        door.shelf.put(ID, door.acme.id, FoundDocument { media_type, ..bill() }, b"<script>");
        let answer = ask(&door, "HEAD", &[]).await;
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_somebody_elses_look_the_same() {
    let door = door().await;
    let theirs = door.get(PATH, Some(OTHER)).await;
    let body = theirs.assert_problem(404, "not_found");
    for path in ["/v1/documents/602cd86f3755d621aff583ef", "/v1/documents/..%2f", "/v1/documents/x"]
    {
        let nothing = door.get(path, Some(ACME)).await;
        assert_eq!(nothing.assert_problem(404, "not_found"), body);
        assert_eq!(nothing.headers, theirs.headers);
    }
    assert_eq!(door.shelf.opened.load(Ordering::SeqCst), 0);
    assert_eq!(door.get(PATH, Some(OPERATOR)).await.status, 200);
}

#[tokio::test]
async fn a_token_needs_the_scope() {
    let door = door().await;
    door.get(PATH, None).await.assert_problem(401, "unauthenticated");
    door.get(PATH, Some("wrong")).await.assert_problem(401, "unauthenticated");
    let reads = door.token_with(&[Scope::ReadAccounts, Scope::ReadDeliveries]).await;
    door.get(PATH, Some(&reads)).await.assert_problem(403, "not_permitted");
    door.get("/v1/documents/x", Some(&reads)).await.assert_problem(403, "not_permitted");
    let downloads = door.token_with(&[Scope::DownloadDocuments]).await;
    assert_eq!(door.get(PATH, Some(&downloads)).await.status, 200);
    let posted = door.post(PATH, ACME, "{}").await;
    posted.assert_problem(405, "method_not_allowed");
    assert_eq!(posted.header("allow"), Some("GET, HEAD"));
}

#[tokio::test]
async fn who_has_the_bytes_is_told_so_without_opening_them() {
    let door = door().await;
    let etag = format!("\"{SHA256}\"");
    let answer = ask(&door, "GET", &[("if-none-match", &etag), ("range", "bytes=0-3")]).await;
    assert_eq!((answer.status, answer.text.as_str()), (304, ""));
    assert_eq!(answer.header("etag"), Some(etag.as_str()));
    assert_eq!(door.shelf.opened.load(Ordering::SeqCst), 0);
    assert_eq!(ask(&door, "GET", &[("if-none-match", "\"other\"")]).await.status, 200);
}

#[tokio::test]
async fn a_part_of_a_document_is_given() {
    let door = door().await;
    let part = ask(&door, "GET", &[("range", "bytes=2-5")]).await;
    assert_eq!((part.status, part.text.as_str()), (206, "bill"));
    assert_eq!(part.header("content-range"), Some("bytes 2-5/26"));
    assert_eq!(part.header("content-length"), Some("4"));
    let end = ask(&door, "GET", &[("range", "bytes=-6")]).await;
    assert_eq!((end.status, end.text.as_str()), (206, "pounds"));
    let beyond = ask(&door, "GET", &[("range", "bytes=26-")]).await;
    beyond.assert_problem(416, "range_not_satisfiable");
    assert_eq!(beyond.header("content-range"), Some("bytes */26"));
}

#[tokio::test]
async fn a_large_document_comes_in_pieces() {
    let door = door().await;
    let bytes = vec![b'x'; 1_000_000];
    door.shelf.put(ID, door.acme.id, FoundDocument { bytes: 1_000_000, ..bill() }, &bytes);
    let request = request("GET", PATH, Some(ACME)).body(Body::empty()).unwrap();
    let mut body = door.router.clone().oneshot(request).await.unwrap().into_body();
    let (mut pieces, mut received) = (0, 0);
    while let Some(frame) = body.frame().await {
        let piece = frame.unwrap().into_data().unwrap();
        assert!(piece.len() <= 64 * 1024, "{}", piece.len());
        pieces += 1;
        received += piece.len();
    }
    assert_eq!(received, 1_000_000);
    assert!(pieces >= 16, "{pieces}");
}

#[tokio::test]
async fn a_file_that_is_lost_is_our_fault_and_one_that_is_cut_breaks_the_answer_off() {
    let door = door().await;
    door.shelf.put(ID, door.acme.id, bill(), b"a bill");
    let request = request("GET", PATH, Some(ACME)).body(Body::empty()).unwrap();
    let response = door.router.clone().oneshot(request).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
    door.shelf.lose(SHA256);
    let problem = ask(&door, "GET", &[]).await.assert_problem(500, "internal");
    assert!(problem["detail"].as_str().unwrap().contains("log"), "{problem}");
}

#[tokio::test]
async fn downloads_at_a_time_are_bounded_and_one_application_leaves_room() {
    let door = Door::with(|settings| settings.downloads_max = 4, Vec::new()).await;
    door.shelf.put(ID, door.acme.id, bill(), TEXT.as_bytes());
    let open = || async {
        let request = request("GET", PATH, Some(ACME)).body(Body::empty()).unwrap();
        door.router.clone().oneshot(request).await.unwrap()
    };
    let held = [open().await, open().await];
    let third = ask(&door, "GET", &[]).await;
    third.assert_problem(429, "rate_limited");
    assert_eq!(third.header("retry-after"), Some("1"));
    assert_eq!(ask(&door, "HEAD", &[]).await.status, 200);
    assert_eq!(door.get(PATH, Some(OPERATOR)).await.status, 200);
    drop(held);
    assert_eq!(ask(&door, "GET", &[]).await.status, 200);
}
