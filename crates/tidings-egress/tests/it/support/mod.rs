//! Servers to call, and the calls.

pub mod dns;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tidings_egress::{
    Answer, Egress, EgressOptions, Network, Outgoing, OwnAddresses, Profile, Section, SendFailure,
    SendLimits, Target,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Short enough for tests, long enough for a busy machine.
pub const LIMITS: SendLimits = SendLimits {
    timeout: Duration::from_millis(1500),
    body_bytes_max: 16 * 1024,
    body_time: Duration::from_millis(300),
};

/// A profile that opens the ranges, and plain http.
pub fn profile(open: &[&str]) -> Profile {
    Profile {
        section: Section::default(),
        allow_http: true,
        allow_addresses: open.iter().map(|text| Network::parse(text).unwrap()).collect(),
        own: OwnAddresses::default(),
    }
}

pub fn options() -> EgressOptions {
    EgressOptions { connect_timeout: Duration::from_secs(1), ..EgressOptions::new(None, None) }
}

/// A way out that may call this machine.
pub fn to_loopback() -> Egress {
    Egress::new(profile(&["127.0.0.0/8"]), options()).unwrap()
}

pub fn post(body: &'static str) -> Outgoing {
    Outgoing {
        method: Method::POST,
        headers: HeaderMap::new(),
        body: Bytes::from_static(body.as_bytes()),
    }
}

pub async fn send_to(egress: &Egress, url: &str) -> Result<Answer, SendFailure> {
    let target: Target = egress.target(url).unwrap();
    egress.send(&target, post("{}"), &LIMITS).await
}

/// A listener that counts who comes.
pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections came so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Runs `talk` for each connection.
pub async fn serve<F, T>(talk: F) -> Server
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            seen.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(talk(stream));
        }
    });
    Server { address, connections }
}

/// A listener that must see no connection.
pub async fn honeypot() -> Server {
    answering("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhoney!").await
}

/// Answers each request with the same bytes and keeps the connection open.
pub async fn answering(answer: &'static str) -> Server {
    serve(move |mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await
}

/// Reads one request with a `Content-Length`, or without a body; `None` at the end.
pub async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let mut buffer = [0_u8; 4096];
        let count = stream.read(&mut buffer).await.ok()?;
        if count == 0 {
            return None;
        }
        read.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |digits| digits.parse::<usize>().unwrap());
        if body.len() >= length {
            return Some(text);
        }
    }
}
