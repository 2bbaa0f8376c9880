//! `demo.json`: where the demo is and what opens it. For its owner alone.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tidings_verify::Key;

use crate::{chance, config::write_private, failure::Failure};

const FILE: &str = "demo.json";

/// What a script needs to go on with the demo.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Notes {
    /// The server.
    pub url: String,
    /// Opens everything.
    pub operator_token: String,
    /// Opens what is the application's.
    pub application_token: String,
    /// Where the webhooks are sent.
    pub receiver_url: String,
    /// The webhooks' shared key.
    pub key: String,
}

impl Notes {
    /// Where they are.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Those of an earlier run; empty ones where there was none.
    pub fn read(folder: &Path) -> Notes {
        let text = std::fs::read_to_string(Notes::path(folder)).unwrap_or_default();
        let mut notes: Notes = serde_json::from_str(&text).unwrap_or_default();
        if notes.key.is_empty() {
            notes.key = chance::random_text();
        }
        notes
    }

    /// Writes them down, mode 0600.
    pub fn write(&self, folder: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::new(format!("{FILE}: {error}")))?;
        write_private(&Notes::path(folder), &format!("{text}\n"))
    }

    /// Where the demo listens, once it has run.
    pub fn address(&self) -> Option<String> {
        self.url.strip_prefix("http://").map(str::to_owned)
    }

    /// The shared key, read.
    pub fn key(&self) -> Result<Key, Failure> {
        Key::parse(&self.key)
            .map_err(|error| Failure::new(format!("the key in {FILE}: {error}: delete the file")))
    }
}
