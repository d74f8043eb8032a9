//! The origin over real connections: what clients, caches and attackers see.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/title.rs"]
mod rungs;
#[path = "../common/tools.rs"]
mod tools;

mod access;
mod catalogue;
mod conditions;
mod every_response;
mod faults;
mod filters;
mod forms;
mod layers;
mod limits;
mod memory;
mod names;
mod nginx;
mod probe;
mod process;
mod protocols;
mod publishing;
mod ranges;
mod real;
mod remote;
mod shutdown;
mod site;
mod telemetry;
mod title;
