//! The Explorer's page and files: what is served, and the headers that wall it in.

use std::io::Read;

use axum::body::Body;

use crate::support::{Answer, Door, request};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types 'none'";

/// The addresses of the files that the page names.
fn named(page: &Answer) -> Vec<String> {
    let parts = page.text.split('"').filter(|part| part.starts_with("explorer/"));
    parts.map(|part| format!("/{part}")).collect()
}

#[tokio::test]
async fn the_page_and_each_file_that_it_names_are_served_with_the_walls_around_them() {
    let door = Door::open().await;
    let page = door.get("/explorer", None).await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let mut addresses = named(&page);
    assert_eq!(addresses.len(), 3, "{}", page.text);
    for address in &addresses {
        let file = door.get(address, None).await;
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
        let wanted = if address.ends_with(".css") { "text/css" } else { "text/javascript" };
        assert_eq!(file.header("content-type"), Some(format!("{wanted}; charset=utf-8").as_str()));
    }
    addresses.extend(["/explorer".to_owned(), "/explorer/licences.txt".to_owned()]);
    for address in addresses {
        let answer = door.get(&address, None).await;
        assert_eq!(answer.status, 200, "{address}");
        assert!(!answer.text.is_empty(), "{address}");
        for (name, value) in [
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{address}: {name}");
        }
    }
}

#[tokio::test]
async fn who_has_the_present_version_gets_304_and_no_body() {
    let door = Door::open().await;
    let page = door.get("/explorer", None).await;
    for address in [vec!["/explorer".to_owned()], named(&page)].concat() {
        let tag = door.get(&address, None).await.header("etag").unwrap().to_owned();
        let ask = async |known: &str| {
            let get = request("GET", &address, None).header("if-none-match", known);
            door.send(get.body(Body::empty()).unwrap()).await
        };
        let same = ask(&tag).await;
        assert_eq!((same.status, same.text.as_str()), (304, ""), "{address}");
        assert_eq!(same.header("etag"), Some(tag.as_str()));
        assert_eq!(same.header("content-security-policy"), Some(POLICY));
        assert_eq!(ask("\"older\"").await.status, 200, "{address}");
    }
}

#[tokio::test]
async fn only_whole_names_lead_to_a_file() {
    let door = Door::open().await;
    for path in [
        "/explorer/explorer.js",
        "/explorer/explorer.html",
        "/explorer/../Cargo.toml",
        "/explorer/..%2f..%2fCargo.toml",
        "/explorer/%2e%2e",
        "/explorer/..%5clicences.txt",
        "/explorer/licences.txt%00",
        "/explorer/LICENCES.TXT",
        "/explorer/a/licences.txt",
        "/explorer//licences.txt",
    ] {
        door.get(path, None).await.assert_problem(404, "not_found");
    }
}

#[tokio::test]
async fn the_address_with_a_slash_at_its_end_leads_to_the_one_without() {
    let door = Door::open().await;
    let answer = door.get("/explorer/", None).await;
    assert_eq!((answer.status, answer.header("location")), (308, Some("../explorer")));
}

#[tokio::test]
async fn the_editor_is_sent_compressed_to_who_takes_that_and_whole_to_others() {
    let door = Door::open().await;
    let page = door.get("/explorer", None).await;
    let addresses = named(&page);
    let script = addresses.iter().find(|address| address.contains("/explorer-")).unwrap();
    let ask = async |coding: &str, known: &str| {
        let get = request("GET", script, None)
            .header("accept-encoding", coding)
            .header("if-none-match", known);
        door.send_for_bytes(get.body(Body::empty()).unwrap()).await
    };
    let (plain, whole) = ask("identity", "").await;
    let (compressed, short) = ask("gzip, deflate, br, zstd", "").await;
    assert_eq!((plain.status, plain.header("content-encoding")), (200, None));
    assert_eq!((compressed.status, compressed.header("content-encoding")), (200, Some("gzip")));
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&short[..]).read_to_end(&mut text).unwrap();
    assert!(text == whole, "what is compressed is something else");
    assert!(short.len() * 10 < whole.len() * 4, "{} of {}", short.len(), whole.len());
    let tags = [plain.header("etag").unwrap(), compressed.header("etag").unwrap()];
    assert_ne!(tags[0], tags[1], "other bytes have another strong tag");
    for answer in [&plain, &compressed] {
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
    }
    for (coding, tag, other) in [("identity", tags[0], tags[1]), ("gzip", tags[1], tags[0])] {
        let (same, nothing) = ask(coding, tag).await;
        assert_eq!((same.status, nothing.len()), (304, 0), "{coding}");
        assert_eq!(same.header("content-encoding"), None, "{coding}");
        assert_eq!(same.header("vary"), Some("accept-encoding"), "{coding}");
        assert_eq!(ask(coding, other).await.0.status, 200, "{coding}");
    }
}
