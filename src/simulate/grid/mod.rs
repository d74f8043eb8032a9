//! Many sessions at once: content × traces × seeds × players, on all cores.

mod charts;
mod page;
mod player;
mod run;
mod sample;
mod tables;
mod timelines;

pub use page::page;
pub use player::{PlayMovie, Player, Simulator};
pub use run::{FitTo, Grid, GridError, Outcome, Row, Unit};
pub use sample::{Figure, Sample, figures};
pub use tables::text;
