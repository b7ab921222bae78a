//! Links between the pages, and from them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::book::{Page, pages, root};

/// The name that a heading gets in a link, as GitHub and mdBook make it.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let page = Page { name: String::new(), text: text.to_owned() };
    let headings = page.prose();
    headings.lines().filter_map(|line| line.strip_prefix('#')).map(|line| slug(line.trim_start_matches('#'))).collect()
}

/// The targets of the links and images of a page that lead to files.
fn links(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let mut targets = Vec::new();
    for (at, _) in prose.match_indices("](") {
        let target = prose[at + 2..].split(')').next().unwrap_or_default();
        if !target.contains("://") {
            targets.push(target.to_owned());
        }
    }
    targets
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut headings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut count = 0;
    for page in pages() {
        for link in links(&page) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let path = match file {
                "" => root().join(&page.name),
                file => root().join(&page.name).parent().unwrap_or(Path::new("")).join(file),
            };
            assert!(path.exists(), "{}: {link} leads nowhere", page.name);
            if !anchor.is_empty() {
                let known = headings
                    .entry(path.display().to_string())
                    .or_insert_with(|| anchors(&std::fs::read_to_string(&path).unwrap()));
                assert!(known.contains(anchor), "{}: {link}: the headings there are {known:?}", page.name);
            }
            count += 1;
        }
    }
    assert!(count > 80, "{count} links are too few: where are the others?");
}

#[test]
fn every_page_is_in_the_book() {
    let pages = pages();
    let summary = pages.iter().find(|page| page.name == "docs/SUMMARY.md").unwrap();
    let listed: BTreeSet<String> = links(summary).into_iter().map(|name| format!("docs/{name}")).collect();
    let there = pages.iter().map(|page| page.name.clone());
    let there: BTreeSet<String> = there.filter(|name| name.starts_with("docs/") && name != "docs/SUMMARY.md").collect();
    assert_eq!(listed, there);
}

/// A book that is built stands alone: of the repository it has the pages and pictures of `docs`.
#[test]
fn no_link_of_the_book_leads_out_of_it() {
    for page in pages().iter().filter(|page| page.name.starts_with("docs/")) {
        let out = links(page).into_iter().find(|link| link.starts_with("..") || link.starts_with('/'));
        assert_eq!(out, None, "{}: write the path between backticks, without a link", page.name);
    }
}

/// Files of the repository that a page names between backticks, from its root.
fn paths(page: &Page) -> Vec<String> {
    let prose = page.prose().replace('\n', " ");
    let spans = prose.split('`').skip(1).step_by(2).map(str::to_owned);
    let folders = ["crates/", "docs/", "golden/", "peers/", "benches/", "fuzz/"];
    let names = ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "README.md"];
    spans
        .filter(|span| folders.iter().any(|folder| span.starts_with(folder)) || names.contains(&span.as_str()))
        .collect()
}

#[test]
fn every_path_that_is_named_is_there() {
    let mut count = 0;
    for page in pages() {
        for path in paths(&page) {
            assert!(root().join(&path).exists(), "{}: there is no {path}", page.name);
            count += 1;
        }
    }
    assert!(count > 40, "{count} paths are too few: where are the others?");
}

#[test]
fn headings_are_named_as_in_links() {
    assert_eq!(slug("Mini-batch or full batch?"), "mini-batch-or-full-batch");
    assert_eq!(slug("config.toml"), "configtoml");
}
