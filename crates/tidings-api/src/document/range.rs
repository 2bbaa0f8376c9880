//! Conditions and ranges of a request (RFC 9110, sections 13 and 14), for one part at a time.

use http::{HeaderMap, header::IF_RANGE, header::RANGE};

/// So many bytes from a first one on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Where it begins.
    pub first: u32,
    /// How long it is.
    pub bytes: u32,
}

impl Part {
    /// The value of `Content-Range`, in a whole of this length.
    pub fn content_range(self, whole: u32) -> String {
        format!("bytes {}-{}/{whole}", self.first, self.first + self.bytes - 1)
    }
}

/// What a request wants of a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// All of it; also where several parts are wanted, or something that is no range.
    All,
    /// A part.
    Part(Part),
    /// A part that there is not.
    Nothing,
}

/// The part that is wanted of `whole` bytes.
pub fn wanted(headers: &HeaderMap, etag: &str, whole: u32) -> Wanted {
    let mut ranges = headers.get_all(RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Wanted::All };
    // A part of what the client has the other part of; with another whole it wants all.
    if headers.get(IF_RANGE).is_some_and(|value| value.as_bytes() != etag.as_bytes()) {
        return Wanted::All;
    }
    let set = range.to_str().ok().and_then(|text| text.split_once('='));
    match set {
        Some((unit, range)) if unit.eq_ignore_ascii_case("bytes") => {
            part(range.trim(), whole).unwrap_or(Wanted::All)
        }
        _ => Wanted::All,
    }
}

fn part(range: &str, whole: u32) -> Option<Wanted> {
    let (first, last) = range.split_once('-')?;
    let whole = u64::from(whole);
    let (first, end) = match (first, last) {
        ("", last) => (whole.saturating_sub(number(last)?), whole),
        (first, "") => (number(first)?, whole),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, whole.min(last.saturating_add(1)))
        }
    };
    let is_there = first < end && end <= whole;
    let part = Part {
        first: u32::try_from(first).ok().filter(|_| is_there).unwrap_or_default(),
        bytes: u32::try_from(end.saturating_sub(first)).unwrap_or_default(),
    };
    Some(if is_there { Wanted::Part(part) } else { Wanted::Nothing })
}

/// A number of digits alone. One that is too long for us is beyond every document.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"abc\"";

    fn check(range: &str, whole: u32, expected: Wanted) {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse().unwrap());
        assert_eq!(wanted(&headers, ETAG, whole), expected, "{range} of {whole}");
    }

    #[test]
    fn one_range_is_taken_and_what_is_none_is_passed_over() {
        let part = |first, bytes| Wanted::Part(Part { first, bytes });
        check("bytes=0-9", 100, part(0, 10));
        check("Bytes=0-0", 100, part(0, 1));
        check("bytes=90-", 100, part(90, 10));
        check("bytes=90-1000", 100, part(90, 10));
        check("bytes=-30", 100, part(70, 30));
        check("bytes=-300", 100, part(0, 100));
        check("bytes=0-99999999999999999999999", 100, part(0, 100));
        for nothing in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"] {
            check(nothing, 100, Wanted::Nothing);
        }
        check("bytes=0-", 0, Wanted::Nothing);
        for no_range in ["bytes=9-3", "bytes=", "bytes=a-b", "0-9", "lines=0-9", "bytes=0-1,3-4"] {
            check(no_range, 100, Wanted::All);
        }
    }

    #[test]
    fn a_part_of_another_whole_is_not_given() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, "bytes=0-9".parse().unwrap());
        headers.insert(IF_RANGE, ETAG.parse().unwrap());
        assert_eq!(wanted(&headers, ETAG, 100), Wanted::Part(Part { first: 0, bytes: 10 }));
        for other in ["\"def\"", "W/\"abc\"", "Wed, 17 Feb 2021 08:48:47 GMT"] {
            headers.insert(IF_RANGE, other.parse().unwrap());
            assert_eq!(wanted(&headers, ETAG, 100), Wanted::All, "{other}");
        }
    }
}
