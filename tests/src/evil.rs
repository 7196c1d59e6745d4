//! Nodes that misbehave: the shipped `fallow-node` with its own identity, whose owner sits between it and the server.
//!
//! A relay carries everything that node and server say, from a loopback address of its own, so that the server sees
//! another network. It has the node's key, as every owner has, so what it makes of the node's results is signed
//! rightly. The product has nothing of this: it is what any owner of a node could do.

mod liar;
mod misbehaviour;
mod relay;

use std::net::Ipv4Addr;

use anyhow::{Context, Result};

use crate::SOON;
use crate::grid::{Account, Grid, Node, text};

pub use misbehaviour::Misbehaviour;
use relay::Relay;

/// A node behind a relay.
pub struct Evil {
    /// The node, honest in itself.
    pub node: Node,
    /// Its public id.
    pub id: String,
    /// Whose node it is.
    pub owner: Account,
    relay: Relay,
}

impl Evil {
    /// A node of `owner` that is online with one slot and behaves like this. The third number of its loopback address
    /// is `network`: nodes of equal numbers are neighbours, others are strangers to each other (/24).
    pub async fn join(grid: &Grid, owner: &Account, name: &str, network: u8, how: Misbehaviour) -> Result<Self> {
        let last = u8::try_from(1 + name.bytes().map(u32::from).sum::<u32>() % 250)?;
        let from = Ipv4Addr::new(127, 0, network, last);
        let relay = Relay::start(&grid.url, from, grid.path(name), name, how).await?;
        let node = grid.node_through(&relay.url, owner, name, &["--slots", "1"], "info").await?;
        let id = text(&node.process.named("joined", SOON).await?, "node")?;
        Ok(Self { node, id, owner: owner.clone(), relay })
    }

    /// From now on it behaves like this.
    pub fn turn(&self, how: Misbehaviour) {
        self.relay.turn(how);
    }

    /// Wait until it has lied so often.
    pub async fn has_lied(&mut self, times: u64) -> Result<()> {
        let waited = tokio::time::timeout(crate::JOB, self.relay.traffic.wait_for(|said| said.lies >= times)).await;
        waited.with_context(|| format!("a liar did not tell {times} lies"))??;
        Ok(())
    }

    /// How often it has lied so far.
    pub fn lies(&self) -> u64 {
        self.relay.traffic.borrow().lies
    }

    /// Wait until it sends another frame of results.
    pub async fn next_frame(&self) -> Result<()> {
        let mut traffic = self.relay.traffic.clone();
        let frames = traffic.borrow_and_update().frames;
        traffic.wait_for(|said| said.frames > frames).await.context("the relay is gone")?;
        Ok(())
    }

    /// Frames of results of which it does not know whether they are committed.
    pub fn under_way(&self) -> usize {
        self.relay.traffic.borrow().under_way
    }
}
