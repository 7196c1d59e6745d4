//! The same segmentation without a grid: reads a picture, cuts it, works on the tiles with threads, writes the result.
//!
//! It is what a grid's speed is compared with, and what the tests compare with scikit-image. It also makes the large
//! picture of the benchmark, by mirroring a small one.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use cells::part::{Canvas, Part, ResultFiles};
use cells::picture::Picture;
use cells::segment::segment;
use cells::tile::{Tile, cut, tile_size};
use cells::whole::measure;

const USAGE: &str = "\
usage: cells-native PICTURE.png [--out DIR] [--tile PIXELS] [--threads N] [--json]
       cells-native mirror PICTURE.png SIDE OUT.png

  --out DIR       folder for summary.json, nuclei.csv, overlay.png, mask.png (default: cells-out)
  --tile PIXELS   side of a tile, a multiple of 8 (default: 128, or 1024 for pictures over 2048)
  --threads N     tiles worked on at once (default: 1)
  --json          print times as one line of JSON
  mirror          write the picture mirrored over and over to SIDE x SIDE pixels";

/// What the command line asks for.
struct Options {
    picture: PathBuf,
    out: PathBuf,
    tile: Option<u32>,
    threads: usize,
    json: bool,
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["--help" | "-h"] => println!("{USAGE}"),
        ["mirror", picture, side, out] => mirror(Path::new(picture), number(side)?, Path::new(out))?,
        _ => run(&options(args)?)?,
    }
    Ok(())
}

fn options(args: Vec<String>) -> Result<Options> {
    let (picture, out) = (PathBuf::new(), PathBuf::from("cells-out"));
    let mut options = Options { picture, out, tile: None, threads: 1, json: false };
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value\n{USAGE}"));
        match arg.as_str() {
            "--out" => options.out = value()?.into(),
            "--tile" => options.tile = Some(number(&value()?)?),
            "--threads" => options.threads = number(&value()?)?.clamp(1, 1024) as usize,
            "--json" => options.json = true,
            option if option.starts_with('-') => bail!("unknown option {option}\n{USAGE}"),
            path => options.picture = path.into(),
        }
    }
    Ok(options)
}

fn number(text: &str) -> Result<u32> {
    text.parse().with_context(|| format!("{text:?} is not a whole number"))
}

fn mirror(picture: &Path, side: u32, out: &Path) -> Result<()> {
    if !(1..=cells::picture::SIDE_MAX).contains(&side) {
        bail!("a side of {side} pixels is outside 1 to {}", cells::picture::SIDE_MAX);
    }
    let png = read(picture)?.mirrored(side).to_png()?;
    std::fs::write(out, png).with_context(|| format!("cannot write {}", out.display()))
}

fn read(path: &Path) -> Result<Picture> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Picture::from_png(&bytes).with_context(|| format!("cannot use {}", path.display()))
}

fn run(options: &Options) -> Result<()> {
    let mut times = Times::new();
    let picture = read(&options.picture)?;
    times.lap("read_ms");
    let whole = measure(&picture);
    times.lap("measure_ms");
    let tiles = cut(&picture, whole, options.tile.unwrap_or(tile_size(&picture)))?;
    let parts = segment_all(tiles, options.threads)?;
    times.lap("segment_ms");
    let files = Canvas::collect(parts.into_iter().map(Some))?;
    times.lap("collect_ms");
    write(&options.out, &files)?;
    times.lap("write_ms");
    report(&files, &times, options)
}

/// Work on tiles with so many threads; parts come in the order in which they are done.
fn segment_all(tiles: impl Iterator<Item = Tile> + Send, threads: usize) -> Result<Vec<Part>> {
    let (tiles, parts) = (Mutex::new(tiles), Mutex::new(Vec::new()));
    let work = || -> Result<()> {
        loop {
            // A statement of its own, so that the lock is not held while the tile is worked on.
            let tile = tiles.lock().map_err(|_| anyhow::anyhow!("another thread failed"))?.next();
            let Some(tile) = tile else { return Ok(()) };
            let part = segment(&tile, |_| ())?;
            parts.lock().map_err(|_| anyhow::anyhow!("another thread failed"))?.push(part);
        }
    };
    std::thread::scope(|scope| {
        // This thread is one of them.
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        work()?;
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a thread failed")))
    })?;
    Ok(parts.into_inner()?)
}

fn write(folder: &Path, files: &ResultFiles) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn report(files: &ResultFiles, times: &Times, options: &Options) -> Result<()> {
    if options.json {
        println!("{}", times.json());
        return Ok(());
    }
    let summary = files.iter().find(|(name, _)| *name == "summary.json").context("no summary")?;
    println!("{}{}\nresult in {}", String::from_utf8_lossy(&summary.1), times.json(), options.out.display());
    Ok(())
}

/// How long each step took.
struct Times {
    start: Instant,
    last: Instant,
    laps: Vec<(&'static str, f64)>,
}

impl Times {
    fn new() -> Self {
        let start = Instant::now();
        Times { start, last: start, laps: Vec::new() }
    }

    fn lap(&mut self, name: &'static str) {
        let now = Instant::now();
        self.laps.push((name, (now - self.last).as_secs_f64() * 1000.0));
        self.last = now;
    }

    fn json(&self) -> String {
        let total = ("total_ms", (self.last - self.start).as_secs_f64() * 1000.0);
        let laps = self.laps.iter().chain([&total]).map(|(name, ms)| format!("\"{name}\":{ms:.1}"));
        format!("{{{}}}", laps.collect::<Vec<_>>().join(","))
    }
}
