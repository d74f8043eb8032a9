//! The origin over real connections: what clients, caches and attackers see.

#![allow(clippy::unwrap_used)]

#[path = "../common/rungs.rs"]
mod rungs;
#[path = "../common/tools.rs"]
mod tools;

mod catalogue;
mod conditions;
mod faults;
mod forms;
mod nginx;
mod paths;
mod probe;
mod ranges;
mod real;
mod server;
mod shutdown;
mod title;
