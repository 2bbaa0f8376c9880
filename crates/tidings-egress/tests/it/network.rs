//! Ranges as the operator writes them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::{any, proptest};
use tidings_egress::{Network, NetworkError};

#[test]
fn ranges_and_bare_addresses_are_read_and_shown() {
    for (text, shown) in [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("192.168.0.120", "192.168.0.120/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("fd00::/8", "fd00::/8"),
        ("::1", "::1/128"),
        ("::/0", "::/0"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:127.0.0.1", "127.0.0.1/32"),
    ] {
        assert_eq!(Network::parse(text).unwrap().to_string(), shown, "{text}");
    }
}

#[test]
fn what_is_no_range_is_refused_with_the_remedy() {
    for (text, expected) in [
        ("10.0.0.0/33", "the prefix length is at most 32 for this kind of address"),
        ("10.0.0.0/999", "the prefix length is at most 32 for this kind of address"),
        ("::1/129", "the prefix length is at most 128 for this kind of address"),
        ("192.168.0.120/24", "write 192.168.0.0/24, or the address alone"),
        ("fd00::1/8", "write fd00::/8, or the address alone"),
        ("localhost", "write it like 10.0.0.0/8"),
        ("10.0.0.0/", "write it like 10.0.0.0/8"),
        ("10.0.0.0/+8", "write it like 10.0.0.0/8"),
        ("10.0.0.0/8/8", "write it like 10.0.0.0/8"),
        ("010.0.0.0/8", "write it like 10.0.0.0/8"),
        ("", "write it like 10.0.0.0/8"),
    ] {
        let error = Network::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(text), "{text}: {error}");
    }
}

#[test]
fn one_address_opens_itself_and_its_mapped_form_alone() {
    let network = Network::parse("192.168.0.120/32").unwrap();
    for (address, expected) in [
        ("192.168.0.120", true),
        ("::ffff:192.168.0.120", true),
        ("192.168.0.119", false),
        ("192.168.0.121", false),
        ("::c0a8:78", false),
    ] {
        assert_eq!(network.contains(address.parse().unwrap()), expected, "{address}");
    }
}

proptest! {
    #[test]
    fn a_range_contains_exactly_what_shares_its_prefix(
        base in any::<u32>(), other in any::<u32>(), prefix in 0_u32..=32,
    ) {
        let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
        let text = format!("{}/{prefix}", Ipv4Addr::from_bits(base & mask));
        let network = Network::parse(&text).unwrap();
        let address = IpAddr::V4(Ipv4Addr::from_bits(other));
        assert_eq!(network.contains(address), base & mask == other & mask);
        assert!(network.contains(IpAddr::V4(Ipv4Addr::from_bits(base))));
    }

    #[test]
    fn a_shown_range_reads_back(base in any::<u128>(), prefix in 0_u32..=128) {
        let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
        let text = format!("{}/{prefix}", Ipv6Addr::from_bits(base & mask));
        let network = Network::parse(&text).unwrap();
        assert_eq!(Network::parse(&network.to_string()).unwrap(), network);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
        if let Err(NetworkError::NotARange { text: shown }) = Network::parse(&text) {
            assert!(shown.chars().count() <= 64);
        }
    }
}
