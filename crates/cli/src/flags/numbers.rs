//! Values of flags that are numbers: a negative one is a value, refused with what is expected, never an unknown flag.

use std::any::TypeId;

use clap::builder::ValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use super::wrong::Wrong;

/// What the text of a parser's error begins with, when it says what the flag may be.
const EXPECTED: &str = "expected ";

/// Lets every flag of a command, and of the commands in it, take negative numbers.
pub(crate) fn negative(command: Command) -> Command {
    command.mut_args(as_value).mut_subcommands(negative)
}

fn as_value(arg: Arg) -> Arg {
    if arg.is_positional() || !arg.get_action().takes_values() {
        return arg;
    }
    let holds = |of: TypeId| arg.get_value_parser().type_id() == of;
    let whole: Option<ValueParser> = match () {
        () if holds(TypeId::of::<usize>()) => Some(ValueParser::new(whole::<usize>)),
        () if holds(TypeId::of::<u64>()) => Some(ValueParser::new(whole::<u64>)),
        () if holds(TypeId::of::<u32>()) => Some(ValueParser::new(whole::<u32>)),
        () => None,
    };
    let arg = arg.allow_negative_numbers(true);
    match whole {
        Some(parser) => arg.value_parser(parser),
        None => arg,
    }
}

/// A whole number, 0 or more.
fn whole<N: TryFrom<u64>>(text: &str) -> Result<N, String> {
    let most = (8 * size_of::<N>()).checked_sub(1).map_or(u64::MAX, |bits| (1 << bits) | ((1 << bits) - 1));
    match text.parse::<u64>().ok().and_then(|number| N::try_from(number).ok()) {
        Some(number) => Ok(number),
        None if text.parse::<i128>().is_ok() => Err(format!("{EXPECTED}0 to {most}")),
        None => Err(format!("{EXPECTED}a whole number, 0 to {most}")),
    }
}

/// The refusal of a value, as settings are refused: `--seed is -1; expected 0 to …`. None where the parser says it itself.
pub(crate) fn refused(error: &clap::Error) -> Option<Wrong> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let said = std::error::Error::source(error)?.to_string();
    let expected = match said.find(EXPECTED) {
        Some(at) => said[at..].to_owned(),
        None if said == "invalid float literal" => format!("{EXPECTED}a number"),
        None => return None,
    };
    let (flag, value) = (text(ContextKind::InvalidArg)?, text(ContextKind::InvalidValue)?);
    let flag = flag.split([' ', '=']).next()?;
    (error.kind() == ErrorKind::ValueValidation).then(|| Wrong::new(format!("{flag} is {value}; {expected}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_their_type() {
        assert_eq!(whole::<u64>("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(whole::<u32>("4294967295"), Ok(u32::MAX));
        assert_eq!(whole::<u32>("4294967296"), Err("expected 0 to 4294967295".into()));
        for text in ["-1", "-0x", "1.5", "", "abc", "99999999999999999999"] {
            let message = whole::<u64>(text).unwrap_err();
            assert!(message.starts_with(EXPECTED) && message.ends_with("0 to 18446744073709551615"), "{message}");
        }
    }

    /// `-1` and what is no number, for every flag of every command that takes a value.
    #[test]
    fn every_flag_takes_a_negative_number_for_its_value() {
        fn walk(command: &Command, path: &[String], found: &mut usize) {
            for sub in command.get_subcommands() {
                walk(sub, &[path, &[sub.get_name().to_owned()]].concat(), found);
            }
            for arg in command.get_arguments().filter(|arg| !arg.is_positional() && arg.get_action().takes_values()) {
                let Some(name) = arg.get_long() else { continue };
                // A flag that may stand alone takes its value behind the sign alone.
                let given = match arg.is_require_equals_set() {
                    true => vec![format!("--{name}=-1")],
                    false => vec![format!("--{name}"), "-1".into()],
                };
                let line = [path, &given[..]].concat();
                let error = crate::command_line::command().try_get_matches_from(&line).err();
                let kind = error.as_ref().map(clap::Error::kind);
                assert_ne!(kind, Some(ErrorKind::UnknownArgument), "{line:?}: {error:?}");
                let whole = [TypeId::of::<usize>(), TypeId::of::<u64>(), TypeId::of::<u32>()];
                if whole.iter().any(|&of| arg.get_value_parser().type_id() == of) {
                    *found += 1;
                    let said = error.as_ref().and_then(refused).map(|wrong| wrong.to_string()).unwrap_or_default();
                    let expected = format!("--{name} is -1; expected 0 to ");
                    assert!(said.starts_with(&expected), "{line:?}: {said}");
                }
            }
        }
        let mut command = crate::command_line::command();
        command.build();
        let mut found = 0;
        walk(&command, &["elman".to_owned()], &mut found);
        assert!(found > 60, "{found}");
    }
}
