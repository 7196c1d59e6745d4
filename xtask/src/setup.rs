//! What the project needs besides Rust, and how it gets there.

use std::path::Path;

use crate::sh::{Result, command, run, succeeds};

/// Another processor's target, and where the C library for it lies.
pub const AARCH64: &str = "aarch64-unknown-linux-gnu";
pub const AARCH64_LIBRARIES: &str = "/usr/aarch64-linux-gnu";

/// A program or file that must be there, with the Debian packages that bring it.
struct Need {
    why: &'static str,
    is_there: fn() -> bool,
    packages: &'static [&'static str],
    /// Another architecture that some of them are for.
    foreign: Option<&'static str>,
    /// What to do on systems without these packages.
    elsewhere: &'static str,
}

/// For building guests where rustup has no WebAssembly target.
const GUESTS: Need = Need {
    why: "compiling tasks to WebAssembly",
    is_there: guest_toolchain_is_there,
    packages: &["rustc-web", "cargo-web", "rust-web-src", "wasi-libc"],
    foreign: None,
    elsewhere: "rustup target add wasm32-wasip2",
};

const POSTGRES: Need = Need {
    why: "testing the store on PostgreSQL",
    is_there: postgres_is_there,
    packages: &["postgresql"],
    foreign: None,
    elsewhere: "",
};

const PYTHON: Need = Need {
    why: "comparing with scikit-image",
    is_there: python_is_there,
    packages: &["python3", "python3-venv", "python3-pip"],
    foreign: None,
    elsewhere: "",
};

/// For the pages. Debian 12 has an older Node.js: there it is said what to install.
const NODE: Need = Need {
    why: "building the pages with Node.js 20 or newer",
    is_there: node_is_there,
    packages: &["nodejs", "npm"],
    foreign: None,
    elsewhere: "Node.js 20 or newer, with npm, from https://nodejs.org",
};

const BROWSER: Need = Need {
    why: "testing the pages in a browser",
    is_there: browser_is_there,
    packages: &["chromium"],
    foreign: None,
    elsewhere: "Chromium, and the variable CHROMIUM with its path",
};

/// For running the sandbox on a processor that is not there.
const HARDWARE: Need = Need {
    why: "building for AArch64 and running it in QEMU",
    is_there: hardware_is_there,
    packages: &[
        "rustc-web",
        "cargo-web",
        "libstd-rust-web-dev:arm64",
        "gcc-aarch64-linux-gnu",
        "libc6-dev-arm64-cross",
        "qemu-user-static",
    ],
    foreign: Some("arm64"),
    elsewhere: "rustup target add aarch64-unknown-linux-gnu, and have the programs aarch64-linux-gnu-gcc and \
                qemu-aarch64-static, and that compiler's C library in /usr/aarch64-linux-gnu",
};

/// What the demo needs.
pub fn for_demo() -> Result<()> {
    install(&[GUESTS, NODE])
}

/// What demo and tests need.
pub fn everything() -> Result<()> {
    install(&[GUESTS, POSTGRES, PYTHON, NODE, BROWSER])
}

/// What the comparison of processors needs.
pub fn for_hardware() -> Result<()> {
    install(&[GUESTS, HARDWARE])
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
    for architecture in missing.iter().filter_map(|need| need.foreign) {
        run(command("dpkg", &["--add-architecture", architecture]))?;
    }
    run(command("apt-get", &["update", "-qq"]))?;
    let mut apt = command("apt-get", &["install", "-y", "-qq", "--no-install-recommends"]);
    apt.args(&packages).env("DEBIAN_FRONTEND", "noninteractive");
    run(apt)?;
    let short: Vec<&Need> = needs.iter().filter(|need| !(need.is_there)()).collect();
    if short.is_empty() { Ok(()) } else { Err(by_hand(&short)) }
}

fn by_hand(missing: &[&Need]) -> String {
    let lines: Vec<String> = missing.iter().map(|need| by_hand_one(need)).collect();
    format!("something is missing that this user cannot install here. Run:{}", lines.concat())
}

fn by_hand_one(need: &Need) -> String {
    let elsewhere = match need.elsewhere {
        "" => String::new(),
        elsewhere => format!("{elsewhere}\n      or, on Debian: "),
    };
    let foreign = need.foreign.map_or(String::new(), |architecture| {
        format!("sudo dpkg --add-architecture {architecture} && sudo apt-get update && ")
    });
    format!("\n  for {}:\n      {elsewhere}{foreign}sudo apt-get install {}", need.why, need.packages.join(" "))
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

fn hardware_is_there() -> bool {
    let debian = ["/usr/bin/cargo", "/usr/bin/rustc", "/usr/lib/rustlib/aarch64-unknown-linux-gnu/lib"];
    let toolchain = rustup_target(AARCH64) || debian.iter().all(|path| Path::new(path).exists());
    toolchain
        && Path::new(AARCH64_LIBRARIES).join("lib/libc.so.6").exists()
        && succeeds(command("aarch64-linux-gnu-gcc", &["--version"]))
        && succeeds(command("qemu-aarch64-static", &["--version"]))
}

/// Whether the usual toolchain can compile for a target.
pub fn rustup_target(target: &str) -> bool {
    crate::sh::output(command("rustc", &["--print", "target-libdir", "--target", target]))
        .is_ok_and(|path| Path::new(path.trim()).exists())
}

fn postgres_is_there() -> bool {
    std::fs::read_dir("/usr/lib/postgresql")
        .is_ok_and(|versions| versions.flatten().any(|version| version.path().join("bin/initdb").exists()))
        || succeeds(command("initdb", &["--version"]))
}

fn node_is_there() -> bool {
    let version = crate::sh::output(command("node", &["--version"])).unwrap_or_default();
    node_is_new_enough(&version) && succeeds(command("npm", &["--version"]))
}

/// `v20.20.2` is.
fn node_is_new_enough(version: &str) -> bool {
    let major = version.trim().strip_prefix('v').and_then(|rest| rest.split('.').next());
    major.and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= 20)
}

fn browser_is_there() -> bool {
    std::env::var_os("CHROMIUM").map_or(Path::new("/usr/bin/chromium").exists(), |path| Path::new(&path).exists())
}

fn python_is_there() -> bool {
    succeeds(command("python3", &["-c", "import venv, ensurepip"]))
}

#[cfg(test)]
mod tests {
    use super::{HARDWARE, POSTGRES, by_hand, node_is_new_enough};

    #[test]
    fn an_old_node_is_not_there() {
        assert!(node_is_new_enough("v20.20.2\n") && node_is_new_enough("v24.0.0"));
        assert!(!node_is_new_enough("v18.19.0") && !node_is_new_enough("") && !node_is_new_enough("20"));
    }

    #[test]
    fn what_is_missing_is_named_with_the_command_that_brings_it() {
        let message = by_hand(&[&HARDWARE, &POSTGRES]);
        assert!(
            message.contains("dpkg --add-architecture arm64 && sudo apt-get update && sudo apt-get install rustc-web")
        );
        assert!(message.contains("rustup target add aarch64-unknown-linux-gnu"));
        assert!(message.ends_with("\n      sudo apt-get install postgresql"), "{message}");
    }
}
