//! Runs a [`Plan`] on pictures. The output is split into tasks, bands of rows or (for small pictures)
//! groups of channels; each task packs its padded input once and computes tile by tile.

use std::cell::Cell;
use std::ops::Range;

use rayon::prelude::*;

use super::plan::Plan;
use super::simd::{Kernel, Simd};
use super::tile::{HIGHEST, LONGEST, OutputVector, Panel, tile, tile_vectors};

/// Floats that one task may pack: a share of the second-level cache.
const BAND_FLOATS: usize = 1 << 16;
/// Multiply-adds from which a task is worth a thread of its own (about 20 µs).
const TASK_WORK: u64 = 2_000_000;
/// Pixels up to which a picture is split by channels rather than by rows.
const SMALL_PICTURE: usize = 256;

thread_local! {
    static SCRATCH: Cell<Scratch> = Cell::default();
}

/// Buffers that a thread keeps between tasks.
#[derive(Default)]
struct Scratch {
    packed: Vec<f32>,
    spots: Vec<OutputVector>,
    sums: Vec<f32>,
}

/// Input (batch, channels, height, width) and post-processing of the sums.
#[derive(Clone, Copy)]
pub(crate) struct Convolution<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) input: &'a [f32],
    /// Input values count as zero where this (of the input's shape) is not positive.
    pub(crate) mask: Option<&'a [f32]>,
    pub(crate) batch: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) out_height: usize,
    pub(crate) out_width: usize,
    /// Added per output channel.
    pub(crate) bias: Option<&'a [f32]>,
    /// Added to the output, of its shape. Not for plans that write phases.
    pub(crate) residual: Option<&'a [f32]>,
    /// Whether negative outputs become zero.
    pub(crate) relu: bool,
}

/// A piece of the output that one thread computes.
struct Task<'a> {
    image: usize,
    /// Rows of an output phase.
    rows: Range<usize>,
    blocks: Range<usize>,
    /// These rows of each output channel of `blocks`.
    planes: Vec<&'a mut [f32]>,
}

impl Convolution<'_> {
    /// The output, (batch, outputs, `out_height`, `out_width`).
    pub(crate) fn run(self) -> Vec<f32> {
        let plane = self.out_height * self.out_width;
        let mut output = vec![0f32; self.batch * self.plan.outputs * plane];
        if !output.is_empty() {
            let mut tasks = self.tasks(&mut output);
            let work = |task| self.plan.level.run(Work { job: self, task });
            match tasks.as_mut_slice() {
                [task] => work(task),
                tasks => tasks.par_iter_mut().for_each(work),
            }
        }
        output
    }

    fn phase_rows(&self) -> usize {
        self.out_height.div_ceil(self.plan.out_phases)
    }

    fn phase_columns(&self) -> usize {
        self.out_width.div_ceil(self.plan.out_phases)
    }

    /// Length of a packed row: the zeros before the next row double as zeros after this one.
    fn row_length(&self) -> usize {
        let plan = self.plan;
        let needed = self.phase_columns() + plan.span - plan.lead.min(plan.span);
        needed.max(plan.lead + self.width.div_ceil(plan.in_phases))
    }

    fn tasks<'o>(&self, output: &'o mut [f32]) -> Vec<Task<'o>> {
        let (plan, rows) = (self.plan, self.phase_rows());
        let taps: usize = plan.panels.iter().map(|panel| panel.taps.len()).sum();
        let pixels = [self.batch, rows, self.phase_columns()];
        let factors = pixels.into_iter().chain([taps, plan.panel_rows]);
        let work: u64 = factors.map(|factor| factor as u64).product();
        let threads = rayon::current_num_threads();
        let parts = (work / TASK_WORK).clamp(1, 4 * threads as u64) as usize;
        let parts = parts.div_ceil(self.batch);
        if rows * self.phase_columns() <= SMALL_PICTURE {
            let group = plan.blocks().div_ceil(parts.min(threads));
            return self.split(output, rows, group);
        }
        let per_row = self.row_length() * plan.channels * plan.in_phases * plan.in_phases;
        let fitting = (BAND_FLOATS / per_row).saturating_sub(plan.span).max(4);
        self.split(output, rows.div_ceil(parts).min(fitting), plan.blocks())
    }

    /// Cuts the output into tasks of at most `band` phase rows and `group` blocks of channels.
    fn split<'o>(&self, output: &'o mut [f32], band: usize, group: usize) -> Vec<Task<'o>> {
        let (plan, rows) = (self.plan, self.phase_rows());
        let (bands, groups) = (rows.div_ceil(band), plan.blocks().div_ceil(group));
        let mut tasks = Vec::with_capacity(self.batch * groups * bands);
        for image in 0..self.batch {
            for first in (0..plan.blocks()).step_by(group) {
                for start in (0..rows).step_by(band) {
                    tasks.push(Task {
                        image,
                        rows: start..(start + band).min(rows),
                        blocks: first..(first + group).min(plan.blocks()),
                        planes: Vec::with_capacity(group * plan.panel_rows),
                    });
                }
            }
        }
        let channels = output.chunks_exact_mut(self.out_height * self.out_width);
        for (index, channel) in channels.enumerate() {
            let (image, output) = (index / plan.outputs, index % plan.outputs);
            let part = image * groups + output / plan.panel_rows / group;
            let pieces = channel.chunks_mut(band * plan.out_phases * self.out_width);
            for (task, piece) in tasks[part * bands..][..bands].iter_mut().zip(pieces) {
                task.planes.push(piece);
            }
        }
        tasks
    }
}

/// One task as a [`Kernel`].
struct Work<'a, 't, 'o> {
    job: Convolution<'a>,
    task: &'t mut Task<'o>,
}

impl Kernel for Work<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let mut scratch = SCRATCH.take();
        let Scratch {
            packed,
            spots,
            sums,
        } = &mut scratch;
        let long_rows = self.job.phase_columns() >= S::LANES;
        if long_rows {
            self.vectors_by_row(spots, S::LANES);
        } else {
            self.vectors_in_line(spots, S::LANES);
        }
        let (input, plane) = match self.direct() {
            Some(direct) => direct,
            None => (
                self.pack(packed),
                (self.task.rows.len() + self.job.plan.span) * self.job.row_length(),
            ),
        };
        if long_rows && self.job.plan.out_phases == 1 {
            self.straight(simd, input, plane, spots);
        } else {
            self.staged(simd, input, plane, spots, sums, long_rows);
        }
        SCRATCH.set(scratch);
    }
}

impl<'a> Work<'a, '_, '_> {
    /// Vectors that stay within a row; the last of each row is shifted back to end with the row,
    /// so that some outputs are computed twice.
    fn vectors_by_row(&self, spots: &mut Vec<OutputVector>, lanes: usize) {
        let (length, columns) = (self.job.row_length(), self.job.phase_columns());
        spots.clear();
        for row in 0..self.task.rows.len() {
            let starts = (0..columns).step_by(lanes);
            let starts = starts.map(|column| column.min(columns - lanes));
            spots.extend(starts.map(|x| OutputVector {
                from: row * length + x,
                to: row * columns + x,
            }));
        }
    }

    /// Vectors over all rows laid end to end, with the zeros between them.
    fn vectors_in_line(&self, spots: &mut Vec<OutputVector>, lanes: usize) {
        let positions = self.task.rows.len() * self.job.row_length();
        spots.clear();
        let starts = (0..positions).step_by(lanes);
        spots.extend(starts.map(|at| OutputVector { from: at, to: at }));
    }

    /// The input itself and its plane, where it needs no packing.
    fn direct(&self) -> Option<(&'a [f32], usize)> {
        let (job, plan) = (&self.job, self.job.plan);
        let short_rows = job.phase_columns() < LONGEST;
        if plan.span > 0 || plan.in_phases > 1 || job.mask.is_some() || short_rows {
            return None;
        }
        let plane = job.height * job.width;
        let image = &job.input[self.task.image * plan.channels * plane..][..plan.channels * plane];
        Some((&image[self.task.rows.start * job.width..], plane))
    }

    /// Lays out the input: per channel and phase, rows of `row_length` with zeros around.
    #[inline(always)]
    fn pack<'p>(&self, packed: &'p mut Vec<f32>) -> &'p [f32] {
        let (job, plan) = (&self.job, self.job.plan);
        let length = job.row_length();
        let plane = (self.task.rows.len() + plan.span) * length;
        let phases = plan.in_phases * plan.in_phases;
        let end = plan.channels * phases * plane;
        let needed = end + plan.lead + plan.span + LONGEST;
        if packed.len() < needed {
            packed.resize(needed, 0.0);
        }
        let picture = job.height * job.width;
        for (index, target) in packed[..end].chunks_exact_mut(plane).enumerate() {
            let (channel, phase) = (index / phases, index % phases);
            let first = (self.task.image * plan.channels + channel) * picture;
            let source = &job.input[first..first + picture];
            let mask = job.mask.map(|mask| &mask[first..first + picture]);
            for (row, target) in target.chunks_exact_mut(length).enumerate() {
                let row = (self.task.rows.start + row).wrapping_sub(plan.lead);
                let row = row.wrapping_mul(plan.in_phases);
                let row = row.wrapping_add(phase / plan.in_phases);
                let (lead, target) = target.split_at_mut(plan.lead);
                lead.fill(0.0);
                if row < job.height {
                    let line = row * job.width..(row + 1) * job.width;
                    let mask = mask.map(|mask| &mask[line.clone()]);
                    let (column, step) = (phase % plan.in_phases, plan.in_phases);
                    pack_row(&source[line], mask, column, step, target);
                } else {
                    target.fill(0.0);
                }
            }
        }
        packed[end..needed].fill(0.0);
        &packed[..needed]
    }

    /// The tile of block `block`, phase `phase`.
    fn panel<'p>(
        &self,
        block: usize,
        phase: usize,
        offsets: &'p [usize],
        input: &'p [f32],
    ) -> Panel<'p>
    where
        'a: 'p,
    {
        let (job, plan) = (&self.job, self.job.plan);
        let panel = &plan.panels[block * plan.out_phases * plan.out_phases + phase];
        let mut bias = [0f32; HIGHEST];
        if let Some(source) = job.bias {
            let source = &source[block * plan.panel_rows..];
            let pairs = bias.iter_mut().zip(source);
            pairs.for_each(|(bias, &source)| *bias = source);
        }
        Panel {
            rows: plan.panel_rows,
            offsets,
            weights: &panel.weights,
            bias,
            input,
            residual: &[],
            residual_row: job.out_height * job.out_width,
            relu: job.relu,
        }
    }

    /// The residual of the task's rows, from output channel `output` on; empty if there is none.
    fn residual(&self, output: usize) -> &'a [f32] {
        let (job, plan) = (&self.job, self.job.plan);
        let channel = self.task.image * plan.outputs + output;
        let line = channel * job.out_height + self.task.rows.start;
        job.residual
            .map_or(&[], |residual| &residual[line * job.out_width..])
    }

    /// Tiles whose rows are rows of the output itself.
    #[inline(always)]
    fn straight<S: Simd>(&mut self, simd: S, input: &[f32], plane: usize, spots: &[OutputVector]) {
        let plan = self.job.plan;
        let offsets = plan.offsets(self.task.blocks.clone(), plane, self.job.row_length());
        for spots in tiles(spots, tile_vectors::<S>(plan.panel_rows)) {
            for (index, block) in self.task.blocks.clone().enumerate() {
                let panel = self.panel(block, 0, &offsets[index], input);
                let panel = Panel {
                    residual: self.residual(block * plan.panel_rows),
                    ..panel
                };
                let planes = &mut self.task.planes[index * plan.panel_rows..];
                let count = planes.len().min(plan.panel_rows);
                tile(simd, &panel, spots, &mut planes[..count]);
            }
        }
    }

    /// Tiles that go to a buffer first: rows shorter than a vector, or phases to be interleaved.
    #[inline(always)]
    fn staged<S: Simd>(
        &mut self,
        simd: S,
        input: &[f32],
        plane: usize,
        spots: &[OutputVector],
        sums: &mut Vec<f32>,
        long_rows: bool,
    ) {
        let (job, plan) = (self.job, self.job.plan);
        let phases = plan.out_phases;
        let stride = if long_rows {
            job.phase_columns()
        } else {
            job.row_length()
        };
        let picture = self.task.rows.len() * stride + LONGEST;
        sums.resize(sums.len().max(HIGHEST * phases * picture), 0.0);
        let offsets = plan.offsets(self.task.blocks.clone(), plane, job.row_length());
        for (index, block) in self.task.blocks.clone().enumerate() {
            for y in 0..phases {
                let mut rows: Vec<&mut [f32]> = sums.chunks_exact_mut(picture).collect();
                for x in 0..phases {
                    let phase = y * phases + x;
                    let offsets = &offsets[index * phases * phases + phase];
                    let panel = self.panel(block, phase, offsets, input);
                    let relu = job.relu && job.residual.is_none();
                    let panel = Panel { relu, ..panel };
                    let rows = &mut rows[x * HIGHEST..][..plan.panel_rows];
                    for spots in tiles(spots, tile_vectors::<S>(plan.panel_rows)) {
                        tile(simd, &panel, spots, rows);
                    }
                }
                self.copy_out(index, y, &rows, stride);
            }
        }
    }

    /// Brings staged rows to output rows of phase `y`, interleaving the phases of the columns.
    #[inline(always)]
    fn copy_out(&mut self, index: usize, y: usize, rows: &[&mut [f32]], stride: usize) {
        let (job, plan) = (self.job, self.job.plan);
        let (phases, columns) = (plan.out_phases, job.phase_columns());
        let block = index * plan.panel_rows;
        let first = self.task.blocks.start * plan.panel_rows + block;
        for m in 0..plan.panel_rows.min(self.task.planes.len() - block) {
            let residual = self.residual(first + m);
            let lines = self.task.planes[block + m].chunks_exact_mut(job.out_width);
            for (row, line) in lines.skip(y).step_by(phases).enumerate() {
                let even = &rows[m][row * stride..][..columns];
                if phases == 2 {
                    interleave(even, &rows[HIGHEST + m][row * stride..][..columns], line);
                    continue;
                }
                line.copy_from_slice(even);
                if !residual.is_empty() {
                    let floor = if job.relu { 0.0 } else { f32::NEG_INFINITY };
                    for (value, residual) in line.iter_mut().zip(&residual[row * columns..]) {
                        *value = (*value + residual).max(floor);
                    }
                }
            }
        }
    }
}

/// Runs of `vectors` spots; the last run is shifted back to end with the list, and where there are
/// fewer than `vectors` in all they come one by one.
#[inline(always)]
fn tiles(spots: &[OutputVector], vectors: usize) -> impl Iterator<Item = &[OutputVector]> {
    let step = if spots.len() < vectors { 1 } else { vectors };
    (0..spots.len())
        .step_by(step)
        .map(move |start| &spots[start.min(spots.len() - step)..][..step])
}

#[inline(always)]
fn interleave(even: &[f32], odd: &[f32], line: &mut [f32]) {
    let mut pairs = line.chunks_exact_mut(2);
    for ((pair, even), odd) in (&mut pairs).zip(even).zip(odd) {
        pair[0] = *even;
        pair[1] = *odd;
    }
    if let ([last], Some(even)) = (pairs.into_remainder(), even.last()) {
        *last = *even;
    }
}

/// Copies every `step`th value from `column` on, zero where `mask` is not positive, and fills up
/// with zeros.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // Longer iterator chains are not inlined, hence not vectors.
fn pack_row(source: &[f32], mask: Option<&[f32]>, column: usize, step: usize, target: &mut [f32]) {
    let count = source.len().saturating_sub(column).div_ceil(step);
    let (values, rest) = target.split_at_mut(count);
    rest.fill(0.0);
    match (mask, step) {
        (None, 1) => values.copy_from_slice(source),
        (Some(mask), 1) => {
            let (source, mask) = (&source[..count], &mask[..count]);
            for i in 0..count {
                values[i] = if mask[i] > 0.0 { source[i] } else { 0.0 };
            }
        }
        _ => {
            for i in 0..count {
                let from = column + i * step;
                let kept = mask.is_none_or(|mask| mask[from] > 0.0);
                values[i] = if kept { source[from] } else { 0.0 };
            }
        }
    }
}
