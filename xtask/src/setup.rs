//! What the project needs besides Rust, and how it gets there.

use std::path::Path;

use crate::sh::{Result, command, run, succeeds};

/// A program or file that must be there, with the Debian packages that bring it.
struct Need {
    why: &'static str,
    is_there: fn() -> bool,
    packages: &'static [&'static str],
}

/// For building guests where rustup has no WebAssembly target.
const GUESTS: Need = Need {
    why: "compiling tasks to WebAssembly",
    is_there: guest_toolchain_is_there,
    packages: &["rustc-web", "cargo-web", "rust-web-src", "wasi-libc"],
};

const POSTGRES: Need =
    Need { why: "testing the store on PostgreSQL", is_there: postgres_is_there, packages: &["postgresql"] };

const PYTHON: Need = Need {
    why: "comparing with scikit-image",
    is_there: python_is_there,
    packages: &["python3", "python3-venv", "python3-pip"],
};

/// What the demo needs.
pub fn for_demo() -> Result<()> {
    install(&[GUESTS])
}

/// What demo and tests need.
pub fn everything() -> Result<()> {
    install(&[GUESTS, POSTGRES, PYTHON])
}

fn install(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
    let whys: Vec<&str> = missing.iter().map(|need| need.why).collect();
    println!("installing {} for {}", packages.join(" "), whys.join(", "));
    if !can_install() {
        return Err(by_hand(&missing));
    }
    run(command("apt-get", &["update", "-qq"]))?;
    let mut apt = command("apt-get", &["install", "-y", "-qq", "--no-install-recommends"]);
    apt.args(&packages).env("DEBIAN_FRONTEND", "noninteractive");
    run(apt)
}

fn by_hand(missing: &[&Need]) -> String {
    let lines: Vec<String> = missing
        .iter()
        .map(|need| {
            let rustup =
                if need.why == GUESTS.why { "rustup target add wasm32-wasip2\n      or, on Debian: " } else { "" };
            format!("\n  for {}:\n      {rustup}sudo apt-get install {}", need.why, need.packages.join(" "))
        })
        .collect();
    format!("something is missing that this user cannot install here. Run:{}", lines.concat())
}

fn can_install() -> bool {
    Path::new("/usr/bin/apt-get").exists() && succeeds(command("sh", &["-c", "test $(id -u) = 0"]))
}

fn guest_toolchain_is_there() -> bool {
    let debian = ["/usr/bin/rustc", "/usr/bin/cargo", "/usr/lib/wasm32-wasi/libc.a", "/usr/src/rustc-web"];
    rustup_target("wasm32-wasip2")
        || rustup_target("wasm32-wasip1")
        || (debian[..3].iter().all(|path| Path::new(path).exists())
            && succeeds(command("dpkg", &["-s", "rust-web-src"])))
}

fn rustup_target(target: &str) -> bool {
    crate::sh::output(command("rustc", &["--print", "target-libdir", "--target", target]))
        .is_ok_and(|path| Path::new(path.trim()).exists())
}

fn postgres_is_there() -> bool {
    std::fs::read_dir("/usr/lib/postgresql")
        .is_ok_and(|versions| versions.flatten().any(|version| version.path().join("bin/initdb").exists()))
        || succeeds(command("initdb", &["--version"]))
}

fn python_is_there() -> bool {
    succeeds(command("python3", &["-c", "import venv, ensurepip"]))
}
