use super::*;

fn parse(text: &str) -> Result<Config, Failure> {
    Config::parse(text, "tidings.toml", Path::new("etc"))
}

#[test]
fn an_empty_file_gives_the_defaults() {
    let config = parse("").unwrap();
    assert_eq!(config.server.listen.to_string(), LISTEN_DEFAULT);
    assert_eq!(config.database, Database::Sqlite("etc/tidings.db".into()));
    assert_eq!(config.key, KeyPlace::File("etc/tidings.key".into()));
    assert!(config.platform.enabled && config.server.public_schema);
    assert!(!config.delivery.allow_http && config.delivery.allow_addresses.is_empty());
}

#[test]
fn the_example_is_valid_and_says_the_defaults() {
    let example = include_str!("../../../../tidings.example.toml");
    let config = parse(example).unwrap();
    let default = parse("").unwrap();
    assert_eq!(config.server.listen, default.server.listen);
    assert_eq!(config.database, default.database);
    assert_eq!(config.key, default.key);
    assert!(config.delivery.resolver.is_none() && config.delivery.ca_file.is_none());
}

#[test]
fn every_key_is_read() {
    let config = parse(
        "[server]\nlisten = \"localhost:0\"\npublic_url = \"https://api.example.com/\"\n\
         environment = \"test\"\npublic_schema = false\n[secrets]\nkey = \"env:KEY\"\n\
         [database]\nurl = \"sqlite:/var/a.db\"\n[platform]\nenabled = false\n[delivery]\n\
         allow_http = true\nallow_addresses = [\"127.0.0.0/8\"]\nca_file = \"ca.pem\"\n\
         resolver = \"192.0.2.53\"\n",
    )
    .unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:0");
    assert_eq!(config.server.public_url.as_deref(), Some("https://api.example.com"));
    assert_eq!(config.server.environment, "test");
    assert_eq!(config.key, KeyPlace::Environment("KEY".to_owned()));
    assert_eq!(config.database, Database::Sqlite("/var/a.db".into()));
    assert!(!config.platform.enabled && !config.server.public_schema);
    assert!(config.delivery.allow_http);
    assert_eq!(config.delivery.allow_addresses[0].to_string(), "127.0.0.0/8");
    assert_eq!(config.delivery.ca_file, Some("etc/ca.pem".into()));
    assert_eq!(config.delivery.resolver, Some("192.0.2.53:53".parse().unwrap()));
}

#[test]
fn what_is_wrong_is_named_with_its_file_line_and_remedy() {
    let check = |text: &str, wanted: &[&str]| {
        let error = parse(text).unwrap_err();
        let line = error.to_string();
        assert_eq!(error.code(), 2, "{line}");
        for part in wanted {
            assert!(line.contains(part), "{text:?} gave `{line}`, without `{part}`");
        }
    };
    let at = |line: u32| format!("tidings.toml, line {line}:");
    check("[server]\nlisen = \"x\"", &[&at(2), "`server.lisen`", "did you mean `listen`?"]);
    check("[server]\nworkers = 0", &[&at(2), "`server.workers`", "listen, public_url"]);
    check("\n\n[Server]", &[&at(3), "`Server`", "did you mean `server`?"]);
    check("[server]\nlisten = 8080", &[&at(2), "server.listen", "in quotes"]);
    check("[server]\nlisten = \"8080\"", &[&at(2), "127.0.0.1:8080"]);
    check("[server]\npublic_schema = \"yes\"", &[&at(2), "true or false"]);
    check("[server]\npublic_url = \"https://a/b\"", &[&at(2), "the origin alone"]);
    check("[server]\nenvironment = \"a b\"", &[&at(2), "User-Agent"]);
    check("[delivery]\nallow_addresses = [\n\"10/8\"]", &[&at(3), "10.0.0.0/8"]);
    check("[delivery]\nresolver = \"dns.example\"", &[&at(2), "192.0.2.53"]);
    check("[database]\nurl = \"postgres://u:canary@h/d\"", &[&at(2), "PostgreSQL", "sqlite:"]);
    check("[database]\nurl = \"mysql://h\"", &[&at(2), "`mysql`", "sqlite:PATH"]);
    check("[database]\nurl = \"sqlite::memory:\"", &[&at(2), "sqlite:PATH"]);
    check("[secrets]\nkey = \"canary\"", &[&at(2), "env:NAME"]);
    check("[[source]]\nname = \"shop\"", &[&at(1), "not supported by this version"]);
    check("server = 3", &[&at(1), "[server]"]);
    check("[server]\nlisten = ", &[&at(2), "not TOML"]);
    check("[server]\nlisten = \"a\"\nlisten = \"b\"", &[&at(3), "not TOML"]);
    for text in ["[database]\nurl = \"postgres://u:canary@h/d\"", "[secrets]\nkey = \"canary\""] {
        assert!(!parse(text).unwrap_err().to_string().contains("canary"));
    }
}

#[test]
fn a_named_file_must_exist_and_options_beat_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    let missing = Overrides { file: Some(path.clone()), ..Overrides::default() };
    assert!(Config::read(&missing).unwrap_err().to_string().contains("a.toml cannot be read"));
    std::fs::write(&path, "[server]\nlisten = \"127.0.0.1:1\"\n").unwrap();
    let overrides = Overrides {
        file: Some(path),
        listen: Some("127.0.0.1:2".to_owned()),
        database: Some("sqlite:here.db".to_owned()),
    };
    let config = Config::read(&overrides).unwrap();
    assert_eq!(config.server.listen.port(), 2);
    assert_eq!(config.database, Database::Sqlite("here.db".into()));
    assert_eq!(config.key, KeyPlace::File(folder.path().join("tidings.key")));
    let wrong = Overrides { listen: Some("x".to_owned()), ..Overrides::default() };
    assert!(Config::read(&wrong).unwrap_err().to_string().starts_with("--listen: `x`"));
}
