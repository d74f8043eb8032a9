//! A convolution in one dimension: the rows of the zero-padded input are laid end to end, so that
//! each tap of the kernel is a constant offset and an output tile may span rows.
//!
//! Strides and ×2 enlargement are expressed by *phases*: the input's or the output's pixels with
//! (row mod 2, column mod 2) = (a, b) form a picture of their own. Convolving at stride 2 reads
//! four phases of the input; its transpose writes four phases of the output; likewise the
//! convolution of an enlarged picture and its transpose, where taps that meet the same source
//! pixel are added up beforehand (4 taps instead of 9 a pixel).

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::simd::Level;
use super::tile::panel_rows;

/// The operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Cross-correlation at `stride` with `padding` zeros around.
    Plain { stride: usize, padding: usize },
    /// Every pixel becomes a 2×2 cell, then cross-correlation at stride 1 with `padding`.
    Enlarged { padding: usize },
}

impl Kind {
    /// Height or width of the output of a kernel of `side` for an input of `length`.
    pub(crate) fn output(self, length: usize, side: usize) -> usize {
        match self {
            Self::Plain { stride, padding } => (length + 2 * padding - side) / stride + 1,
            Self::Enlarged { padding } => 2 * length + 2 * padding - side + 1,
        }
    }
}

/// One axis: output phase `out` at index i reads input phase `input` at index i + `reach` through
/// kernel element `tap`.
#[derive(Clone, Copy, Debug)]
struct Link {
    tap: usize,
    out: usize,
    input: usize,
    reach: isize,
}

/// One term of an output's sum: the pixel `rows` and `columns` after the output's own position in one
/// padded phase of one input channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    pub(super) channel: usize,
    pub(super) phase: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// A block of output channels in one phase: the taps with a weight that is not zero, and for each tap
/// one weight per channel.
#[derive(Debug)]
pub(super) struct PlanPanel {
    pub(super) taps: Arc<Vec<Tap>>,
    pub(super) weights: Vec<f32>,
}

/// The part of a frozen convolution's layout that does not depend on the picture's size.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Instruction set of the layout.
    pub(super) level: Level,
    pub(super) channels: usize,
    pub(crate) outputs: usize,
    pub(super) panel_rows: usize,
    /// Phases a side: 1 or the stride.
    pub(super) in_phases: usize,
    pub(super) out_phases: usize,
    /// Zeros before the first row and column of a phase, and the largest offset from there.
    pub(super) lead: usize,
    pub(super) span: usize,
    /// Per block of output channels, one panel for every output phase.
    pub(super) panels: Vec<PlanPanel>,
}

/// A kernel (O, I, k, k), row-major.
#[derive(Clone, Copy)]
pub(crate) struct Weights<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) outputs: usize,
    pub(crate) inputs: usize,
    pub(crate) side: usize,
}

impl Weights<'_> {
    fn at(&self, output: usize, input: usize, row: usize, column: usize) -> f32 {
        self.values[((output * self.inputs + input) * self.side + row) * self.side + column]
    }
}

impl Plan {
    /// The plan from input to output, or with `transposed` from the output's gradient to the
    /// input's.
    pub(crate) fn new(weights: Weights<'_>, kind: Kind, transposed: bool, level: Level) -> Self {
        let links = links(weights.side, kind, transposed);
        let reaches = || links.iter().map(|link| link.reach);
        let lead = (-reaches().min().unwrap_or(0)).max(0);
        let span = reaches().max().map_or(0, |most| most + lead);
        let (mut channels, mut outputs) = (weights.inputs, weights.outputs);
        let (mut in_phases, mut out_phases) = match kind {
            Kind::Plain { stride, .. } => (stride, 1),
            Kind::Enlarged { .. } => (1, 2),
        };
        if transposed {
            std::mem::swap(&mut channels, &mut outputs);
            std::mem::swap(&mut in_phases, &mut out_phases);
        }
        let mut plan = Self {
            level,
            channels,
            outputs,
            panel_rows: panel_rows(outputs, level.lanes()),
            in_phases,
            out_phases,
            lead: lead.unsigned_abs(),
            span: span.unsigned_abs(),
            panels: Vec::new(),
        };
        let weight = |output, channel, row, column| {
            if transposed {
                weights.at(channel, output, row, column)
            } else {
                weights.at(output, channel, row, column)
            }
        };
        let phases = plan.out_phases;
        let phases = (0..phases * phases).map(|phase| (phase / phases, phase % phases));
        let sources: Vec<_> = phases.map(|phase| plan.sources(&links, phase)).collect();
        for block in 0..plan.blocks() {
            for sources in &sources {
                plan.add_panel(block * plan.panel_rows, sources, weight);
            }
        }
        plan
    }

    /// The taps of one output phase for channel 0, each with the kernel elements that add up to it.
    fn sources(&self, links: &[Link], phase: (usize, usize)) -> Vec<(Tap, Vec<(usize, usize)>)> {
        let mut sources: Vec<(Tap, Vec<(usize, usize)>)> = Vec::new();
        let reach = |link: &Link| self.lead.wrapping_add_signed(link.reach);
        for row in links.iter().filter(|link| link.out == phase.0) {
            for column in links.iter().filter(|link| link.out == phase.1) {
                let tap = Tap {
                    channel: 0,
                    phase: row.input * self.in_phases + column.input,
                    rows: reach(row),
                    columns: reach(column),
                };
                let element = (row.tap, column.tap);
                match sources.iter_mut().find(|(known, _)| *known == tap) {
                    Some((_, elements)) => elements.push(element),
                    None => sources.push((tap, vec![element])),
                }
            }
        }
        sources
    }

    /// Adds one phase of the block that starts at output `first`, without taps whose weights are zero for
    /// the whole block.
    fn add_panel(
        &mut self,
        first: usize,
        sources: &[(Tap, Vec<(usize, usize)>)],
        weight: impl Fn(usize, usize, usize, usize) -> f32,
    ) {
        let mut row = vec![0f32; self.panel_rows];
        let (mut taps, mut weights) = (Vec::new(), Vec::new());
        for channel in 0..self.channels {
            for (tap, elements) in sources {
                for (output, sum) in (first..self.outputs).zip(&mut row) {
                    let parts = elements.iter();
                    *sum = parts.map(|&(y, x)| weight(output, channel, y, x)).sum();
                }
                if row.iter().any(|&sum| sum != 0.0) {
                    taps.push(Tap { channel, ..*tap });
                    weights.extend_from_slice(&row);
                }
            }
        }
        let known = self.panels.iter().rev().find(|panel| *panel.taps == taps);
        let taps = known.map_or_else(|| Arc::new(taps), |panel| panel.taps.clone());
        self.panels.push(PlanPanel { taps, weights });
    }

    /// Blocks of at most `panel_rows` output channels.
    pub(super) fn blocks(&self) -> usize {
        self.outputs.div_ceil(self.panel_rows)
    }

    /// Per block of `blocks` and phase, each tap's offset in the packed input, whose planes are
    /// `plane` long and rows `length`.
    pub(super) fn offsets(
        &self,
        blocks: Range<usize>,
        plane: usize,
        length: usize,
    ) -> Vec<Rc<Vec<usize>>> {
        let (inputs, outputs) = (
            self.in_phases * self.in_phases,
            self.out_phases * self.out_phases,
        );
        let panels = &self.panels[blocks.start * outputs..blocks.end * outputs];
        let mut all: Vec<Rc<Vec<usize>>> = Vec::with_capacity(panels.len());
        for (index, panel) in panels.iter().enumerate() {
            let known = panels[..index]
                .iter()
                .rposition(|known| Arc::ptr_eq(&known.taps, &panel.taps));
            let offset = |tap: &Tap| {
                (tap.channel * inputs + tap.phase) * plane + tap.rows * length + tap.columns
            };
            all.push(match known {
                Some(known) => all[known].clone(),
                None => Rc::new(panel.taps.iter().map(offset).collect()),
            });
        }
        all
    }
}

/// The links of a kernel of `side` between output and input phases along one axis.
fn links(side: usize, kind: Kind, transposed: bool) -> Vec<Link> {
    let (stride, padding, phases) = match kind {
        Kind::Plain { stride, padding } => (stride as isize, padding as isize, 1),
        Kind::Enlarged { padding } => (2, padding as isize, 2),
    };
    let link = |tap: usize, out: usize| {
        let position = (tap + out) as isize - padding;
        let input = match kind {
            Kind::Plain { .. } => position.rem_euclid(stride).unsigned_abs(),
            // Both phases of the enlarged picture are the same pixel of its source.
            Kind::Enlarged { .. } => 0,
        };
        let reach = position.div_euclid(stride);
        let (out, input, reach) = match transposed {
            false => (out, input, reach),
            true => (input, out, -reach),
        };
        Link {
            tap,
            out,
            input,
            reach,
        }
    };
    let taps = (0..phases).flat_map(|out| (0..side).map(move |tap| (tap, out)));
    taps.map(|(tap, out)| link(tap, out)).collect()
}
