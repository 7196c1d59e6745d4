//! Debian's second Rust (`rustc-web` and its sources): its standard library is built once for `wasm32-wasip1` into a
//! private sysroot, which every later build uses.
//!
//! The sysroot lies in the user's cache folder under the compiler's version. It is built beside its place and renamed,
//! under a lock, so that neither a second build nor an interruption leaves half of it.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::Note;
use super::probe::{Rustc, output};

/// What to install.
pub const PACKAGES: &str = "rustc-web cargo-web rust-web-src wasi-libc";

/// What it builds for.
pub const TARGET: &str = "wasm32-wasip1";
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const LIBC: &str = "/usr/lib/wasm32-wasi";
const LIBC_FILES: [&str; 3] = ["crt1-command.o", "crt1-reactor.o", "libc.a"];
/// What we do with the sources; a change of the recipe builds the sysroot anew.
const RECIPE: u32 = 2;
/// Linked into every module that brings no `cabi_realloc` of its own.
const CABI_REALLOC: &str = include_str!("debian/cabi_realloc.rs");
const CABI_REALLOC_LIBRARY: &str = "libcabi_realloc.rlib";
/// Releases of LLVM's own linker that read what Debian's compiler writes.
const LLD_VERSIONS: std::ops::RangeInclusive<u32> = 19..=30;

/// A sysroot that is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sysroot {
    /// The folder for `--sysroot`.
    pub folder: PathBuf,
    /// A linker for WebAssembly.
    pub linker: PathBuf,
    /// Of the compiler.
    pub version: String,
}

impl Sysroot {
    /// Flags for `rustc`, besides what every toolchain gets.
    pub fn rustflags(&self) -> Vec<String> {
        let library = self_contained(&self.folder).join(CABI_REALLOC_LIBRARY);
        let library = format!("link-arg={}", library.display());
        let export = "link-arg=--export=cabi_realloc".to_owned();
        let sysroot = self.folder.display().to_string();
        vec!["--sysroot".into(), sysroot, "-C".into(), library, "-C".into(), export]
    }

    /// Debian's `cargo` with Debian's `rustc`.
    pub fn cargo(&self) -> Command {
        cargo()
    }
}

/// Debian's programs, whatever `rustup` and the calling cargo put into the environment.
fn cargo() -> Command {
    let mut cargo = Command::new(CARGO);
    cargo.env("RUSTC", RUSTC);
    for name in ["RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env_remove(name);
    }
    cargo
}

/// What the packages installed.
#[derive(Debug)]
pub struct Parts {
    /// The compiler.
    pub rustc: Rustc,
    linker: PathBuf,
}

impl Parts {
    /// Find them; else the list of what is missing. `own` is the compiler on the path, whose linker may be used.
    pub fn find(own: Option<&Rustc>) -> Result<Self, Vec<String>> {
        let rustc = Rustc::ask(Path::new(RUSTC), Path::new("/"));
        let sysroot = output(Command::new(RUSTC).args(["--print", "sysroot"])).unwrap_or_else(|| "/usr".into());
        let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/std/Cargo.toml");
        let needed = [PathBuf::from(RUSTC), PathBuf::from(CARGO), sources];
        let needed = needed.into_iter().chain(LIBC_FILES.iter().map(|name| Path::new(LIBC).join(name)));
        let mut missing: Vec<String> =
            needed.filter(|path| !path.exists()).map(|path| path.display().to_string()).collect();
        let linker = [own, rustc.as_ref()].into_iter().flatten().find_map(Rustc::rust_lld).or_else(llvm_linker);
        if linker.is_none() {
            missing.push("a linker (rust-lld of any Rust, or wasm-ld 19 or newer)".into());
        }
        match (rustc, linker) {
            (Some(rustc), Some(linker)) if missing.is_empty() => Ok(Self { rustc, linker }),
            _ => Err(missing),
        }
    }

    /// The sysroot for these, built where it is not there yet.
    pub fn sysroot(self, cache_dir: &Path, note: Note<'_>) -> anyhow::Result<Sysroot> {
        let version = self.rustc.version.clone();
        let name = format!("sysroot-{}-{}-v{RECIPE}", version.replace(' ', "-"), self.rustc.host);
        let folder = cache_dir.join(&name);
        if !folder.is_dir() {
            std::fs::create_dir_all(cache_dir).with_context(|| format!("cannot make {}", cache_dir.display()))?;
            let _lock = lock(&cache_dir.join(format!("{name}.lock")), note)?;
            // Whoever held the lock before may have built it.
            if !folder.is_dir() {
                note(&format!("building {version}'s standard library for {TARGET}; once, about a minute"));
                self.build(cache_dir, &folder)?;
            }
        }
        Ok(Sysroot { folder, linker: self.linker, version })
    }

    fn build(&self, cache_dir: &Path, folder: &Path) -> anyhow::Result<()> {
        let scratch = tempfile::Builder::new().prefix("building-").tempdir_in(cache_dir)?;
        let (libraries, cabi_realloc) = compile_std(scratch.path())?;
        let made = scratch.path().join("sysroot");
        let self_contained = self_contained(&made);
        std::fs::create_dir_all(&self_contained)?;
        for library in libraries {
            copy(&library, &lib(&made))?;
        }
        for name in LIBC_FILES {
            copy(&Path::new(LIBC).join(name), &self_contained)?;
        }
        std::fs::rename(cabi_realloc, self_contained.join(CABI_REALLOC_LIBRARY))?;
        // Build scripts and macros of the guest are built for this computer, with the same --sysroot.
        let host = Path::new("lib/rustlib").join(&self.rustc.host);
        symlink(Path::new("/usr").join(&host), made.join(&host))?;
        std::fs::rename(&made, folder).with_context(|| format!("cannot put the sysroot to {}", folder.display()))
    }
}

/// The target's libraries in a sysroot.
fn lib(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(TARGET).join("lib")
}

fn self_contained(sysroot: &Path) -> PathBuf {
    lib(sysroot).join("self-contained")
}

/// Build std for the target in `scratch`, with our allocator as the package that needs it: std's files, ours.
fn compile_std(scratch: &Path) -> anyhow::Result<(Vec<PathBuf>, PathBuf)> {
    let package = scratch.join("package");
    std::fs::create_dir_all(package.join("src"))?;
    let manifest = "[package]\nname = \"cabi_realloc\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(package.join("Cargo.toml"), manifest)?;
    std::fs::write(package.join("src/lib.rs"), CABI_REALLOC)?;
    let target_dir = scratch.join("target");
    let mut build = cargo();
    build
        .args(["build", "--quiet", "--release", "--target", TARGET, "-Z", "build-std=std,panic_abort"])
        // Bitcode lets guests be optimised together with the standard library.
        .args(["--config", &format!("target.{TARGET}.rustflags=[\"-C\", \"embed-bitcode=yes\"]")])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", &target_dir)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .current_dir(&package)
        .stdin(Stdio::null());
    let output = build.output().with_context(|| format!("cannot run {CARGO}"))?;
    if !output.status.success() {
        bail!("the standard library for {TARGET} does not build:\n{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let deps = target_dir.join(TARGET).join("release/deps");
    let entries = std::fs::read_dir(&deps)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    let (ours, std): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "rlib"))
        .partition(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libcabi_realloc-")));
    Ok((std, ours.into_iter().next().context("cargo made no library of cabi_realloc")?))
}

/// Held until dropped; waits while another build holds it.
fn lock(path: &Path, note: Note<'_>) -> anyhow::Result<File> {
    let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
    if file.try_lock().is_err() {
        note("waiting for another build of the same standard library");
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

fn copy(file: &Path, folder: &Path) -> anyhow::Result<()> {
    let name = file.file_name().context("a library without a name")?;
    std::fs::copy(file, folder.join(name)).with_context(|| format!("cannot copy {}", file.display()))?;
    Ok(())
}

fn llvm_linker() -> Option<PathBuf> {
    LLD_VERSIONS.rev().map(|version| PathBuf::from(format!("/usr/bin/wasm-ld-{version}"))).find(|path| path.is_file())
}
