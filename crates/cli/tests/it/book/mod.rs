//! The pages are run as their readers run them: every command, and what it prints. CONTRIBUTING.md has the convention.

mod built;
mod compare;
mod kinds;
mod links;
#[cfg(unix)]
mod run;
mod stand_ins;
