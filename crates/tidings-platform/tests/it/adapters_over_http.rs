//! Adapters as they are reached over HTTP.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use tidings_egress::{Egress, EgressOptions, Profile, Section};
use tidings_platform::collect::{
    adapter::{Adapters, Fetched},
    over_http::AdaptersOverHttp,
};
use tidings_store::Clock;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::World;

fn adapters(world: &World) -> AdaptersOverHttp {
    let profile = Profile {
        section: Section::Platform,
        allow_http: true,
        allow_addresses: vec!["127.0.0.0/8".parse().unwrap()],
        ..Profile::default()
    };
    let egress = Egress::new(profile, EgressOptions::new(None, None)).unwrap();
    let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
    AdaptersOverHttp::new(egress, clock, "tidings")
}

/// The connection of the next call, whose head was read.
async fn called(listener: &TcpListener) -> TcpStream {
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"}") {
        connection.read_buf(&mut head).await.unwrap();
    }
    connection
}

#[tokio::test]
async fn bytes_that_come_and_come_and_do_not_end_are_given_up() {
    let world = World::empty().await;
    let adapters = adapters(&world);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\
        Content-Length: 1000\r\n\r\na";
    let answer = async {
        let mut connection = called(&listener).await;
        connection.write_all(head.as_bytes()).await.unwrap();
        connection
    };
    let (fetched, mut connection) = tokio::join!(adapters.document(&url, &[], "bill"), answer);
    let Fetched::Bytes(mut bytes) = fetched.unwrap() else { panic!("no bytes") };
    assert_eq!(bytes.next().await.unwrap().unwrap(), Bytes::from_static(b"a"));
    world.pass_ms(9 * 60_000);
    connection.write_all(b"b").await.unwrap();
    assert_eq!(bytes.next().await.unwrap().unwrap(), Bytes::from_static(b"b"));
    world.pass_ms(60_000);
    connection.write_all(b"c").await.unwrap();
    let trouble = bytes.next().await.unwrap().unwrap_err();
    assert_eq!(trouble.why, "`document`: the bytes did not come to an end");
    assert!(bytes.next().await.is_none());
}

#[tokio::test]
async fn where_no_adapter_can_be_is_told_with_the_setting_that_helps() {
    let world = World::empty().await;
    let profile = Profile { section: Section::Platform, ..Profile::default() };
    let egress = Egress::new(profile, EgressOptions::new(None, None)).unwrap();
    let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
    let adapters = AdaptersOverHttp::new(egress, clock, "tidings");
    adapters.check_url("https://adapter.example.com/sse").unwrap();
    for (url, remedy) in [
        ("http://127.0.0.1:9400", "platform.allow_http"),
        ("https://127.0.0.1:9400", "platform.allow_addresses"),
        ("https://adapter.example.com/sse?key=1", "leave out the part from `?` on"),
    ] {
        let refused = adapters.check_url(url).unwrap_err();
        assert!(refused.contains(remedy), "{url}: {refused}");
    }
}
