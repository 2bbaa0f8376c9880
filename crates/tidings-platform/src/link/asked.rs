//! A request of Auth Link, with what is read of every one.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
};
use http::{HeaderMap, HeaderName, header};
use http_body_util::{BodyExt, Limited};

use super::form::Form;
use crate::PublicOrigin;

/// A form's bytes: a query of the request for authorization, or credentials.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// How long a form may take to arrive.
const FORM_MS_MAX: u64 = 10_000;
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What is known of a request before its body.
pub(super) struct Asked {
    pub(super) headers: HeaderMap,
    /// Whom the connection is with; of a reverse proxy, its own address.
    pub(super) address: Option<IpAddr>,
    pub(super) query: Form,
}

/// A body that nobody has read yet: parted from the rest, which several may look at.
pub(super) struct Unread(Body);

/// A form that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FormTrouble {
    /// It is of another media type.
    WrongType,
    /// It is too long, too slow, or broke off.
    Broken,
    /// A field stands there twice.
    Ambiguous,
}

impl Asked {
    pub(super) fn of(request: Request) -> (Asked, Unread) {
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let asked = Asked {
            address: peer.map(|ConnectInfo(peer)| peer.ip()),
            query: Form::read(parts.uri.query().unwrap_or_default().as_bytes()),
            headers: parts.headers,
        };
        (asked, Unread(body))
    }

    /// The header's value, where it is there once and is text.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// The value of a cookie.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers.get_all(header::COOKIE).iter();
        let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
        pairs
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(own, value)| (own == name).then_some(value))
    }

    /// Whether a page of another origin sent the form, as far as the browser says. The token in the
    /// form is asked for besides, and is what decides where the browser says nothing.
    pub(super) fn is_from_elsewhere(&self, origin: &PublicOrigin) -> bool {
        let is_own_sender = match self.header(&header::ORIGIN) {
            // What our own pages send, since they tell nobody where one comes from.
            Some("null") => true,
            Some(sender) => sender == origin.as_str() || self.is_own_host(sender),
            None => !self.headers.contains_key(header::ORIGIN),
        };
        // Over plain http, and from older browsers, it does not come.
        let is_own_site = match self.header(&SEC_FETCH_SITE) {
            Some(site) => site == "same-origin",
            None => !self.headers.contains_key(SEC_FETCH_SITE),
        };
        !(is_own_sender && is_own_site)
    }

    /// Whether an origin is the host that the browser asked, which may be reached by other names
    /// than the public one.
    fn is_own_host(&self, sender: &str) -> bool {
        let name = sender.strip_prefix("https://").or_else(|| sender.strip_prefix("http://"));
        name.is_some() && name == self.header(&header::HOST)
    }

    /// The form in the body.
    pub(super) async fn form(&self, body: Unread) -> Result<Form, FormTrouble> {
        let media_type = self.header(&header::CONTENT_TYPE).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        let is_coded = self.headers.contains_key(header::CONTENT_ENCODING);
        if is_coded || !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(FormTrouble::WrongType);
        }
        let collected = Limited::new(body.0, FORM_BYTES_MAX).collect();
        let read = tokio::time::timeout(Duration::from_millis(FORM_MS_MAX), collected).await;
        let Ok(Ok(body)) = read else { return Err(FormTrouble::Broken) };
        let form = Form::read(&body.to_bytes());
        if form.is_ambiguous() { Err(FormTrouble::Ambiguous) } else { Ok(form) }
    }
}
