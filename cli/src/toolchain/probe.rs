//! Asks compilers what they are and what they can.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Feature;

/// A compiler that answers.
#[derive(Clone, Debug)]
pub struct Rustc {
    program: PathBuf,
    folder: PathBuf,
    /// As `rustc 1.95.0`.
    pub version: String,
    /// The platform it runs on, as `x86_64-unknown-linux-gnu`.
    pub host: String,
    /// Release of its LLVM, as 22; 0 where it does not say.
    llvm: u32,
}

impl Rustc {
    /// Ask `program`, run in `folder`.
    pub fn ask(program: &Path, folder: &Path) -> Option<Self> {
        let text = output(Command::new(program).arg("-vV").current_dir(folder))?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let version = format!("rustc {}", field("release: ")?);
        let llvm = field("LLVM version: ").and_then(|text| text.split('.').next()?.parse().ok()).unwrap_or(0);
        Some(Self { program: program.to_owned(), folder: folder.to_owned(), version, host: field("host: ")?, llvm })
    }

    /// The best WebAssembly target that has a standard library here.
    pub fn wasm_target(&self) -> Option<&'static str> {
        ["wasm32-wasip2", "wasm32-wasip1"].into_iter().find(|target| self.has(target))
    }

    fn has(&self, target: &str) -> bool {
        // The folder is named whether it exists or not; a distribution's may exist and be empty.
        let folder = self.print(&["--print", "target-libdir", "--target", target]);
        let entries = folder.and_then(|folder| std::fs::read_dir(folder.trim()).ok());
        entries.is_some_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libstd-")))
        })
    }

    /// Names of those of `wanted` that the compiler has for a target. Others it would warn about and ignore.
    pub fn features(&self, target: &str, wanted: &[Feature]) -> Vec<&'static str> {
        let known = self.print(&["--print", "target-features", "--target", target]).unwrap_or_default();
        among(&known, self.llvm, wanted)
    }

    /// The linker that comes with it.
    pub fn rust_lld(&self) -> Option<PathBuf> {
        let sysroot = self.print(&["--print", "sysroot"])?;
        let linker = Path::new(sysroot.trim()).join("lib/rustlib").join(&self.host).join("bin/rust-lld");
        linker.is_file().then_some(linker)
    }

    fn print(&self, args: &[&str]) -> Option<String> {
        output(Command::new(&self.program).args(args).current_dir(&self.folder))
    }
}

/// Features that a compiler's list names, each at the beginning of a line, and that its LLVM is new enough for.
fn among(known: &str, llvm: u32, wanted: &[Feature]) -> Vec<&'static str> {
    let is_known = |name: &str| known.lines().any(|line| line.split_whitespace().next() == Some(name));
    wanted.iter().filter(|feature| llvm >= feature.llvm_min && is_known(feature.name)).map(|has| has.name).collect()
}

/// The `rustc` that a build in `project` would use.
pub fn on_path(project: &Path) -> Option<Rustc> {
    let folder = if project.is_dir() { project } else { project.parent()? };
    Rustc::ask(Path::new("rustc"), folder)
}

/// Whether a program is there and answers `--version`.
pub fn runs(program: &str) -> bool {
    output(Command::new(program).arg("--version")).is_some()
}

/// Standard output of a program that ends well.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_features_that_the_compiler_knows_and_does_right_are_asked_for() {
        let wanted = [Feature { name: "simd128", llvm_min: 0 }, Feature { name: "wide-arithmetic", llvm_min: 23 }];
        let old = "Features supported by rustc for this target:\n    relaxed-simd - Enable relaxed-simd.\n    simd128 \
                   - Enable 128-bit SIMD.\n\nUse +feature to enable a feature, or -feature to disable it.\n";
        let new = format!("{old}    wide-arithmetic        - Enable it.\n");
        assert_eq!(among(old, 23, &wanted), ["simd128"]);
        assert_eq!(among(&new, 22, &wanted), ["simd128"]);
        assert_eq!(among(&new, 23, &wanted), ["simd128", "wide-arithmetic"]);
        assert!(among("", 23, &wanted).is_empty());
    }
}
