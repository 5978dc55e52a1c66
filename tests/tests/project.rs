//! What the project says of itself is true.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_docs_list_every_feature() {
    let manifest = read("auth/Cargo.toml");
    let section = manifest.split("[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let features = section.lines().filter_map(|line| line.split_once(" = ").map(|(name, _)| name));
    let public: BTreeSet<_> = features.filter(|name| !name.starts_with("__") && *name != "default").collect();
    let docs = read("auth/src/lib.rs");
    let table = docs.split("//! | feature |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows = table.lines().skip(2).filter_map(|line| line.strip_prefix("//! | `")?.split('`').next());
    assert_eq!(rows.collect::<BTreeSet<_>>(), public);
}

#[test]
fn every_feature_has_a_comment() {
    let manifest = read("auth/Cargo.toml");
    let section = manifest.split("[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let lines: Vec<_> = section.lines().collect();
    for pair in lines.windows(2).filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with("default")) {
        assert!(pair[0].starts_with("# "), "{}", pair[1]);
    }
}

#[test]
fn every_folder_of_the_readme_is_there() {
    let readme = read("README.md");
    let table = readme.split("## Where things are").nth(1).unwrap().split("\n## ").next().unwrap();
    let folders: Vec<_> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert!(folders.len() >= 6);
    for folder in folders {
        assert!(root().join(folder).is_dir(), "{folder}");
    }
}
