//! The origin over real connections: what clients, caches and attackers see.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/rungs.rs"]
mod rungs;
#[path = "../common/tools.rs"]
mod tools;

mod access;
mod catalogue;
mod conditions;
mod edge;
mod faults;
mod filters;
mod forms;
mod hostile;
mod layers;
mod memory;
mod names;
mod nginx;
mod paths;
mod probe;
mod protocols;
mod publishing;
mod ranges;
mod real;
mod remote;
mod server;
mod shutdown;
mod telemetry;
mod title;
