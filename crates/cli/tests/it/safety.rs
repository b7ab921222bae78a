//! `docs/safety.md` lists every file with `unsafe` code, and how much of it there is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// By file: lines with a block, and lines with a function or an implementation. Comments do not count.
fn count(folder: &Path, root: &Path, counts: &mut BTreeMap<String, [usize; 2]>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count(&path, root, counts);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = || text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let found = [
            code().filter(|line| line.contains("unsafe {")).count(),
            code().filter(|line| line.contains("unsafe fn") || line.contains("unsafe impl")).count(),
        ];
        if found != [0, 0] {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            counts.insert(name, found);
        }
    }
}

#[test]
fn the_page_counts_the_unsafe_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/safety.md")).unwrap();
    let mut listed = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        listed.insert(cells[1].trim_matches('`').to_owned(), [2, 3].map(|at| cells[at].parse().unwrap()));
    }

    let kernels = root.join("crates/kernels/src");
    let mut found = BTreeMap::new();
    count(&kernels, &kernels, &mut found);
    for (prefix, folder) in [("mpi", "crates/mpi/src"), ("web", "web/src")] {
        let (folder, mut of_it) = (root.join(folder), BTreeMap::new());
        count(&folder, &folder, &mut of_it);
        found.extend(of_it.into_iter().map(|(name, counts)| (format!("{prefix}/{name}"), counts)));
    }
    assert_eq!(listed, found);

    for name in ["cli", "datasets", "elman", "exchange", "formats", "serve"] {
        let sources = root.join("crates").join(name).join("src");
        let mut found = BTreeMap::new();
        count(&sources, &sources, &mut found);
        assert!(found.is_empty(), "{name}: {found:?}");
    }
}
