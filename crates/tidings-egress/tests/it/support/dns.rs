//! A small DNS server (RFC 1035) that says what a test wants, over UDP and TCP on one port.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

pub const TYPE_A: u16 = 1;
pub const TYPE_CNAME: u16 = 5;
pub const TYPE_AAAA: u16 = 28;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub name: String,
    pub kind: u16,
    /// How many questions of this kind for this name came before.
    pub earlier: usize,
    pub over_tcp: bool,
}

/// What is answered. Addresses of the other kind than asked are left out.
#[derive(Clone, Debug)]
pub enum Reply {
    Addresses(Vec<IpAddr>),
    /// The answer does not fit: ask over TCP.
    Truncated,
    NoSuchName,
    ServerFailure,
    Silence,
    Alias(String),
    /// An address, but of this name.
    OfAnother(String, IpAddr),
    /// The name's own address, with one of another name beside it.
    BesideAnother(IpAddr, String, IpAddr),
}

pub struct Dns {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Question>>>,
}

type Answerer = Arc<dyn Fn(&Question) -> Reply + Send + Sync>;

impl Dns {
    pub async fn start(answer: impl Fn(&Question) -> Reply + Send + Sync + 'static) -> Dns {
        let (udp, tcp) = both_on_one_port().await;
        let address = udp.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answer: Answerer = Arc::new(answer);
        let (udp_asked, udp_answer) = (Arc::clone(&asked), Arc::clone(&answer));
        tokio::spawn(async move {
            let mut buffer = [0_u8; 2048];
            while let Ok((count, from)) = udp.recv_from(&mut buffer).await {
                let reply = reply_to(&buffer[..count], false, &udp_asked, &udp_answer);
                if let Some(reply) = reply {
                    let _ = udp.send_to(&reply, from).await;
                }
            }
        });
        let tcp_asked = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let (asked, answer) = (Arc::clone(&tcp_asked), Arc::clone(&answer));
                tokio::spawn(async move {
                    while let Ok(length) = stream.read_u16().await {
                        let mut message = vec![0_u8; usize::from(length)];
                        if stream.read_exact(&mut message).await.is_err() {
                            return;
                        }
                        if let Some(reply) = reply_to(&message, true, &asked, &answer) {
                            let mut framed =
                                u16::try_from(reply.len()).unwrap().to_be_bytes().to_vec();
                            framed.extend(reply);
                            let _ = stream.write_all(&framed).await;
                        }
                    }
                });
            }
        });
        Dns { address, asked }
    }

    /// Every name has these addresses.
    pub async fn with_addresses(addresses: &[&str]) -> Dns {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Dns::start(move |_| Reply::Addresses(addresses.clone())).await
    }

    pub fn questions(&self, kind: u16) -> usize {
        self.asked.lock().unwrap().iter().filter(|question| question.kind == kind).count()
    }
}

async fn both_on_one_port() -> (UdpSocket, TcpListener) {
    for _ in 0..64 {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

fn reply_to(
    message: &[u8],
    over_tcp: bool,
    asked: &Mutex<Vec<Question>>,
    answer: &Answerer,
) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    let mut at = 12;
    while message[at] != 0 {
        let length = usize::from(message[at]);
        labels.push(String::from_utf8_lossy(&message[at + 1..at + 1 + length]).into_owned());
        at += 1 + length;
    }
    let kind = u16::from_be_bytes([message[at + 1], message[at + 2]]);
    let name = labels.join(".");
    let question = {
        let mut asked = asked.lock().unwrap();
        let earlier = asked.iter().filter(|it| it.name == name && it.kind == kind).count();
        let question = Question { name, kind, earlier, over_tcp };
        asked.push(question.clone());
        question
    };
    let (flags, records) = match answer(&question) {
        Reply::Silence => return None,
        Reply::NoSuchName => (0x8183, Vec::new()),
        Reply::ServerFailure => (0x8182, Vec::new()),
        Reply::Truncated => (0x8380, Vec::new()),
        Reply::Addresses(addresses) => (0x8180, address_records(&question.name, kind, &addresses)),
        Reply::OfAnother(name, address) => (0x8180, address_records(&name, kind, &[address])),
        Reply::BesideAnother(own, name, address) => {
            let mut records = address_records(&question.name, kind, &[own]);
            records.extend(address_records(&name, kind, &[address]));
            (0x8180, records)
        }
        Reply::Alias(alias) => (0x8180, vec![record(&question.name, TYPE_CNAME, encoded(&alias))]),
    };
    let mut reply = message[..2].to_vec();
    for number in [flags, 1, u16::try_from(records.len()).unwrap(), 0, 0] {
        reply.extend(number.to_be_bytes());
    }
    reply.extend(&message[12..at + 5]);
    reply.extend(records.concat());
    Some(reply)
}

fn address_records(name: &str, kind: u16, addresses: &[IpAddr]) -> Vec<Vec<u8>> {
    let of_kind = addresses.iter().filter_map(|address| match (address, kind) {
        (IpAddr::V4(v4), TYPE_A) => Some(v4.octets().to_vec()),
        (IpAddr::V6(v6), TYPE_AAAA) => Some(v6.octets().to_vec()),
        _ => None,
    });
    of_kind.map(|data| record(name, kind, data)).collect()
}

/// One resource record with a time to live of 0. The question's name is a pointer to it, so that
/// thousands fit into a message.
fn record(name: &str, kind: u16, data: Vec<u8>) -> Vec<u8> {
    let mut record = if name == "many.test" { vec![0xc0, 12] } else { encoded(name) };
    record.extend(kind.to_be_bytes());
    record.extend([0, 1, 0, 0, 0, 0]);
    record.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    record.extend(data);
    record
}

fn encoded(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}
