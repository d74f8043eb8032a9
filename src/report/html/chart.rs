//! Charts as data for the page's script.

use serde::{Serialize, Serializer};

/// An axis.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Axis {
    /// Quantity and unit.
    pub label: String,
    /// Logarithmic, base 10: values of 0 and below are left out.
    pub log: bool,
    /// Marked at whole numbers only.
    pub whole: bool,
    /// Fixed ends instead of those of the data.
    pub range: Option<(f64, f64)>,
}

/// The drawing of a series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// Straight lines from point to point.
    #[default]
    Line,
    /// Each value holds until the next.
    Steps,
    /// Points only.
    Points,
}

/// One set of points with a name.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Kind of drawing.
    pub kind: Kind,
    /// x and y, in any order; lines are drawn by ascending x.
    #[serde(serialize_with = "short_points")]
    pub points: Vec<(f64, f64)>,
    /// A name for each point, shown when the reader points at it; may be shorter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Marks the points of a line, too.
    pub marks: bool,
}

/// A shaded span of x.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Band {
    /// Start.
    pub from: f64,
    /// End.
    pub to: f64,
}

/// A chart.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Chart {
    /// Caption.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The curves and points.
    pub series: Vec<Series>,
    /// Spans shaded as problems, such as stalls.
    pub bands: Vec<Band>,
    /// Charts of the same name share cursor and zoom.
    pub sync: Option<String>,
    /// Height in CSS pixels.
    pub height: u32,
}

/// Rows of figures over the same things, any row against any other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pairs {
    /// Caption.
    pub title: String,
    /// The figure's name and unit, on both axes.
    pub measure: String,
    /// A name for each row.
    pub names: Vec<String>,
    /// A name for each column, the label of its point.
    pub labels: Vec<String>,
    /// The rows; values that are not finite are left out of the scatter.
    #[serde(serialize_with = "short_rows")]
    pub values: Vec<Vec<f64>>,
}

impl Axis {
    /// A linear axis as long as the data.
    pub fn linear(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..Self::default()
        }
    }

    /// A logarithmic axis as long as the data.
    pub fn log(label: impl Into<String>) -> Self {
        Self {
            log: true,
            ..Self::linear(label)
        }
    }

    /// The axis with marks at whole numbers only.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// The axis with fixed ends.
    #[must_use]
    pub fn within(mut self, low: f64, high: f64) -> Self {
        self.range = (low.is_finite() && high.is_finite()).then_some((low, high));
        self
    }
}

impl Series {
    /// Straight lines.
    pub fn line(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self {
            name: name.into(),
            points,
            ..Self::default()
        }
    }

    /// A staircase.
    pub fn steps(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self {
            kind: Kind::Steps,
            ..Self::line(name, points)
        }
    }

    /// The distribution of `values`: for each, the share of values no greater.
    pub fn distribution(name: impl Into<String>, values: &[f64]) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let share = |index: usize| (index + 1) as f64 / sorted.len() as f64;
        let last_of_equals = |index: &usize| sorted.get(index + 1) != Some(&sorted[*index]);
        let ends = (0..sorted.len()).filter(last_of_equals);
        let points = ends.map(|index| (sorted[index], share(index))).collect();
        Self::steps(name, points)
    }
}

impl Chart {
    /// A chart without series, 260 pixels high.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self {
            title: title.into(),
            x,
            y,
            height: 260,
            ..Self::default()
        }
    }

    /// The chart with one more series.
    #[must_use]
    pub fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }
}

/// Six significant digits, more than a screen shows; `null` for a value that is not finite.
fn short(value: f64) -> Option<f64> {
    let rounded = format!("{value:.5e}").parse();
    rounded.ok().filter(|value: &f64| value.is_finite())
}

fn short_points<S: Serializer>(points: &[(f64, f64)], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(points.iter().map(|&(x, y)| (short(x), short(y))))
}

fn short_rows<S: Serializer>(rows: &[Vec<f64>], out: S) -> Result<S::Ok, S::Error> {
    let short_row = |row: &Vec<f64>| row.iter().map(|&v| short(v)).collect::<Vec<_>>();
    out.collect_seq(rows.iter().map(short_row))
}
