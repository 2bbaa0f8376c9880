//! Servers that break the rules, or keep them badly. Each call ends in its time, with the right
//! outcome.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method};
use tidings_egress::{Answer, FailureClass, Outgoing, SendFailure, SendLimits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{LIMITS, post, read_request, send_to, serve, to_loopback};

/// What a server does, one after the other.
#[derive(Clone, Copy)]
enum Step {
    Read,
    Write(&'static str),
    /// Writes the same again and again, until the other side is gone.
    Flood(&'static str),
    /// Writes these bytes again and again, one every 20 ms.
    Drip(&'static str),
    /// Ends its own direction and listens on.
    HalfClose,
    Reset,
    Hang,
}
use Step::{Drip, Flood, HalfClose, Hang, Read, Reset, Write};

async fn play(mut stream: TcpStream, steps: &'static [Step]) {
    for step in steps {
        let done = match *step {
            Read => read_request(&mut stream).await.is_some(),
            Write(text) => stream.write_all(text.as_bytes()).await.is_ok(),
            Flood(text) => {
                let bytes = text.repeat(16 * 1024 / text.len() + 1);
                while stream.write_all(bytes.as_bytes()).await.is_ok() {}
                false
            }
            Drip(text) => {
                for byte in text.as_bytes().chunks(1).cycle() {
                    if stream.write_all(byte).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                false
            }
            HalfClose => stream.shutdown().await.is_ok(),
            Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Hang => {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                false
            }
        };
        if !done {
            return;
        }
    }
}

/// The status and what is known of the body, or the class of the failure.
fn outcome(result: &Result<Answer, SendFailure>) -> String {
    match result {
        Ok(answer) => {
            let cut = if answer.body_truncated { " cut" } else { "" };
            format!("{} {}{cut}", answer.status, answer.body.len())
        }
        Err(failure) => failure.class().as_str().to_owned(),
    }
}

async fn check(name: &str, steps: &'static [Step], expected: &str) {
    let server = serve(move |stream| play(stream, steps)).await;
    let egress = to_loopback();
    let start = Instant::now();
    let result = send_to(&egress, &server.url()).await;
    // It ends; how soon after its limits is the machine's matter, which may be busy.
    let most = LIMITS.timeout + LIMITS.body_time + Duration::from_secs(20);
    assert!(start.elapsed() < most, "{name} took {:?}", start.elapsed());
    assert_eq!(outcome(&result), expected, "{name}: {result:?}");
    if let Err(failure) = result {
        assert!(!failure.public_text().contains("127."), "{name}: {}", failure.public_text());
    }
    let is_whole = !expected.ends_with("cut") && expected.starts_with(|it: char| it.is_numeric());
    assert!(egress.idle_count() <= usize::from(is_whole), "{name} was kept");
}

#[tokio::test]
async fn every_status_is_what_it_says() {
    check("200", &[Read, Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")], "200 2").await;
    for (name, steps) in [
        ("200", &[Read, Write("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n")] as &'static [Step]),
        ("200", &[Read, Write("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n")]),
        ("200", &[Read, Write("HTTP/1.0 200 OK\r\n\r\n")]),
        ("204", &[Read, Write("HTTP/1.1 204 No Content\r\n\r\n"), Hang]),
        ("205", &[Read, Write("HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n"), Hang]),
        ("207", &[Read, Write("HTTP/1.1 207 Many\r\nContent-Length: 0\r\n\r\n"), Hang]),
        ("299", &[Read, Write("HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n"), Hang]),
        ("304", &[Read, Write("HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n"), Hang]),
        ("410", &[Read, Write("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"), Hang]),
        ("429", &[Read, Write("HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n"), Hang]),
        ("503", &[Read, Write("HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n"), Hang]),
        ("999", &[Read, Write("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"), Hang]),
        ("101", &[Read, Write("HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\n"), Hang]),
    ] {
        check(name, steps, &format!("{name} 0")).await;
    }
    let informed = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: </x>\r\n\r\n\
                    HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let steps: &'static [Step] = Box::leak(Box::new([Read, Write(informed)]));
    check("interim answers", steps, "200 2").await;
}

#[tokio::test]
async fn a_body_never_changes_the_outcome() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\n\r\n";
    const LARGE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const TRAILERS: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n";
    for (name, steps, expected) in [
        ("10 GB", &[Read, Write(LARGE), Flood("x")] as &'static [Step], "200 16384 cut"),
        ("without end", &[Read, Write(HEAD), Flood("x")], "200 16384 cut"),
        ("endless chunks", &[Read, Write(CHUNKED), Flood("1\r\nx\r\n")], "200 16384 cut"),
        ("endless extension", &[Read, Write(CHUNKED), Write("1;"), Flood("x")], "200 0 cut"),
        ("endless trailers", &[Read, Write(TRAILERS), Flood("A: b\r\n")], "200 2 cut"),
        ("endless trailer", &[Read, Write(TRAILERS), Write("A: "), Flood("b")], "200 2 cut"),
        ("huge chunk size", &[Read, Write(CHUNKED), Write("fffffffffffffffff\r\n")], "200 0 cut"),
        ("no chunk size", &[Read, Write(CHUNKED), Write("zebra\r\n")], "200 0 cut"),
        ("broken off", &[Read, Write(LARGE), Write("abc")], "200 3 cut"),
        ("silent", &[Read, Write(LARGE), Write("abc"), Hang], "200 3 cut"),
        ("to the end", &[Read, Write(HEAD), Write("abc")], "200 3"),
        ("half closed", &[Read, Write(HEAD), Write("abc"), HalfClose, Hang], "200 3"),
        ("chunked", &[Read, Write(TRAILERS), Write("\r\n"), Hang], "200 2"),
    ] {
        check(name, steps, expected).await;
    }
}

#[tokio::test]
async fn a_body_that_drips_or_is_reset_keeps_what_came() {
    let drip: &'static [Step] = &[Read, Write("HTTP/1.1 200 OK\r\n\r\n"), Drip("x")];
    let reset: &'static [Step] =
        &[Read, Write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), Reset];
    for steps in [drip, reset] {
        let server = serve(move |stream| play(stream, steps)).await;
        let answer = send_to(&to_loopback(), &server.url()).await.unwrap();
        assert!(answer.status == 200 && answer.body_truncated, "{answer:?}");
        assert!(answer.body.len() <= 20, "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_is_kept_to_the_last_permitted_byte() {
    let whole = format!("HTTP/1.1 200 OK\r\nContent-Length: 16384\r\n\r\n{}", "x".repeat(16384));
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4000\r\n{}\r\n0\r\n\r\n",
        "x".repeat(16384)
    );
    let longer = format!("HTTP/1.1 200 OK\r\nContent-Length: 16385\r\n\r\n{}", "x".repeat(16385));
    for (text, expected) in
        [(whole, "200 16384"), (chunked, "200 16384"), (longer, "200 16384 cut")]
    {
        let text: &'static str = Box::leak(text.into_boxed_str());
        let steps: &'static [Step] = Box::leak(Box::new([Read, Write(text), Hang]));
        check(expected, steps, expected).await;
    }
}

#[tokio::test]
async fn a_header_block_without_end_is_no_answer() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\n";
    for (name, steps, expected) in [
        (
            "a million headers",
            &[Read, Write(HEAD), Flood("A: b\r\n")] as &'static [Step],
            "not_http",
        ),
        ("one huge header", &[Read, Write(HEAD), Write("A: "), Flood("b")], "not_http"),
        ("a huge reason", &[Read, Write("HTTP/1.1 200 "), Flood("b")], "not_http"),
        ("dripping headers", &[Read, Write(HEAD), Drip("A: b\r\n")], "timeout"),
        ("interim flood", &[Read, Flood("HTTP/1.1 100 Continue\r\n\r\n")], "timeout"),
        ("hints flood", &[Read, Flood("HTTP/1.1 103 H\r\nLink: </x>\r\n\r\n")], "timeout"),
        ("silence", &[Read, Hang], "timeout"),
        ("half closed, silent", &[Read, HalfClose, Hang], "broken"),
        ("headers, then closed", &[Read, Write(HEAD), Write("A: b\r\n")], "broken"),
        ("closed before the status", &[Read], "broken"),
        ("reset before the status", &[Read, Reset], "broken"),
        ("reset amid the headers", &[Read, Write(HEAD), Reset], "broken"),
    ] {
        check(name, steps, expected).await;
    }
}

#[tokio::test]
async fn what_is_not_http_1_is_no_answer() {
    for (name, steps) in [
        ("garbage", &[Read, Write("\u{1}\u{2}garbage\r\n\r\n"), Hang] as &'static [Step]),
        ("HTTP/0.9", &[Read, Write("<html>hello</html>")]),
        ("HTTP/2 preface", &[Read, Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Hang]),
        ("HTTP/2 settings", &[Read, Write("\0\0\0\u{4}\0\0\0\0\0"), Hang]),
        ("HTTP/3.1", &[Read, Write("HTTP/3.1 200 OK\r\n\r\n"), Hang]),
        ("another protocol", &[Read, Write("SSH-2.0-x\r\n"), Hang]),
        ("status 1000", &[Read, Write("HTTP/1.1 1000 Odd\r\n\r\n"), Hang]),
        ("status 099", &[Read, Write("HTTP/1.1 099 Odd\r\n\r\n"), Hang]),
        ("status -1", &[Read, Write("HTTP/1.1 -1 Odd\r\n\r\n"), Hang]),
        ("no colon", &[Read, Write("HTTP/1.1 200 OK\r\nbad header\r\n\r\n"), Hang]),
        (
            "two lengths",
            &[
                Read,
                Write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
                Hang,
            ],
        ),
        ("negative length", &[Read, Write("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), Hang]),
    ] {
        check(name, steps, "not_http").await;
    }
}

#[tokio::test]
async fn what_is_said_before_the_request_is_no_answer() {
    for steps in [
        &[Write("garbage\r\n\r\n"), Hang] as &'static [Step],
        &[Write("220 mail.test ESMTP\r\n"), Hang],
    ] {
        let server = serve(move |stream| play(stream, steps)).await;
        let failure = send_to(&to_loopback(), &server.url()).await.unwrap_err();
        let expected = [FailureClass::NotHttp, FailureClass::Broken];
        assert!(expected.contains(&failure.class()), "{failure}");
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_never_reads_costs_the_timeout_and_no_more() {
    let server = serve(|stream| async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        drop(stream);
    })
    .await;
    let egress = to_loopback();
    let target = egress.target(&server.url()).unwrap();
    let outgoing = Outgoing {
        method: Method::POST,
        headers: HeaderMap::new(),
        body: Bytes::from(vec![b'x'; 32 * 1024 * 1024]),
    };
    let limits = SendLimits { timeout: Duration::from_millis(300), ..LIMITS };
    let start = Instant::now();
    let failure = egress.send(&target, outgoing, &limits).await.unwrap_err();
    assert_eq!(failure.to_string(), "timeout while waiting for the answer");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_answer_that_comes_before_the_whole_request_was_read_counts() {
    let server = serve(|mut stream| async move {
        let mut buffer = [0_u8; 100];
        let _ = stream.read(&mut buffer).await;
        let answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
        let _ = stream.write_all(answer).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
    })
    .await;
    let egress = to_loopback();
    let target = egress.target(&server.url()).unwrap();
    let body = Bytes::from(vec![b'x'; 32 * 1024 * 1024]);
    let outgoing = Outgoing { body, ..post("") };
    let answer = egress.send(&target, outgoing, &LIMITS).await.unwrap();
    assert_eq!(answer.status, 413);
    assert_eq!(egress.idle_count(), 0);
}
