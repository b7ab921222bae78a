//! What becomes of each block of a page: it is run, compiled, read or compared, or its reason is here.

use std::collections::BTreeSet;

use super::compare::{masked, matches};
use crate::support::book::{Block, Page, commands, pages, root};

/// How a block for a shell is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// As it is written.
    Whole,
    /// With trainings and measurements made short.
    Short,
    /// Short, where the processor has AVX2.
    Avx2,
    /// Each command must be refused.
    Fails,
    /// The training is ended by a signal.
    Stopped,
    /// Not at all: [`APART`] says why. It has no command of elman.
    Apart,
}

/// The first lines of the blocks that are not run, and why.
const APART: [(&str, &str); 14] = [
    ("git clone … elman && cd elman", "it installs what is tested here"),
    ("cargo test --workspace", "the test is a part of it"),
    ("benches/record.sh > docs/records/DATE-MACHINE.jsonl", "a quarter of an hour of `elman bench`"),
    ("benches/arithmetic.sh > docs/records/arithmetic-DATE-MACHINE.json", "it builds anew, and runs the laws"),
    (
        "benches/arithmetic_results.py > docs/records/arithmetic-results-DATE-MACHINE.json",
        "half an hour of `elman train`",
    ),
    ("cargo test -p elman-kernels --test it -- --nocapture six_pieces", "it is a test"),
    ("benches/options.py > docs/records/DATE-MACHINE-options.jsonl", "half an hour of `elman bench`"),
    ("peers/setup.sh                    # virtual environments, outside the repository", "it installs other engines"),
    ("mpirun -n 4 elman train mnist --out runs/four", "it needs MPI; `ranks.rs` runs such commands"),
    ("mpirun -n 2 elman train text --threads 1", "it needs MPI; `ranks.rs` runs such commands"),
    (
        "mpirun --host one:1,two:1 elman train mnist --data /data/mnist --out runs/two    # Open MPI",
        "it needs two machines",
    ),
    ("python peers/torch_own_tests.py", "it needs PyTorch"),
    ("python peers/torch_layers.py --threads 1 --processor-time", "it needs PyTorch"),
    ("python3 peers/infer.py            # docs/records/inference-DATE-MACHINE.csv", "it needs other engines"),
];

/// The programs of Rust that are compiled and not run, by their pages: each trains for ten epochs of MNIST, which at the
/// tests' optimisation takes long. `cargo run --release -- train mnist` is the same program, and is run.
const ONLY_COMPILED: [&str; 2] = ["README.md", "docs/tutorial.md"];

/// What a block for a shell is; none for all other languages.
pub(crate) fn of(page: &Page, block: &Block) -> Option<Kind> {
    let kind = match (block.language.as_str(), block.kind.as_str()) {
        ("sh", "") => Kind::Whole,
        ("sh", "short") => Kind::Short,
        ("sh", "avx2") => Kind::Avx2,
        ("sh", "fails") => Kind::Fails,
        ("sh", "stopped") => Kind::Stopped,
        ("sh", "apart") => Kind::Apart,
        ("sh", kind) => {
            panic!(
                "{}, line {}: {kind:?} is no kind of block; CONTRIBUTING.md has those that are",
                page.name, block.line
            )
        }
        _ => return None,
    };
    Some(kind)
}

/// The name of the file that a block is.
pub(crate) fn file(block: &Block) -> Option<&str> {
    block.kind.strip_prefix("file=")
}

/// Whether a block is what the commands before it print.
pub(crate) fn is_output(block: &Block) -> bool {
    block.language == "text" && ["", "terminal"].contains(&block.kind.as_str())
}

/// The file whose first lines a block is.
pub(crate) fn head(block: &Block) -> Option<&str> {
    block.kind.strip_prefix("head=")
}

/// A block of text is compared if it is the output of the block before.
fn assert_compared(page: &Page, before: Option<&Block>, at: &str) {
    let runs = before.and_then(|before| of(page, before)).is_some_and(|kind| kind != Kind::Apart);
    assert!(runs, "{at}: this is the output of nothing that is run; what is not printed is `example` or `formula`");
}

/// A file is there for the commands of its page.
fn assert_read(page: &Page, name: &str, at: &str) {
    let shells = page.blocks().into_iter().filter(|block| block.language == "sh");
    let read = shells.flat_map(|block| commands(&block.body)).any(|line| line.args.iter().any(|arg| arg == name));
    assert!(read, "{at}: no command of the page reads {name}");
}

/// What a program of one's own has to write into its manifest holds for this repository's packages.
fn assert_dependencies(text: &str, at: &str) {
    let parse = |text: &str| text.parse::<toml::Table>().unwrap_or_else(|error| panic!("{at}: {error}"));
    let manifest = |name: &str| parse(&std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap());
    let library = manifest("crates/elman");
    for (name, wanted) in parse(text) {
        if let Some(path) = wanted.get("path") {
            let package = manifest(path.as_str().unwrap());
            assert_eq!(package["package"]["name"].as_str(), Some(name.as_str()), "{at}");
            for feature in wanted.get("features").and_then(toml::Value::as_array).into_iter().flatten() {
                assert!(package["features"].get(feature.as_str().unwrap()).is_some(), "{at}: no feature {feature}");
            }
        } else {
            let ours = &library["dependencies"][&name];
            let version = |entry: &toml::Value| entry.get("version").unwrap_or(entry).as_str().unwrap().to_owned();
            assert!(version(ours).starts_with(&version(&wanted)), "{at}: {name} is {} here", version(ours));
        }
    }
}

#[test]
fn every_block_is_run_compiled_read_or_compared() {
    let (mut apart, mut only_compiled) = (BTreeSet::new(), Vec::new());
    let pages = pages();
    for page in pages.iter().filter(|page| page.original().is_none()) {
        let blocks = page.blocks();
        for (index, block) in blocks.iter().enumerate() {
            let at = format!("{}, line {}", page.name, block.line);
            let before = index.checked_sub(1).map(|index| &blocks[index]);
            match (block.language.as_str(), block.kind.as_str()) {
                ("sh", _) if of(page, block) == Some(Kind::Apart) => {
                    assert!(commands(&block.body).is_empty(), "{at}: a command of elman must be run");
                    let first = block.body.lines().next().unwrap_or_default().to_owned();
                    let known = APART.iter().any(|(known, _)| *known == first);
                    assert!(known, "{at}: there is no reason why {first:?} is not run");
                    for script in
                        block.body.split_whitespace().filter(|word| word.ends_with(".sh") || word.ends_with(".py"))
                    {
                        assert!(root().join(script).is_file(), "{at}: no {script}");
                    }
                    apart.insert(first);
                }
                // `pages.rs` runs these alone.
                ("sh", kind) if page.is_of_another_program() => assert_eq!(kind, "", "{at}"),
                ("sh", _) => {}
                ("text", "" | "terminal") => assert_compared(page, before, &at),
                ("text", "example" | "formula") => {}
                // In the library's documentation tests.
                ("rust", "") => {}
                ("rust", "no_run") => only_compiled.push(page.name.as_str()),
                // `golden/check_pages.py` runs them where the other programs are installed.
                ("python", "") => {
                    // `python/tests/test_pages.py` runs those of its pages.
                    let ours = ["docs/python.md", "docs/sklearn.md", "docs/torch.md"].contains(&page.name.as_str());
                    let known = ours || page.is_of_another_program() || page.name == "docs/tutorial.md";
                    assert!(known, "{at}: nothing runs it");
                }
                ("toml", "dependencies") => assert_dependencies(&block.body, &at),
                ("toml" | "csv", _) => {
                    let name = file(block).or(head(block));
                    assert_read(page, name.unwrap_or_else(|| panic!("{at}: nothing reads it")), &at);
                }
                (language, kind) => panic!("{at}: nothing is done with {language},{kind}"),
            }
        }
    }
    assert_eq!(apart, APART.iter().map(|(first, _)| (*first).to_owned()).collect());
    assert_eq!(only_compiled, ONLY_COMPILED);
}

/// A translation has the code of its original, but for remarks: so what is run and compiled there holds here too. Of what
/// is printed it may leave lines out.
#[test]
fn translations_have_the_code_of_their_originals() {
    let all = pages();
    let code = |page: &Page| -> Vec<(String, String)> {
        let blocks = page.blocks().into_iter().filter(|block| block.language != "text");
        let plain = |block: Block| {
            let remark = if block.language == "rust" { "//" } else { "#" };
            let lines = block.body.lines().map(|line| match line.find(remark) {
                Some(at) if !line.contains("#[") => line[..at].trim_end().to_owned(),
                _ => line.trim_end().to_owned(),
            });
            let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
            (format!("{},{}", block.language, block.kind), lines.join("\n"))
        };
        blocks.map(plain).collect()
    };
    let outputs = |page: &Page| -> Vec<Vec<String>> {
        page.blocks().iter().filter(|block| is_output(block)).map(|block| masked(&block.body)).collect()
    };
    let mut translations = 0;
    for page in &all {
        let Some(name) = page.original() else { continue };
        let original = all.iter().find(|page| page.name == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(code(page), code(original), "{} and {name}", page.name);
        let [shown, printed] = [page, original].map(outputs);
        assert_eq!(shown.len(), printed.len(), "{} and {name}", page.name);
        for (shown, printed) in shown.iter().zip(&printed) {
            assert!(matches(shown, printed), "{}: {shown:?} is not {printed:?}", page.name);
        }
        translations += 1;
    }
    assert_eq!(translations, 2);
}

/// The blocks of Rust are compiled and run by the library's documentation tests.
#[test]
fn every_page_with_rust_is_a_test_of_the_library() {
    let library = std::fs::read_to_string(root().join("crates/elman/src/lib.rs")).unwrap();
    for page in pages().iter().filter(|page| page.original().is_none()) {
        // The README is also that of the library's crate, which has a link to it.
        let from_library = if page.name == "README.md" { "../" } else { "../../../" };
        let has_rust = page.blocks().iter().any(|block| block.language == "rust");
        assert_eq!(
            has_rust,
            library.contains(&format!("include_str!(\"{from_library}{}\")", page.name)),
            "{}",
            page.name
        );
    }
}

/// Commands stand in fenced blocks, where the tests above see them.
#[test]
fn no_command_stands_outside_of_a_fence() {
    for page in pages().iter().filter(|page| !page.is_of_another_program()) {
        let prose = page.prose();
        let indented = prose.lines().find(|line| line.starts_with("    ") && !commands(line.trim()).is_empty());
        assert_eq!(indented, None, "{}", page.name);
    }
}
