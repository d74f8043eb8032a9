//! One run of the command: every segment of the input fitted, measured and kept, then published.

use super::announce::Announcement;
use super::fitting::FitArgs;
use super::measure::Measurer;
use super::memory::Memory;
use super::report::{Effort, Report, ShareReport};
use super::share::Shard;
use super::watch::Watch;
use super::{Args, destination, interrupt};
use crate::cli::publication::{Destination, from_store};
use crate::cli::{CliError, json_line};
use crate::encode::{FitOptions, Fitter, Grid, Interval, Perceptual, Progress, Span, Spans};
use crate::manifest::SourceRecord;
use crate::model::{Encoder, Generator};
use crate::package::work::{Kept, Plan, PlannedSegment, WorkFolder, WorkStore, segment_name};
use crate::quality::Scorer;
use crate::segment::Track;
use crate::segment::coded::{CodedFrame, CodedSegment};
use crate::source::{Geometry, Source};
use rayon::ThreadPoolBuilder;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// One run of the command.
pub(super) struct Job<'a> {
    pub(super) args: &'a Args,
    pub(super) options: FitOptions,
    pub(super) grid: Grid,
    pub(super) memory: Memory,
    pub(super) interval: Interval,
    pub(super) track: Track,
    /// How the pictures are made of the input.
    pub(super) record: SourceRecord,
    pub(super) generator: &'a Arc<Generator>,
    pub(super) network: Option<&'a Encoder>,
    pub(super) perceptual: Perceptual<'a>,
    pub(super) fitter: &'a Fitter<'a>,
    pub(super) scorer: &'a Scorer,
}

/// What a run says and where it keeps what is done.
struct Run<'a> {
    store: &'a WorkStore,
    shard: Shard,
    watch: Watch,
    measurer: Measurer<'a>,
    /// How much of the work on a segment is its fit, 0 to 1.
    fit_share: f64,
    /// Segments kept so far, for the message of an interruption.
    kept: Arc<AtomicU32>,
}

impl Job<'_> {
    pub(super) fn run(
        &self,
        source: Source,
        geometry: &Geometry,
        began: Instant,
    ) -> Result<(), CliError> {
        match self.args.shard {
            Some(shard) => self.share(source, geometry, shard, began),
            None => self.whole(source, geometry, began),
        }
    }

    fn fitting(&self) -> &FitArgs {
        &self.args.fitting
    }

    /// Everything but the frames that decides the bytes of a segment.
    fn setting(&self) -> String {
        let options = FitOptions {
            workers: 0,
            ..self.options.clone()
        };
        let sampling = self.fitting().sampling(self.args.no_measure);
        let measured = !self.args.no_measure && self.scorer.lpips().is_some();
        format!(
            "{} {options:?} {:?} {:?} {:?} {sampling:?} {measured} {:?}",
            env!("CARGO_PKG_VERSION"),
            self.grid,
            self.interval,
            self.track,
            Encoder::shipped_hash(),
        )
    }

    /// Fits all segments and publishes the title.
    fn whole(&self, source: Source, geometry: &Geometry, began: Instant) -> Result<(), CliError> {
        let work = destination::work_folder(self.args)?;
        let done = self.fit(source, geometry, work.store(), Shard::ALL);
        let done = done.and_then(|(plan, effort)| {
            let to = Destination {
                folder: &self.args.out,
                layers: self.args.layers,
                keep: Duration::from_secs(3600 * u64::from(self.args.keep_old)),
            };
            Ok((from_store(work.store(), &plan, &to)?, effort))
        });
        let (published, effort) = match done {
            Ok(done) => done,
            Err(error) => {
                give_up(work)?;
                return Err(error);
            }
        };
        work.remove()?;
        let report = Report::new(published, effort, began.elapsed());
        report.explain(&self.args.out);
        if self.args.json {
            json_line::print(&report)?;
        }
        Ok(())
    }

    /// Fits the segments of one share and puts them, and the plan, where `--out` says.
    fn share(
        &self,
        source: Source,
        geometry: &Geometry,
        shard: Shard,
        began: Instant,
    ) -> Result<(), CliError> {
        let store = WorkStore::open(&self.args.out.to_string_lossy())?;
        let (plan, effort) = self.fit(source, geometry, &store, shard)?;
        let name = store.put_plan(&plan)?;
        let report = ShareReport::new(name, shard, &plan, effort, began.elapsed());
        report.explain(store.name());
        if self.args.json {
            json_line::print(&report)?;
        }
        Ok(())
    }

    /// Says what is about to happen, and gets ready for it.
    fn begin<'s>(
        &'s self,
        source: &Source,
        store: &'s WorkStore,
        shard: Shard,
    ) -> Result<Run<'s>, CliError> {
        let announcement = Announcement::new(self, source)?;
        announcement.explain();
        announcement.check_space(self.args)?;
        let watch = Watch::new(
            source.length(),
            source.frame_rate().fps(),
            announcement.frame_s(),
        );
        let kept = Arc::new(AtomicU32::new(0));
        let (place, count) = (store.name().to_owned(), Arc::clone(&kept));
        interrupt::explain_with(watch.stage(), move || match count.load(Ordering::Relaxed) {
            0 => "no segment was finished yet".to_owned(),
            count => format!(
                "{count} finished segments are kept in {place}; the same command goes on from there, with --restart it begins anew"
            ),
        });
        let pool = ThreadPoolBuilder::new().num_threads(self.memory.workers);
        Ok(Run {
            store,
            shard,
            watch,
            measurer: Measurer {
                generator: self.generator,
                scorer: self.scorer,
                ranks: &self.options.ranks,
                sampling: self.fitting().sampling(self.args.no_measure),
                pool: pool.build()?,
            },
            fit_share: announcement.fit_share(),
            kept,
        })
    }

    /// Reads the input to its end and sees to it that every segment of the share is in `store`.
    /// Returns the plan of all segments.
    fn fit(
        &self,
        source: Source,
        geometry: &Geometry,
        store: &WorkStore,
        shard: Shard,
    ) -> Result<(Plan, Effort), CliError> {
        let setting = self.setting();
        let run = self.begin(&source, store, shard)?;
        let closing = source.closing();
        let frames = source.map(|frame| geometry.visible_frame(&frame?));
        let mut effort = Effort::default();
        let mut planned = Vec::new();
        for (number, span) in (0u32..).zip(Spans::new(frames, self.grid)) {
            let span = span?;
            let pixels = span.frames.iter().map(|frame| frame.data());
            let name = segment_name(number, &setting, &span.cuts, pixels);
            self.segment(&run, &span, (number, &name), &mut effort)?;
            let frames = span.frames.len() as u32;
            planned.push(PlannedSegment { name, frames });
        }
        if planned.is_empty() {
            let input = self.args.input.display();
            return Err(CliError::input(format!("{input}: no frames")));
        }
        drop(run); // The progress bar, before the lines below it.
        for line in closing.take() {
            eprintln!("{line}");
        }
        let ranks = self.options.ranks.clone();
        let plan = Plan::new(setting, ranks, planned).made_from(self.record.clone());
        Ok((plan, effort))
    }

    /// Sees to it that one segment is in the store, if it belongs to the share.
    fn segment(
        &self,
        run: &Run<'_>,
        span: &Span,
        (number, name): (u32, &str),
        effort: &mut Effort,
    ) -> Result<(), CliError> {
        let mine = run.shard.has(number);
        let found = mine && is_kept(run.store, name);
        if mine {
            effort.segments += 1;
            effort.kept += u32::from(found);
            if !found {
                let kept = self.fitted(run, span, number, effort)?;
                run.store.put_segment(name, &kept)?;
            }
            run.kept.fetch_add(1, Ordering::Relaxed);
        }
        run.watch.done(span.frames.len() as u64, found || !mine);
        Ok(())
    }

    fn fitted(
        &self,
        run: &Run<'_>,
        span: &Span,
        number: u32,
        effort: &mut Effort,
    ) -> Result<Kept, CliError> {
        let count = span.frames.len() as u64;
        let interval = self.interval.of(&span.frames, &span.cuts);
        let positions = span.positions(interval);
        let mut tell = |progress: Progress| {
            let Progress { pass, passes, loss } = progress;
            let share = run.fit_share * f64::from(pass) / f64::from(passes.max(1));
            let detail = format!("pass {pass} of {passes}, loss {loss:.4}");
            run.watch.within(count, share, detail);
        };
        let fitted = self
            .fitter
            .fit(&span.frames, &positions, number, &mut tell)?;
        effort.passes += fitted.losses.len() as u64;
        effort.visits += fitted.visits;
        let keyframes = positions.iter().zip(fitted.keyframes);
        let keyframes = keyframes.map(|(&position, coded)| CodedFrame {
            position,
            layers: coded.layers.into_iter().map(Into::into).collect(),
        });
        let segment = CodedSegment {
            frames: count as u32,
            chained: false,
            start_latent: fitted.start.map(Into::into),
            keyframes: keyframes.collect(),
        };
        run.measurer
            .finish(span, (&self.track, segment), &mut |share| {
                let share = run.fit_share + (1.0 - run.fit_share) * share;
                run.watch.within(count, share, "measuring".to_owned());
            })
    }
}

/// Whether a segment is there and whole; one that is damaged is done again.
fn is_kept(store: &WorkStore, name: &str) -> bool {
    match store.segment(name) {
        Ok(kept) => kept.is_some(),
        Err(error) => {
            eprintln!("{error}; fitting that segment again");
            false
        }
    }
}

/// After a failure: says what is kept, or leaves nothing behind.
fn give_up(work: WorkFolder) -> Result<(), CliError> {
    let (count, _) = work.kept();
    if count == 0 {
        return Ok(work.remove()?);
    }
    eprintln!(
        "{count} finished segments are kept in {}; the same command goes on from there",
        work.store().name()
    );
    Ok(())
}
