//! Asks compilers what they are and what they can.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A compiler that answers.
#[derive(Clone, Debug)]
pub struct Rustc {
    program: PathBuf,
    folder: PathBuf,
    /// As `rustc 1.95.0`.
    pub version: String,
    /// The platform it runs on, as `x86_64-unknown-linux-gnu`.
    pub host: String,
}

impl Rustc {
    /// Ask `program`, run in `folder`.
    pub fn ask(program: &Path, folder: &Path) -> Option<Self> {
        let text = output(Command::new(program).arg("-vV").current_dir(folder))?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let version = format!("rustc {}", field("release: ")?);
        Some(Self { program: program.to_owned(), folder: folder.to_owned(), version, host: field("host: ")? })
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
