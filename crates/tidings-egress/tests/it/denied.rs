//! What policy forbids is never connected to, whatever door it comes through.

use tidings_egress::{Denied, Egress, FailureClass, OwnAddresses, Profile, SendFailure, Target};

use crate::support::{LIMITS, honeypot, options, post, profile, send_to, serve, to_loopback};

#[tokio::test]
async fn a_target_parsed_under_another_profile_is_judged_again_at_the_connection() {
    let honeypot = honeypot().await;
    let target = Target::parse(&honeypot.url(), &profile(&["127.0.0.0/8"])).unwrap();
    let strict = Egress::new(profile(&[]), options()).unwrap();
    let failure = strict.send(&target, post("{}"), &LIMITS).await.unwrap_err();
    assert!(matches!(failure, SendFailure::Denied(Denied::Range { .. })), "{failure}");
    assert_eq!(honeypot.connections(), 0);
}

#[tokio::test]
async fn plain_http_is_refused_at_the_connection_as_well() {
    let honeypot = honeypot().await;
    let target = Target::parse(&honeypot.url(), &profile(&["127.0.0.0/8"])).unwrap();
    let https_only = Profile { allow_http: false, ..profile(&["127.0.0.0/8"]) };
    let egress = Egress::new(https_only, options()).unwrap();
    let failure = egress.send(&target, post("{}"), &LIMITS).await.unwrap_err();
    assert!(matches!(failure, SendFailure::Denied(Denied::PlainHttp { .. })), "{failure}");
    assert_eq!(honeypot.connections(), 0);
}

#[tokio::test]
async fn our_own_listener_is_never_called_though_its_range_is_open() {
    let listener = honeypot().await;
    let neighbour = honeypot().await;
    for socket in [listener.address, format!("0.0.0.0:{}", listener.port()).parse().unwrap()] {
        let own = OwnAddresses { sockets: vec![socket], interfaces: vec![] };
        let egress =
            Egress::new(Profile { own, ..profile(&["0.0.0.0/0", "::/0"]) }, options()).unwrap();
        for host in ["127.0.0.1", "127.1", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:0:7f00:1]"] {
            let url = format!("http://{host}:{}/", listener.port());
            assert!(egress.target(&url).is_err(), "{url}");
            let target = Target::parse(&url, &profile(&["0.0.0.0/0", "::/0"])).unwrap();
            let failure = egress.send(&target, post("{}"), &LIMITS).await.unwrap_err();
            assert_eq!(failure.class(), FailureClass::Denied, "{url}: {failure}");
        }
        assert_eq!(send_to(&egress, &neighbour.url()).await.unwrap().status, 200);
    }
    assert_eq!(listener.connections(), 0);
}

#[tokio::test]
async fn redirects_are_answers_and_not_orders() {
    let honeypot = honeypot().await;
    for status in [300, 301, 302, 303, 304, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} Elsewhere\r\nLocation: {0}\r\nRefresh: 0; url={0}\r\n\
             Content-Length: 0\r\n\r\n",
            honeypot.url()
        );
        let answer: &'static str = Box::leak(answer.into_boxed_str());
        let server = crate::support::answering(answer).await;
        let answer = send_to(&to_loopback(), &server.url()).await.unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers["location"], honeypot.url().as_str());
        assert_eq!(server.connections(), 1);
    }
    assert_eq!(honeypot.connections(), 0);
}

#[tokio::test]
async fn proxies_of_the_environment_are_not_asked() {
    // The variables are read by nobody here, which only a process of its own could show by
    // setting them; this one is started again with them set.
    let server = honeypot().await;
    let proxy = honeypot().await;
    if let Ok(url) = std::env::var("EGRESS_TEST_URL") {
        assert_eq!(send_to(&to_loopback(), &url).await.unwrap().status, 200);
        return;
    }
    let proxy_url = format!("http://{}", proxy.address);
    let run = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "denied::proxies_of_the_environment_are_not_asked"])
        .env("EGRESS_TEST_URL", server.url())
        .envs(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"].map(|it| (it, &proxy_url)))
        .output()
        .await
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
    assert_eq!((server.connections(), proxy.connections()), (1, 0));
}

#[tokio::test]
async fn closed_filtered_and_forbidden_look_the_same_to_a_subscriber() {
    let gone = serve(|_| async {}).await;
    let closed_port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let strict = Egress::new(profile(&[]), options()).unwrap();
    let open = profile(&["127.0.0.0/8"]);
    let forbidden = Target::parse(&gone.url(), &open).unwrap();
    let closed = Target::parse(&format!("http://{closed_port}/"), &open).unwrap();
    let denied = strict.send(&forbidden, post("{}"), &LIMITS).await.unwrap_err();
    let refused = to_loopback().send(&closed, post("{}"), &LIMITS).await.unwrap_err();
    assert_eq!(denied.class(), FailureClass::Denied);
    assert_eq!(refused.class(), FailureClass::Connect);
    assert!(refused.to_string().contains(&closed_port.to_string()), "{refused}");
    for failure in [&denied, &refused] {
        assert_eq!(failure.public_class(), FailureClass::Connect);
        assert!(!failure.public_text().contains("127"), "{}", failure.public_text());
    }
    assert_eq!(denied.public_text(), refused.public_text());
    assert_eq!(gone.connections(), 0);
}
