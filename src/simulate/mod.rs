//! The simulator: the player core over recorded networks, in virtual time.
//!
//! A folder of traces with a rule of your own beside one of this crate:
//!
//! ```
//! use promptus::network::corpus::Corpus;
//! use promptus::player::abr::{Abr, Choice, Rule, View};
//! use promptus::simulate::content::Content;
//! use promptus::simulate::grid::{Grid, Player};
//!
//! /// The top rung while ten seconds or more are buffered, else the lowest.
//! #[derive(Debug)]
//! struct TopOrBottom;
//!
//! impl Rule for TopOrBottom {
//!     fn choose(&mut self, view: &View<'_>) -> Choice {
//!         let rung = if view.buffer_s >= 10.0 { view.ladder.top() } else { 0 };
//!         Choice::now(rung, "top-or-bottom")
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # std::fs::write(folder.path().join("3g.csv"), "time_s,kbps\n0,60\n40,15\n60,90\n")?;
//! # let traces = folder.path().to_owned();
//! let grid = Grid {
//!     contents: vec![Content::title("manifests/demo".as_ref())?],
//!     traces: Corpus::read(&[traces])?.traces,
//!     players: vec![
//!         Player::Abr(Abr::Dynamic),
//!         Player::rule("top-or-bottom", |_ladder, _options| Box::new(TopOrBottom)),
//!     ],
//!     ..Grid::default()
//! };
//! for row in grid.run(&|_sessions| {})? {
//!     println!("{} {}: {:.3}", row.trace, row.rule, row.figures.qoe_lin);
//! }
//! # assert_eq!(grid.sessions(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! | module | purpose |
//! |---|---|
//! | [`content`] | what is streamed: a title, a movie file, a measured ladder |
//! | [`title`] | a title on disk: its playlists and the heads of its segments |
//! | [`movie`] | titles in the format of other simulators |
//! | [`driver`] | runs one [`Session`](crate::player::session::Session) over a link |
//! | [`qoe`] | the figures of a session |
//! | [`oracle`] | the best choice of rungs on a known trace |
//! | [`grid`] | many sessions, and their report |
//! | [`statistics`] | means with intervals |
//!
//! Other simulators, re-enacted request by request, are in `compat`, which needs the feature of that
//! name.

pub mod content;
pub mod driver;
pub mod grid;
pub mod movie;
pub mod oracle;
pub mod qoe;
pub mod statistics;
pub mod title;
