//! Whether an answer may be sent compressed, as `Accept-Encoding` says (RFC 9110, section 12.5.3).
//!
//! For the pages' files alone, which are the same for everybody. An answer that holds a secret
//! beside what somebody else chose would tell of it by its length.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, header};

/// The name of the coding.
pub(crate) const GZIP: &str = "gzip";

/// Whether the client takes gzip. Who names it decides by its weight; `*` speaks for what is not
/// named.
pub(crate) fn is_accepted(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let weights: Vec<(String, bool)> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(weight)
        .collect();
    let of = |wanted: &[&str]| {
        let found = weights.iter().find(|(coding, _)| wanted.contains(&coding.as_str()));
        found.map(|(_, is_taken)| *is_taken)
    };
    of(&[GZIP, "x-gzip"]).or_else(|| of(&["*"])).unwrap_or(false)
}

/// A coding, and whether its weight is over zero.
fn weight(item: &str) -> Option<(String, bool)> {
    let mut parts = item.split(';').map(str::trim);
    let coding = parts.next().filter(|coding| !coding.is_empty())?.to_ascii_lowercase();
    let mut is_taken = true;
    for parameter in parts {
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("q")
        {
            is_taken = value.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0);
        }
    }
    Some((coding, is_taken))
}

/// The content compressed. The same content gives the same bytes.
pub(crate) fn compressed(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(content.len() / 3), Compression::best());
    let written = encoder.write_all(content).and_then(|()| encoder.finish());
    Bytes::from(written.expect("writing to memory does not fail"))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use http::HeaderValue;

    use super::*;

    fn check(values: &[&'static str], expected: bool) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        }
        assert_eq!(is_accepted(&headers), expected, "{values:?}");
    }

    #[test]
    fn gzip_is_sent_to_who_takes_it_and_to_nobody_else() {
        check(&[], false);
        check(&[""], false);
        check(&["identity"], false);
        check(&["br, deflate"], false);
        check(&["gzip"], true);
        check(&["gzip, deflate, br, zstd"], true);
        check(&["br", "GZIP;q=0.5"], true);
        check(&["x-gzip"], true);
        check(&["*"], true);
        check(&["br;q=1, *;q=0.1"], true);
        check(&["*;q=0"], false);
        check(&["gzip;q=0"], false);
        check(&["gzip; q=0.000, *"], false);
        check(&["*;q=0, gzip"], true);
        check(&["gzip;q=much"], false);
        check(&["gzipped"], false);
        check(&[";q=1,,gzip"], true);
    }

    #[test]
    fn what_is_compressed_comes_out_as_it_was_and_is_the_same_each_time() {
        let content = "what is repeated is short, ".repeat(1_000);
        let short = compressed(content.as_bytes());
        assert!(short.len() < content.len() / 50, "{}", short.len());
        assert_eq!(short, compressed(content.as_bytes()));
        let mut text = String::new();
        flate2::read::GzDecoder::new(&short[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, content);
    }
}
