//! What applications' own tokens need of the rest: users, and the key sets of those who sign.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, header};
use tidings_api::{FetchKeySet, Subject, Subjects};
use tidings_core::ids::EntityId;
use tidings_egress::{Egress, Outgoing, SendLimits};
use tidings_graphql::OperationFailure;
use tidings_platform::{Writer, writer};

/// How long a key set may take, and how large it may be.
const KEY_SET: SendLimits = SendLimits {
    timeout: Duration::from_secs(5),
    body_bytes_max: 256 * 1_024,
    body_time: Duration::from_secs(5),
};

/// The platform makes the users.
pub struct PlatformSubjects(pub Writer);

#[async_trait]
impl Subjects for PlatformSubjects {
    async fn user_of(&self, subject: Subject) -> Result<Option<EntityId>, OperationFailure> {
        let subject = writer::Subject {
            application: subject.application,
            issuer: subject.issuer,
            subject: subject.subject,
            issued_at: subject.issued_at,
        };
        let user = self.0.user_of(&subject).await?;
        Ok(user.and_then(|user| user.id.parse().ok()))
    }
}

/// Key sets are read the way that deliveries go out, with the same judgement of the address.
pub fn fetch_key_set(egress: Egress) -> FetchKeySet {
    Arc::new(move |url| {
        let egress = egress.clone();
        async move { fetch(&egress, &url).await }.boxed()
    })
}

async fn fetch(egress: &Egress, url: &str) -> Result<Bytes, String> {
    let failed = |why: String| format!("the issuer's key set cannot be read: {why}");
    let target = egress.target(url).map_err(|error| failed(error.to_string()))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let outgoing = Outgoing { method: Method::GET, headers, body: Bytes::new() };
    let answer = egress.send(&target, outgoing, &KEY_SET).await;
    let answer = answer.map_err(|failure| {
        tracing::warn!(error = %failure, "a key set cannot be read: {failure}");
        failed(failure.public_text())
    })?;
    match (answer.status, answer.body_truncated) {
        (200, false) => Ok(answer.body),
        (200, true) => Err(failed("it is larger than 256 KiB, or did not come in time".to_owned())),
        (status, _) => Err(failed(format!("it answers with the status {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use tidings_egress::{EgressOptions, OwnAddresses, Profile};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    fn egress(opened: &[&str]) -> Egress {
        let profile = Profile {
            section: tidings_egress::Section::default(),
            allow_http: true,
            allow_addresses: opened.iter().map(|text| text.parse().unwrap()).collect(),
            own: OwnAddresses::default(),
        };
        Egress::new(profile, EgressOptions::new(None, None)).unwrap()
    }

    /// The URL of a server that answers one request so.
    async fn answering(status: &'static str, body: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys.json", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut head, mut read) = (vec![0; 4_096], 0);
            while !head[..read].ends_with(b"\r\n\r\n") {
                read += stream.read(&mut head[read..]).await.unwrap();
            }
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            // Whoever had enough closes the connection.
            let _ = stream.write_all(&body).await;
        });
        url
    }

    #[tokio::test]
    async fn a_key_set_comes_as_it_is_and_not_over_its_bound() {
        let egress = egress(&["127.0.0.0/8"]);
        let url = answering("200 OK", br#"{"keys":[]}"#.to_vec()).await;
        assert_eq!(fetch(&egress, &url).await, Ok(Bytes::from_static(br#"{"keys":[]}"#)));
        let url = answering("200 OK", vec![b' '; 10 * 1_024 * 1_024]).await;
        let why = fetch(&egress, &url).await.unwrap_err();
        assert!(why.contains("larger than 256 KiB"), "{why}");
        let url = answering("404 Not Found", Vec::new()).await;
        assert!(fetch(&egress, &url).await.unwrap_err().contains("404"));
    }

    #[tokio::test]
    async fn a_key_set_on_an_internal_address_is_not_read() {
        let url = answering("200 OK", br#"{"keys":[]}"#.to_vec()).await;
        let why = fetch(&egress(&[]), &url).await.unwrap_err();
        assert!(why.contains("cannot be read") && !why.contains("127.0.0.1"), "{why}");
        assert!(fetch(&egress(&[]), "file:///etc/passwd").await.is_err());
    }
}
