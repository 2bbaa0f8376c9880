//! Whom we trust, and the TLS handshake with them.
//!
//! The name in the certificate is checked against the host of the URL, though the address that is
//! dialled was found by ourselves. TLS 1.2 and later, and HTTP/1.1 is all that is offered.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::error::{EgressError, SendFailure};

/// The settings of all handshakes: the system's CAs (Mozilla's where the system has none), and
/// those of `ca_file`.
pub(crate) fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, EgressError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if let Some(path) = ca_file {
        add_ca_file(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn add_ca_file(roots: &mut RootCertStore, path: &Path) -> Result<(), EgressError> {
    let refuse = |why: String| EgressError::CaFile { path: path.to_owned(), why };
    let pem = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
    let mut count = 0_usize;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| refuse(error.to_string()))?;
        roots.add(certificate).map_err(|error| refuse(error.to_string()))?;
        count += 1;
    }
    if count == 0 {
        return Err(refuse("it contains no certificate".to_owned()));
    }
    Ok(())
}

/// What a failed handshake came to.
pub(crate) fn failure(error: &io::Error) -> SendFailure {
    let cause = error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>());
    let why = match cause {
        Some(rustls::Error::InvalidCertificate(certificate)) => certificate_text(certificate),
        Some(rustls::Error::AlertReceived(alert)) => alert_text(*alert),
        Some(rustls::Error::InvalidMessage(_)) => {
            "the server does not speak TLS on this port".to_owned()
        }
        Some(rustls::Error::PeerIncompatible(_)) => {
            "the server offers nothing that is safe: TLS 1.2 or later is needed".to_owned()
        }
        Some(other) => other.to_string(),
        None => "the server closed the connection during the handshake".to_owned(),
    };
    SendFailure::Tls { why }
}

fn certificate_text(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired: renew it"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate does not name the host of the URL"
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the certificate is not signed by a trusted CA, or an intermediate is not sent"
        }
        CertificateError::Revoked => "the certificate was revoked",
        other => return format!("the certificate is not acceptable ({other})"),
    }
    .to_owned()
}

fn alert_text(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::ProtocolVersion => {
            "the server refuses TLS 1.2 and later: update it".to_owned()
        }
        other => format!("the server ended the handshake ({other:?})"),
    }
}
