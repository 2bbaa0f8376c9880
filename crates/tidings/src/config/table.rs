//! The file, key by key: every key is asked for by name, and what nobody asked for is refused with
//! its line.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::failure::Failure;

type Value<'i> = Spanned<DeValue<'i>>;

/// Keys of the whole file, beside sources.
const KEYS: [(&str, &[&str]); 5] = [
    ("server", &["listen", "public_url", "environment", "public_schema"]),
    ("secrets", &["key"]),
    ("database", &["url"]),
    ("platform", &["enabled", "allow_http", "allow_addresses"]),
    ("delivery", &["allow_http", "allow_addresses", "ca_file", "resolver"]),
];

/// A file that is being read.
pub struct File<'i> {
    text: &'i str,
    name: &'i str,
    table: DeTable<'i>,
}

impl<'i> File<'i> {
    /// Reads the text's syntax.
    pub fn parse(text: &'i str, name: &'i str) -> Result<File<'i>, Failure> {
        match DeTable::parse(text) {
            Ok(table) => Ok(File { text, name, table: table.into_inner() }),
            Err(error) => {
                let line = line_of(text, error.span().map_or(0, |span| span.start));
                let why = error.message();
                Err(Failure::usage(format!(
                    "{name}, line {line}: this is not TOML: {why}: mend it"
                )))
            }
        }
    }

    /// External sources are named in the interface and not served by this version.
    pub fn refuse_sources(&self) -> Result<(), Failure> {
        match self.table.get("source") {
            None => Ok(()),
            Some(value) => Err(self.refused(
                value.span().start,
                "external sources are not supported by this version: remove [[source]]; the \
                 built-in platform is the source",
            )),
        }
    }

    /// Takes a section out; an empty one where the file has none.
    pub fn section(&mut self, section: &'static str) -> Result<Section<'i>, Failure> {
        let table = match self.table.remove(section) {
            None => DeTable::new(),
            Some(value) => {
                let start = value.span().start;
                match value.into_inner() {
                    DeValue::Table(table) => table,
                    _ => {
                        let why = format!("`{section}` is a section: write [{section}]");
                        return Err(self.refused(start, &why));
                    }
                }
            }
        };
        Ok(Section { text: self.text, name: self.name, section, table })
    }

    /// Refuses what is left.
    pub fn finish(self) -> Result<(), Failure> {
        let Some((key, _)) = self.table.iter().next() else { return Ok(()) };
        let known: Vec<&str> = KEYS.iter().map(|(section, _)| *section).collect();
        let mut why = format!("the section `{}` is not known", key.get_ref());
        why.push_str(&remedy(key.get_ref(), &known, "section"));
        Err(self.refused(key.span().start, &why))
    }

    fn refused(&self, start: usize, why: &str) -> Failure {
        Failure::usage(format!("{}, line {}: {why}", self.name, line_of(self.text, start)))
    }
}

/// A section that is being read.
pub struct Section<'i> {
    text: &'i str,
    name: &'i str,
    section: &'static str,
    table: DeTable<'i>,
}

impl<'i> Section<'i> {
    /// A text that means something; `default` where it is absent.
    pub fn parsed<T>(
        &mut self,
        key: &str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        match self.table.remove(key) {
            None => parse(default).map_err(Failure::usage),
            Some(value) => self.text_value(key, &value, parse),
        }
    }

    /// A text that means something; absent and empty are `None`.
    pub fn optional<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Failure> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(value) if value.get_ref().as_str() == Some("") => Ok(None),
            Some(value) => self.text_value(key, &value, parse).map(Some),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, key: &str, default: bool) -> Result<bool, Failure> {
        let Some(value) = self.table.remove(key) else { return Ok(default) };
        let why = "write true or false, without quotes";
        value.get_ref().as_bool().ok_or_else(|| self.refused(key, &value, why))
    }

    /// A list of texts that mean something.
    pub fn list<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, Failure> {
        let Some(value) = self.table.remove(key) else { return Ok(Vec::new()) };
        let Some(items) = value.get_ref().as_array() else {
            return Err(self.refused(key, &value, "write a list of texts: [\"…\"]"));
        };
        items.iter().map(|item| self.text_value(key, item, &parse)).collect()
    }

    /// Refuses what is left.
    pub fn finish(self) -> Result<(), Failure> {
        let Some((key, _)) = self.table.iter().next() else { return Ok(()) };
        let known = KEYS.iter().find(|(section, _)| *section == self.section);
        let mut why = format!("the key `{}.{}` is not known", self.section, key.get_ref());
        why.push_str(&remedy(key.get_ref(), known.map_or(&[], |(_, keys)| keys), "key"));
        let line = line_of(self.text, key.span().start);
        Err(Failure::usage(format!("{}, line {line}: {why}", self.name)))
    }

    fn text_value<T>(
        &self,
        key: &str,
        value: &Value<'_>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let Some(text) = value.get_ref().as_str() else {
            return Err(self.refused(key, value, "write a text in quotes"));
        };
        parse(text).map_err(|why| self.refused(key, value, &why))
    }

    fn refused(&self, key: &str, value: &Value<'_>, why: &str) -> Failure {
        let line = line_of(self.text, value.span().start);
        Failure::usage(format!("{}, line {line}: {}.{key}: {why}", self.name, self.section))
    }
}

fn remedy(key: &str, known: &[&str], what: &str) -> String {
    let near = known.iter().find(|name| is_near(key, name));
    match near {
        Some(name) => format!(": did you mean `{name}`?"),
        None => format!(": remove it; the {what}s are {}", known.join(", ")),
    }
}

/// Equal but for case, `-` for `_`, or a letter more or less.
fn is_near(given: &str, known: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let (given, known) = (plain(given), plain(known));
    let prefix = given.bytes().zip(known.bytes()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&given.as_bytes()[prefix..], &known.as_bytes()[prefix..]);
    let suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    a.len().max(b.len()) - suffix <= 2
}

fn line_of(text: &str, place: usize) -> usize {
    let before = text.as_bytes().iter().take(place);
    before.filter(|byte| **byte == b'\n').count() + 1
}
