//! A provider to play with: an adapter as docs/adapters.md describes it, with made-up accounts that
//! get new bills.
//!
//! ```text
//! describe, check, quick-check, collect, document ─► account: what everybody's account holds
//! POST sample/documents ─► one bill more, at once          └─► pdf
//! ```

mod account;
mod pdf;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tidings_platform::collect::protocol::{
    BYTES_TYPE, CheckAnswer, CollectAnswer, CollectCall, CredentialsCall, DocumentAnswer,
    DocumentCall, JSON_TYPE, Operation, QuickCheckAnswer,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    failure::Failure,
    small_server::{self, Answer},
};

pub use account::PASSWORD;
use account::SampleAccount;

/// Bills that it can have.
pub const DOCUMENTS_MAX: u32 = 100_000;
/// The control route.
const CONTROL: &str = "sample/documents";
const CALL_BYTES_MAX: usize = 64 * 1024;

/// How the sample provider behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Behaviour {
    /// Bills that every account has at first.
    pub documents: u32,
    /// How often every account gets another bill, in seconds; 0 is never.
    pub new_every_s: u64,
    /// How long a bill's bytes are waited for.
    pub document_delay: Duration,
    /// How often it wants to be asked, in seconds.
    pub sync_every_s: u32,
}

/// A sample provider that listens; it ends when it is dropped.
pub struct SampleProvider {
    /// Where.
    pub address: SocketAddr,
    stop: CancellationToken,
}

/// What the provider knows.
struct Books {
    documents: AtomicU32,
    behaviour: Behaviour,
}

/// Listens there until it is dropped.
pub async fn start(listen: SocketAddr, behaviour: Behaviour) -> Result<SampleProvider, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::new(format!("cannot listen on {listen}: {error}: choose another with --listen"))
    };
    let listener = TcpListener::bind(listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let documents = AtomicU32::new(behaviour.documents.min(DOCUMENTS_MAX));
    let books = Arc::new(Books { documents, behaviour });
    let stop = CancellationToken::new();
    let own = Arc::clone(&books);
    let served = small_server::serve(listener, move |request| answer(request, Arc::clone(&own)));
    tokio::spawn(stop.clone().run_until_cancelled_owned(served));
    if behaviour.new_every_s > 0 {
        tokio::spawn(stop.clone().run_until_cancelled_owned(grow(Arc::clone(&books))));
    }
    Ok(SampleProvider { address, stop })
}

impl SampleProvider {
    /// Its `adapterUrl`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for SampleProvider {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Books {
    fn count(&self) -> u32 {
        self.documents.load(Ordering::SeqCst)
    }

    fn add_document(&self) -> u32 {
        let more = |count: u32| (count < DOCUMENTS_MAX).then_some(count + 1);
        let before = self.documents.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        before.map_or(DOCUMENTS_MAX, |count| count + 1)
    }
}

async fn grow(books: Arc<Books>) {
    loop {
        tokio::time::sleep(Duration::from_secs(books.behaviour.new_every_s)).await;
        books.add_document();
    }
}

async fn answer(request: Request<Incoming>, books: Arc<Books>) -> Answer {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().trim_matches('/').to_owned();
    if path == CONTROL {
        return match parts.method {
            Method::POST => {
                let documents = books.add_document();
                json_answer(StatusCode::CREATED, &json!({ "documents": documents }))
            }
            _ => trouble(StatusCode::METHOD_NOT_ALLOWED, "POST adds a document"),
        };
    }
    let Some(operation) = Operation::ALL.into_iter().find(|one| one.name() == path) else {
        let what = "there are describe, check, quick-check, collect, document, sample/documents";
        return trouble(StatusCode::NOT_FOUND, what);
    };
    if parts.method.as_str() != operation.method() {
        return trouble(StatusCode::METHOD_NOT_ALLOWED, operation.method());
    }
    let body = match small_server::body(body, CALL_BYTES_MAX).await {
        Ok(body) => body,
        Err(status) => return trouble(status, "a body has at most 64 KiB and comes within 30 s"),
    };
    let performed = perform(operation, &body, &books).await;
    performed.unwrap_or_else(|why| trouble(StatusCode::BAD_REQUEST, &why))
}

/// The answer; the error says what is wrong with the call.
async fn perform(operation: Operation, body: &[u8], books: &Books) -> Result<Answer, String> {
    match operation {
        Operation::Describe => {
            Ok(json_answer(StatusCode::OK, &account::description(books.behaviour.sync_every_s)))
        }
        Operation::Check => {
            let call: CredentialsCall = read(body)?;
            let answer = match SampleAccount::open(&call.credentials) {
                Ok(_) => CheckAnswer::Ok,
                Err(reason) => CheckAnswer::CredentialsRejected { reason },
            };
            Ok(json_answer(StatusCode::OK, &answer))
        }
        Operation::QuickCheck => {
            let call: CredentialsCall = read(body)?;
            let answer = match SampleAccount::open(&call.credentials) {
                Ok(account) => QuickCheckAnswer::Ok {
                    account: account.collected(books.count()),
                    provisions: account.provisions(),
                },
                Err(reason) => QuickCheckAnswer::CredentialsRejected { reason },
            };
            Ok(json_answer(StatusCode::OK, &answer))
        }
        Operation::Collect => {
            let call: CollectCall = read(body)?;
            let answer = match SampleAccount::open(&call.credentials) {
                Ok(account) => match account.page(call.cursor.as_deref(), books.count()) {
                    Some(page) => CollectAnswer::Page(page),
                    None => return Err("the cursor is none that was given here".to_owned()),
                },
                Err(reason) => CollectAnswer::CredentialsRejected { reason },
            };
            Ok(json_answer(StatusCode::OK, &answer))
        }
        Operation::Document => {
            let call: DocumentCall = read(body)?;
            let answer = match SampleAccount::open(&call.credentials) {
                Ok(account) => match account.document(&call.key, books.count()) {
                    Some(bytes) => {
                        tokio::time::sleep(books.behaviour.document_delay).await;
                        return Ok(small_server::answer(StatusCode::OK, BYTES_TYPE, bytes));
                    }
                    None => DocumentAnswer::Gone,
                },
                Err(reason) => DocumentAnswer::CredentialsRejected { reason },
            };
            Ok(json_answer(StatusCode::OK, &answer))
        }
    }
}

/// What was called; the error does not repeat the body, which holds credentials.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        format!("the body is not what it should be at {place}")
    })
}

fn json_answer(status: StatusCode, answer: &impl Serialize) -> Answer {
    let text = serde_json::to_vec(answer).expect("answers have string keys and finite numbers");
    small_server::answer(status, JSON_TYPE, text)
}

fn trouble(status: StatusCode, what: &str) -> Answer {
    json_answer(status, &json!({ "error": what }))
}
