use tidings_verify::{Key, Rejection, verify_sha1};

const KEY: &str = "my-shared-key-for-tests";
const BODY: &[u8] = br#"{"data":null}"#;
const HEX: &str = "c230420b48c41581a3f019c16d8157c5a8507996";
const MISMATCH: Rejection = Rejection::Mismatch { name: "x-signature" };

fn check(header: &str, body: &[u8], wanted: Result<(), Rejection>) {
    let keys = [Key::parse(KEY).unwrap()];
    assert_eq!(verify_sha1(&keys, header, body), wanted, "{header:?}");
}

fn check_malformed(header: &str) {
    let keys = [Key::parse(KEY).unwrap()];
    let rejection = verify_sha1(&keys, header, BODY).unwrap_err();
    assert!(
        matches!(rejection, Rejection::Malformed { name: "x-signature", .. }),
        "{header:?}: {rejection}"
    );
}

#[test]
fn the_right_signature_passes_and_one_wrong_bit_anywhere_does_not() {
    let right = format!("sha1={HEX}");
    check(&right, BODY, Ok(()));
    check(&right, br#"{"data":null }"#, Err(MISMATCH));
    check(&right, b"", Err(MISMATCH));
    for place in 0..HEX.len() {
        let mut digits = HEX.as_bytes().to_vec();
        digits[place] = if digits[place] == b'0' { b'1' } else { b'0' };
        let wrong = String::from_utf8(digits).unwrap();
        check(&format!("sha1={wrong}"), BODY, Err(MISMATCH));
    }
}

#[test]
fn a_value_of_another_form_is_refused_even_if_it_begins_right() {
    check_malformed("");
    check_malformed("sha1=");
    check_malformed(HEX);
    check_malformed(&format!("sha1={}", &HEX[..38]));
    check_malformed(&format!("sha1={}", &HEX[..39]));
    check_malformed(&format!("sha1={HEX}00"));
    check_malformed(&format!("sha1={HEX}{HEX}"));
    check_malformed(&format!("sha256={HEX}"));
    check_malformed(&format!("SHA1={HEX}"));
    check_malformed(&format!(" sha1={HEX}"));
    check_malformed(&format!("sha1={HEX} "));
    check_malformed(&format!("sha1={HEX},sha1={HEX}"));
    check_malformed(&format!("sha1={}zz", &HEX[..38]));
    check_malformed(&format!("sha1={}é", &HEX[..38]));
}

#[test]
fn hex_in_upper_case_is_refused_because_the_contract_says_lower() {
    check_malformed(&format!("sha1={}", HEX.to_uppercase()));
}

#[test]
fn any_one_of_several_keys_may_fit_and_no_key_is_never_right() {
    let header = format!("sha1={HEX}");
    let right = Key::parse(KEY).unwrap();
    let other = Key::parse("another-key-of-this-webhook").unwrap();
    assert_eq!(verify_sha1(&[other.clone(), right.clone()], &header, BODY), Ok(()));
    assert_eq!(verify_sha1(&[right, other.clone()], &header, BODY), Ok(()));
    assert_eq!(verify_sha1(&[other], &header, BODY), Err(MISMATCH));
    assert_eq!(verify_sha1(&[], &header, BODY), Err(Rejection::NoKey));
}
