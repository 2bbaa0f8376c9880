//! What the operator decides: `tidings.toml`, the environment and the options, read once.
//!
//! ```text
//!   file ─► table (known keys, with lines) ─► Config ◄─ options, or the environment
//!                                                └─► secrets: `env:NAME`, `file:PATH`
//! ```
//!
//! An option beats the environment, which beats the file. Nothing else reads the environment.

mod secrets;
mod table;

use std::{
    io::ErrorKind,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tidings_egress::Network;
use url::Url;

use crate::failure::Failure;

pub use secrets::{KeyPlace, KeySource, write_private};

/// The file that is read where it exists and no other is named.
pub const FILE_DEFAULT: &str = "tidings.toml";
/// Where the server listens unless it is told otherwise.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:8080";
const DATABASE_DEFAULT: &str = "sqlite:tidings.db";
const KEY_DEFAULT: &str = "file:tidings.key";

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[server]`.
    pub server: Server,
    /// `secrets.key`.
    pub key: KeyPlace,
    /// `database.url`.
    pub database: Database,
    /// `[platform]`.
    pub platform: Platform,
    /// `[delivery]`.
    pub delivery: Delivery,
    /// The file that was read, where there was one.
    pub file: Option<PathBuf>,
}

/// `[server]`.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The origin under which the world reaches it; absent: where it listens.
    pub public_url: Option<String>,
    /// In the `User-Agent` of every delivery.
    pub environment: String,
    /// Whether the schema may be read without a token.
    pub public_schema: bool,
}

/// `[platform]`.
#[derive(Clone, Debug)]
pub struct Platform {
    /// Whether the built-in platform is served.
    pub enabled: bool,
    /// Adapters at `http` URLs too.
    pub allow_http: bool,
    /// Ranges opened on purpose for adapters.
    pub allow_addresses: Vec<Network>,
}

/// `[delivery]`.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// `http` URLs too.
    pub allow_http: bool,
    /// Ranges opened on purpose.
    pub allow_addresses: Vec<Network>,
    /// Further trusted CAs.
    pub ca_file: Option<PathBuf>,
    /// A DNS server to ask instead of the system's.
    pub resolver: Option<SocketAddr>,
}

/// Where the database is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Database {
    /// A file.
    Sqlite(PathBuf),
}

impl Database {
    /// Where the bytes of documents are: beside the file.
    pub fn documents_folder(&self) -> PathBuf {
        let Database::Sqlite(path) = self;
        let mut folder = path.clone().into_os_string();
        folder.push(".documents");
        folder.into()
    }
}

impl std::fmt::Display for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Database::Sqlite(path) = self;
        write!(f, "sqlite:{}", path.display())
    }
}

/// What the command line and the environment set.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--database`.
    pub database: Option<String>,
}

impl Config {
    /// Reads the file, where one is named or there, and lays the overrides over it.
    pub fn read(overrides: &Overrides) -> Result<Config, Failure> {
        let file = match &overrides.file {
            Some(path) => Some(path.clone()),
            None => Some(PathBuf::from(FILE_DEFAULT)).filter(|path| path.exists()),
        };
        let mut config = match &file {
            None => Config::parse("", FILE_DEFAULT, Path::new(""))?,
            Some(path) => {
                let name = path.display().to_string();
                let text = std::fs::read_to_string(path).map_err(|error| {
                    let remedy = match error.kind() {
                        ErrorKind::InvalidData => "save it as UTF-8",
                        ErrorKind::PermissionDenied => "let this user read it",
                        _ => "name one that exists with --config, or leave the option out",
                    };
                    Failure::usage(format!(
                        "the configuration {name} cannot be read: {error}: {remedy}"
                    ))
                })?;
                Config::parse(&text, &name, path.parent().unwrap_or(Path::new("")))?
            }
        };
        config.lay_over(overrides)?;
        config.file = file;
        Ok(config)
    }

    /// What the demo runs with: everything in one folder, and loopback open for its receiver and
    /// its sample provider.
    pub fn demo(folder: &Path, overrides: &Overrides) -> Result<Config, Failure> {
        let text = "[server]\nenvironment = \"demo\"\n\
                    [platform]\nallow_http = true\nallow_addresses = [\"127.0.0.0/8\"]\n\
                    [delivery]\nallow_http = true\nallow_addresses = [\"127.0.0.0/8\"]\n";
        let mut config = Config::parse(text, FILE_DEFAULT, folder)?;
        config.lay_over(overrides)?;
        Ok(config)
    }

    fn lay_over(&mut self, overrides: &Overrides) -> Result<(), Failure> {
        if let Some(listen) = &overrides.listen {
            self.server.listen = parse_listen(listen).map_err(|why| named("--listen", &why))?;
        }
        if let Some(database) = &overrides.database {
            self.database =
                parse_database(database, Path::new("")).map_err(|why| named("--database", &why))?;
        }
        Ok(())
    }

    /// Reads a text. Paths in it are relative to `folder`.
    fn parse(text: &str, name: &str, folder: &Path) -> Result<Config, Failure> {
        let mut file = table::File::parse(text, name)?;
        file.refuse_sources()?;
        let mut server = file.section("server")?;
        let listen = server.parsed("listen", LISTEN_DEFAULT, parse_listen)?;
        let public_url = server.optional("public_url", parse_public_url)?;
        let environment = server.parsed("environment", "live", parse_environment)?;
        let public_schema = server.boolean("public_schema", true)?;
        server.finish()?;
        let mut secrets = file.section("secrets")?;
        let key =
            secrets.parsed("key", KEY_DEFAULT, |text| secrets::parse_key_place(text, folder))?;
        secrets.finish()?;
        let mut database = file.section("database")?;
        let url = database.parsed("url", DATABASE_DEFAULT, |text| parse_database(text, folder))?;
        database.finish()?;
        let mut platform = file.section("platform")?;
        let platform_settings = Platform {
            enabled: platform.boolean("enabled", true)?,
            allow_http: platform.boolean("allow_http", false)?,
            allow_addresses: platform.list("allow_addresses", parse_network)?,
        };
        platform.finish()?;
        let mut section = file.section("delivery")?;
        let delivery = Delivery {
            allow_http: section.boolean("allow_http", false)?,
            allow_addresses: section.list("allow_addresses", parse_network)?,
            ca_file: section.optional("ca_file", |text| Ok(folder.join(text)))?,
            resolver: section.optional("resolver", parse_resolver)?,
        };
        section.finish()?;
        file.finish()?;
        Ok(Config {
            server: Server { listen, public_url, environment, public_schema },
            key,
            database: url,
            platform: platform_settings,
            delivery,
            file: None,
        })
    }
}

fn named(option: &str, why: &str) -> Failure {
    Failure::usage(format!("{option}: {why}"))
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let text_or_localhost = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    text_or_localhost.parse().map_err(|_| {
        format!("`{text}` is no address and port: write it like 127.0.0.1:8080 or [::]:8080")
    })
}

fn parse_resolver(text: &str) -> Result<SocketAddr, String> {
    let with_port = if text.parse::<std::net::IpAddr>().is_ok() {
        match text.contains(':') {
            true => format!("[{text}]:53"),
            false => format!("{text}:53"),
        }
    } else {
        text.to_owned()
    };
    with_port
        .parse()
        .map_err(|_| format!("`{text}` is no DNS server: write its address, like 192.0.2.53"))
}

fn parse_network(text: &str) -> Result<Network, String> {
    text.parse().map_err(|error: tidings_egress::NetworkError| error.to_string())
}

/// An origin: scheme, host and port, and no more.
fn parse_public_url(text: &str) -> Result<String, String> {
    let wanted = "write the origin alone, like https://api.example.com";
    let url =
        Url::parse(text).map_err(|error| format!("`{text}` is no URL ({error}): {wanted}"))?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !is_web || !is_bare || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("`{text}` is more or less than an origin: {wanted}"));
    }
    Ok(url.origin().ascii_serialization())
}

fn parse_environment(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if text.is_empty() || text.len() > 64 || !text.bytes().all(fits) {
        return Err(format!(
            "`{text}` cannot stand in a User-Agent: write 1 to 64 letters, digits, `.`, `_` or `-`"
        ));
    }
    Ok(text.to_owned())
}

/// `sqlite:PATH`; a path in the file is relative to the file's folder.
pub fn parse_database(text: &str, folder: &Path) -> Result<Database, String> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Err("PostgreSQL is not supported by this version: use sqlite:PATH, as in \
                    sqlite:tidings.db"
            .to_owned());
    }
    let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:"));
    match path {
        Some(path) if !path.is_empty() && !path.contains('\0') && !path.starts_with(':') => {
            Ok(Database::Sqlite(folder.join(path)))
        }
        _ => {
            let scheme = text.split(':').next().unwrap_or_default();
            let shown: String = scheme.chars().take(32).collect();
            Err(format!(
                "a database that begins with `{shown}` is not known: write sqlite:PATH, as in \
                 sqlite:tidings.db"
            ))
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
