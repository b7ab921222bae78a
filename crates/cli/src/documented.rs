//! Every command that a page or a help text shows is one that the program understands.

use std::ffi::OsString;

use crate::command_line;

#[path = "../tests/support/book.rs"]
mod book;

/// The arguments as `main` takes them.
fn parse(line: &book::Line) -> Result<(), clap::Error> {
    let all = std::iter::once("elman").chain(line.args.iter().map(String::as_str)).map(OsString::from);
    command_line::command().try_get_matches_from(command_line::with_dashes(all)).map(|_| ())
}

/// The commands of a script are understood; returns how many there were.
fn check(origin: &str, script: &str) -> usize {
    let commands = book::commands(script);
    for line in &commands {
        if let Err(error) = parse(line) {
            panic!("{origin}: {:?}: {error}", line.args);
        }
    }
    commands.len()
}

#[test]
fn the_commands_of_the_pages() {
    let mut count = 0;
    for page in book::pages() {
        for block in page.blocks().iter().filter(|block| block.language == "sh" && block.kind != "fails") {
            count += check(&format!("{}, line {}", page.name, block.line), &block.body);
        }
        // Outside of fences commands stand indented, with a remark behind two blanks.
        for line in page.prose().lines().filter(|line| line.starts_with("    ")) {
            count += check(&page.name, line.trim().split("  ").next().unwrap_or_default());
        }
    }
    assert!(count > 100, "{count} commands are too few: where are the others?");
}

#[test]
fn the_examples_in_the_help() {
    fn visit(command: &clap::Command, count: &mut usize) {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in text.lines() {
            // A remark stands behind two blanks.
            *count += check(command.get_name(), line.trim().split("  ").next().unwrap_or_default());
        }
        command.get_subcommands().for_each(|command| visit(command, count));
    }
    let mut count = 0;
    visit(&command_line::command(), &mut count);
    assert!(count > 40, "{count} examples are too few: where are the others?");
}

/// The parser wraps the help to the terminal's width: a paragraph that has line ends of its own is wrapped twice.
#[test]
fn the_help_is_wrapped_once() {
    fn visit(command: &clap::Command, count: &mut usize) {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2) {
            assert!(!(prose(pair[0]) && prose(pair[1])), "{}: {pair:?}", command.get_name());
        }
        *count += lines.len();
        command.get_subcommands().for_each(|command| visit(command, count));
    }
    let mut count = 0;
    visit(&command_line::command(), &mut count);
    assert!(count > 60, "{count} lines of help are too few: where are the others?");
    // And no line of the whole is wider than a terminal; what has no blank in it cannot be wrapped.
    for width in [60, 80, 100] {
        let mut train = command_line::command().term_width(width);
        let job = train.find_subcommand_mut("train").and_then(|train| train.find_subcommand_mut("series")).unwrap();
        let help = job.clone().term_width(width).render_long_help().to_string();
        let examples = help.find("Examples:").unwrap();
        for line in help[..examples].lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn a_command_that_is_not_understood_is_found() {
    let commands =
        book::commands("for n in 3 4; do ELMAN_ISA=avx2 elman eval 'a b' --threads $n | head; done # elman x");
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let environment = vec![("ELMAN_ISA".to_owned(), "avx2".to_owned())];
    assert_eq!(commands, [book::Line { environment, args: words(&["eval", "a b", "--threads", "3"]) }]);
    assert!(parse(&commands[0]).is_ok());
    assert!(parse(&book::Line { environment: vec![], args: words(&["eval", "run", "--thread", "3"]) }).is_err());
    assert_eq!(book::commands("cargo run --release -- train mnist > results.txt")[0].args, ["train", "mnist"]);
}
