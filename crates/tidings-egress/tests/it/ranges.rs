//! Every closed range, at both of its ends.

use std::net::{IpAddr, SocketAddr};

use tidings_egress::{Denied, Network, OwnAddresses, Profile, Section, Target, permitted};

use crate::support::profile;

fn is_permitted(ip: &str, profile: &Profile) -> bool {
    let ip: IpAddr = ip.parse().unwrap();
    permitted(SocketAddr::new(ip, 443), profile).is_ok()
}

#[test]
fn closed_ipv4_ranges_are_closed_to_their_ends_and_no_further() {
    // before | first | last | after; a dash where the neighbour is closed as well
    for row in [
        "-               | 0.0.0.0         | 0.255.255.255   | 1.0.0.0",
        "9.255.255.255   | 10.0.0.0        | 10.255.255.255  | 11.0.0.0",
        "100.63.255.255  | 100.64.0.0      | 100.127.255.255 | 100.128.0.0",
        "126.255.255.255 | 127.0.0.0       | 127.255.255.255 | 128.0.0.0",
        "168.63.129.15   | 168.63.129.16   | 168.63.129.16   | 168.63.129.17",
        "169.253.255.255 | 169.254.0.0     | 169.254.255.255 | 169.255.0.0",
        "172.15.255.255  | 172.16.0.0      | 172.31.255.255  | 172.32.0.0",
        "191.255.255.255 | 192.0.0.0       | 192.0.0.255     | 192.0.1.0",
        "192.0.1.255     | 192.0.2.0       | 192.0.2.255     | 192.0.3.0",
        "192.52.192.255  | 192.52.193.0    | 192.52.193.255  | 192.52.194.0",
        "192.88.98.255   | 192.88.99.0     | 192.88.99.255   | 192.88.100.0",
        "192.167.255.255 | 192.168.0.0     | 192.168.255.255 | 192.169.0.0",
        "198.17.255.255  | 198.18.0.0      | 198.19.255.255  | 198.20.0.0",
        "198.51.99.255   | 198.51.100.0    | 198.51.100.255  | 198.51.101.0",
        "203.0.112.255   | 203.0.113.0     | 203.0.113.255   | 203.0.114.0",
        "223.255.255.255 | 224.0.0.0       | 239.255.255.255 | -",
        "-               | 240.0.0.0       | 255.255.255.255 | -",
    ] {
        check_row(row, |text| vec![text.to_owned(), format!("::ffff:{text}")]);
    }
}

#[test]
fn closed_ipv6_ranges_are_closed_to_their_ends_and_no_further() {
    // `~` stands for all further bits set
    for row in [
        "- | ::                  | ff:~ | -",
        "- | 64:ff9b::           | 64:ff9b::ffff:ffff                    | -",
        "- | 64:ff9b:1::         | 64:ff9b:1:ffff:ffff:ffff:ffff:ffff    | -",
        "- | ::ffff:0:0:0        | ::ffff:0:ffff:ffff                    | -",
        "- | 100::               | 100::ffff:ffff:ffff:ffff              | -",
        "- | 200::               | 1fff:~ | 2000::",
        "2000:~ | 2001:: | 2001:0:~ | -",
        "- | 2001:1::            | 2001:1ff:~ | 2001:200::",
        "2001:db7:~ | 2001:db8:: | 2001:db8:~ | 2001:db9::",
        "2001:~ | 2002:: | 2002:~ | 2003::",
        "3ffd:~ | 3ffe:: | 3ffe:~ | -",
        "- | 3fff::              | 3fff:fff:~ | 3fff:1000::",
        "3fff:~ | 4000:: | 5eff:~ | -",
        "- | 5f00::              | 5f00:~ | -",
        "- | fc00::              | fdff:~ | -",
        "- | fe80::              | febf:~ | -",
        "- | fec0::              | feff:~ | -",
        "- | ff00::              | ffff:~ | -",
    ] {
        check_row(row, |text| vec![filled(text)]);
    }
}

fn filled(text: &str) -> String {
    match text.strip_suffix(":~") {
        None => text.to_owned(),
        Some(start) => format!("{start}{}", ":ffff".repeat(8 - start.split(':').count())),
    }
}

fn check_row(row: &str, spellings: impl Fn(&str) -> Vec<String>) {
    let strict = Profile::default();
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    for (cell, expected) in cells.iter().zip([true, false, false, true]) {
        for spelling in spellings(cell).iter().filter(|_| *cell != "-") {
            assert_eq!(is_permitted(spelling, &strict), expected, "{spelling} of {row}");
        }
    }
}

#[test]
fn metadata_services_and_embedded_addresses_are_closed() {
    for ip in [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "::127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "::ffff:0:a9fe:a9fe",
        "fe80::5efe:10.0.0.1",
        "2a00:1450:4001:80e:0:5efe:10.0.0.1",
        "2a00:1450:4001:80e:200:5efe:8.8.8.8",
    ] {
        assert!(!is_permitted(ip, &Profile::default()), "{ip}");
    }
}

#[test]
fn ordinary_addresses_are_open() {
    for ip in ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:80e::200e"] {
        assert!(is_permitted(ip, &Profile::default()), "{ip}");
    }
}

#[test]
fn a_range_that_the_operator_opens_is_open_and_its_neighbours_are_not() {
    let profile = profile(&["192.168.0.120/32", "fd00:1::/32"]);
    for (ip, expected) in [
        ("192.168.0.120", true),
        ("::ffff:192.168.0.120", true),
        ("192.168.0.121", false),
        ("10.0.0.1", false),
        ("64:ff9b::c0a8:78", false),
        ("fd00:1::5", true),
        ("fd00:2::5", false),
    ] {
        assert_eq!(is_permitted(ip, &profile), expected, "{ip}");
    }
}

#[test]
fn our_listener_and_our_database_stay_closed_whatever_is_opened() {
    let own = OwnAddresses {
        sockets: vec!["0.0.0.0:8080".parse().unwrap(), "10.0.0.5:5432".parse().unwrap()],
        interfaces: vec!["198.51.100.7".parse().unwrap(), "8.8.4.4".parse().unwrap()],
    };
    let all = ["0.0.0.0/0", "::/0"];
    let profile = Profile { own, ..profile(&all) };
    for (address, expected) in [
        ("127.0.0.1:8080", false),
        ("127.1.2.3:8080", false),
        ("0.0.0.0:8080", false),
        ("[::1]:8080", false),
        ("[::ffff:127.0.0.1]:8080", false),
        ("[64:ff9b::c633:6407]:8080", false),
        ("[2002:c633:6407::1]:8080", false),
        ("198.51.100.7:8080", false),
        ("10.0.0.5:5432", false),
        ("[::ffff:10.0.0.5]:5432", false),
        ("10.0.0.5:443", true),
        ("127.0.0.1:8081", true),
        ("198.51.100.7:443", true),
        ("127.0.0.1:0", false),
    ] {
        let address: SocketAddr = address.parse().unwrap();
        assert_eq!(permitted(address, &profile).is_ok(), expected, "{address}");
    }
}

#[test]
fn a_public_address_of_this_machine_is_closed_until_it_is_opened() {
    let own = OwnAddresses { sockets: vec![], interfaces: vec!["8.8.4.4".parse().unwrap()] };
    let closed = Profile { own: own.clone(), ..Profile::default() };
    let address: SocketAddr = "8.8.4.4:443".parse().unwrap();
    let section = Section::Delivery;
    assert_eq!(permitted(address, &closed), Err(Denied::OwnInterface { address, section }));
    let opened = Profile { own, ..profile(&["8.8.4.4"]) };
    assert_eq!(permitted(address, &opened), Ok(()));
}

#[test]
fn the_machine_names_its_own_interfaces() {
    let own = OwnAddresses::read(vec![]);
    if cfg!(target_os = "linux") {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        assert!(own.interfaces.contains(&loopback), "{:?}", own.interfaces);
    }
}

#[test]
fn a_denial_names_the_address_and_the_setting_for_the_operator() {
    let address: SocketAddr = "10.0.0.5:443".parse().unwrap();
    let text = permitted(address, &Profile::default()).unwrap_err().to_string();
    assert_eq!(text, "10.0.0.5:443 is closed (private use): delivery.allow_addresses can open it");
    assert!(Network::parse("10.0.0.5").unwrap().contains(address.ip()));
    let of_adapters = Profile { section: Section::Platform, ..Profile::default() };
    let text = permitted(address, &of_adapters).unwrap_err().to_string();
    assert_eq!(text, "10.0.0.5:443 is closed (private use): platform.allow_addresses can open it");
    for (url, setting) in [
        ("http://adapter.example.com", "platform.allow_http"),
        ("https://localhost", "platform.allow_addresses"),
        ("https://10.0.0.5", "platform.allow_addresses"),
    ] {
        let refused = Target::parse(url, &of_adapters).unwrap_err().to_string();
        assert!(refused.ends_with(setting), "{url}: {refused}");
    }
}
