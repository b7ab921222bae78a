//! Flags of `elman completions` and `elman man`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  elman completions bash > ~/.local/share/bash-completion/completions/elman
  elman completions zsh > ~/.zfunc/_elman
  elman completions fish > ~/.config/fish/completions/elman.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  elman man | man -l -
  elman man ~/.local/share/man/man1      then: man elman-train-mnist")]
pub(crate) struct ManArgs {
    /// Folder for the pages of all commands; created if missing
    pub(crate) dir: Option<PathBuf>,
}
