//! The installation's key: 32 bytes that seal every other secret.
//!
//! ```text
//!   file:PATH ─┬─ there ─► read ────────────────────────┬─► Vault, if the database wants this key
//!              └─ absent ─► PATH.new is made (0600) ─────┤   └─ else refused, naming that key
//!   env:NAME ─► read ────────────────────────────────────┘
//! ```
//!
//! A new key becomes PATH only when the database has taken its id, so that neither a crash in
//! between nor a database of another key leaves a key behind that opens nothing.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use tidings_core::secret::Vault;
use tidings_store::Store;

use crate::{chance, failure::Failure};

/// More than any form of a key has.
const FILE_BYTES_MAX: u64 = 4_096;
const FORMS: &str = "32 bytes as 44 characters of base64 or 64 of hex";

/// Where the key is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyPlace {
    /// In a file; made where it is missing and the database has no key yet.
    File(PathBuf),
    /// In an environment variable.
    Environment(String),
}

/// Reads `env:NAME` or `file:PATH`. Anything else may be the secret itself and is not shown.
pub(super) fn parse_key_place(text: &str, folder: &Path) -> Result<KeyPlace, String> {
    match text.split_once(':') {
        Some(("file", path)) if !path.is_empty() => Ok(KeyPlace::File(folder.join(path))),
        Some(("env", name)) if !name.is_empty() => Ok(KeyPlace::Environment(name.to_owned())),
        _ => Err("secrets do not stand in the configuration: write file:PATH or env:NAME".into()),
    }
}

/// The key as far as it is known without a database.
pub enum KeySource {
    /// It was read.
    Present([u8; Vault::KEY_BYTES]),
    /// The file is not there.
    Missing,
}

impl KeyPlace {
    /// Reads the key.
    pub fn read(&self) -> Result<KeySource, Failure> {
        match self {
            KeyPlace::Environment(name) => match variable(name) {
                Some(text) => {
                    let why = || format!("the environment variable {name} is no key");
                    Ok(KeySource::Present(decode(&text).ok_or_else(|| wrong_form(&why()))?))
                }
                None => Err(Failure::usage(format!(
                    "secrets.key names the environment variable {name}, which is not set: set it \
                     to {FORMS}"
                ))),
            },
            KeyPlace::File(path) => match read_file(path)? {
                Some(key) => Ok(KeySource::Present(key)),
                None => Ok(KeySource::Missing),
            },
        }
    }

    /// The vault with this key, if it is the one that the database wants. The first start of a
    /// database makes the file.
    pub async fn open(&self, store: &dyn Store) -> Result<Vault, Failure> {
        match (self.read()?, self) {
            (KeySource::Present(key), _) => {
                let vault = Vault::new(&key);
                let wanted = keep(store, &vault).await?;
                if wanted == vault.key_id() {
                    Ok(vault)
                } else {
                    Err(self.refused(&vault, &wanted))
                }
            }
            (KeySource::Missing, KeyPlace::File(path)) => make(path, store).await,
            (KeySource::Missing, KeyPlace::Environment(_)) => Err(Failure::usage("no key")),
        }
    }

    fn refused(&self, vault: &Vault, wanted: &str) -> Failure {
        Failure::new(format!(
            "the key in {self} has the id {}, and this database's secrets are sealed with the key \
             {wanted}: start with that key, or with the database that belongs to this one",
            vault.key_id()
        ))
    }
}

impl std::fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeyPlace::File(path) => write!(f, "{}", path.display()),
            KeyPlace::Environment(name) => write!(f, "the environment variable {name}"),
        }
    }
}

async fn keep(store: &dyn Store, vault: &Vault) -> Result<String, Failure> {
    store.keep_key_id(vault.key_id()).await.map_err(|error| Failure::new(error.to_string()))
}

async fn make(path: &Path, store: &dyn Store) -> Result<Vault, Failure> {
    let new = with_suffix(path, ".new");
    let key = match read_file(&new)? {
        Some(key) => key,
        None => {
            let key = chance::random_key();
            write_private(&new, &format!("{}\n", STANDARD.encode(key))).map_err(|error| {
                Failure::new(format!(
                    "secrets.key: {error}: make its folder, let this user write there, or name \
                     another file"
                ))
            })?;
            key
        }
    };
    let vault = Vault::new(&key);
    let wanted = keep(store, &vault).await?;
    if wanted != vault.key_id() {
        // Nothing was sealed with it, so nothing is lost by its removal.
        let _gone = fs::remove_file(&new);
        return Err(Failure::new(format!(
            "the key file {} is missing, and this database's secrets are sealed with the key \
             {wanted}: put that key back, from where it is kept beside the backups",
            path.display()
        )));
    }
    fs::rename(&new, path).map_err(|error| cannot("written", path, &error))?;
    sync_folder(path);
    tracing::info!(
        key.id = vault.key_id(),
        "made the key {} in {}: keep a copy apart from the database's backups",
        vault.key_id(),
        path.display()
    );
    Ok(vault)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn read_file(path: &Path) -> Result<Option<[u8; Vault::KEY_BYTES]>, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("read", path, &error)),
    };
    let open_to_others = file.metadata().is_ok_and(|about| about.permissions().mode() & 0o077 != 0);
    if open_to_others {
        tracing::warn!("others can read the key {}: chmod 600 it", path.display());
    }
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX).read_to_string(&mut text);
    let why = || format!("{} is no key", path.display());
    match read {
        Ok(_) => Ok(Some(decode(&text).ok_or_else(|| wrong_form(&why()))?)),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(wrong_form(&why())),
        Err(error) => Err(cannot("read", path, &error)),
    }
}

fn wrong_form(what: &str) -> Failure {
    Failure::new(format!("{what}: it must be {FORMS}"))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!(
        "the key {} cannot be {what}: {error}: let this user read and write it, or name another \
         in secrets.key",
        path.display()
    ))
}

fn decode(text: &str) -> Option<[u8; Vault::KEY_BYTES]> {
    let text = text.trim();
    if text.len() == 2 * Vault::KEY_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let mut key = [0; Vault::KEY_BYTES];
        for (index, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
        }
        return Some(key);
    }
    let either =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [alphabet::STANDARD, alphabet::URL_SAFE]
        .iter()
        .find_map(|letters| GeneralPurpose::new(letters, either).decode(text).ok()?.try_into().ok())
}

/// Writes a new file that its owner alone can read, durably. An existing one is replaced as a
/// whole.
pub fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::new(format!("{} cannot be written: {error}", path.display()))
    };
    let part = with_suffix(path, ".part");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)
        .map_err(cannot)?;
    file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(cannot)?;
    file.write_all(text.as_bytes()).map_err(cannot)?;
    file.sync_all().map_err(cannot)?;
    fs::rename(&part, path).map_err(cannot)?;
    sync_folder(path);
    Ok(())
}

/// A rename lasts once its folder is synced. Where the system cannot, the rename stands anyway.
fn sync_folder(path: &Path) {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if let Ok(folder) = File::open(folder) {
        let _unsupported = folder.sync_all();
    }
}

#[expect(clippy::disallowed_methods, reason = "the configuration reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_base64_or_hex_and_as_nothing_else() {
        let key: [u8; 32] =
            std::array::from_fn(|index| (index as u8).wrapping_mul(7).wrapping_add(240));
        let standard = STANDARD.encode(key);
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        for text in [
            standard.clone(),
            format!(" {standard}\n"),
            standard.trim_end_matches('=').to_owned(),
            standard.replace('+', "-").replace('/', "_"),
            hex.clone(),
            hex.to_uppercase(),
        ] {
            assert_eq!(decode(&text), Some(key), "{text}");
        }
        for text in ["", "sharedSecret", &hex[..62], &STANDARD.encode([0; 16]), &"g".repeat(64)] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn a_secret_in_the_configuration_is_refused_without_being_shown() {
        let error = parse_key_place("canary-canary", Path::new("")).unwrap_err();
        assert!(error.contains("env:NAME") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn a_written_secret_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tidings.key");
        write_private(&path, "first").unwrap();
        write_private(&path, "second").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode, fs::read_to_string(&path).unwrap()), (0o600, "second".to_owned()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
