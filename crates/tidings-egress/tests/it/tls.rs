//! TLS: whom we believe, by which name, and what is said of the others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::NamedTempFile;
use tidings_egress::{Egress, EgressError, EgressOptions, FailureClass, SendFailure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::support::dns::Dns;
use crate::support::{LIMITS, Server, options, post, profile, serve};

/// A certification authority of one test.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: NamedTempFile,
}

impl Authority {
    fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), params.self_signed(&key).unwrap().pem()).unwrap();
        Authority { issuer: Issuer::new(params, key), file }
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate: certificate.der().clone(), key: key.serialize_der() }
    }
}

struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

fn named(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| name.to_string()).collect::<Vec<_>>()).unwrap()
}

/// What a server saw in a handshake that succeeded: the name asked for, the protocol chosen.
type Seen = (Option<String>, Option<Vec<u8>>);

async fn tls_server(
    identity: Identity,
    protocols: &[&[u8]],
) -> (Server, mpsc::UnboundedReceiver<Seen>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(identity.key).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (seen, saw) = mpsc::unbounded_channel();
    let server = serve(move |stream| {
        let (acceptor, seen) = (acceptor.clone(), seen.clone());
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let session = stream.get_ref().1;
            let name = session.server_name().map(str::to_owned);
            let _ = seen.send((name, session.alpn_protocol().map(<[u8]>::to_vec)));
            let mut buffer = [0_u8; 4096];
            while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                let _ = stream.write_all(answer).await;
                let _ = stream.flush().await;
            }
        }
    })
    .await;
    (server, saw)
}

async fn egress(authority: &Authority) -> Egress {
    let dns = Dns::with_addresses(&["127.0.0.1"]).await;
    let ca_file = Some(authority.file.path().to_owned());
    let options = EgressOptions { ca_file, resolver: Some(dns.address), ..options() };
    Egress::new(profile(&["127.0.0.0/8"]), options).unwrap()
}

async fn call(egress: &Egress, host: &str, port: u16) -> Result<u16, SendFailure> {
    let target = egress.target(&format!("https://{host}:{port}/")).unwrap();
    egress.send(&target, post("{}"), &LIMITS).await.map(|answer| answer.status)
}

#[tokio::test]
async fn the_hosts_name_is_asked_for_and_verified_though_an_address_is_dialled() {
    let authority = Authority::new();
    let identity = authority.sign(&named(&["hook.test"]));
    let (server, mut saw) = tls_server(identity, &[b"h2", b"http/1.1"]).await;
    assert_eq!(call(&egress(&authority).await, "hook.test", server.port()).await.unwrap(), 200);
    let (name, protocol) = saw.recv().await.unwrap();
    assert_eq!(name.as_deref(), Some("hook.test"));
    assert_eq!(protocol.as_deref(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn an_address_is_verified_as_an_address() {
    let authority = Authority::new();
    let (server, mut saw) = tls_server(authority.sign(&named(&["127.0.0.1"])), &[]).await;
    let egress = egress(&authority).await;
    assert_eq!(call(&egress, "127.0.0.1", server.port()).await.unwrap(), 200);
    assert_eq!(saw.recv().await.unwrap(), (None, None));
}

#[tokio::test]
async fn certificates_that_do_not_hold_are_refused_with_the_reason() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let mut expired = named(&["hook.test"]);
    (expired.not_before, expired.not_after) =
        (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    let mut early = named(&["hook.test"]);
    (early.not_before, early.not_after) = (date_time_ymd(4001, 1, 1), date_time_ymd(4002, 1, 1));
    let own_key = KeyPair::generate().unwrap();
    let own = named(&["hook.test"]).self_signed(&own_key).unwrap();
    let own = Identity { certificate: own.der().clone(), key: own_key.serialize_der() };
    let untrusted = "not signed by a trusted CA";
    let misnamed = "does not name the host";
    for (identity, host, expected) in [
        (own, "hook.test", untrusted),
        (stranger.sign(&named(&["hook.test"])), "hook.test", untrusted),
        (authority.sign(&expired), "hook.test", "has expired"),
        (authority.sign(&early), "hook.test", "is not valid yet"),
        (authority.sign(&named(&["other.test"])), "hook.test", misnamed),
        (authority.sign(&named(&["*.test"])), "a.hook.test", misnamed),
        (authority.sign(&named(&["127.0.0.1"])), "hook.test", misnamed),
        (authority.sign(&named(&["hook.test"])), "127.0.0.1", misnamed),
    ] {
        let (server, _) = tls_server(identity, &[]).await;
        let failure = call(&egress(&authority).await, host, server.port()).await.unwrap_err();
        assert_eq!(failure.class(), FailureClass::Tls, "{expected}: {failure}");
        assert!(failure.public_text().contains(expected), "{expected}: {failure}");
        assert!(!failure.public_text().contains("127.0.0.1"), "{failure}");
    }
}

#[tokio::test]
async fn a_server_that_insists_on_http_2_is_refused() {
    let authority = Authority::new();
    let (server, _) = tls_server(authority.sign(&named(&["hook.test"])), &[b"h2"]).await;
    let failure = call(&egress(&authority).await, "hook.test", server.port()).await.unwrap_err();
    assert_eq!(failure.class(), FailureClass::Tls, "{failure}");
}

async fn with_bytes(mut stream: TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes).await;
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

#[tokio::test]
async fn what_is_no_handshake_is_a_tls_failure() {
    let authority = Authority::new();
    let egress = egress(&authority).await;
    let plain = serve(|stream| with_bytes(stream, b"HTTP/1.1 400 Bad Request\r\n\r\n")).await;
    let too_old = serve(|stream| with_bytes(stream, &[21, 3, 1, 0, 2, 2, 70])).await;
    let closing = serve(|stream| async { drop(stream) }).await;
    for (server, expected) in [
        (plain, "does not speak TLS"),
        (too_old, "the server refuses TLS 1.2 and later"),
        (closing, "closed the connection during the handshake"),
    ] {
        let failure = call(&egress, "hook.test", server.port()).await.unwrap_err();
        assert_eq!(failure.class(), FailureClass::Tls, "{failure}");
        assert!(failure.to_string().contains(expected), "{expected}: {failure}");
    }
}

#[tokio::test]
async fn a_handshake_that_never_ends_ends_with_the_attempts_time() {
    let authority = Authority::new();
    let server = serve(|stream| with_bytes(stream, b"")).await;
    let start = Instant::now();
    let failure = call(&egress(&authority).await, "hook.test", server.port()).await.unwrap_err();
    assert_eq!(failure.to_string(), "timeout during the TLS handshake");
    assert!(start.elapsed() < LIMITS.timeout + Duration::from_secs(1));
}

#[tokio::test]
async fn a_ca_file_that_cannot_be_used_is_named_at_start() {
    let empty = NamedTempFile::new().unwrap();
    let broken = NamedTempFile::new().unwrap();
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(broken.path(), pem).unwrap();
    let missing = empty.path().with_extension("missing");
    for path in [empty.path(), broken.path(), &missing] {
        let options = EgressOptions { ca_file: Some(path.to_owned()), ..options() };
        let error = Egress::new(profile(&[]), options).err().unwrap();
        assert!(matches!(error, EgressError::CaFile { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
