//! The content of a page: sections of text, tables, charts and pictures.

use super::chart::{Chart, Pairs};

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
