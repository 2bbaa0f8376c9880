use tidings_verify::{Key, Rejection, StandardHeaders, sign_standard, verify_standard};

const KEY: &str = "my-shared-key-for-tests";
const BODY: &[u8] = br#"{"data":null}"#;
const NOW: i64 = 1_613_551_727;
const RIGHT: &str = "v1,wsn0//uTe2V/S++6nij4cvhaCJkSARutk3ipdaqKI7U=";
const HEADERS: StandardHeaders<'static> =
    StandardHeaders { id: "msg_1", timestamp: "1613551727", signature: RIGHT };
const MISMATCH: Rejection = Rejection::Mismatch { name: "webhook-signature" };

fn verify(headers: StandardHeaders<'_>, body: &[u8], now: i64) -> Result<(), Rejection> {
    verify_standard(&[Key::parse(KEY).unwrap()], &headers, body, now)
}

fn check_signature(signature: &str, wanted: Result<(), Rejection>) {
    let headers = StandardHeaders { signature, ..HEADERS };
    assert_eq!(verify(headers, BODY, NOW), wanted, "{signature:?}");
}

fn check_malformed(headers: StandardHeaders<'_>, header: &str) {
    match verify(headers, BODY, NOW) {
        Err(Rejection::Malformed { name, .. }) => assert_eq!(name, header),
        other => panic!("{headers:?} gave {other:?}"),
    }
}

#[test]
fn the_right_signature_passes_and_a_change_of_any_signed_part_does_not() {
    assert_eq!(verify(HEADERS, BODY, NOW), Ok(()));
    assert_eq!(verify(HEADERS, b"{}", NOW), Err(MISMATCH));
    assert_eq!(verify(StandardHeaders { id: "msg_2", ..HEADERS }, BODY, NOW), Err(MISMATCH));
    let edited = StandardHeaders { timestamp: "1613551728", ..HEADERS };
    assert_eq!(verify(edited, BODY, NOW), Err(MISMATCH));
    let same_number = StandardHeaders { timestamp: "01613551727", ..HEADERS };
    assert_eq!(verify(same_number, BODY, NOW), Err(MISMATCH));
}

#[test]
fn one_fitting_entry_is_enough_wherever_it_stands() {
    let other = sign_standard(b"another-key-of-this-webhook", "msg_1", NOW, BODY);
    check_signature(&format!("{other} {RIGHT}"), Ok(()));
    check_signature(&format!("{RIGHT} {other}"), Ok(()));
    check_signature(&format!("v1a,c29tZXRoaW5n {RIGHT} v2,{}", "A".repeat(44)), Ok(()));
    check_signature(&format!("  {RIGHT}  "), Ok(()));
    check_signature(&format!("v1, v1,AAAA {RIGHT}"), Ok(()));
    check_signature(&other, Err(MISMATCH));
    check_signature(&format!("{other} {other} {other}"), Err(MISMATCH));
}

#[test]
fn during_a_rotation_the_receiver_may_hold_the_old_key_the_new_one_or_both() {
    let (old, new) = ("the-old-key-of-this-webhook", "the-new-key-of-this-webhook");
    let entries = [old, new].map(|key| sign_standard(key.as_bytes(), "msg_1", NOW, BODY));
    let signature = entries.join(" ");
    let headers = StandardHeaders { signature: &signature, ..HEADERS };
    let verify = |keys: &[&str]| {
        let keys: Vec<_> = keys.iter().map(|key| Key::parse(key).unwrap()).collect();
        verify_standard(&keys, &headers, BODY, NOW)
    };
    assert_eq!(verify(&[old]), Ok(()));
    assert_eq!(verify(&[new]), Ok(()));
    assert_eq!(verify(&[old, new]), Ok(()));
    assert_eq!(verify(&[KEY, new]), Ok(()));
    assert_eq!(verify(&[KEY]), Err(MISMATCH));
    assert_eq!(verify(&[]), Err(Rejection::NoKey));
}

#[test]
fn a_signature_that_is_empty_cut_stretched_or_of_another_version_is_refused() {
    let encoded = &RIGHT[3..];
    for signature in [
        "",
        " ",
        "v1",
        "v1,",
        encoded,
        &RIGHT[..RIGHT.len() - 1],
        &RIGHT[..3 + 40],
        &RIGHT[..3 + 4],
        &format!("{RIGHT}="),
        &format!("{RIGHT}AAAA"),
        &format!("v0,{encoded}"),
        &format!("v2,{encoded}"),
        &format!("V1,{encoded}"),
        &format!("v1a,{encoded}"),
        &format!("v1={encoded}"),
        &format!("v1,{RIGHT}"),
        &format!("{RIGHT},{RIGHT}"),
        &RIGHT.replace('/', "_").replace('+', "-"),
        &RIGHT.replace("7U=", "7V="), // the bits after the last byte are not zero
        &format!("{RIGHT} {}", "x".repeat(4_096)),
    ] {
        check_malformed(StandardHeaders { signature, ..HEADERS }, "webhook-signature");
    }
}

#[test]
fn five_minutes_either_way_are_allowed_and_not_one_second_more() {
    for (now, wanted) in [
        (NOW + 300, Ok(())),
        (NOW - 300, Ok(())),
        (NOW + 301, Err(Rejection::TooOld { seconds: 301 })),
        (NOW + 360, Err(Rejection::TooOld { seconds: 360 })),
        (NOW - 301, Err(Rejection::TooNew { seconds: 301 })),
        (i64::MAX, Err(Rejection::TooOld { seconds: i64::MAX.abs_diff(NOW) })),
        (i64::MIN, Err(Rejection::TooNew { seconds: i64::MIN.abs_diff(NOW) })),
    ] {
        assert_eq!(verify(HEADERS, BODY, now), wanted, "at {now}");
    }
}

#[test]
fn a_timestamp_is_digits_alone() {
    for timestamp in
        ["", "-1", "+1613551727", "1613551727.0", " 1613551727", "1e9", "١٦", "9999999999999"]
    {
        check_malformed(StandardHeaders { timestamp, ..HEADERS }, "webhook-timestamp");
    }
}

#[test]
fn an_id_with_a_dot_is_refused_because_it_could_swallow_the_timestamp() {
    // Signed as id `msg_1`, timestamp 7 and a body that begins with the real timestamp.
    let moved = sign_standard(KEY.as_bytes(), "msg_1", 7, br#"1613551727.{"data":null}"#);
    let headers = StandardHeaders { id: "msg_1.7", signature: &moved, ..HEADERS };
    check_malformed(headers, "webhook-id");
    check_malformed(StandardHeaders { id: "", ..HEADERS }, "webhook-id");
    check_malformed(StandardHeaders { id: &"x".repeat(257), ..HEADERS }, "webhook-id");
}

#[test]
fn a_missing_header_is_named() {
    for missing in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let read = StandardHeaders::read(|name| (name != missing).then_some("x"));
        assert_eq!(read, Err(Rejection::Missing { name: missing }));
    }
    assert!(StandardHeaders::read(|_name| Some("x")).is_ok());
}

#[test]
fn every_rejection_says_what_to_look_at() {
    let rejections = [
        (Rejection::NoKey, "pass the webhook's shared key"),
        (Rejection::Missing { name: "webhook-id" }, "`webhook-id` is missing"),
        (Rejection::TooOld { seconds: 360 }, "signed 360 s ago, 300 s are allowed"),
        (Rejection::TooNew { seconds: 360 }, "360 s in the future"),
        (MISMATCH, "before any parsing"),
    ];
    for (rejection, wanted) in rejections {
        assert!(rejection.to_string().contains(wanted), "{rejection}");
    }
}
