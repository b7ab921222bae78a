//! What a release needs to agree on: versions, the changelog, what each crate says of itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::Table;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn manifest(folder: &Path) -> Table {
    let path = folder.join("Cargo.toml");
    fs::read_to_string(&path).unwrap().parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The crates that are published: their folders and manifests.
fn published() -> Vec<(PathBuf, Table)> {
    let folders = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let all = folders.map(|folder| (folder.clone(), manifest(&folder)));
    all.filter(|(_, manifest)| manifest["package"].get("publish").is_none()).collect()
}

#[test]
fn versions_and_the_changelog_agree() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let newest = changelog.lines().find_map(|line| line.strip_prefix("## ")).unwrap();
    assert_eq!(newest.split(' ').next(), Some(VERSION), "the changelog begins with {newest:?}");

    let shown = Command::new(env!("CARGO_BIN_EXE_elman")).arg("--version").output().unwrap().stdout;
    assert_eq!(String::from_utf8(shown).unwrap(), format!("elman {VERSION}\n"));

    let workspace = &manifest(&root())["workspace"];
    assert_eq!(workspace["package"]["version"].as_str(), Some(VERSION));
    let dependencies = workspace["dependencies"].as_table().unwrap();
    let ours = dependencies.values().filter(|dependency| dependency.get("path").is_some());
    let versions: Vec<_> = ours.map(|dependency| dependency["version"].as_str()).collect();
    assert_eq!(versions, [Some(VERSION); 7]);
}

#[test]
fn every_crate_says_what_a_registry_asks() {
    let crates = published();
    assert_eq!(crates.len(), 8);
    for (folder, manifest) in crates {
        let name = folder.display();
        let package = &manifest["package"];
        assert!(package["description"].as_str().is_some_and(|text| text.len() > 20), "{name}");
        for key in ["version", "edition", "rust-version", "license", "authors", "categories", "keywords"] {
            assert_eq!(package[key]["workspace"].as_bool(), Some(true), "{name}: {key}");
        }
        let include: Vec<_> = package["include"].as_array().unwrap().iter().filter_map(|path| path.as_str()).collect();
        assert!(include.contains(&"/README.md") && include.contains(&"/LICENSE-*"), "{name}: {include:?}");
        assert!(folder.join(package["readme"].as_str().unwrap()).metadata().unwrap().len() > 100, "{name}");
        for license in ["LICENSE-MIT", "LICENSE-APACHE"] {
            assert_eq!(fs::read(folder.join(license)).unwrap(), fs::read(root().join(license)).unwrap(), "{name}");
        }
        // Others come with a version, for the registry knows no paths.
        for (dependency, entry) in manifest["dependencies"].as_table().unwrap() {
            assert!(entry.get("path").is_none(), "{name}: {dependency} is a path");
        }
    }
}
