use super::*;

fn parsed(line: &str) -> Result<Parsed, Failure> {
    parse(line.split_whitespace().map(OsString::from))
}

fn all_commands(command: &ClapCommand, path: &str, found: &mut Vec<(String, ClapCommand)>) {
    found.push((path.to_owned(), command.clone()));
    for sub in command.get_subcommands() {
        all_commands(sub, &format!("{path} {}", sub.get_name()), found);
    }
}

#[test]
fn the_command_line_is_well_formed_and_every_command_has_an_example() {
    command().debug_assert();
    let mut found = Vec::new();
    all_commands(&command(), "tidings", &mut found);
    assert!(found.len() > 30, "{}", found.len());
    for (path, command) in found {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("Example"), "{path} has no example");
        let Ok(Parsed::Text(text)) = parsed(&format!("{path} --help")) else {
            panic!("{path} --help is no text");
        };
        assert!(text.contains("Usage:") && text.contains("Example"), "{path}");
    }
}

#[test]
fn every_option_can_be_set_by_the_environment() {
    let mut found = Vec::new();
    all_commands(&command(), "tidings", &mut found);
    for (path, command) in found {
        for argument in command.get_arguments() {
            let Some(long) = argument.get_long() else { continue };
            let wanted = match long {
                "help" | "version" | "url" => continue,
                "server" => "TIDINGS_URL".to_owned(),
                other => format!("TIDINGS_{}", other.replace('-', "_").to_uppercase()),
            };
            let name = argument.get_env().and_then(|name| name.to_str());
            assert_eq!(name, Some(wanted.as_str()), "{path} --{long}");
            assert!(argument.is_hide_env_values_set(), "{path} --{long} shows its value");
        }
    }
}

#[test]
fn wrong_usage_is_one_line_with_the_way_to_help() {
    let check = |line: &str, wanted: &[&str]| {
        let Err(error) = parsed(line) else { panic!("{line} was taken") };
        let text = error.to_string();
        assert_eq!((error.code(), text.lines().count()), (2, 1), "{line}: {text}");
        for part in wanted {
            assert!(text.contains(part), "{line} gave `{text}`, without `{part}`");
        }
    };
    check("tidings", &["a command is missing", "see `tidings --help`"]);
    check("tidings webhook", &["a command is missing", "see `tidings webhook --help`"]);
    check("tidings srve", &["'srve'", "'serve'", "see `tidings --help`"]);
    check("tidings trigger", &["<NAME>", "<ID>", "see `tidings trigger --help`"]);
    check("tidings serve --lisen x", &["--lisen", "'--listen'", "see `tidings serve --help`"]);
    check("tidings listen --status 99", &["99", "200..=599"]);
    check("tidings listen --fail-rate 2", &["from 0 to 1"]);
    let number = ["--timeout-ms", "write a whole number: see `tidings webhook add --help`"];
    check("tidings webhook add --timeout-ms x", &number);
    check(
        "tidings token issue --lifetime-s 1.5",
        &["a whole number", "`tidings token issue --help`"],
    );
    check("tidings listen --delay-ms 99999999999999999999999", &["write a smaller number"]);
    let level =
        ["QUICK_CHECK, FULL_CHECK, FULL_CHECK_ONGOING", "see `tidings application add --help`"];
    check("tidings application add a --access-level FULL", &level);
    check("tidings application add a --clear scopes", &["--clear"]);
    check("tidings provider update a --quick-check maybe", &["`tidings provider update --help`"]);
    check("tidings webhook add --success MAYBE", &["--success", "MAYBE", "ONLY_200, ANY_2XX"]);
    check("tidings webhook add --payload FOO", &["--payload", "FOO", "FROZEN, FRESH"]);
    check("tidings webhook add --errors FOO=BAR", &["--errors", "DELIVER, RETRY, HOLD, DROP"]);
    check("tidings webhook list --status FOO", &["--status", "ACTIVE, PAUSED, HELD, DISABLED"]);
    check("tidings application add a --client-type FOO", &["--client-type", "CONFIDENTIAL"]);
    check("tidings application add a --token-lifetime-s -5", &["--token-lifetime-s", "-5 is not"]);
    check("tidings token issue --lifetime-s -5", &["--lifetime-s", "-5 is not"]);
    check("tidings delivery list --state FOO", &["--state", "PENDING, LEASED", "CANCELLED"]);
    check("tidings delivery list --from yesterday", &["--from", "2021-02-17T08:48:47Z"]);
    check("tidings delivery list --first 0", &["--first", "1..=10000"]);
    check("tidings delivery replay x --payload FOO", &["--payload", "FROZEN, FRESH"]);
}

#[test]
fn a_list_is_also_named_by_its_singular_and_enums_are_read_as_they_are_typed() {
    let line = "tidings webhook add --trigger A --triggers B --header x=y --error N=drop \
        --success any-2xx --payload fresh";
    let Ok(Parsed::Command(command)) = parsed(line) else { panic!("{line} was refused") };
    let Command::Webhook(WebhookCommand::Add { fields, .. }) = *command else { panic!("{line}") };
    assert_eq!(fields.triggers, ["A", "B"]);
    assert_eq!((fields.headers, fields.errors), (vec!["x=y".into()], vec!["N=DROP".into()]));
    assert_eq!(fields.success.as_deref(), Some("ANY_2XX"));
    assert_eq!(fields.payload.as_deref(), Some("FRESH"));
    assert!(parsed("tidings webhook update 1 --trigger A").is_ok());
    assert!(parsed("tidings webhook preview x --trigger A --triggers B").is_ok());
    assert!(parsed("tidings delivery list --from 2021-02-17T08:48:47Z --state held").is_ok());
}
