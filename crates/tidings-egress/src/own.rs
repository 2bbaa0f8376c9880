//! Which addresses are this server itself.
//!
//! A subscriber who could make us call ourselves would reach the management API, the metrics or the
//! database from the inside, so these stay closed whatever ranges the operator opens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The sockets that belong to this installation, and the addresses of this machine.
#[derive(Clone, Debug, Default)]
pub struct OwnAddresses {
    /// Where we listen (the bound addresses, ports known) and where our database is. `0.0.0.0`
    /// and `::` stand for every address of this machine. Never opened by `allow_addresses`.
    pub sockets: Vec<SocketAddr>,
    /// The addresses of the machine's interfaces, and any further address that leads here (the
    /// public one in front of a translating router). Closed unless `allow_addresses` opens them.
    pub interfaces: Vec<IpAddr>,
}

impl OwnAddresses {
    /// The given sockets and what the kernel says about this machine's interfaces. Where the
    /// kernel does not offer `/proc/net`, the list of interfaces is empty; a connection that
    /// turns out to end on this machine is then dropped before a byte is sent.
    pub fn read(sockets: Vec<SocketAddr>) -> OwnAddresses {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let mut interfaces = local_v4(&read("/proc/net/fib_trie"));
        interfaces.extend(local_v6(&read("/proc/net/if_inet6")));
        OwnAddresses { sockets, interfaces }
    }

    /// Whether the address is one of our sockets, also by another spelling of it.
    pub(crate) fn is_socket(&self, ip: IpAddr, port: u16) -> bool {
        let asked = ip.to_canonical();
        let here = self.is_here(asked);
        self.sockets.iter().filter(|socket| socket.port() == port).any(|socket| {
            let own = socket.ip().to_canonical();
            let own_is_here = own.is_unspecified() || self.is_here(own);
            own == asked
                || (own.is_unspecified() && here)
                || (asked.is_unspecified() && own_is_here)
        })
    }

    /// Whether the address belongs to an interface of this machine.
    pub(crate) fn is_interface(&self, ip: IpAddr) -> bool {
        let asked = ip.to_canonical();
        self.interfaces.iter().any(|interface| interface.to_canonical() == asked)
    }

    fn is_here(&self, ip: IpAddr) -> bool {
        ip.is_loopback() || ip.is_unspecified() || self.is_interface(ip)
    }
}

/// The IPv4 addresses that `/proc/net/fib_trie` marks as local hosts: an address line, then a
/// line `/32 host LOCAL`.
fn local_v4(fib_trie: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    let mut last: Option<Ipv4Addr> = None;
    for line in fib_trie.lines() {
        let line = line.trim_start();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.trim().parse().ok();
        } else if line.starts_with("/32 host LOCAL")
            && let Some(address) = last
            && !found.contains(&IpAddr::V4(address))
        {
            found.push(IpAddr::V4(address));
        }
    }
    found
}

/// The IPv6 addresses of `/proc/net/if_inet6`: 32 hexadecimal digits at the start of each line.
fn local_v6(if_inet6: &str) -> Vec<IpAddr> {
    if_inet6
        .lines()
        .filter_map(|line| line.split_ascii_whitespace().next())
        .filter(|digits| digits.len() == 32)
        .filter_map(|digits| u128::from_str_radix(digits, 16).ok())
        .map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("the test writes addresses")
    }

    #[test]
    fn the_routing_table_names_the_addresses_of_this_machine_once_each() {
        let trie = [
            "Main:",
            "  +-- 0.0.0.0/0 3 0 5",
            "     |-- 0.0.0.0",
            "        /0 universe UNICAST",
            "           |-- 127.0.0.0",
            "              /8 host LOCAL",
            "           |-- 127.0.0.1",
            "              /32 host LOCAL",
            "           |-- 203.0.113.9",
            "              /32 host LOCAL",
            "           |-- 203.0.113.255",
            "              /32 link BROADCAST",
            "Local:",
            "           |-- 203.0.113.9",
            "              /32 host LOCAL",
        ]
        .join("\n");
        assert_eq!(local_v4(&trie), [address("127.0.0.1"), address("203.0.113.9")]);
    }

    #[test]
    fn the_list_of_ipv6_interfaces_is_read() {
        let list = "fe8000000000000000fc00fffe000001 04 40 20 80     eth0\nshort 01\n\
            00000000000000000000000000000001 01 80 10 80       lo\n";
        assert_eq!(local_v6(list), [address("fe80::fc:ff:fe00:1"), address("::1")]);
    }

    #[test]
    fn a_wildcard_listener_is_every_address_of_this_machine_on_its_port() {
        let own = OwnAddresses {
            sockets: vec!["[::]:8080".parse().expect("an address")],
            interfaces: vec![address("198.51.100.7")],
        };
        for (asked, port, expected) in [
            ("127.0.0.1", 8080, true),
            ("127.9.9.9", 8080, true),
            ("::1", 8080, true),
            ("0.0.0.0", 8080, true),
            ("::", 8080, true),
            ("198.51.100.7", 8080, true),
            ("::ffff:198.51.100.7", 8080, true),
            ("198.51.100.7", 8081, false),
            ("198.51.100.8", 8080, false),
        ] {
            assert_eq!(own.is_socket(address(asked), port), expected, "{asked} {port}");
        }
    }

    #[test]
    fn a_database_elsewhere_is_one_socket_and_a_loopback_listener_answers_the_wildcard() {
        let own = OwnAddresses {
            sockets: vec![
                "10.1.2.3:5432".parse().expect("an address"),
                "127.0.0.1:9000".parse().expect("an address"),
            ],
            interfaces: Vec::new(),
        };
        assert!(own.is_socket(address("10.1.2.3"), 5432));
        assert!(!own.is_socket(address("10.1.2.3"), 5433));
        assert!(!own.is_socket(address("0.0.0.0"), 5432));
        assert!(own.is_socket(address("0.0.0.0"), 9000));
        assert!(!own.is_socket(address("127.0.0.2"), 9000));
    }
}
