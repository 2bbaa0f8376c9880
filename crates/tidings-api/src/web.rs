//! The pages that run in a browser. They are built from `web/` by `cargo xtask web`, committed
//! beside this crate, and lie in the program, so that nothing but the program is needed.
//!
//! ```text
//! /explorer              the page; asked for each time, answered with 304 when it is the same
//! /explorer/NAME-HASH.js its files; their address changes with their content: kept for ever
//! ```
//!
//! What is long is sent compressed to browsers that take it, which all do. It is compressed once,
//! when it is asked for first.
//!
//! The policies in the headers are the walls around a page that handles tokens: scripts, styles and
//! requests of this server only, nothing inline, no frame around it, and no text that becomes
//! markup.

use std::sync::OnceLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::{Digest, Sha256};

use crate::{
    gzip,
    known::Known,
    problem::{self, Code, Problem},
};

/// What a page may do.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types 'none'";
const HASH_DIGITS: usize = 16;
/// What is shorter fits into a packet or two as it is.
const COMPRESSED_FROM_BYTES: usize = 2 * 1024;
const KEEP: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

const EXPLORER: &str = include_str!("../web/explorer.html");

/// The files beside the page: their name, their media type, their content, and whether their
/// address carries their hash.
const FILES: [(&str, &str, &[u8], bool); 4] = [
    ("explorer.js", "text/javascript; charset=utf-8", include_bytes!("../web/explorer.js"), true),
    ("explorer.css", "text/css; charset=utf-8", include_bytes!("../web/explorer.css"), true),
    ("theme.js", "text/javascript; charset=utf-8", include_bytes!("../web/theme.js"), true),
    ("licences.txt", "text/plain; charset=utf-8", include_bytes!("../web/licences.txt"), false),
];

/// The pages with their files, ready to be shown.
#[derive(Debug)]
pub struct Pages {
    explorer: File,
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    name: String,
    media_type: &'static str,
    plain: Form,
    /// Made when it is asked for first.
    gzip: OnceLock<Form>,
    cache: &'static str,
}

/// The content as it is sent, with the tag of just these bytes.
#[derive(Debug)]
struct Form {
    content: Bytes,
    tag: HeaderValue,
}

impl Default for Pages {
    /// Hashes the files and puts their addresses into the page.
    fn default() -> Pages {
        let mut page = EXPLORER.to_owned();
        let mut files = Vec::new();
        for (name, media_type, content, has_hash) in FILES {
            let content = Bytes::from_static(content);
            let mut file = File::new(name.to_owned(), media_type, content, ASK_AGAIN);
            if has_hash {
                file.name = with_hash(name, &hash(&file.plain.content));
                file.cache = KEEP;
                let (plain, hashed) =
                    (format!("\"explorer/{name}\""), format!("\"explorer/{}\"", file.name));
                page = page.replace(&plain, &hashed);
            }
            files.push(file);
        }
        let page = Bytes::from(page);
        let explorer = File::new(String::new(), "text/html; charset=utf-8", page, ASK_AGAIN);
        Pages { explorer, files }
    }
}

impl Pages {
    /// The Explorer's page.
    #[must_use]
    pub fn explorer(&self, headers: &HeaderMap) -> Response {
        self.explorer.shown(headers)
    }

    /// A file of the Explorer by the last part of its address. Only whole names are known, so no
    /// spelling of a path leads anywhere else.
    #[must_use]
    pub fn explorer_file(&self, name: &str, headers: &HeaderMap) -> Response {
        match self.files.iter().find(|file| file.name == name) {
            Some(file) => file.shown(headers),
            None => {
                let detail = "there is no such file: load /explorer again, it may be a new version";
                Problem::new(Code::NotFound, detail).into_response()
            }
        }
    }
}

impl File {
    fn new(name: String, media_type: &'static str, content: Bytes, cache: &'static str) -> File {
        File { name, media_type, plain: Form::new(content), gzip: OnceLock::new(), cache }
    }

    /// The form for who sent these headers, and whether it is compressed.
    fn form(&self, headers: &HeaderMap) -> (&Form, bool) {
        let content = &self.plain.content;
        if content.len() < COMPRESSED_FROM_BYTES || !gzip::is_accepted(headers) {
            return (&self.plain, false);
        }
        (self.gzip.get_or_init(|| Form::new(gzip::compressed(content))), true)
    }

    fn shown(&self, headers: &HeaderMap) -> Response {
        let (form, is_compressed) = self.form(headers);
        let is_known = form.tag.to_str().is_ok_and(|tag| Known::of(headers).has(tag));
        let mut response = match is_known {
            true => problem::unchanged(HeaderMap::new()),
            false => problem::shown(self.media_type, form.content.clone()),
        };
        if is_compressed && !is_known {
            let coding = HeaderValue::from_static(gzip::GZIP);
            response.headers_mut().insert(header::CONTENT_ENCODING, coding);
        }
        let fixed = [
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            (header::CACHE_CONTROL, self.cache),
            (header::VARY, "accept-encoding"),
        ];
        for (name, value) in fixed {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response.headers_mut().insert(header::ETAG, form.tag.clone());
        response
    }
}

impl Form {
    fn new(content: Bytes) -> Form {
        let tag = HeaderValue::try_from(format!("\"{}\"", hash(&content)))
            .expect("hexadecimal digits between quotation marks are a header's value");
        Form { content, tag }
    }
}

fn hash(content: &[u8]) -> String {
    let mut digits: String =
        Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    digits.truncate(HASH_DIGITS);
    digits
}

/// `explorer.js` becomes `explorer-HASH.js`.
fn with_hash(name: &str, hash: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) => format!("{stem}-{hash}.{ending}"),
        None => format!("{name}-{hash}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_names_is_there_and_carries_its_hash() {
        let pages = Pages::default();
        let page = std::str::from_utf8(&pages.explorer.plain.content).unwrap();
        let named: Vec<&str> =
            page.split('"').filter_map(|part| part.strip_prefix("explorer/")).collect();
        let hashed: Vec<&str> = pages
            .files
            .iter()
            .filter(|file| file.cache == KEEP)
            .map(|file| file.name.as_str())
            .collect();
        assert_eq!(named.len(), 3, "{page}");
        assert!(named.iter().all(|name| hashed.contains(name)), "{named:?} {hashed:?}");
    }

    #[test]
    fn the_page_has_nothing_inline_that_its_policy_would_refuse() {
        assert!(!EXPLORER.contains("<style") && !EXPLORER.contains("style="), "{EXPLORER}");
        for script in EXPLORER.match_indices("<script").map(|(at, _)| &EXPLORER[at..]) {
            assert!(script.starts_with("<script src="), "{script}");
        }
        assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
    }
}
