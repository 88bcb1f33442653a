//! What the repository's own rules ask of its files.

use std::fs;
use std::path::Path;

#[test]
fn every_test_file_is_a_module_of_the_one_test_binary() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let root = fs::read_to_string(tests.join("it.rs")).unwrap();
    // Data, the root itself, and what needs a server or a cluster, which are targets of their own.
    let others = ["corpus", "golden", "it.rs", "cluster", "compat"];
    for entry in fs::read_dir(tests).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if others.contains(&name.as_str()) {
            continue;
        }
        let module = name.trim_end_matches(".rs");
        assert!(root.contains(&format!("mod {module};")), "tests/{name} is no module of tests/it.rs, so it never runs");
    }
}

#[test]
fn the_top_level_holds_what_the_design_names_and_nothing_else() {
    let named = ["Cargo.toml", "Cargo.lock", "LICENSE", "README.md", "benches", "build.rs", "completions", "man", "src", "tests"];
    let git = std::process::Command::new("git").args(["ls-files", "-z"]).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let files = String::from_utf8(git.stdout).unwrap();
    for file in files.split_terminator('\0') {
        let top = file.split('/').next().unwrap();
        assert!(top.starts_with('.') || named.contains(&top), "{file} does not belong at the top");
    }
}
