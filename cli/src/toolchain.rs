//! Finds a compiler that can build a Rust task for WebAssembly, and says which one it is.
//!
//! In this order: rustup's `wasm32-wasip2`, rustup's `wasm32-wasip1`, Debian's second Rust with a standard library
//! that is built once into the user's cache folder; else an error that names the command to run. What it builds is
//! turned into a component by `adapt`, in this process.

pub mod adapt;
mod debian;
mod probe;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// Told what takes long and why.
pub type Note<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// A compiler with everything that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// The target to build for.
    pub target: &'static str,
    /// For people: which compiler, which target.
    pub description: String,
    /// Of [`FEATURES`], those that the compiler has.
    features: Vec<&'static str>,
    programs: Programs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Programs {
    /// The `cargo` on the path has the target itself.
    OnPath,
    /// Debian's, with our own sysroot and linker.
    Debian(debian::Sysroot),
}

/// What the grid's engine has beyond the target's own features, and since which LLVM compilers do it right: those
/// before 23 compute wrong products with wide arithmetic (decision 14).
const FEATURES: [Feature; 2] =
    [Feature { name: "simd128", llvm_min: 0 }, Feature { name: "wide-arithmetic", llvm_min: 23 }];

/// A feature of the target.
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// As the compiler calls it.
    pub name: &'static str,
    /// First release of LLVM that can be trusted with it.
    pub llvm_min: u32,
}

impl Toolchain {
    /// Find one for the project in `project`, whose `rust-toolchain.toml` counts. May build a sysroot in `cache_dir`.
    pub fn find(project: &Path, cache_dir: &Path, note: Note<'_>) -> anyhow::Result<Self> {
        let own = probe::on_path(project);
        if let Some((rustc, target)) = own.as_ref().and_then(|rustc| Some((rustc, rustc.wasm_target()?))) {
            let description = format!("{} ({target})", rustc.version);
            let features = rustc.features(target, &FEATURES);
            return Ok(Self { target, description, features, programs: Programs::OnPath });
        }
        match debian::Parts::find(own.as_ref()) {
            Ok(parts) => {
                let target = debian::TARGET;
                let features = parts.rustc.features(target, &FEATURES);
                let sysroot = parts.sysroot(cache_dir, note)?;
                let description = format!("{} of Debian ({target}, its own sysroot)", sysroot.version);
                Ok(Self { target, description, features, programs: Programs::Debian(sysroot) })
            }
            Err(missing) => Err(none_found(&missing).into()),
        }
    }

    /// `cargo`, set up so that `--target` builds for this toolchain's target.
    pub fn cargo(&self) -> Command {
        let mut cargo = match &self.programs {
            Programs::OnPath => Command::new("cargo"),
            Programs::Debian(sysroot) => sysroot.cargo(),
        };
        // Flags meant for the author's own computer would replace ours, and break the guest.
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        let key = format!("target.{}", self.target);
        cargo.arg("--config").arg(format!("{key}.rustflags={}", self.rustflags()));
        if let Programs::Debian(sysroot) = &self.programs {
            cargo.arg("--config").arg(format!("{key}.linker={}", quoted(&sysroot.linker.to_string_lossy())));
        }
        cargo
    }

    fn rustflags(&self) -> String {
        let features: Vec<String> = self.features.iter().map(|feature| format!("+{feature}")).collect();
        let mut flags = vec![quoted("-C"), quoted(&format!("target-feature={}", features.join(",")))];
        if let Programs::Debian(sysroot) = &self.programs {
            flags.extend(sysroot.rustflags().iter().map(|flag| quoted(flag)));
        }
        format!("[{}]", flags.join(", "))
    }
}

/// As a TOML string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// The user's cache folder for Fallow; `home` is their home folder.
pub fn default_cache_dir() -> PathBuf {
    let folder = match std::env::home_dir() {
        Some(home) if cfg!(target_os = "macos") => home.join("Library/Caches"),
        Some(home) if cfg!(windows) => home.join("AppData/Local"),
        Some(home) => home.join(".cache"),
        None => std::env::temp_dir(),
    };
    folder.join("fallow")
}

fn none_found(missing: &[String]) -> Failure {
    let failure = Failure::new("no Rust compiler here can build for WebAssembly").kind("no-toolchain");
    let debian = format!("apt-get install -y {}", debian::PACKAGES);
    if probe::runs("rustup") {
        let place = format!(
            "rustup has neither wasm32-wasip2 nor wasm32-wasip1; Debian's compiler lacks {}",
            missing.join(", ")
        );
        let or = if probe::runs("apt-get") {
            format!(" (or, where that cannot be reached: {debian})")
        } else {
            String::new()
        };
        return failure.place(place).help(format!("rustup target add wasm32-wasip2{or}"));
    }
    let help =
        if probe::runs("apt-get") { debian } else { "install rustup, then: rustup target add wasm32-wasip2".into() };
    failure.place(format!("there is no rustup; Debian's compiler lacks {}", missing.join(", "))).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(toolchain: &Toolchain) -> Vec<String> {
        toolchain.cargo().get_args().map(|arg| arg.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn flags_reach_only_the_target_and_paths_may_have_spaces() {
        let features = vec!["simd128"];
        let own =
            Toolchain { target: "wasm32-wasip2", description: String::new(), features, programs: Programs::OnPath };
        assert_eq!(args(&own), ["--config", r#"target.wasm32-wasip2.rustflags=["-C", "target-feature=+simd128"]"#]);
        let sysroot =
            debian::Sysroot { folder: "/home/a b/s".into(), linker: "/l".into(), version: "rustc 1.96.0".into() };
        let features = FEATURES.map(|feature| feature.name).to_vec();
        let debian = Toolchain { programs: Programs::Debian(sysroot), target: "wasm32-wasip1", features, ..own };
        assert!(args(&debian)[1].contains(r#"["-C", "target-feature=+simd128,+wide-arithmetic", "#));
        assert!(args(&debian)[1].contains(r#", "--sysroot", "/home/a b/s", "-C", "link-arg=/home/a b/s/lib/"#));
        assert!(args(&debian)[1].ends_with(r#", "-C", "link-arg=--export=cabi_realloc"]"#), "{:?}", args(&debian));
        assert_eq!(args(&debian)[3], r#"target.wasm32-wasip1.linker="/l""#);
    }

    #[test]
    fn without_a_toolchain_one_command_is_named() {
        let failure = none_found(&["/usr/bin/rustc".into()]);
        let help = failure.help.unwrap();
        assert!(
            help.starts_with("rustup target add") || help.starts_with("apt-get install") || help.starts_with("install")
        );
        assert!(failure.place.unwrap().contains("/usr/bin/rustc"));
    }
}
