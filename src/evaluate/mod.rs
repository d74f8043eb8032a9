//! Evaluation: the rungs of a title and other codecs, measured against the original video.
//!
//! [`measure`](measure()) renders every rung as a player would and scores each frame; [`CodecBench`]
//! encodes the same clip with other codecs through ffmpeg; [`Report::curves`] gives the rate–quality
//! hulls of both; [`Report`] and [`page`](page()) write JSON, CSV, text and one HTML page;
//! [`ladders`](ladders()) makes ladders of the codecs for the simulator. Every report is made from one
//! table, [`FIGURES`].
//!
//! Figures of any two clips:
//!
//! ```
//! use promptus::evaluate::{FIGURES, Tally};
//! use promptus::frame::Frame;
//! use promptus::quality::Scorer;
//!
//! let (scorer, mut tally) = (Scorer::without_weights(), Tally::default());
//! for brightness in [100, 120, 140] {
//!     let original = Frame::new(32, 32, vec![brightness; 32 * 32 * 3])?;
//!     let shown = Frame::new(32, 32, vec![brightness + 2; 32 * 32 * 3])?;
//!     let score = scorer.score(&original, &shown)?;
//!     tally.push(&original, &shown, Some(score), brightness == 100)?;
//! }
//! let figures = tally.figures();
//! assert_eq!((FIGURES[9].label, FIGURES[9].shown(&figures)), ("PSNR", figures.mean.psnr));
//! assert_eq!((figures.mean_error, figures.temporal_ratio), ([2.0; 3], Some(1.0)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A title against x265:
//!
//! ```no_run
//! use promptus::evaluate::{Codec, CodecBench, Ffmpeg, Grid, Originals, measure};
//! use promptus::model::device;
//! use promptus::package::Title;
//! use promptus::quality::Scorer;
//! use std::path::Path;
//!
//! let title = Title::open(Path::new("my-title"))?;
//! let scorer = Scorer::installed(&device::best())?;
//! let originals = Originals::open(Path::new("clip.mp4"), &title, None, true)?;
//! let ffmpeg = Ffmpeg::find().ok_or("ffmpeg is not installed")?;
//! let (mut report, originals) = measure(&title, originals, &scorer, None, &|_| {})?;
//!
//! let originals = originals.ok_or("not kept")?;
//! let mut grid = Grid::default();
//! grid.codecs = vec![Codec::X265];
//! let bench = CodecBench::new(&report.rungs, &originals, &scorer, &ffmpeg, &grid)?;
//! report.compare(&bench, bench.run(&|_| {})?, &grid.rates);
//! for curves in report.curves() {
//!     let (ours, x265) = (curves.ours, &curves.codecs[0].1);
//!     println!("{}: {:?} of {:?}", curves.figure.label, ours.value_at(20.0), x265.value_at(20.0));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Prints nothing and knows no command line: progress goes to an [`Observer`].

mod codecs;
mod contact_sheet;
mod curves;
mod error;
mod figures;
mod fragments;
mod ladders;
mod originals;
mod page;
mod progress;
mod report;
mod rungs;
mod spool;
mod tables;
mod tally;

pub use codecs::{Codec, CodecBench, Encode, Encoded, Ffmpeg, Grid};
pub use contact_sheet::ContactSheet;
pub use curves::{AtRate, AtRung, Curves, NamedValue};
pub use error::EvaluateError;
pub use figures::{Detail, FIGURES, Figure, Figures};
pub use ladders::ladders;
pub use originals::Originals;
pub use page::page;
pub use progress::{Observer, Progress};
pub use report::{Against, Report, measure};
pub use rungs::{RungReport, SegmentReport};
pub use spool::Spool;
pub use tally::Tally;
