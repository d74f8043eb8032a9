//! Reports as one HTML file: text, tables, charts, pictures. Tables are also text for the terminal.
//!
//! ```
//! use promptus::report::html::{Axis, Block, Chart, Page, Section, Series};
//!
//! let curve = Series::line("mini", vec![(20.0, 0.31), (40.0, 0.24), (80.0, 0.2)]);
//! let chart = Chart::new("Rate and quality", Axis::log("kbit/s"), Axis::linear("LPIPS"))
//!     .with(curve);
//! let mut page = Page::new("Evaluation", "Four titles, two profiles.");
//! page.push(Section::new("Curves").with(Block::Chart(chart)));
//! assert!(page.html().starts_with("<!doctype html>"));
//! ```
//!
//! The file is self-contained: scripts, styles, data and pictures are inline, and a content security
//! policy forbids requests. Tables and text need no script. Charts are drawn by uPlot (MIT,
//! `static/report/uplot.LICENSE`), for mouse and keyboard. All text is escaped; values that are not
//! finite are left out. Equal pages give equal bytes. Independent of sessions: the caller fills a
//! [`Page`].

mod chart;
mod content;
mod markup;
mod text;

pub use chart::{Axis, Band, Chart, Kind, Pairs, Series};
pub use content::{Block, Cell, Choice, Image, Page, Section, Table};

#[cfg(test)]
mod tests;
