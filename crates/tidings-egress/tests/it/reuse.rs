//! What goes over the wire, and over which connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use tidings_egress::{Egress, EgressOptions, Outgoing, SendFailure, SendLimits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::support::{
    LIMITS, answering, options, post, profile, read_request, send_to, serve, to_loopback,
};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn the_request_is_what_was_given_and_the_connections_headers_are_ours() {
    let (seen, mut saw) = mpsc::unbounded_channel();
    let server = serve(move |mut stream| {
        let seen = seen.clone();
        async move {
            while let Some(request) = read_request(&mut stream).await {
                let _ = seen.send(request);
                let _ = stream.write_all(OK.as_bytes()).await;
            }
        }
    })
    .await;
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("content-type", "application/json"),
        ("host", "elsewhere.test"),
        ("content-length", "99"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
        ("expect", "100-continue"),
        ("upgrade", "h2c"),
        ("te", "trailers"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let egress = to_loopback();
    let target = egress.target(&format!("http://{}/a%20b?x=1&y=%2F", server.address)).unwrap();
    let body = Bytes::from_static(b"{\"a\":1}");
    for (method, body, expected) in [
        (Method::POST, body, "content-length: 7\r\n\r\n{\"a\":1}"),
        (Method::GET, Bytes::new(), "\r\n"),
    ] {
        let outgoing = Outgoing { method: method.clone(), headers: headers.clone(), body };
        egress.send(&target, outgoing, &LIMITS).await.unwrap();
        let request = saw.recv().await.unwrap();
        let first = format!("{method} /a%20b?x=1&y=%2F HTTP/1.1\r\n");
        assert!(request.starts_with(&first), "{request}");
        assert!(request.contains(&format!("host: {}\r\n", server.address)), "{request}");
        assert!(request.contains("content-type: application/json\r\n"), "{request}");
        assert!(request.ends_with(expected), "{request}");
        for absent in
            ["elsewhere", "length: 99", "chunked", "connection", "expect", "upgrade", "trailers"]
        {
            assert!(!request.contains(absent), "{absent} in {request}");
        }
    }
}

#[tokio::test]
async fn one_connection_carries_one_request_after_the_other() {
    for answer in [
        OK,
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ] {
        let server = answering(answer).await;
        let egress = to_loopback();
        for _ in 0..50 {
            send_to(&egress, &server.url()).await.unwrap();
        }
        assert_eq!((server.connections(), egress.idle_count()), (1, 1), "{answer}");
    }
}

#[tokio::test]
async fn connections_that_end_with_the_answer_are_not_used_again() {
    for answer in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\nok",
    ] {
        let server = answering(answer).await;
        let egress = to_loopback();
        for count in 1..=2 {
            assert_eq!(send_to(&egress, &server.url()).await.unwrap().status, 200);
            assert_eq!(server.connections(), count, "{answer}");
        }
    }
}

#[tokio::test]
async fn origins_do_not_share_connections() {
    let one = answering(OK).await;
    let other = answering(OK).await;
    let egress = to_loopback();
    for server in [&one, &other, &one, &other] {
        send_to(&egress, &server.url()).await.unwrap();
    }
    assert_eq!((one.connections(), other.connections()), (1, 1));
}

#[tokio::test]
async fn calls_at_one_time_have_a_connection_each_and_a_bounded_number_is_kept() {
    let server = serve(|mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let _ = stream.write_all(OK.as_bytes()).await;
        }
    })
    .await;
    let egress = to_loopback();
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (egress, url) = (egress.clone(), server.url());
            tokio::spawn(async move { send_to(&egress, &url).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status, 200);
    }
    assert!(server.connections() > 64, "{}", server.connections());
    assert_eq!(egress.idle_count(), 64);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_it_waited_costs_nothing() {
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let server = serve(move |mut stream| {
        let closed = closed.clone();
        async move {
            let _ = read_request(&mut stream).await;
            let _ = stream.write_all(OK.as_bytes()).await;
            drop(stream);
            let _ = closed.send(());
        }
    })
    .await;
    let egress = to_loopback();
    for count in 1..=20 {
        assert_eq!(send_to(&egress, &server.url()).await.unwrap().status, 200);
        was_closed.recv().await.unwrap();
        assert_eq!(server.connections(), count);
    }
}

#[tokio::test]
async fn a_request_that_may_have_been_processed_is_not_sent_twice() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let server = serve(move |mut stream| {
        let counted = Arc::clone(&counted);
        async move {
            for answer in [OK, ""] {
                if read_request(&mut stream).await.is_some() {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    })
    .await;
    let egress = to_loopback();
    assert_eq!(send_to(&egress, &server.url()).await.unwrap().status, 200);
    let failure = send_to(&egress, &server.url()).await.unwrap_err();
    assert!(matches!(failure, SendFailure::Broken { .. }), "{failure}");
    assert_eq!((requests.load(Ordering::SeqCst), server.connections()), (2, 1));
}

#[tokio::test]
async fn a_call_that_is_dropped_or_timed_out_closes_its_connection() {
    let (ended, mut has_ended) = mpsc::unbounded_channel();
    let server = serve(move |mut stream| {
        let ended = ended.clone();
        async move {
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
            let _ = ended.send(all.len());
        }
    })
    .await;
    let egress = to_loopback();
    let target = egress.target(&server.url()).unwrap();
    let limits = SendLimits { timeout: Duration::from_millis(100), ..LIMITS };
    assert!(egress.send(&target, post("{}"), &limits).await.is_err());
    assert!(has_ended.recv().await.unwrap() > 0);
    let dropped = egress.send(&target, post("{}"), &LIMITS);
    assert!(tokio::time::timeout(Duration::from_millis(100), dropped).await.is_err());
    assert!(has_ended.recv().await.unwrap() > 0);
    assert_eq!(egress.idle_count(), 0);
}

#[tokio::test]
async fn connections_that_wait_too_long_or_were_closed_are_swept_out() {
    let server = answering(OK).await;
    let closing = serve(|mut stream| async move {
        let _ = read_request(&mut stream).await;
        let _ = stream.write_all(OK.as_bytes()).await;
    })
    .await;
    for (server, idle_time) in [(&server, 100), (&closing, 1000)] {
        let idle_time = Duration::from_millis(idle_time);
        let options = EgressOptions { idle_time, ..options() };
        let egress = Egress::new(profile(&["127.0.0.0/8"]), options).unwrap();
        send_to(&egress, &server.url()).await.unwrap();
        let start = Instant::now();
        while egress.idle_count() > 0 {
            assert!(start.elapsed() < Duration::from_secs(5), "{} wait", egress.idle_count());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        send_to(&egress, &server.url()).await.unwrap();
        assert_eq!(server.connections(), 2);
    }
}
