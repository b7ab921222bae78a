//! The `elman` command. All of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    elman_cli::main()
}
