//! Input files: patterns to paths, and the names by which the grid knows them.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use fallow_protocol::limits::{JOB_FILES_MAX, NAME_BYTES_MAX};

use crate::failure::Failure;

/// A file to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in the job: the path below what all inputs have in common, with `/`.
    pub name: String,
}

/// The files that `patterns` mean, relative to `base`; in the patterns' order, within one by name, each file once.
pub fn find(patterns: &[String], base: &Path) -> Result<Vec<InputFile>, Failure> {
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut seen = HashSet::new();
    for pattern in patterns {
        for path in matching(pattern, base)? {
            if seen.insert(path.clone()) {
                paths.push(path);
            }
            if paths.len() > JOB_FILES_MAX {
                let what = format!("{pattern:?} gives more than the {JOB_FILES_MAX} input files of one job");
                return Err(Failure::usage(what, "put several into one file, or submit several jobs"));
            }
        }
    }
    named(paths)
}

/// Shared files are known by their bare file names.
pub fn named_by_file(files: Vec<InputFile>) -> Result<Vec<InputFile>, Failure> {
    let mut seen = HashSet::new();
    let rename = |file: InputFile| {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !seen.insert(name.clone()) {
            return Err(Failure::usage(
                format!("two shared files are called {name:?}"),
                "give them different file names",
            ));
        }
        Ok(InputFile { name, ..file })
    };
    files.into_iter().map(rename).collect()
}

/// A file of that very name comes first, so that names with brackets can be said.
fn matching(pattern: &str, base: &Path) -> Result<Vec<PathBuf>, Failure> {
    let path = base.join(pattern);
    if path.is_file() {
        return Ok(vec![path]);
    }
    if path.is_dir() {
        let help = format!("--input '{}/*'", pattern.trim_end_matches('/'));
        return Err(Failure::usage(format!("{pattern:?} is a folder"), help));
    }
    let escaped = glob::Pattern::escape(&base.to_string_lossy());
    let full = Path::new(&escaped).join(pattern);
    let found = glob::glob(&full.to_string_lossy())
        .map_err(|error| Failure::usage(format!("{pattern:?} is no pattern: {}", error.msg), "--input 'data/*.csv'"))?;
    let mut files = Vec::new();
    for entry in found {
        let entry =
            entry.map_err(|error| Failure::new(format!("failed to look for {pattern:?}")).place(error.to_string()))?;
        if entry.is_file() {
            files.push(entry);
        }
    }
    if files.is_empty() {
        let what = format!("no file fits {pattern:?}");
        return Err(Failure::usage(
            what,
            "name files that are there, relative to here; in fallow.toml, relative to that file",
        ));
    }
    Ok(files)
}

fn named(paths: Vec<PathBuf>) -> Result<Vec<InputFile>, Failure> {
    let common = common_parent(&paths);
    let name = |path: PathBuf| {
        let below = path.strip_prefix(&common).unwrap_or(&path);
        let name = plain_name(below);
        if name.len() > NAME_BYTES_MAX {
            let what = format!("the name {name:?} is longer than {NAME_BYTES_MAX} bytes");
            return Err(Failure::usage(what, "give the file a shorter name"));
        }
        Ok(InputFile { path, name })
    };
    paths.into_iter().map(name).collect()
}

fn plain_name(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The deepest folder that holds all of them.
fn common_parent(paths: &[PathBuf]) -> PathBuf {
    let mut parents = paths.iter().map(|path| path.parent().map(Path::to_owned).unwrap_or_default());
    let first = parents.next().unwrap_or_default();
    parents.fold(first, |common, parent| {
        common
            .components()
            .zip(parent.components())
            .take_while(|(one, other)| one == other)
            .map(|(part, _)| part)
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        dir
    }

    #[track_caller]
    fn check(files: &[&str], patterns: &[&str], wanted: &[&str]) {
        let dir = folder(files);
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        let found = find(&patterns, dir.path()).unwrap();
        let names: Vec<&str> = found.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, wanted);
        assert!(found.iter().all(|file| file.path.is_file()));
    }

    #[test]
    fn patterns_become_files_once_and_in_order() {
        check(&["in/b.txt", "in/a.txt", "in/c.png"], &["in/*.txt"], &["a.txt", "b.txt"]);
        check(&["in/b.txt", "in/a.txt"], &["in/b.txt", "in/*"], &["b.txt", "a.txt"]);
        check(&["x/1/a", "x/2/a"], &["x/*/a"], &["1/a", "2/a"]);
        check(&["a[1].txt", "a1.txt"], &["a[1].txt"], &["a[1].txt"]);
        check(&["one"], &["one"], &["one"]);
        check(&[], &[], &[]);
    }

    #[test]
    fn what_fits_nothing_is_said() {
        let dir = folder(&["in/a.txt"]);
        let error = |pattern: &str| find(&[pattern.to_owned()], dir.path()).unwrap_err();
        assert!(error("in/*.png").what.contains("no file fits"));
        assert!(error("in").help.unwrap().contains("--input 'in/*'"));
        assert!(error("in/***").what.contains("is no pattern"));
    }

    #[test]
    fn shared_files_have_names_of_their_own() {
        let file = |path: &str| InputFile { path: path.into(), name: path.into() };
        let named = named_by_file(vec![file("x/table.bin")]).unwrap();
        assert_eq!(named[0].name, "table.bin");
        assert!(named_by_file(vec![file("x/t"), file("y/t")]).unwrap_err().what.contains("two shared files"));
    }
}
