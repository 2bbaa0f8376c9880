use proptest::prelude::*;
use tidings_verify::{
    Key, Rejection, StandardHeaders, sign_sha1, sign_standard, verify_sha1, verify_standard,
};

fn key() -> impl Strategy<Value = Key> {
    prop::collection::vec(any::<u8>(), Key::BYTES_MIN..=Key::BYTES_MAX)
        .prop_map(|bytes| Key::from_bytes(bytes).unwrap())
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..512)
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_no_longer_once_a_bit_of_the_body_is_flipped(
        key in key(),
        body in body(),
        id in "[A-Za-z0-9+/=_-]{1,44}",
        now in 0..=999_999_999_999_i64,
        place in any::<prop::sample::Index>(),
    ) {
        let keys = [key];
        let x_signature = sign_sha1(keys[0].as_bytes(), &body);
        let signature = sign_standard(keys[0].as_bytes(), &id, now, &body);
        let timestamp = now.to_string();
        let headers = StandardHeaders { id: &id, timestamp: &timestamp, signature: &signature };
        prop_assert_eq!(verify_sha1(&keys, &x_signature, &body), Ok(()));
        prop_assert_eq!(verify_standard(&keys, &headers, &body, now), Ok(()));

        let mut other = body;
        let bit = place.index(other.len() * 8);
        other[bit / 8] ^= 1 << (bit % 8);
        let sha1 = verify_sha1(&keys, &x_signature, &other);
        let standard = verify_standard(&keys, &headers, &other, now);
        prop_assert_eq!(sha1, Err(Rejection::Mismatch { name: "x-signature" }));
        prop_assert_eq!(standard, Err(Rejection::Mismatch { name: "webhook-signature" }));
    }

    #[test]
    fn text_that_nobody_signed_is_refused_and_never_panics(
        key in key(),
        body in body(),
        texts in prop::array::uniform4(".{0,80}"),
        now in any::<i64>(),
    ) {
        let [id, timestamp, signature, x_signature] = texts;
        let headers = StandardHeaders { id: &id, timestamp: &timestamp, signature: &signature };
        prop_assert!(verify_sha1(std::slice::from_ref(&key), &x_signature, &body).is_err());
        prop_assert!(verify_standard(&[key], &headers, &body, now).is_err());
    }

    #[test]
    fn every_key_survives_the_way_through_whsec(key in key()) {
        let read = Key::parse(&key.to_whsec()).unwrap();
        prop_assert_eq!(read.as_bytes(), key.as_bytes());
    }

    #[test]
    fn any_text_is_a_key_or_a_clear_error(text in "(whsec_)?.{0,400}") {
        match Key::parse(&text) {
            Ok(key) => prop_assert!((12..=256).contains(&key.as_bytes().len())),
            Err(error) => prop_assert!(error.to_string().contains(": ")
                || error.to_string().contains("not base64")),
        }
    }
}
