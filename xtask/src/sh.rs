//! Running commands: what they are, whether they worked, what they printed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Errors are words for the person who called.
pub type Result<T> = std::result::Result<T, String>;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").to_path_buf()
}

/// A command in the repository's root.
pub fn command(program: impl AsRef<Path>, args: &[&str]) -> Command {
    let mut command = Command::new(program.as_ref());
    command.args(args).current_dir(root());
    // `cargo run` describes this package to us. Build scripts watch some of these variables: handed on, they would
    // build half of the dependencies again, and once more with the next cargo that is called by hand.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Run it with its output shown.
pub fn run(mut command: Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("failed to start {}: {error}", name(&command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", name(&command))) }
}

/// Run it and give back what it printed on standard output.
pub fn output(mut command: Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("failed to start {}: {error}", name(&command)))?;
    if !output.status.success() {
        return Err(format!("{} ended with {}", name(&command), output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether it runs and succeeds, without showing anything.
pub fn succeeds(mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn name(command: &Command) -> String {
    let words: Vec<_> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(|w| w.to_string_lossy()).collect();
    format!("`{}`", words.join(" "))
}

/// The text behind `"key":"…"` in a line of JSON that our own programs printed.
pub fn json_text(line: &str, key: &str) -> Option<String> {
    let at = line.find(&format!("\"{key}\""))?;
    let value = line[at..].split_once(':')?.1.trim_start().strip_prefix('"')?;
    Some(value.split('"').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::json_text;

    #[test]
    fn texts_are_found_in_json() {
        assert_eq!(json_text(r#"{"event":"listening","url":"http://x:1"}"#, "url").as_deref(), Some("http://x:1"));
        assert_eq!(json_text(r#"{"token" : "a"}"#, "token").as_deref(), Some("a"));
        assert_eq!(json_text(r#"{"url":5}"#, "url"), None);
    }
}
