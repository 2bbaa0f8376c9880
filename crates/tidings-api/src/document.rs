//! `GET` and `HEAD /v1/documents/{id}`: a document's bytes, from disk to the connection a piece at
//! a time.
//!
//!   token with the scope ─► document of the asker ─► unchanged? 304 ─► room ─► range ─► pieces
//!
//! What a provider sent is nobody's page: it is always an attachment, its type is one of a few or
//! none, and a browser that shows it all the same runs nothing of it.

use std::{io::SeekFrom, sync::Arc};

use async_trait::async_trait;
use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Method, header};
use tidings_core::access::{Principal, Scope};
use tidings_store::StoreError;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};

use crate::{
    auth,
    gate::Turn,
    known::Known,
    problem::{self, Code, Problem},
    state::Api,
};

mod file_name;
mod range;

use range::{Part, Wanted};

/// The route, up to the id.
const ROUTE: &str = "/v1/documents/";
/// What is read at a time: all that a slow reader holds of the memory.
const PIECE_BYTES: usize = 64 * 1024;
/// Types that no browser runs, with the ends of their names.
const SAFE_TYPES: [(&str, &str); 7] = [
    ("application/pdf", "pdf"),
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("text/plain", "txt"),
    ("text/csv", "csv"),
];

/// Where documents are. The binary passes the platform's in.
#[async_trait]
pub trait Documents: Send + Sync {
    /// The document with this id that the principal may download; `None` also for one of somebody
    /// else, and for one that is gone. The scope was checked.
    ///
    /// # Errors
    /// What stops the store.
    async fn find(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<Option<FoundDocument>, DocumentsError>;

    /// The document's file, at its beginning and of its length.
    ///
    /// # Errors
    /// [`DocumentsError::Bytes`].
    async fn open(&self, found: &FoundDocument) -> Result<File, DocumentsError>;
}

/// A document that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundDocument {
    /// What people call it.
    pub title: String,
    /// Its media type, as its provider says.
    pub media_type: String,
    /// How long it is.
    pub bytes: u32,
    /// The SHA-256 of its bytes, in 64 digits of 0-9 and a-f.
    pub sha256: String,
}

/// Why no document can be given at present.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its file; the text names it, and the remedy.
    #[error("{0}")]
    Bytes(String),
}

impl From<DocumentsError> for Problem {
    fn from(error: DocumentsError) -> Problem {
        match error {
            DocumentsError::Store(error) => error.into(),
            DocumentsError::Bytes(why) => {
                tracing::error!(error = %why, "a document cannot be read: {why}");
                let detail = "the document's bytes cannot be read: see the server's log";
                Problem::new(Code::Internal, detail)
            }
        }
    }
}

pub async fn get_document(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let principal = auth::required(&api, headers).await?;
    auth::require_scope(&principal, Scope::DownloadDocuments)?;
    let documents = api.documents.as_ref().ok_or_else(unknown)?;
    let id = request.uri().path().strip_prefix(ROUTE).unwrap_or_default();
    let found = documents.find(&principal, id).await?.ok_or_else(unknown)?;
    let etag = format!("\"{}\"", found.sha256);
    if Known::of(headers).has(&etag) {
        return Ok(problem::unchanged(validators(&etag)));
    }
    let wanted = range::wanted(headers, &etag, found.bytes);
    let part = match wanted {
        Wanted::All => Part { first: 0, bytes: found.bytes },
        Wanted::Part(part) => part,
        Wanted::Nothing => return Err(Problem::no_such_range(found.bytes)),
    };
    let head = head(&found, &etag, part);
    let is_part = matches!(wanted, Wanted::Part(_));
    if request.method() == Method::HEAD {
        return Ok(problem::download(head, Body::empty(), is_part));
    }
    let turn = api.downloads.enter(&principal.owner)?;
    let mut file = documents.open(&found).await?;
    if part.first > 0 {
        let sought = file.seek(SeekFrom::Start(part.first.into())).await;
        sought.map_err(|error| DocumentsError::Bytes(error.to_string()))?;
    }
    Ok(problem::download(head, pieces(file, part.bytes, turn), is_part))
}

/// The same for what is not there and for what is somebody else's.
fn unknown() -> Problem {
    let detail = "there is no such document: `downloadUrl` of a document says where its bytes are";
    Problem::new(Code::NotFound, detail)
}

fn validators(etag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, value(etag));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers
}

fn head(found: &FoundDocument, etag: &str, part: Part) -> HeaderMap {
    let safe = SAFE_TYPES.iter().find(|(media_type, _)| *media_type == found.media_type);
    let media_type = safe.map_or("application/octet-stream", |(media_type, _)| media_type);
    let name = file_name::of(&found.title, safe.map(|(_, end)| *end));
    let mut headers = validators(etag);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    let disposition = format!("attachment; filename*=UTF-8''{}", file_name::encoded(&name));
    headers.insert(header::CONTENT_DISPOSITION, value(&disposition));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderValue::from_static("sandbox; default-src 'none'");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(part.bytes));
    if part.bytes < found.bytes {
        headers.insert(header::CONTENT_RANGE, value(&part.content_range(found.bytes)));
    }
    headers
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("it is made of visible ASCII")
}

/// The next so many bytes of a file. The turn is given back when the last was sent, or when the
/// reader is gone.
fn pieces(file: File, bytes: u32, turn: Turn) -> Body {
    let left = usize::try_from(bytes).unwrap_or(usize::MAX);
    Body::from_stream(stream::try_unfold((file, left, turn), |(mut file, left, turn)| async move {
        if left == 0 {
            return Ok::<_, std::io::Error>(None);
        }
        let mut piece = BytesMut::with_capacity(left.min(PIECE_BYTES));
        let read = (&mut file).take(left as u64).read_buf(&mut piece).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((Bytes::from(piece), (file, left - read, turn))))
    }))
}
