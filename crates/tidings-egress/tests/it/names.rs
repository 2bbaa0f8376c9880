//! Names: one lookup for one attempt, all of its answers judged, the judged address dialled.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tidings_egress::{Answer, Egress, EgressOptions, FailureClass, Profile, SendFailure};

use crate::support::dns::{Dns, Reply, TYPE_A, TYPE_AAAA};
use crate::support::{answering, honeypot, options, profile, send_to};

const CLOSING: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

fn egress(profile: Profile, dns: &Dns) -> Egress {
    let resolver: Option<SocketAddr> = Some(dns.address);
    Egress::new(profile, EgressOptions { resolver, ..options() }).unwrap()
}

async fn call(egress: &Egress, name: &str, port: u16) -> Result<Answer, SendFailure> {
    send_to(egress, &format!("http://{name}:{port}/")).await
}

fn class(result: Result<Answer, SendFailure>) -> FailureClass {
    result.expect_err("there is nobody to answer").class()
}

#[tokio::test]
async fn a_name_is_looked_up_once_for_each_attempt_and_its_address_dialled() {
    let server = answering(CLOSING).await;
    let dns = Dns::with_addresses(&["127.0.0.1"]).await;
    let egress = egress(profile(&["127.0.0.1"]), &dns);
    for attempt in 1..=3 {
        assert_eq!(call(&egress, "hook.test", server.port()).await.unwrap().status, 200);
        assert_eq!((dns.questions(TYPE_A), dns.questions(TYPE_AAAA)), (attempt, attempt));
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_name_with_one_forbidden_answer_is_refused_whole() {
    for addresses in [
        &["127.0.0.1"][..],
        &["93.184.216.34", "127.0.0.1"],
        &["127.0.0.1", "93.184.216.34"],
        &["93.184.216.34", "::1"],
        &["93.184.216.34", "fd00::1"],
        &["93.184.216.34", "::ffff:127.0.0.1"],
        &["2606:4700::1111", "64:ff9b::7f00:1"],
    ] {
        let honeypot = honeypot().await;
        let dns = Dns::with_addresses(addresses).await;
        let result = call(&egress(profile(&[]), &dns), "hook.test", honeypot.port()).await;
        assert_eq!(class(result), FailureClass::Denied, "{addresses:?}");
        assert_eq!(honeypot.connections(), 0, "{addresses:?}");
    }
}

#[tokio::test]
async fn a_name_that_turns_inwards_between_attempts_is_refused_then() {
    let honeypot = honeypot().await;
    let dns = Dns::start(|question| {
        let last = if question.earlier == 0 { 2 } else { 1 };
        Reply::Addresses(vec![IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))])
    })
    .await;
    let egress = egress(profile(&["127.0.0.2/32"]), &dns);
    assert_eq!(class(call(&egress, "hook.test", honeypot.port()).await), FailureClass::Connect);
    assert_eq!(class(call(&egress, "hook.test", honeypot.port()).await), FailureClass::Denied);
    assert_eq!(honeypot.connections(), 0);
}

#[tokio::test]
async fn the_next_address_is_dialled_when_one_refuses() {
    let server = answering(CLOSING).await;
    let dns = Dns::with_addresses(&["127.0.0.3", "127.0.0.2", "127.0.0.1"]).await;
    let egress = egress(profile(&["127.0.0.0/8"]), &dns);
    assert_eq!(call(&egress, "hook.test", server.port()).await.unwrap().status, 200);
}

/// 4,000 addresses, `special` at the given place.
fn many(place: usize, special: Ipv4Addr) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> =
        (0..4000_u32).map(|number| IpAddr::V4(Ipv4Addr::from_bits(0x7f01_0000 + number))).collect();
    addresses[place] = IpAddr::V4(special);
    addresses
}

async fn dns_with_many(place: usize, special: Ipv4Addr) -> Dns {
    let addresses = many(place, special);
    Dns::start(move |question| match question.over_tcp {
        true => Reply::Addresses(addresses.clone()),
        false => Reply::Truncated,
    })
    .await
}

#[tokio::test]
async fn thousands_of_answers_come_over_tcp_and_all_are_judged() {
    let server = answering(CLOSING).await;
    let open = || profile(&["127.0.0.0/8"]);
    let dns = dns_with_many(0, Ipv4Addr::LOCALHOST).await;
    assert_eq!(call(&egress(open(), &dns), "many.test", server.port()).await.unwrap().status, 200);
    assert_eq!(server.connections(), 1);
    let dns = dns_with_many(3999, Ipv4Addr::new(10, 0, 0, 1)).await;
    let result = call(&egress(open(), &dns), "many.test", server.port()).await;
    assert_eq!(class(result), FailureClass::Denied);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn sixteen_addresses_are_dialled_and_no_more() {
    let server = answering(CLOSING).await;
    for (place, expected) in [(15, Some(200)), (16, None)] {
        let dns = dns_with_many(place, Ipv4Addr::LOCALHOST).await;
        let result =
            call(&egress(profile(&["127.0.0.0/8"]), &dns), "many.test", server.port()).await;
        assert_eq!(result.ok().map(|answer| answer.status), expected, "{place}");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_a_resolver_can_do_wrong_is_a_dns_failure_in_good_time() {
    let honeypot = honeypot().await;
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for (reply, expected) in [
        (Reply::NoSuchName, "the name does not exist"),
        (Reply::Addresses(vec![]), "the name has no address"),
        (Reply::ServerFailure, "error response"),
        (Reply::Silence, ""),
        (Reply::Truncated, "truncated"),
        (Reply::Alias("loop.test".to_owned()), ""),
        (Reply::OfAnother("other.test".to_owned(), address), ""),
    ] {
        let shown = format!("{reply:?}");
        let dns = Dns::start(move |_| reply.clone()).await;
        let egress = egress(profile(&["127.0.0.0/8"]), &dns);
        let start = Instant::now();
        let failure = call(&egress, "loop.test", honeypot.port()).await.unwrap_err();
        assert_eq!(failure.class(), FailureClass::Dns, "{shown}: {failure}");
        assert_eq!(failure.public_class(), FailureClass::Connect, "{shown}");
        assert!(failure.to_string().contains(expected), "{shown}: {failure}");
        assert!(start.elapsed() < Duration::from_secs(2), "{shown}: {:?}", start.elapsed());
        assert!(dns.questions(TYPE_A) < 32, "{shown}: {}", dns.questions(TYPE_A));
    }
    assert_eq!(honeypot.connections(), 0);
}

#[tokio::test]
async fn a_chain_of_aliases_is_followed_and_a_circle_is_not() {
    let server = answering(CLOSING).await;
    let dns = Dns::start(|question| match question.name.as_str() {
        "a.test" => Reply::Alias("b.test".to_owned()),
        "b.test" => Reply::Alias("c.test".to_owned()),
        "round.test" => Reply::Alias("about.test".to_owned()),
        "about.test" => Reply::Alias("round.test".to_owned()),
        _ => Reply::Addresses(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
    })
    .await;
    let egress = egress(profile(&["127.0.0.1"]), &dns);
    assert_eq!(call(&egress, "a.test", server.port()).await.unwrap().status, 200);
    assert_eq!(class(call(&egress, "round.test", server.port()).await), FailureClass::Dns);
    assert!(dns.questions(TYPE_A) < 64, "{}", dns.questions(TYPE_A));
}

#[tokio::test]
async fn an_address_of_another_name_in_the_answer_is_not_the_hosts() {
    let server = answering(CLOSING).await;
    let [own, another] = [1, 2].map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)));
    let dns =
        Dns::start(move |_| Reply::BesideAnother(own, "other.test".to_owned(), another)).await;
    for (open, expected) in [("127.0.0.1", Some(200)), ("127.0.0.2", None)] {
        let result = call(&egress(profile(&[open]), &dns), "hook.test", server.port()).await;
        assert_eq!(result.ok().map(|answer| answer.status), expected, "{open}");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_alias_to_a_forbidden_address_is_refused() {
    let honeypot = honeypot().await;
    let dns = Dns::start(|question| match question.name.as_str() {
        "good.test" => Reply::Alias("inside.test".to_owned()),
        _ => Reply::Addresses(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
    })
    .await;
    let result = call(&egress(profile(&[]), &dns), "good.test", honeypot.port()).await;
    assert_eq!(class(result), FailureClass::Denied);
    assert_eq!(honeypot.connections(), 0);
}

#[tokio::test]
async fn the_systems_resolver_is_asked_where_none_is_named() {
    let server = answering(CLOSING).await;
    let open = Egress::new(profile(&["127.0.0.0/8", "::1"]), options()).unwrap();
    assert_eq!(call(&open, "localhost", server.port()).await.unwrap().status, 200);
    let result = call(&open, "no-such-name.invalid", server.port()).await;
    assert_eq!(class(result), FailureClass::Dns);
}
