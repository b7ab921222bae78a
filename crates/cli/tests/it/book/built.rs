//! What mdBook makes of the pages: `.ci/run` builds it, where mdBook can be had.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The folder of a built book.
const BOOK: &str = "ELMAN_BOOK";

/// The values of an attribute, in whatever element.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.match_indices(&start).filter_map(|(at, _)| html[at + start.len()..].split('"').next()).collect()
}

/// `%E4%BB%BB` as it is written in the page.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (first, code.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
#[ignore = "it reads a book that .ci/run has built"]
fn the_built_book_has_all_that_it_leads_to() {
    let book = std::env::var(BOOK).unwrap_or_else(|_| panic!("{BOOK} is to be the folder of a built book"));
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(&book).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // The page for what is not found is shown at any place.
        if name.ends_with(".html") && name != "404.html" {
            pages.insert(name.clone(), fs::read_to_string(Path::new(&book).join(name)).unwrap());
        }
    }
    let mut count = 0;
    for (name, html) in &pages {
        for link in [values(html, "href"), values(html, "src")].concat() {
            let outside =
                link.split_once(':').is_some_and(|(scheme, _)| scheme.bytes().all(|c| c.is_ascii_lowercase()));
            if outside {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { name.clone() } else { decoded(file) };
            assert!(Path::new(&book).join(&file).exists(), "{name}: {link} leads nowhere");
            if let (false, Some(target)) = (anchor.is_empty(), pages.get(&file)) {
                assert!(values(target, "id").contains(&&*decoded(anchor)), "{name}: {link}: no such place there");
            }
            count += 1;
        }
    }
    assert!(count > 500, "{count} links are too few: where are the others?");
}

#[test]
fn values_of_attributes_are_found() {
    assert_eq!(values(r#"<a class="x" href="a.html#%E4%BB%BB"><a href="">"#, "href"), ["a.html#%E4%BB%BB", ""]);
    assert_eq!((decoded("%E4%BB%BB-1"), decoded("5%")), ("任-1".to_owned(), "5%".to_owned()));
}
