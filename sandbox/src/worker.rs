//! Worker half: what runs only in a child process. It serves its parent over standard input and output, and exits.
//!
//! The first order decides what the process is for; a process that runs guests does nothing else in its life.

pub mod clocks;
pub mod compile;
pub mod engine;
pub mod filesystem;
pub mod flag;
pub mod job;
pub mod limits;
pub mod link;
pub mod load;
pub mod log;
pub mod outcome;
pub mod run;
pub mod smoke;
pub mod state;
pub mod streams;
pub mod unit;
pub mod validate;
pub mod wasi;
pub mod world;

use anyhow::Context;
use fallow_protocol::digest::Digest;

use crate::wire::{Order, Told};
use link::Link;

/// The child's refusal or failure, as it is told to the parent.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The component's fault.
    #[error("{0}")]
    Refused(String),
    /// The computer's fault.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

/// Serve the parent until it closes the pipe, then exit.
pub fn serve() -> ! {
    crate::os::begin_worker();
    let code = match Link::open().context("failed to open the pipes") {
        Ok(link) => serve_link(link),
        Err(error) => {
            eprintln!("{error:#}");
            1
        }
    };
    std::process::exit(code)
}

fn serve_link(link: Link) -> i32 {
    let answer = match link.next_order() {
        Ok(Some(order)) => obey(&link, order),
        Ok(None) => return 0,
        Err(error) => Err(ServeError::Failed(error.into())),
    };
    let told = match answer {
        Ok(Some(told)) => told,
        Ok(None) => return 0,
        Err(ServeError::Refused(message)) => Told::Refused { message },
        Err(error @ ServeError::Failed(_)) => Told::Failed { message: error.to_string() },
    };
    link.tell(&told);
    link.flush();
    0
}

fn obey(link: &Link, order: Order) -> Result<Option<Told>, ServeError> {
    match order {
        Order::Validate { component } => {
            validate::serve(&component).map(|(exports, builds)| Some(Told::Valid { exports, builds }))
        }
        Order::Compile { component, digest, build, floats, cache_dir } => {
            let wanted = compile::Wanted { digest: Digest(digest), build: Digest(build), floats };
            compile::serve(&component, wanted, &cache_dir).map(|name| Some(Told::Compiled { name }))
        }
        Order::Smoke => smoke::serve().map(|tried| Some(Told::Smoked { tried })),
        Order::Start(setup) => run::serve(link.clone(), *setup).map(|()| None),
        other => Err(anyhow::anyhow!("the first order cannot be {other:?}").into()),
    }
}
