//! Wrong usage in one line: what is wrong, what would be right, where help is.

use std::ffi::OsString;

use clap::{Command, error::ErrorKind};

use crate::failure::{Failure, one_line};

/// What the standard library says of a number, and what people can do about it.
const NUMBERS: [(&str, &str); 3] = [
    ("invalid digit found in string", "write a whole number"),
    ("cannot parse integer from empty string", "write a whole number"),
    ("number too large to fit in target type", "write a smaller number"),
];

/// The failure for what clap found. `command` is the command that was meant.
pub(super) fn wrong_usage(error: &clap::Error, command: &str) -> Failure {
    let what = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing".to_owned(),
        _ => what_is_wrong(&error.render().to_string()),
    };
    Failure::usage(format!("{what}: see `{command} --help`"))
}

/// The command that arguments name, as far as they name one: `tidings webhook add`.
pub(super) fn named_command(root: &Command, arguments: &[OsString]) -> String {
    let mut names = vec![root.get_name()];
    let mut command = root;
    for argument in arguments.iter().skip(1) {
        let Some(next) = command.find_subcommand(argument) else { break };
        names.push(next.get_name());
        command = next;
    }
    names.join(" ")
}

fn what_is_wrong(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let lines = text.split("\n\n").map(one_line);
    let said = lines
        .filter(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    let mut what = said.collect::<Vec<_>>().join("; ");
    for (said, remedy) in NUMBERS {
        what = what.replace(said, remedy);
    }
    what
}
