//! Many sessions at once: content × traces × seeds × players, on all cores.
//!
//! | file | purpose |
//! |---|---|
//! | `player` | the decision maker of a session: a rule, an own rule, another simulator |
//! | `run` | [`Grid`]: plays everything, a [`Row`] per session |
//! | `sample` | means of the rows by title and rule |
//! | `tables` | the means as tables, for the terminal and the page |
//! | `charts`, `timelines`, `page` | the report as one HTML page |

mod charts;
mod page;
mod player;
mod run;
mod sample;
mod tables;
mod timelines;

pub use page::page;
pub use player::{BuildRule, Named, PlayMovie, Player};
pub use run::{FitTo, Grid, GridError, Outcome, Row, Unit};
pub use sample::{Figure, Sample, figures};
pub use tables::text;
