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
