//! The content of a page: sections of text, tables, charts and pictures.

use super::chart::{Chart, Pairs};

/// A whole report.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Heading and window title.
    pub title: String,
    /// The subject, in a sentence or two below the heading.
    pub lead: String,
    /// The parts, in order; the page links to each by its title.
    pub sections: Vec<Section>,
}

/// A part with a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// The content from top to bottom.
    pub blocks: Vec<Block>,
}

/// A piece of a section's content.
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
    /// Blocks of which one set at a time is shown, picked from a list.
    Choice(Choice),
}

/// A table: text on the left, numbers on the right.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// The subject; may be empty.
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
    /// A number and its digits after the point; a dash where it is not finite.
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
    /// The subject; also the alternative text.
    pub caption: String,
    /// `image/png`, `image/jpeg` ...; of any other media type only the caption is shown.
    pub media_type: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A list to pick from, with the content of each entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Name of the list.
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

    /// A number with `digits` after the point; a dash for `None`.
    pub fn number(value: impl Into<Option<f64>>, digits: usize) -> Self {
        Self::Number(value.into().unwrap_or(f64::NAN), digits)
    }

    /// The content as text: the ends of an interval between `marks`, `dash` for a number that is not
    /// finite.
    pub(super) fn written(&self, dash: &str, marks: [&str; 3]) -> String {
        let [open, between, close] = marks;
        match *self {
            Self::Text(ref text) => text.clone(),
            Self::Number(value, digits) if value.is_finite() => format!("{value:.digits$}"),
            Self::Interval {
                value,
                low,
                high,
                digits,
            } if value.is_finite() => {
                format!("{value:.digits$}{open}{low:.digits$}{between}{high:.digits$}{close}")
            }
            Self::Number(..) | Self::Interval { .. } => dash.to_owned(),
        }
    }
}
