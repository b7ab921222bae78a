//! `elman completions` and `elman man`: what a shell and a reader want to know of the commands, made of their definition.

use anyhow::Context;

use crate::command_line::{self};
use crate::flags::output::OutputArgs;
use crate::flags::shell::{CompletionsArgs, ManArgs};
use crate::output::Output;

pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command_line::command(), "elman", &mut script);
    print(script)
}

pub(crate) fn man(args: &ManArgs) -> anyhow::Result<()> {
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        // As in the folder, where `help` has no page of its own.
        clap_mangen::Man::new(command_line::command().disable_help_subcommand(true)).render(&mut page)?;
        return print(page);
    };
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    clap_mangen::generate_to(command_line::command(), dir)
        .with_context(|| format!("cannot write into {}", dir.display()))
}

/// As any result is printed: whoever reads it may go at any time.
fn print(text: Vec<u8>) -> anyhow::Result<()> {
    let mut output = Output::new(OutputArgs { json: false, quiet: false });
    output.line(String::from_utf8(text)?.trim_end())
}
