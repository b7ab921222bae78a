//! Defaults in the help.

use clap::{Arg, Command};

/// Says in the help of each flag what it is without the flag, unless the help says it.
pub(crate) fn shown(command: Command, defaults: &toml::Table) -> Command {
    command.mut_args(|arg| with_default(arg, defaults))
}

fn with_default(arg: Arg, table: &toml::Table) -> Arg {
    let default = match table.get(arg.get_id().as_str()) {
        Some(toml::Value::String(text)) => text.clone(),
        Some(toml::Value::Integer(value)) => value.to_string(),
        Some(toml::Value::Float(value)) => value.to_string(),
        Some(toml::Value::Array(values)) => {
            values.iter().map(|value| value.to_string().trim_matches('"').to_owned()).collect::<Vec<_>>().join(",")
        }
        _ => return arg,
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if help.contains("[default") { arg } else { arg.help(format!("{help} [default: {default}]")) }
}
