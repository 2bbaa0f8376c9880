//! Parsed queries, kept so that the queries of webhooks are parsed once and not at every delivery.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_graphql::parser::{self, types::ExecutableDocument};
use tidings_graphql::order;

/// Queries that are kept; the one that was used longest ago makes room.
const QUERIES_MAX: usize = 1_024;
/// Bytes of their texts together. A parsed document takes about ten times as much.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Those that were used last.
#[derive(Debug, Default)]
pub struct ParsedQueries {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_text: HashMap<String, Entry>,
    text_bytes: usize,
    /// Counts the uses.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    document: Arc<ExecutableDocument>,
    last_use: u64,
}

impl ParsedQueries {
    /// The document of a text.
    ///
    /// # Errors
    /// What is wrong with the text. Such a one is not kept.
    pub fn parse(&self, text: &str) -> Result<Arc<ExecutableDocument>, parser::Error> {
        if let Some(document) = self.lock().find(text) {
            return Ok(document);
        }
        // Parsed outside the lock: two that come at once parse twice, and nobody waits.
        let mut document = parser::parse_query(text)?;
        order::prepare(&mut document);
        let document = Arc::new(document);
        self.lock().keep(text, Arc::clone(&document));
        Ok(document)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Kept {
    fn find(&mut self, text: &str) -> Option<Arc<ExecutableDocument>> {
        self.uses += 1;
        let entry = self.by_text.get_mut(text)?;
        entry.last_use = self.uses;
        Some(Arc::clone(&entry.document))
    }

    fn keep(&mut self, text: &str, document: Arc<ExecutableDocument>) {
        if text.len() > TEXT_BYTES_MAX || self.by_text.contains_key(text) {
            return;
        }
        let is_full = |kept: &Kept| {
            kept.by_text.len() >= QUERIES_MAX || kept.text_bytes + text.len() > TEXT_BYTES_MAX
        };
        while is_full(self) {
            self.drop_oldest();
        }
        self.text_bytes += text.len();
        self.by_text.insert(text.to_owned(), Entry { document, last_use: self.uses });
    }

    fn drop_oldest(&mut self) {
        let oldest = self.by_text.iter().min_by_key(|(_, entry)| entry.last_use);
        let oldest = oldest.map(|(text, _)| text.clone()).expect("what is full is not empty");
        self.by_text.remove(&oldest);
        self.text_bytes -= oldest.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_parsed_once_and_the_one_used_longest_ago_makes_room() {
        let documents = ParsedQueries::default();
        let text = |number: usize| format!("{{ a{number} }}");
        let first = documents.parse(&text(0)).unwrap();
        let second = documents.parse(&text(1)).unwrap();
        for number in 2..QUERIES_MAX {
            documents.parse(&text(number)).unwrap();
        }
        assert!(Arc::ptr_eq(&first, &documents.parse(&text(0)).unwrap()));
        documents.parse(&text(QUERIES_MAX)).unwrap();
        assert!(Arc::ptr_eq(&first, &documents.parse(&text(0)).unwrap()));
        assert!(!Arc::ptr_eq(&second, &documents.parse(&text(1)).unwrap()));
        assert_eq!(documents.lock().by_text.len(), QUERIES_MAX);
        assert!(documents.parse("{").is_err());
    }

    #[test]
    fn long_texts_make_room_for_one_another() {
        let document = Arc::new(parser::parse_query("{ a }").unwrap());
        let mut kept = Kept::default();
        let text = |number: usize| format!("{number} {}", "x".repeat(1024 * 1024));
        for number in 0..10 {
            kept.keep(&text(number), Arc::clone(&document));
            assert_eq!(kept.text_bytes, kept.by_text.keys().map(String::len).sum::<usize>());
        }
        kept.keep(&"x".repeat(TEXT_BYTES_MAX + 1), document);
        assert_eq!(kept.by_text.len(), 3);
    }
}
