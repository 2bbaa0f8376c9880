use tidings_verify::{Key, KeyError};

fn check(text: &str, wanted: Result<&[u8], KeyError>) {
    let parsed = Key::parse(text).map(Key::into_bytes);
    assert_eq!(parsed.as_deref().map_err(Clone::clone), wanted, "{text:?}");
}

#[test]
fn any_text_of_12_to_256_bytes_is_taken_as_it_is() {
    check("0123456789ab", Ok(b"0123456789ab"));
    check("0123456789a", Err(KeyError::TooShort { actual: 11 }));
    check("", Err(KeyError::TooShort { actual: 0 }));
    check(&"k".repeat(256), Ok("k".repeat(256).as_bytes()));
    check(&"k".repeat(257), Err(KeyError::TooLong { actual: 257 }));
    check("pässwörter", Ok("pässwörter".as_bytes())); // bytes count, not letters
    check("WHSEC_MDEyMzQ1", Ok(b"WHSEC_MDEyMzQ1"));
    check(" whsec_MDEyMzQ1", Ok(b" whsec_MDEyMzQ1"));
}

#[test]
fn whsec_is_decoded_with_and_without_padding_and_the_bytes_are_counted() {
    check("whsec_bXktc2hhcmVkLWtleS1mb3ItdGVzdHM=", Ok(b"my-shared-key-for-tests"));
    check("whsec_bXktc2hhcmVkLWtleS1mb3ItdGVzdHM", Ok(b"my-shared-key-for-tests"));
    check("whsec_MDEyMzQ1Njc4OWE=", Err(KeyError::TooShort { actual: 11 }));
    check("whsec_", Err(KeyError::TooShort { actual: 0 }));
    check(&format!("whsec_{}", "AAAA".repeat(85)), Ok(&[0; 255]));
    check(&format!("whsec_{}AA==", "AAAA".repeat(85)), Ok(&[0; 256]));
    check(&format!("whsec_{}AAA=", "AAAA".repeat(85)), Err(KeyError::TooLong { actual: 257 }));
    check(&format!("whsec_{}", "A".repeat(1 << 20)), Err(KeyError::TooLong { actual: 786_432 }));
}

#[test]
fn whsec_followed_by_anything_but_base64_is_an_error_and_not_a_plain_key() {
    for rest in ["not base64 at all!", "MDEyMzQ1Njc4OWF", "MDEy_MzQ1-Njc4OWE", "====", "AA=A"] {
        check(&format!("whsec_{rest}"), Err(KeyError::NotBase64));
    }
}

#[test]
fn a_key_never_shows_its_bytes() {
    let key = Key::parse("my-shared-key-for-tests").unwrap();
    assert_eq!(format!("{key:?}"), "Key(23 bytes)");
    let refused = Key::parse("whsec_canary canary").unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("canary"));
}

#[test]
fn the_form_for_stock_libraries_is_read_back_as_the_same_key() {
    let key = Key::parse("my-shared-key-for-tests").unwrap();
    assert_eq!(key.to_whsec(), "whsec_bXktc2hhcmVkLWtleS1mb3ItdGVzdHM=");
    assert_eq!(Key::parse(&key.to_whsec()).unwrap().as_bytes(), key.as_bytes());
}
