//! The environment as a part of the command line: `--data-dir` is also `TIDINGS_DATA_DIR`.

use std::ffi::OsStr;

use clap::{
    ArgAction, Command as ClapCommand,
    builder::{BoolishValueParser, Resettable},
};

/// The command with an environment variable for every option, of its subcommands too. A variable
/// that is set to nothing is as good as unset.
pub(super) fn with_environment(command: ClapCommand) -> ClapCommand {
    let command = command.mut_args(|argument| {
        let Some(long) = argument.get_long().map(str::to_owned) else { return argument };
        let is_named = argument.get_env().is_some();
        let is_flag = matches!(argument.get_action(), ArgAction::SetTrue);
        // `-5` is a wrong value of its option, not an option that nobody knows.
        let argument = argument.allow_negative_numbers(!is_flag);
        // A webhook's own --url is not the server's TIDINGS_URL.
        if is_named || long == "url" {
            let is_empty = argument.get_env().is_some_and(is_set_to_nothing);
            let argument = argument.hide_env_values(true);
            return if is_empty { argument.env(Resettable::Reset) } else { argument };
        }
        let name = format!("TIDINGS_{}", long.replace('-', "_").to_uppercase());
        let argument =
            if is_flag { argument.value_parser(BoolishValueParser::new()) } else { argument };
        // The names live as long as the program, which reads its command line once.
        let name: &'static str = Box::leak(name.into_boxed_str());
        if is_set_to_nothing(OsStr::new(name)) {
            return argument;
        }
        argument.env(name).hide_env(true).hide_env_values(true)
    });
    command.mut_subcommands(with_environment)
}

/// `TIDINGS_TOKEN=` is as good as unset.
#[expect(clippy::disallowed_methods, reason = "the environment is part of the command line")]
fn is_set_to_nothing(name: &OsStr) -> bool {
    std::env::var_os(name).is_some_and(|value| value.is_empty())
}
