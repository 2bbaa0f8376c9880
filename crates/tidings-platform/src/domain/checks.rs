//! What fields may hold. Every problem names its field by JSON pointer and says what to write
//! instead.

use async_graphql::MaybeUndefined;
use tidings_graphql::{OperationFailure, Problem};

use super::{
    account::Consent, energy_switch::Money, entity_code::is_entity_code, provision::Address,
};
use crate::shelf::{ContentHash, DOCUMENT_BYTES_MAX};

/// A name or reference, in characters.
const TEXT_CHARACTERS_MAX: usize = 256;
/// A provider's code, in bytes.
const PROVIDER_CODE_BYTES_MAX: usize = 128;
/// A postcode, in characters.
const POSTCODE_CHARACTERS_MAX: usize = 16;
/// Fuels of one switch.
const FUELS_MAX: i32 = 100;

/// The words of a consent, in characters.
const CONSENT_CHARACTERS_MAX: usize = 4_096;
/// The name of a credential, in bytes.
const CREDENTIAL_NAME_BYTES_MAX: usize = 64;
/// The lines of an address.
const ADDRESS_LINES_MAX: usize = 10;
/// Each half of a media type, in bytes.
const MEDIA_TYPE_HALF_BYTES_MAX: usize = 63;

/// Collects what is wrong with an input, so that all of it is told at once.
#[derive(Debug, Default)]
pub struct Checks {
    problems: Vec<Problem>,
}

impl Checks {
    /// Notes a problem.
    pub fn refuse(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(path, message));
    }

    /// A field that cannot be empty: left out keeps what is stored, null is refused.
    pub fn required<T: Clone>(&mut self, path: &str, wanted: &MaybeUndefined<T>, before: T) -> T {
        match wanted {
            MaybeUndefined::Undefined => before,
            MaybeUndefined::Null => {
                self.refuse(path, "this cannot be cleared: leave it out to keep what is stored");
                before
            }
            MaybeUndefined::Value(value) => value.clone(),
        }
    }

    /// A name or reference: 1 to 256 characters, none of them a control character.
    pub fn text(&mut self, path: &str, text: &str) {
        let characters = text.chars().count();
        if !(1..=TEXT_CHARACTERS_MAX).contains(&characters) || text.chars().any(char::is_control) {
            let wanted = format!("1 to {TEXT_CHARACTERS_MAX} characters, no control characters");
            self.refuse(path, format!("a text of {characters} characters was given: {wanted}"));
        }
    }

    /// The same, where there is one.
    pub fn optional_text(&mut self, path: &str, text: Option<&String>) {
        if let Some(text) = text {
            self.text(path, text);
        }
    }

    /// The name of a credential: a letter, then letters, digits, `-` and `_`, at most 64.
    pub fn credential_name(&mut self, path: &str, name: &str) {
        let inside = name.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'));
        let begins = name.starts_with(|first: char| first.is_ascii_alphabetic());
        if !(inside && begins && name.len() <= CREDENTIAL_NAME_BYTES_MAX) {
            let max = CREDENTIAL_NAME_BYTES_MAX;
            let wanted = format!("a letter, then letters, digits, `-` and `_`, at most {max}");
            self.refuse(path, wanted);
        }
    }

    /// What a user agreed to: 1 to 4,096 characters, and an end after its beginning.
    pub fn consent(&mut self, path: &str, consent: &Consent) {
        let characters = consent.text.chars().count();
        if !(1..=CONSENT_CHARACTERS_MAX).contains(&characters) {
            let wanted = format!("write the 1 to {CONSENT_CHARACTERS_MAX} that the user saw");
            self.refuse(&format!("{path}/text"), format!("{characters} characters: {wanted}"));
        }
        if consent.until.is_some_and(|until| until <= consent.given_at) {
            let wanted = "write a date after `givenAt`, or leave it out";
            self.refuse(&format!("{path}/until"), wanted);
        }
    }

    /// A postal address.
    pub fn address(&mut self, path: &str, address: &Address) {
        if address.lines.len() > ADDRESS_LINES_MAX {
            let wanted = format!("{} lines: at most {ADDRESS_LINES_MAX}", address.lines.len());
            self.refuse(&format!("{path}/lines"), wanted);
        }
        for (index, line) in address.lines.iter().enumerate() {
            self.text(&format!("{path}/lines/{index}"), line);
        }
        if let Some(postcode) = &address.postcode {
            self.postcode(&format!("{path}/postcode"), postcode);
        }
    }

    /// A media type, as in `application/pdf`: without parameters, in lower case.
    pub fn media_type(&mut self, path: &str, text: &str) {
        let is_name = |half: &str| {
            (1..=MEDIA_TYPE_HALF_BYTES_MAX).contains(&half.len())
                && half.bytes().all(|byte| {
                    byte.is_ascii_lowercase()
                        || byte.is_ascii_digit()
                        || b"!#$&^_.+-".contains(&byte)
                })
        };
        if !text.split_once('/').is_some_and(|(kind, name)| is_name(kind) && is_name(name)) {
            self.refuse(path, "write a media type in lower case, as in application/pdf");
        }
    }

    /// The SHA-256 of something.
    pub fn sha256(&mut self, path: &str, text: &str) {
        if let Err(error) = text.parse::<ContentHash>() {
            self.refuse(path, error.to_string());
        }
    }

    /// The length of a document.
    pub fn document_bytes(&mut self, path: &str, bytes: u32) {
        if bytes > DOCUMENT_BYTES_MAX {
            self.refuse(path, format!("{bytes} bytes: at most {DOCUMENT_BYTES_MAX} are kept"));
        }
    }

    /// A list that is written in one commit.
    pub fn list(&mut self, path: &str, count: usize, max: usize) {
        if count > max {
            self.refuse(path, format!("{count} were given: at most {max} at a time"));
        }
    }

    /// An id that the caller chose.
    pub fn entity_code(&mut self, path: &str, text: &str) {
        if !is_entity_code(text) {
            self.refuse(path, "write an id as 24 digits of 0-9 and a-f, or leave it out");
        }
    }

    /// A postcode: letters and digits, perhaps with spaces or dashes between them.
    pub fn postcode(&mut self, path: &str, text: &str) {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric();
        let inside = text.bytes().all(|byte| is_plain(byte) || matches!(byte, b' ' | b'-'));
        let ends = [text.bytes().next(), text.bytes().next_back()];
        let ends_well = ends.into_iter().all(|byte| byte.is_some_and(is_plain));
        if text.len() > POSTCODE_CHARACTERS_MAX || !inside || !ends_well {
            self.refuse(path, "write a postcode of up to 16 letters and digits, as in OX18 4EN");
        }
    }

    /// A provider's code.
    pub fn provider_code(&mut self, path: &str, text: &str) {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let inside = text.bytes().all(|byte| is_plain(byte) || matches!(byte, b'-' | b'_'));
        let starts_well = text.bytes().next().is_some_and(is_plain);
        if text.len() > PROVIDER_CODE_BYTES_MAX || !inside || !starts_well {
            let wanted = "write up to 128 lower-case letters, digits, `-` and `_`, as in sse_sse";
            self.refuse(path, wanted);
        }
    }

    /// An amount of money.
    pub fn money(&mut self, path: &str, money: &Money) {
        let currency = &money.currency;
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let wanted = "write the three capital letters of ISO 4217, as in GBP";
            self.refuse(&format!("{path}/currency"), wanted);
        }
        if !money.amount.is_finite() {
            self.refuse(&format!("{path}/amount"), "write a number that is not infinite");
        }
    }

    /// How many fuels. What is out of bounds counts as 0 and is noted.
    pub fn fuels(&mut self, path: &str, count: i32) -> u32 {
        match u32::try_from(count) {
            Ok(fuels) if count <= FUELS_MAX => fuels,
            _ => {
                self.refuse(path, format!("{count} was given: write 0 to {FUELS_MAX}"));
                0
            }
        }
    }

    /// What was found.
    ///
    /// # Errors
    /// `INVALID_INPUT` with every problem, where there is one.
    pub fn finish(self) -> Result<(), OperationFailure> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(OperationFailure::invalid(self.problems))
    }
}
