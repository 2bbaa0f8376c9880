//! The server loop on a socket: what is framed badly, slow, too large, or too much.

use std::{net::SocketAddr, time::Duration};

use tidings_api::{FoundDocument, ServeLimits, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::support::{ACME, Door};

/// Far longer than anything here takes; only a hang gets there.
const LONG: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

async fn run(change: impl FnOnce(&mut ServeLimits)) -> Running {
    let mut limits = ServeLimits { head_ms_max: 500, ..ServeLimits::standard() };
    change(&mut limits);
    let door = Door::with(|settings| settings.body_ms_max = 300, Vec::new()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let signal = async {
        let _ = stopped.await;
    };
    let done = tokio::spawn(serve(listener, door.router, limits, signal));
    Running { address, stop, done }
}

/// Everything that comes back until the connection ends.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may close while we still send: what it answered is read all the same.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut answer)).await.expect("the connection ends");
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ACME}\r\n\
         Content-Type: application/json\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

const EVENT: &str = r#"{"trigger":"UserAdded","id":"u"}"#;

#[tokio::test]
async fn a_reader_that_takes_nothing_is_given_up() {
    let door = Door::open().await;
    let found = FoundDocument {
        title: "Bill".to_owned(),
        media_type: "application/pdf".to_owned(),
        bytes: 32 * 1024 * 1024,
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
    };
    door.shelf.put("602cd86f3755d621aff583ee", door.acme.id, found, &vec![0; 32 * 1024 * 1024]);
    // Nothing else ends the connection.
    let limits =
        ServeLimits { write_ms_max: 100, drain_ms_max: 600_000, ..ServeLimits::standard() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let signal = async {
        let _ = stopped.await;
    };
    let done = tokio::spawn(serve(listener, door.router, limits, signal));
    let request = format!(
        "GET /v1/documents/602cd86f3755d621aff583ee HTTP/1.1\r\nHost: a\r\n\
         Authorization: Bearer {ACME}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
    stop.send(()).unwrap();
    timeout(LONG, done).await.expect("the connection is cut").unwrap();
    drop(stream);
}

#[tokio::test]
async fn requests_follow_one_another_on_a_connection() {
    let server = run(|_| ()).await;
    let one = post(&format!("Content-Length: {}\r\n", EVENT.len()), EVENT);
    let last = post(&format!("Connection: close\r\nContent-Length: {}\r\n", EVENT.len()), EVENT);
    let answer = exchange(server.address, &[one.clone(), one, last].concat()).await;
    assert_eq!(answer.matches("HTTP/1.1 202").count(), 3, "{answer}");
}

#[tokio::test]
async fn what_is_framed_in_two_ways_is_refused_and_the_connection_ends() {
    let server = run(|_| ()).await;
    let chunked = "5\r\n{\"a\":\r\n0\r\n\r\n";
    let smuggled = format!("{}GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "0\r\n\r\n");
    for bytes in [
        post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunked),
        post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunked),
        post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", &smuggled),
        post("Content-Length: 32\r\nContent-Length: 33\r\n", EVENT),
        post("Content-Length: x\r\n", EVENT),
        post("Content-Length: -1\r\n", EVENT),
        post("Transfer-Encoding: xchunked\r\n", chunked),
        post("Transfer-Encoding: chunked, identity\r\n", chunked),
        b"GET /healthz HTTP/1.1\nHost: a\n\n".to_vec(),
        b"GET /healthz HTTP/1.1\r\nHost: a\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
    ] {
        let answer = exchange(server.address, &bytes).await;
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400") || answer.is_empty(), "{shown}: {answer}");
        assert_eq!(
            answer.matches("HTTP/1.1").count().min(2),
            usize::from(!answer.is_empty()),
            "{shown}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_chunked_body_is_taken_and_ends_its_connection() {
    let server = run(|_| ()).await;
    let body = format!("{:x}\r\n{EVENT}\r\n0\r\n\r\n", EVENT.len());
    let answer = exchange(server.address, &post("Transfer-Encoding: chunked\r\n", &body)).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_body_over_the_bound_is_refused_before_it_is_sent() {
    let server = run(|_| ()).await;
    let answer = exchange(server.address, &post("Content-Length: 9999999999\r\n", "")).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("too_large"), "{answer}");
    let unknown = b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n";
    let answer = exchange(server.address, unknown).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let chunk = format!("10000\r\n{}\r\n", "[".repeat(65_536));
    let endless = post("Transfer-Encoding: chunked\r\n", &chunk.repeat(20));
    let answer = exchange(server.address, &endless).await;
    assert!(answer.starts_with("HTTP/1.1 413") || answer.is_empty(), "{answer}");
}

#[tokio::test]
async fn a_slow_head_and_a_slow_body_are_cut_off() {
    let server = run(|_| ()).await;
    let head = exchange(server.address, b"GET /healthz HTTP/1.1\r\nHost").await;
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 408"), "{head}");
    let body = exchange(server.address, &post("Content-Length: 100\r\n", "{")).await;
    assert!(body.starts_with("HTTP/1.1 408") && body.contains("request_timeout"), "{body}");
    let idle = exchange(server.address, b"").await;
    assert_eq!(idle, "");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = run(|_| ()).await;
    for headers in [
        format!("X: {}\r\n", "x".repeat(40_000)),
        (0..200).map(|n| format!("X-{n}: x\r\n")).collect(),
    ] {
        let answer = exchange(server.address, &post(&headers, "")).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[tokio::test]
async fn one_address_has_no_more_connections_than_its_share() {
    let server = run(|limits| limits.connections_of_loopback_max = 2).await;
    let get = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let held = [
        TcpStream::connect(server.address).await.unwrap(),
        TcpStream::connect(server.address).await.unwrap(),
    ];
    let refused = exchange(server.address, get).await;
    assert_eq!(refused, "");
    drop(held);
    let mut answer = String::new();
    for _ in 0..1_000 {
        answer = exchange(server.address, get).await;
        if !answer.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_signal_ends_the_server_after_what_was_begun() {
    let server = run(|_| ()).await;
    let mut begun = TcpStream::connect(server.address).await.unwrap();
    let request = post(&format!("Content-Length: {}\r\n", EVENT.len()), EVENT);
    let (first, second) = request.split_at(request.len() - 10);
    begun.write_all(first).await.unwrap();
    let idle = TcpStream::connect(server.address).await.unwrap();
    // The head has arrived once its continuation is asked for; here, once the server reads no more.
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop.send(()).unwrap();
    begun.write_all(second).await.unwrap();
    let mut answer = String::new();
    timeout(LONG, begun.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    timeout(LONG, server.done).await.expect("the server ends").unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
    drop(idle);
}
