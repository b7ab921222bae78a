//! The page: a few files of the binary.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::failure::Failure;

/// A file of the page: its name, its media type, its content.
type File = (&'static str, &'static str, &'static [u8]);

/// A file by its name and media type.
macro_rules! file {
    ($name:literal, $kind:expr) => {
        ($name, $kind, include_bytes!(concat!("../../page/", $name)))
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// All of them.
const FILES: [File; 28] = [
    file!("index.html", HTML),
    file!("style.css", CSS),
    file!("icon.svg", SVG),
    file!("bars.js", SCRIPT),
    file!("choices.js", SCRIPT),
    file!("colours.js", SCRIPT),
    file!("digit.js", SCRIPT),
    file!("digits.js", SCRIPT),
    file!("elements.js", SCRIPT),
    file!("engine-http.js", SCRIPT),
    file!("engine.js", SCRIPT),
    file!("example.js", SCRIPT),
    file!("fan.js", SCRIPT),
    file!("gates.js", SCRIPT),
    file!("inputs.js", SCRIPT),
    file!("main.js", SCRIPT),
    file!("panel.js", SCRIPT),
    file!("pen.js", SCRIPT),
    file!("sampling.js", SCRIPT),
    file!("series.js", SCRIPT),
    file!("stream.js", SCRIPT),
    file!("strip.js", SCRIPT),
    file!("sunspots.js", SCRIPT),
    file!("table.js", SCRIPT),
    file!("text.js", SCRIPT),
    file!("words-en.js", SCRIPT),
    file!("words-zh.js", SCRIPT),
    file!("words.js", SCRIPT),
];

/// `GET /`
pub(super) async fn index() -> Response {
    sent(&FILES[0])
}

/// `GET /page/FILE`
pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Failure> {
    let found = FILES.iter().find(|(of, ..)| *of == name);
    found.map(sent).ok_or_else(|| Failure::unknown(format!("the page has no file {name:?}")))
}

fn sent((_, kind, content): &File) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "no-cache")], *content).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    fn text(name: &str) -> &'static str {
        std::str::from_utf8(FILES.iter().find(|(of, ..)| *of == name).unwrap().2).unwrap()
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/page")).unwrap();
        let there: BTreeSet<String> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let served: BTreeSet<String> = FILES.iter().map(|(name, ..)| (*name).to_owned()).collect();
        assert_eq!(served, there);
        assert_eq!(FILES[0].0, "index.html");
    }

    /// A network in the page itself will take the place of the server: one module knows where numbers come from.
    #[test]
    fn one_module_speaks_with_the_server() {
        for (name, kind, _) in FILES {
            let speaks = ["fetch(", "WebSocket", "XMLHttpRequest", "EventSource", "sendBeacon"]
                .iter()
                .any(|word| text(name).contains(word));
            assert_eq!(speaks, name == "engine-http.js", "{name} ({kind})");
        }
    }

    /// The guard's headers forbid what stands in the HTML itself, and whatever comes from elsewhere.
    #[test]
    fn nothing_is_inline_or_from_elsewhere() {
        let index = text("index.html");
        for forbidden in ["<style", " style=", "onclick=", "javascript:"] {
            assert!(!index.contains(forbidden), "{forbidden}");
        }
        assert_eq!(index.matches("<script").count(), index.matches("<script type=\"module\" src=\"page/").count());
        for (name, ..) in FILES {
            let without_namespace = text(name).replace("http://www.w3.org/2000/svg", "");
            assert!(!without_namespace.contains("http://") && !without_namespace.contains("https://"), "{name}");
        }
    }

    #[test]
    fn files_are_small_enough_to_read() {
        for (name, ..) in FILES {
            assert!(text(name).lines().count() <= 300, "{name}");
        }
    }

    /// The keys of a file of words.
    fn keys(name: &str) -> Vec<&str> {
        let lines = text(name).lines().filter(|line| line.starts_with("    ") && !line.starts_with("     "));
        lines.map(|line| line.trim_start().split(':').next().unwrap().trim_matches('"')).collect()
    }

    #[test]
    fn both_languages_have_the_same_words() {
        let english = keys("words-en.js");
        assert_eq!(keys("words-zh.js"), english);
        assert!(english.len() > 100, "{}", english.len());
        let index = text("index.html");
        for attribute in ["data-word=\"", "data-label=\""] {
            for key in index.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()) {
                assert!(english.contains(&key), "{key}");
            }
        }
    }
}
