//! `fallow new`: a project that builds, tests and runs as it was generated.
//!
//! The SDK comes with the project, as source in `vendor/fallow/`, so that it builds wherever this tool is installed
//! from. Both lie in this program; a test compares the list with the SDK's folder.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::failure::Failure;

/// Where the project's copy of the SDK lies.
const VENDOR: &str = "vendor/fallow";

macro_rules! sdk {
    ($($path:literal),* $(,)?) => {
        /// Files of the SDK: path and text.
        const SDK: &[(&str, &str)] = &[$(($path, include_str!(concat!("../../sdk-guest/", $path)))),*];
    };
}

sdk![
    "Cargo.toml",
    "README.md",
    "src/backend.rs",
    "src/backend/guest.rs",
    "src/backend/guest/bindings/merge.rs",
    "src/backend/guest/bindings/run.rs",
    "src/backend/guest/bindings/split.rs",
    "src/backend/native.rs",
    "src/data.rs",
    "src/emit.rs",
    "src/error.rs",
    "src/export.rs",
    "src/files.rs",
    "src/host.rs",
    "src/lib.rs",
    "src/parts.rs",
    "src/shared.rs",
    "src/testing.rs",
    "tests/native.rs",
    "wit/task.wit",
];

/// Files of the template for Rust: path and text, in which `NAME` stands for the project's name.
const RUST: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("new/rust/Cargo.toml.txt")),
    ("README.md", include_str!("new/rust/README.md.txt")),
    ("fallow.toml", include_str!("new/rust/fallow.toml.txt")),
    (".gitignore", "/target\n"),
    ("src/lib.rs", include_str!("new/rust/lib.rs.txt")),
    ("input/light.txt", include_str!("new/rust/light.txt")),
];

/// Make the folder, which must not be there; its last part is the project's name. The files that were written.
pub fn new(folder: &Path, lang: &str) -> anyhow::Result<Vec<PathBuf>> {
    if lang != "rust" {
        return Err(Failure::usage(format!("there is no template for {lang:?}"), "fallow new NAME --lang rust").into());
    }
    let name = name(folder)?;
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let what = format!("{} is there already", folder.display());
            return Err(Failure::usage(what, "give a new name, or remove it first").into());
        }
        made => made.with_context(|| format!("cannot make {}", folder.display()))?,
    }
    let template = RUST.iter().map(|(path, text)| (PathBuf::from(path), text.replace("NAME", &name)));
    let sdk = SDK.iter().map(|(path, text)| (Path::new(VENDOR).join(path), vendored(path, text)));
    template.chain(sdk).map(|(path, text)| write(folder, path, &text)).collect()
}

/// A name for a cargo package and a job.
fn name(folder: &Path) -> anyhow::Result<String> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let fits = name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name.len() <= 64
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_');
    let taken = ["fallow", "test", "std", "core", "alloc", "proc_macro"].contains(&name.as_str());
    if !fits || taken {
        let what = format!("{name:?} cannot be the name of a project");
        return Err(Failure::usage(what, "a letter, then letters, digits, - and _, as in: fallow new my-task").into());
    }
    Ok(name)
}

/// In a project the SDK is a member of the project's workspace, not one of its own.
fn vendored(path: &str, text: &str) -> String {
    if path == "Cargo.toml" { text.replace("[workspace]\n", "") } else { text.to_owned() }
}

fn write(folder: &Path, path: PathBuf, text: &str) -> anyhow::Result<PathBuf> {
    let file = folder.join(&path);
    let written = file.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&file, text));
    written.with_context(|| format!("cannot write {}", file.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fallow_toml::ProjectFile;

    fn files(folder: &Path, below: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder.join(below)).unwrap() {
            let entry = entry.unwrap();
            let path = below.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                files(folder, &path, found);
            } else {
                found.insert(path.to_string_lossy().into_owned());
            }
        }
    }

    #[test]
    fn the_whole_sdk_is_in_this_program() {
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-guest");
        let mut found = BTreeSet::from(["Cargo.toml".to_owned(), "README.md".to_owned()]);
        for folder in ["src", "tests", "wit"] {
            files(&sdk, Path::new(folder), &mut found);
        }
        assert_eq!(SDK.iter().map(|(path, _)| (*path).to_owned()).collect::<BTreeSet<_>>(), found);
    }

    #[test]
    fn a_project_is_written_once_with_its_name() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("deep/stars");
        let written = new(&folder, "rust").unwrap();
        assert_eq!(written.len(), RUST.len() + SDK.len());
        assert_eq!(ProjectFile::load(&folder).unwrap().task.name, "stars");
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"stars\"") && !manifest.contains("NAME"), "{manifest}");
        let sdk = std::fs::read_to_string(folder.join("vendor/fallow/Cargo.toml")).unwrap();
        assert!(!sdk.contains("\n[workspace]"), "{sdk}");
        assert!(new(&folder, "rust").unwrap_err().to_string().contains("is there already"));
    }

    #[test]
    fn names_that_cargo_would_refuse_are_refused_first() {
        let scratch = tempfile::tempdir().unwrap();
        for name in ["1st", "a b", "ä", "fallow", ".."] {
            assert!(new(&scratch.path().join(name), "rust").is_err(), "{name}");
        }
        assert!(new(&scratch.path().join("x"), "cobol").unwrap_err().to_string().contains("cobol"));
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    }
}
