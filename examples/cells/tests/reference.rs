//! The result of the picture given, compared with scikit-image by `reference.py`, which sets the bars.
//!
//! Needs Python 3 with `venv`, and installs scikit-image below cargo's target folder the first time.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cells::part::Canvas;
use cells::picture::Picture;
use cells::segment::segment;
use cells::tile::cut;
use cells::whole::measure;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Segment the picture in tiles of `size` and write the result's files.
fn result(size: u32) -> PathBuf {
    let png = std::fs::read(Path::new(HERE).join("input/ihc.png")).unwrap();
    let picture = Picture::from_png(&png).unwrap();
    let tiles = cut(&picture, measure(&picture), size).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cells-{size}"));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in Canvas::collect(tiles.map(|tile| segment(&tile, |_| ()).ok())).unwrap() {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    folder
}

/// A Python that has what `requirements.txt` names.
fn python() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cells-python");
    let python = folder.join("bin/python");
    let ready = Command::new(&python).args(["-c", "import skimage"]).output();
    if !ready.is_ok_and(|output| output.status.success()) {
        check(Command::new("python3").args(["-m", "venv"]).arg(&folder), "apt-get install python3-venv");
        let requirements = Path::new(HERE).join("requirements.txt");
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        check(install.arg(requirements), "scikit-image comes from PyPI: is there a way to it?");
    }
    python
}

fn check(command: &mut Command, help: &str) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; {help}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}\n{help}", text(&output.stdout), text(&output.stderr));
    output
}

#[test]
fn scikit_image_finds_the_same() {
    let (tiled, untiled) = (result(128), result(512));
    let mut compare = Command::new(python());
    compare.arg(Path::new(HERE).join("reference.py")).arg(Path::new(HERE).join("input/ihc.png"));
    let output = check(compare.arg("--compare").arg(tiled).arg("--untiled").arg(untiled), "see the figures above");
    print!("{}", String::from_utf8_lossy(&output.stdout));
}
