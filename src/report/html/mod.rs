//! One HTML file that holds a whole report: text, tables, charts, pictures.
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
//! Fetches nothing: scripts, styles, data and pictures are inside, and a content security policy
//! forbids everything else. Tables and text need no script. Charts are drawn by uPlot (MIT,
//! `static/report/uplot.LICENSE`) and answer to mouse and keyboard. Every text is escaped; a value
//! that is not finite is left out. Equal pages give equal bytes. Knows nothing of sessions: who
//! has figures fills a [`Page`].

mod chart;
mod escape;
mod markup;

pub use chart::{Axis, Band, Chart, Kind, Pairs, Series};

/// A whole report.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Heading and window title.
    pub title: String,
    /// What it is about, a sentence or two below the heading.
    pub lead: String,
    /// The parts, in order; the page links to each by its title.
    pub sections: Vec<Section>,
}

/// A part with a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// What it holds, from top to bottom.
    pub blocks: Vec<Block>,
}

/// Something in a section.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Preformatted text, such as a command.
    Code(String),
    /// A table; a click on a column's heading sorts by it.
    Table(Table),
    /// A chart.
    Chart(Chart),
    /// A scatter of one row of figures against another, both picked by the reader.
    Pairs(Pairs),
    /// Pictures side by side.
    Images(Vec<Image>),
    /// Two pictures of one size under a slider: the first on the left, the second on the right.
    Slider(Image, Image),
    /// Blocks of which one set at a time is shown, picked from a list.
    Choice(Choice),
}

/// A table: text on the left, numbers on the right.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// What the table shows.
    pub caption: String,
    /// Headings, units included.
    pub columns: Vec<String>,
    /// Rows of as many cells; missing ones stay empty.
    pub rows: Vec<Vec<Cell>>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Cell {
    /// Text.
    Text(String),
    /// A number and how many digits follow its point; not finite shows as a dash.
    Number(f64, usize),
    /// A number with the ends of an interval around it, and digits after the point.
    Interval {
        /// The estimate.
        value: f64,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
        /// Digits after the point.
        digits: usize,
    },
}

/// A picture as a file's bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// What it shows; also its text for those who cannot see it.
    pub caption: String,
    /// `image/png`, `image/jpeg` ...; anything that is not `image/…` is shown as no picture.
    pub media_type: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A list to pick from and what each entry shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What is picked.
    pub label: String,
    /// Entries in order, the first shown at the start.
    pub options: Vec<(String, Vec<Block>)>,
}

impl Page {
    /// A page without sections.
    pub fn new(title: impl Into<String>, lead: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            lead: lead.into(),
            sections: Vec::new(),
        }
    }

    /// Appends a section.
    pub fn push(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// The file's text.
    pub fn html(&self) -> String {
        markup::page(self)
    }
}

impl Section {
    /// A section without blocks.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            blocks: Vec::new(),
        }
    }

    /// The section with one more block.
    #[must_use]
    pub fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// The section with one more paragraph.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.with(Block::Text(text.into()))
    }
}

impl Table {
    /// A table without rows.
    pub fn new(caption: impl Into<String>, columns: &[&str]) -> Self {
        Self {
            caption: caption.into(),
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            rows: Vec::new(),
        }
    }
}

impl Cell {
    /// A cell of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
