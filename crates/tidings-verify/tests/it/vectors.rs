//! Signatures made by another implementation: Python's `hmac`, `hashlib` and `base64`.
//!
//! ```python
//! "sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest()
//! signed = f"{id}.{timestamp}.".encode() + body
//! "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
//! ```

use tidings_verify::{
    Key, StandardHeaders, sign_sha1, sign_standard, verify_sha1, verify_standard,
};

struct Vector {
    key: Vec<u8>,
    id: &'static str,
    timestamp: i64,
    body: Vec<u8>,
}

fn check(vector: &Vector, x_signature: &str, signature: &str) {
    let Vector { key, id, timestamp, body } = vector;
    assert_eq!(sign_sha1(key, body), x_signature);
    assert_eq!(sign_standard(key, id, *timestamp, body), signature);

    let keys = [Key::from_bytes(key.clone()).unwrap()];
    assert_eq!(verify_sha1(&keys, x_signature, body), Ok(()));
    let timestamp_text = timestamp.to_string();
    let headers = StandardHeaders { id, timestamp: &timestamp_text, signature };
    assert_eq!(verify_standard(&keys, &headers, body, *timestamp), Ok(()));
}

#[test]
fn a_plain_key_signs_as_elsewhere() {
    check(
        &Vector {
            key: b"my-shared-key-for-tests".to_vec(),
            id: "msg_1",
            timestamp: 1_613_551_727,
            body: br#"{"data":null}"#.to_vec(),
        },
        "sha1=c230420b48c41581a3f019c16d8157c5a8507996",
        "v1,wsn0//uTe2V/S++6nij4cvhaCJkSARutk3ipdaqKI7U=",
    );
}

#[test]
fn an_empty_body_at_the_epoch_signs_as_elsewhere() {
    check(
        &Vector { key: b"0123456789ab".to_vec(), id: "msg_1", timestamp: 0, body: Vec::new() },
        "sha1=e037b4dfe36dc4ef922cc409342cdf680cedf948",
        "v1,tU/Aq4U+n4z34XW4JLrZ+/siJHOUPqmNHQgbTuLhYpE=",
    );
}

#[test]
fn an_id_in_base64_and_a_body_beyond_ascii_sign_as_elsewhere() {
    check(
        &Vector {
            key: (0..32).collect(),
            id: "yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5uc=",
            timestamp: 1_613_551_727,
            body: r#"{"data":{"name":"Siân Ŵ 🌍"}}"#.as_bytes().to_vec(),
        },
        "sha1=89cd7dd7c3897d0680e092ee19711e7d8bcf82e1",
        "v1,/atBongHrjXukx2ucb1EReH4GTI/l69+Q9pp7NkPH3g=",
    );
}

#[test]
fn a_key_longer_than_a_hash_block_and_a_body_of_every_byte_sign_as_elsewhere() {
    check(
        &Vector {
            key: (0..200).collect(),
            id: "e",
            timestamp: 999_999_999_999,
            body: (0..=255).collect(),
        },
        "sha1=19fee0e3babd25794280da7a2bfdba183a35a24f",
        "v1,qhlJOqUSGvFjC6em7VvFjqOeA0nb2T8z7eR5JgGmmUI=",
    );
}
