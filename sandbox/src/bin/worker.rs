//! An executable that is nothing but a worker, for the sandbox's own tests.

fn main() {
    fallow_sandbox::serve_if_worker();
    eprintln!("this program is only started by the sandbox's tests");
    std::process::exit(2);
}
