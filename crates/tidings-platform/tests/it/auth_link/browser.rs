//! A browser without JavaScript, and a client, over the router.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{HeaderMap, Request, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use url::{Url, form_urlencoded};

pub const ORIGIN: &str = "https://api.example.com";

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{self:?}");
        self.header("location")
    }

    /// A parameter of the address that the answer leads to.
    pub fn told(&self, name: &str) -> Option<String> {
        let place = Url::parse(self.location()).unwrap();
        place.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// What every form of the page holds.
    pub fn form_token(&self) -> String {
        let (_, after) = self.body.split_once("name=\"form_token\" value=\"").expect(&self.body);
        after.split('"').next().unwrap().to_owned()
    }
}

pub fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub fn posted(path: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let body = Body::from(form(fields));
    let kind = "application/x-www-form-urlencoded";
    Request::post(path).header(header::CONTENT_TYPE, kind).body(body).unwrap()
}

pub async fn send(router: &Router, mut request: Request<Body>) -> Answer {
    if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
        let peer: SocketAddr = "192.0.2.1:5000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// A browser with its cookie.
#[derive(Clone)]
pub struct Browser {
    pub router: Router,
    pub cookie: Option<String>,
}

impl Browser {
    pub fn new(router: &Router) -> Browser {
        Browser { router: router.clone(), cookie: None }
    }

    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        if let Some(cookie) = &self.cookie {
            let cookie = format!("other=1; {cookie}").parse().unwrap();
            request.headers_mut().insert(header::COOKIE, cookie);
        }
        let answer = send(&self.router, request).await;
        if let Some(cookie) = answer.headers.get(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            self.cookie = Some(pair.to_owned()).filter(|pair| !pair.ends_with('='));
        }
        answer
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Follows redirects to pages of ours.
    pub async fn open(&mut self, path: &str) -> Answer {
        let mut answer = self.get(path).await;
        while answer.status == 303 && answer.location().starts_with('/') {
            let next = answer.location().to_owned();
            answer = self.get(&next).await;
        }
        answer
    }

    /// Sends a form as a browser does that tells where it was sent from.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.submit_from("same-origin", "null", path, fields).await
    }

    pub async fn submit_from(
        &mut self,
        site: &str,
        origin: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        self.submit_with(&[("sec-fetch-site", site), ("origin", origin)], path, fields).await
    }

    pub async fn submit_with(
        &mut self,
        headers: &[(&'static str, &str)],
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut request = posted(path, fields);
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        self.send(request).await
    }
}
