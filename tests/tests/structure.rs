//! The house stands as its plan says: which crate may know which, what each may bring in, and where SQL, routes and
//! environment variables live. Fails with the crate or the line that broke it.
//!
//! What the arrows are for is in `ARCHITECTURE.md`; this is only their guard.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Every crate of the workspace with the crates of the workspace that it may depend on.
const ARROWS: [(&str, &[&str]); 9] = [
    ("fallow-protocol", &[]),
    ("grid-core", &["fallow-protocol"]),
    ("fallow-sandbox", &["fallow-protocol"]),
    ("fallow-migrations", &[]),
    ("grid-server", &["fallow-protocol", "grid-core", "fallow-sandbox", "fallow-migrations"]),
    ("fallow-node", &["fallow-protocol", "fallow-sandbox"]),
    ("fallow-cli", &["fallow-protocol", "grid-core", "fallow-sandbox"]),
    ("fallow-tests", &["fallow-protocol", "grid-core", "fallow-sandbox", "fallow-cli"]),
    ("xtask", &[]),
];

/// Libraries that only these crates may name in their manifests (a name stands for all that begin with it).
const RESERVED: [(&str, &[&str]); 6] = [
    ("wasmtime", &["fallow-sandbox"]),
    ("sea-orm", &["grid-server", "fallow-migrations"]),
    ("sqlx", &[]),
    ("axum", &["grid-server", "fallow-node"]),
    ("landlock", &["fallow-sandbox"]),
    ("seccompiler", &["fallow-sandbox"]),
];

/// Libraries that must not be anywhere below these crates: they are async, IO, databases, engines.
const PURE: [(&str, &[&str]); 2] = [
    ("fallow-protocol", &["tokio", "sea-orm", "sqlx-core", "wasmtime", "axum", "reqwest", "hyper", "mio"]),
    ("grid-core", &["tokio", "sea-orm", "sqlx-core", "wasmtime", "axum", "reqwest", "hyper", "mio", "rand"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace").to_owned()
}

fn cargo(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    // Features as each crate asks for them itself, not as the workspace together does.
    command.env_remove("CARGO_RESOLVER_FEATURE_UNIFICATION").env_remove("CARGO_UNSTABLE_FEATURE_UNIFICATION");
    let output = command.args(args).arg("--offline").current_dir(root()).output().expect("cargo starts");
    assert!(output.status.success(), "cargo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo speaks UTF-8")
}

/// Each crate of the workspace with the names of all that it depends on, tests and builds included.
fn crates() -> Vec<(String, BTreeSet<String>)> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])).unwrap();
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    let depends =
        |package: &Value| package["dependencies"].as_array().expect("dependencies").iter().map(name).collect();
    packages.iter().map(|package| (name(package), depends(package))).collect()
}

#[test]
fn arrows_point_one_way() {
    let crates = crates();
    let ours: BTreeSet<&str> = crates.iter().map(|(name, _)| name.as_str()).collect();
    for (name, depends) in &crates {
        let arrow = ARROWS.iter().find(|(known, _)| known == name);
        let (_, allowed) = arrow.unwrap_or_else(|| panic!("crate {name} has no line in ARROWS: say what it may know"));
        for other in depends.iter().filter(|other| ours.contains(other.as_str())) {
            assert!(allowed.contains(&other.as_str()), "{name} must not depend on {other}");
        }
    }
}

#[test]
fn libraries_stay_in_their_rooms() {
    for (name, depends) in crates() {
        for (library, rooms) in RESERVED {
            let found = depends.iter().find(|other| *other == library || other.starts_with(&format!("{library}-")));
            let Some(found) = found else { continue };
            assert!(rooms.contains(&name.as_str()), "{name} must not depend on {found}: only {rooms:?} may");
        }
    }
}

#[test]
fn rules_and_protocol_are_pure() {
    for (name, forbidden) in PURE {
        let tree = cargo(&["tree", "--package", name, "--edges", "normal", "--prefix", "none", "--format", "{lib}"]);
        let below: BTreeSet<String> = tree.lines().map(|line| line.trim().replace('_', "-")).collect();
        assert!(below.contains("serde"), "the tree of {name} is not what is expected: {tree}");
        for library in forbidden {
            assert!(!below.contains(*library), "{library} is below {name}: see cargo tree -p {name} -i {library}");
        }
    }
}

/// Our own Rust files, with their paths from the root.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(&root(), &mut files);
    assert!(files.len() > 50, "only {} Rust files were found", files.len());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let path = path.strip_prefix(root()).expect("it lies below the root").to_str().expect("UTF-8").to_owned();
        (path, text)
    };
    files.into_iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let skipped = name.starts_with('.') || name == "target" || name == "node_modules";
        if path.is_dir() && !path.is_symlink() && !skipped {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Lines with one of `words` outside of `allowed` paths (a path ending in `/` allows all below it).
fn strays(words: &[&str], allowed: &[&str]) -> Vec<String> {
    let is_allowed =
        |path: &str| allowed.iter().any(|room| path == *room || room.ends_with('/') && path.starts_with(room));
    let mut strays = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| !is_allowed(path)) {
        for (number, line) in text.lines().enumerate() {
            let code = line.trim_start();
            if !code.starts_with("//") && words.iter().any(|word| code.contains(word)) {
                strays.push(format!("{path}:{}: {code}", number + 1));
            }
        }
    }
    strays
}

fn assert_no_strays(what: &str, words: &[&str], allowed: &[&str]) {
    let strays = strays(words, allowed);
    assert!(strays.is_empty(), "{what} outside of {allowed:?}:\n{}", strays.join("\n"));
}

#[test]
fn sql_is_only_in_the_store() {
    let words = [
        "\"SELECT ",
        "\"INSERT ",
        "\"UPDATE ",
        "\"DELETE FROM",
        "\"CREATE TABLE",
        "\"PRAGMA ",
        "\"VACUUM",
        "Statement::from_",
        "execute_unprepared(",
        "execute_raw(",
        "query_one_raw(",
        "query_all_raw(",
    ];
    assert_no_strays("SQL", &words, &["grid-server/src/store/", "grid-server/src/store.rs", "migrations/", "tests/"]);
}

#[test]
fn routes_are_only_in_the_router() {
    let words = [".route(", ".routes(", "routes!(", ".nest(", ".route_service("];
    assert_no_strays("a route", &words, &["grid-server/src/router.rs", "node/src/page.rs", "tests/"]);
}

#[test]
fn the_environment_is_read_only_in_configs() {
    let words = ["env::var(", "env::var_os(", "env::vars(", "env::vars_os("];
    let allowed = [
        "grid-server/src/config.rs",
        "node/src/config.rs",
        "cli/src/config.rs",
        // Not product code: chores and tests may be told things.
        "xtask/",
        "tests/",
        "sandbox/tests/",
    ];
    assert_no_strays("a read of the environment", &words, &allowed);
}

/// Money is whole numbers.
#[test]
fn no_float_is_near_credits() {
    let rooms = [
        "grid-core/src/ledger",
        "grid-core/src/pricing",
        "grid-core/src/settle",
        "grid-server/src/store/ledger",
        "grid-server/src/store/holdings",
        "migrations/src/m0201_ledger.rs",
        "migrations/src/m0202_holdings.rs",
    ];
    let is_near = |path: &str| rooms.iter().any(|room| path.starts_with(room));
    let near: Vec<_> = sources().into_iter().filter(|(path, _)| is_near(path)).collect();
    assert!(near.len() > 15, "only {} files were found", near.len());
    for (path, text) in near {
        for (number, line) in (1..).zip(text.lines()) {
            let float = ["f32", "f64", "REAL", "DOUBLE", "FLOAT"].iter().any(|word| line.contains(word));
            assert!(!float, "{path}:{number}: a float beside credits: {line}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "these files do not begin with `//!`:\n{}", silent.join("\n"));
}

#[test]
fn modules_are_named_files() {
    let named: Vec<String> =
        sources().into_iter().map(|(path, _)| path).filter(|path| path.ends_with("/mod.rs")).collect();
    assert!(named.is_empty(), "`foo.rs` beside `foo/`, not mod.rs: {named:?}");
}

#[test]
fn nothing_is_left_for_later_or_switched_off() {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ig", "nore")];
    let strays: Vec<String> = sources()
        .into_iter()
        .flat_map(|(path, text)| {
            let marked = |line: &str| words.iter().any(|word| line.contains(word));
            let lines: Vec<usize> = (1..).zip(text.lines()).filter(|(_, line)| marked(line)).map(|(n, _)| n).collect();
            lines.into_iter().map(move |line| format!("{path}:{line}"))
        })
        .collect();
    assert!(strays.is_empty(), "left for later, or switched off:\n{}", strays.join("\n"));
}

/// A guest's crate knows the protocol's world, never the host.
#[test]
fn guests_know_nothing_of_the_host() {
    for folder in ["sdk-guest", "examples"] {
        let mut manifests = Vec::new();
        let folder = root().join(folder);
        if folder.is_dir() {
            collect_manifests(&folder, &mut manifests);
        }
        for path in manifests {
            let text = std::fs::read_to_string(&path).expect("a readable manifest");
            let hosts = ["fallow-protocol", "grid-core", "fallow-sandbox", "grid-server", "fallow-node", "wasmtime"];
            let named = hosts.iter().find(|host| text.lines().any(|line| line.trim_start().starts_with(*host)));
            assert!(named.is_none(), "{} names {named:?}", path.display());
        }
    }
}

fn collect_manifests(folder: &Path, manifests: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() && !path.is_symlink() && !path.ends_with("target") {
            collect_manifests(&path, manifests);
        } else if path.ends_with("Cargo.toml") {
            manifests.push(path);
        }
    }
}
