//! Every spelling of a URL, and what people are told about it.

use proptest::prelude::proptest;
use tidings_egress::{Profile, Target, TargetError};

use crate::support::profile;

fn parse(text: &str) -> Result<Target, TargetError> {
    Target::parse(text, &Profile::default())
}

#[test]
fn port_0_is_told_apart_from_what_an_operator_could_open() {
    let refused = parse("https://example.com:0/").unwrap_err();
    assert!(matches!(refused, TargetError::PortZero), "{refused:?}");
    assert!(!refused.to_string().contains("allow_addresses"), "{refused}");
}

#[test]
fn internal_addresses_are_denied_in_every_spelling() {
    for url in [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://127.0.0.1./",
        "https://１２７．０．０．１/",
        "https://①②⑦.⓪.⓪.①/",
        "https://127。0。0。1/",
        "https://%31%32%37.0.0.1/",
        "https://0/",
        "https://0.0.0.0:8443/",
        "https:127.0.0.1",
        r"https:\\127.0.0.1\path",
        "https://169.254.169.254/latest/meta-data/",
        "https://0xa9fea9fe/",
        "https://2852039166/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[0:0:0:0:0:ffff:169.254.169.254]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[64:ff9b:1::a9fe:a9fe]/",
        "https://[2002:a9fe:a9fe::1]/",
        "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        "https://[::ffff:0:a9fe:a9fe]/",
        "https://[fe80::5efe:10.0.0.1]/",
        "https://[fd00:ec2::254]/",
        "https://168.63.129.16/",
    ] {
        assert!(
            matches!(parse(url), Err(TargetError::AddressDenied { .. })),
            "{url}: {:?}",
            parse(url)
        );
    }
}

#[test]
fn internal_names_are_denied_until_their_address_is_opened() {
    for (name, open) in [
        ("localhost", "127.0.0.0/8"),
        ("LOCALHOST", "127.0.0.0/8"),
        ("localhost.", "::1"),
        ("a.b.localhost", "127.0.0.1"),
        ("ip6-loopback", "::1"),
        ("metadata.google.internal", "169.254.169.254"),
        ("metadata.google.internal.", "169.254.169.254"),
        ("x.metadata.google.internal", "169.254.0.0/16"),
        ("metadata.tencentyun.com", "169.254.0.23"),
        ("instance-data", "fd00:ec2::254"),
    ] {
        let url = format!("https://{name}/");
        assert!(matches!(parse(&url), Err(TargetError::NameDenied { .. })), "{url}");
        assert!(Target::parse(&url, &profile(&[open])).is_ok(), "{url} with {open}");
        assert!(Target::parse(&url, &profile(&["10.0.0.0/8"])).is_err(), "{url}");
    }
    assert!(parse("https://notlocalhost/").is_ok());
    assert!(parse("https://localhost.example.com/").is_ok());
}

#[test]
fn each_refusal_says_what_to_do() {
    let long = format!("https://example.com/{}", "a".repeat(2029));
    let long_label = format!("https://{}.com/", "a".repeat(64));
    for (url, expected) in [
        (long.as_str(), "the URL has 2049 bytes: at most 2,048 are permitted"),
        ("https://example.com/a b", "percent-encode it"),
        ("https://example.com/\r\nHost: x", "percent-encode it"),
        (" https://example.com/", "percent-encode it"),
        ("https://exam\tple.com/", "percent-encode it"),
        ("https://example.com/\0", "percent-encode it"),
        ("example.com/hook", "write it like https://example.com/hook"),
        ("/hook", "write it like https://example.com/hook"),
        ("", "write it like https://example.com/hook"),
        ("https://", "write it like https://example.com/hook"),
        ("https://1.2.3.4.5/", "write it like https://example.com/hook"),
        ("https://256.0.0.1/", "write it like https://example.com/hook"),
        ("https://[::1/", "write it like https://example.com/hook"),
        ("https://example.com:65536/", "write it like https://example.com/hook"),
        ("http://example.com/", "use https"),
        ("file:///etc/passwd", "the scheme `file` cannot be called: use https"),
        ("gopher://example.com/", "the scheme `gopher` cannot be called: use https"),
        ("ftp://example.com/", "the scheme `ftp` cannot be called: use https"),
        ("data:text/plain,x", "the scheme `data` cannot be called: use https"),
        ("javascript:alert(1)", "the scheme `javascript` cannot be called: use https"),
        ("https://user@example.com/", "leave it out"),
        ("https://user:secret@example.com/", "leave it out"),
        ("https://example.com/#part", "remove the part from `#` on"),
        (long_label.as_str(), "63 bytes each"),
        ("https://10.0.0.1/", "delivery.allow_addresses"),
        ("https://localhost/", "delivery.allow_addresses"),
    ] {
        let error = parse(url).expect_err(url).to_string();
        assert!(error.contains(expected), "{url:?}: {error}");
        assert!(!error.contains("secret") && !error.contains('\n'), "{url:?}: {error}");
    }
}

#[test]
fn a_refused_address_does_not_tell_which_rule_it_was() {
    let texts: Vec<String> = ["https://10.0.0.1/", "https://127.0.0.1/", "https://240.0.0.1/"]
        .iter()
        .map(|url| parse(url).unwrap_err().to_string())
        .collect();
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{texts:?}");
}

#[test]
fn a_good_url_is_taken_apart() {
    for (url, origin, authority) in [
        ("https://example.com/", "https://example.com:443", "example.com"),
        ("HTTPS://EXAMPLE.com", "https://example.com:443", "example.com"),
        ("https://example.com:443/", "https://example.com:443", "example.com"),
        ("https://example.com:8443/x?y=z", "https://example.com:8443", "example.com:8443"),
        ("https://example.com./", "https://example.com:443", "example.com"),
        (
            "https://münchen.example/",
            "https://xn--mnchen-3ya.example:443",
            "xn--mnchen-3ya.example",
        ),
        ("https://[2606:4700::1111]:99/", "https://[2606:4700::1111]:99", "[2606:4700::1111]:99"),
        ("https://1.1.1.1/", "https://1.1.1.1:443", "1.1.1.1"),
        (
            "https://under_score.example.com/",
            "https://under_score.example.com:443",
            "under_score.example.com",
        ),
    ] {
        let target = parse(url).expect(url);
        assert_eq!((target.origin(), target.authority()), (origin, authority), "{url}");
    }
    let plain = Target::parse("http://example.com/", &profile(&[])).unwrap();
    assert_eq!((plain.origin(), plain.authority()), ("http://example.com:80", "example.com"));
    assert_eq!((plain.port(), plain.host_text()), (80, "example.com"));
}

#[test]
fn a_target_hides_its_path_and_query() {
    let target = parse("https://example.com/hooks/T0k3n?key=s3cret").unwrap();
    assert_eq!(target.to_string(), "https://example.com/…");
    assert_eq!(format!("{target:?}"), "Target(https://example.com/…)");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
        let _ = parse(&text);
        let _ = parse(&format!("https://{text}"));
        let _ = parse(&format!("https://example.com/{text}"));
    }

    #[test]
    fn every_loopback_number_is_denied(low in 0_u32..=0x00ff_ffff) {
        let number = 0x7f00_0000_u32 | low;
        for url in [
            format!("https://{number}/"),
            format!("https://{number:#x}/"),
            format!("https://0{number:o}/"),
        ] {
            assert!(matches!(parse(&url), Err(TargetError::AddressDenied { .. })), "{url}");
        }
    }
}
