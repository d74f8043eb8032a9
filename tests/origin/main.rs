//! The origin over real connections: what clients, caches and attackers see.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/title.rs"]
mod rungs;
#[path = "../common/tools.rs"]
mod tools;

mod access;
mod catalogue;
mod every_response;
mod faults;
mod filters;
mod forms;
mod limits;
mod memory;
mod names;
mod probe;
mod programs;
mod protocols;
mod publishing;
mod remote;
mod representations;
mod site;
mod telemetry;
mod title;
mod watch;
