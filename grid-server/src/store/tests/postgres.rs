//! A temporary PostgreSQL cluster for tests, shared by a test binary, on a socket in a folder of its own. It stops when
//! the test process ends, however it ends: its keeper reads a pipe that only this process holds.
//!
//! Needs nothing but the standard library, so that other test binaries can include this file by its path.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where distributions put the server's programs.
const FOLDERS: &[&str] = &["/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/17/bin"];

/// Starts the cluster, says so, and stops it once its standard input ends. PostgreSQL refuses to run as root.
const KEEPER: &str = r#"
set -e
dir=$1; bin=$2; as=
if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; as="setpriv --reuid postgres --regid postgres --init-groups"; fi
cd "$dir"
$as "$bin/initdb" -D "$dir/data" -U postgres -A trust --no-sync >"$dir/log" 2>&1
$as "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off >>"$dir/log" 2>&1 &
server=$!
tries=0
until [ -S "$dir/.s.PGSQL.5432" ] && $as "$bin/pg_isready" -q -h "$dir"; do
  tries=$((tries + 1)); [ $tries -lt 600 ] && kill -0 $server && sleep 0.1
done
echo ready
cat >/dev/null
kill -QUIT $server; wait $server || true
rm -rf "$dir"
"#;

struct Cluster {
    dir: PathBuf,
    /// Its standard input is what keeps the cluster alive.
    _keeper: Child,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Address of a new, empty database.
pub fn new_database() -> String {
    let cluster = CLUSTER.get_or_init(start);
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let status = Command::new(programs().join("createdb"))
        .args(["-U", "postgres", "-h"])
        .arg(&cluster.dir)
        .arg(&name)
        .current_dir("/")
        .status()
        .expect("createdb runs");
    assert!(status.success(), "createdb makes {name}");
    format!("postgres://postgres@localhost/{name}?host={}", cluster.dir.display())
}

fn programs() -> &'static Path {
    let found = FOLDERS.iter().map(Path::new).find(|folder| folder.join("initdb").exists());
    found.expect("PostgreSQL's server is installed: apt-get install postgresql")
}

fn start() -> Cluster {
    let dir = std::env::temp_dir().join(format!("fallow-pg-{}-{}", std::process::id(), nanoseconds()));
    std::fs::create_dir(&dir).expect("a folder for the cluster");
    let mut keeper = Command::new("sh")
        .args(["-c", KEEPER, "keeper"])
        .arg(&dir)
        .arg(programs())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    let mut line = String::new();
    let told = keeper.stdout.take().expect("a pipe");
    BufReader::new(told).read_line(&mut line).expect("the keeper speaks");
    let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
    assert_eq!(line.trim(), "ready", "the cluster did not start: {log}");
    Cluster { dir, _keeper: keeper }
}

fn nanoseconds() -> u32 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().subsec_nanos()
}
