//! Frames out and in again, and segments to frames, through the public interface.

#![allow(clippy::unwrap_used)]

#[path = "common/synthetic.rs"]
mod synthetic;
#[path = "common/title.rs"]
mod title;

use promptus::flow::Between;
use promptus::frame::Frame;
use promptus::model::{Generator, Profile, picture};
use promptus::prompt::{CodingId, Interpolation, between};
use promptus::render::{Batching, RenderError, SegmentRenderer};
use promptus::segment::media::{MediaSegment, read_media, read_partial};
use promptus::segment::{StartLatent, Track};
use promptus::sink::{self, FrameFormat};
use promptus::source::{Options, Source};
use promptus::time::FrameRate;
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use synthetic::Coded;

fn waves(size: (u32, u32), number: u32) -> Frame {
    let value = |i: u32| {
        let (x, y, colour) = (i / 3 % size.0, i / 3 / size.0, i % 3);
        let phase = f64::from(x * (colour + 1) + 2 * y + 5 * number) * 0.07;
        (127.5 + 120.0 * phase.sin()) as u8
    };
    let data = (0..size.0 * size.1 * 3).map(value).collect();
    Frame::new(size.0, size.1, data).unwrap()
}

fn header(size: (u32, u32)) -> FrameFormat {
    FrameFormat {
        size,
        frame_rate: FrameRate::new(30000, 1001).unwrap(),
        pixel_aspect: (4, 3),
    }
}

fn write(target: &Path, size: (u32, u32)) -> Vec<Frame> {
    let frames: Vec<Frame> = (0..3).map(|n| waves(size, n)).collect();
    let mut sink = sink::open(target, header(size)).unwrap();
    for frame in &frames {
        sink.write(frame).unwrap();
    }
    sink.finish().unwrap();
    frames
}

#[test]
fn a_y4m_file_comes_back_within_two_levels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.y4m");
    for size in [(33, 18), (64, 640)] {
        let written = write(&path, size);
        let source = Source::open(&path, &Options::default()).unwrap();
        assert_eq!((source.size(), source.pixel_aspect()), (size, (4, 3)));
        assert_eq!(source.frame_rate().to_string(), "30000/1001");
        let read: Vec<Frame> = source.map(Result::unwrap).collect();
        assert_eq!(read.len(), written.len());
        for (a, b) in written.iter().zip(&read) {
            assert!(apart(a.data(), b.data()) <= 2);
        }
    }
}

/// The largest difference between two pictures of one size.
fn apart(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    differences.max().unwrap()
}

#[test]
fn a_png_folder_comes_back_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("deep/er");
    let written = write(&target, (20, 31));
    let read = Source::open(&target, &Options::default()).unwrap();
    assert_eq!(read.map(Result::unwrap).collect::<Vec<_>>(), written);
    assert!(target.join("frame-000002.png").is_file());
}

#[test]
fn an_unfinished_file_never_appears() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.y4m");
    let mut sink = sink::open(&path, header((16, 16))).unwrap();
    sink.write(&waves((16, 16), 0)).unwrap();
    drop(sink);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let nowhere = folder.path().join("none/film.y4m");
    let error = sink::open(&nowhere, header((16, 16))).err().unwrap();
    assert!(error.to_string().contains("film.y4m"), "{error}");
}

#[test]
fn ffmpeg_sees_the_colours_that_were_written() {
    if promptus::source::ffmpeg_version().is_none() {
        eprintln!("skipped: needs ffmpeg");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.y4m");
    let written = write(&path, (48, 32));
    let output = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&path)
        .args(["-sws_flags", "accurate_rnd+full_chroma_int"])
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .unwrap();
    let expected: Vec<u8> = written.into_iter().flat_map(Frame::into_data).collect();
    assert!(apart(&output.stdout, &expected) <= 3);
}

static GENERATOR: LazyLock<Arc<Generator>> =
    LazyLock::new(|| Arc::new(Generator::shipped(&candle_core::Device::Cpu).unwrap()));

fn renderer(track: &Track) -> SegmentRenderer {
    SegmentRenderer::new(Arc::clone(&GENERATOR), track.clone()).unwrap()
}

fn render(renderer: &mut SegmentRenderer, media: &MediaSegment) -> Result<Vec<Frame>, RenderError> {
    let mut frames = Vec::new();
    renderer.render(media, &mut |frame| {
        frames.push(frame);
        Ok(())
    })?;
    Ok(frames)
}

/// The frames of `coded`, or the error, in a renderer's rung.
fn try_frames(renderer: &mut SegmentRenderer, coded: &Coded) -> Result<Vec<Frame>, RenderError> {
    let media = read_media(&coded.bytes(renderer.track())).unwrap();
    render(renderer, &media)
}

fn frames(renderer: &mut SegmentRenderer, coded: &Coded) -> Vec<Frame> {
    try_frames(renderer, coded).unwrap()
}

/// The frames of the whole samples of `coded` without its last three bytes.
fn frames_of_cut(renderer: &mut SegmentRenderer, coded: &Coded) -> Vec<Frame> {
    let bytes = coded.bytes(renderer.track());
    let cut = read_partial(&bytes[..bytes.len() - 3]).unwrap();
    render(renderer, &cut).unwrap()
}

/// `work` on one thread.
fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build().unwrap().install(work)
}

/// Two closed segments (13 and 9 frames, interval 5) of a 90×60 picture on a 96×64 grid.
fn closed_title() -> (Track, Vec<Coded>) {
    let mut track = synthetic::track((90, 60), (96, 64));
    track.weights = GENERATOR.weights_hash();
    let segments = [(13, 0, 3), (9, 13, 8)].into_iter().enumerate();
    let coded = segments.map(|(i, (frames, first, seed))| {
        synthetic::closed_segment(&track, i as u32 + 1, first, frames, 5, seed)
    });
    let coded = coded.collect();
    (track, coded)
}

#[test]
fn straight_play_seek_and_switch_give_the_same_bytes() {
    let (track, segments) = closed_title();
    let mut straight = renderer(&track);
    let [first, second] = [0, 1].map(|n| frames(&mut straight, &segments[n]));
    assert_eq!((first.len(), second.len()), (13, 9));
    assert_eq!((first[0].width(), first[0].height()), (90, 60));
    let mut sought = renderer(&track);
    assert_eq!(frames(&mut sought, &segments[1]), second);
    assert_eq!(frames(&mut sought, &segments[0]), first);
    let mut lower = renderer(&synthetic::rung(&track, 2));
    let coarse = frames(&mut lower, &segments[1]);
    assert_ne!(coarse, second);
    frames(&mut lower, &segments[0]);
    assert_eq!(frames(&mut lower, &segments[1]), coarse);
    assert_eq!(alone(|| frames(&mut sought, &segments[1])), second);
    // A segment that was cut gives the frames of its whole samples.
    assert_eq!(frames_of_cut(&mut sought, &segments[0]), first[..11]);
}

#[test]
fn frames_are_generated_from_the_interpolated_prompts() {
    let (track, segments) = closed_title();
    let frames = frames(&mut renderer(&track), &segments[0]);
    let keyframes = &segments[0].decoded;
    let start = GENERATOR.start(track.coded).unwrap().fresh().unwrap();
    let cases = [
        (0, 0, 0, 0.0),
        (3, 0, 1, 0.6),
        (5, 0, 1, 1.0),
        (11, 2, 3, 0.5),
    ];
    for (number, a, b, t) in cases {
        let prompt = between(&keyframes[a], &keyframes[b], t, Interpolation::Prompt, 4).unwrap();
        let shape = (1, track.coding.shape.tokens, track.coding.shape.dim);
        let prompt = candle_core::Tensor::from_vec(prompt, shape, &candle_core::Device::Cpu);
        let made = GENERATOR.frames(&prompt.unwrap(), &start).unwrap();
        let expected = picture::to_frames(&made, track.visible).unwrap();
        assert_eq!(frames[number], expected[0], "frame {number}");
    }
}

/// The same title, its frames between keyframes moved instead of generated.
fn moved_title() -> (Track, Vec<Coded>) {
    let (mut track, segments) = closed_title();
    track.interpolation = Interpolation::Motion;
    (track, segments)
}

#[test]
fn moved_frames_follow_the_keyframes_on_both_sides() {
    let (fading, segments) = closed_title();
    let (moving, _) = moved_title();
    let [faded, moved] = [fading, moving].map(|track| frames(&mut renderer(&track), &segments[0]));
    assert_eq!(moved.len(), 13);
    for (from, to) in [(0, 5), (5, 10), (10, 12)] {
        assert_eq!((&moved[from], &moved[to]), (&faded[from], &faded[to]));
        let motion = Between::new(&faded[from], &faded[to]).unwrap();
        for (number, frame) in moved.iter().enumerate().take(to).skip(from + 1) {
            let t = (number - from) as f32 / (to - from) as f32;
            assert_eq!(*frame, motion.at(t), "frame {number}");
        }
    }
}

#[test]
fn moved_frames_do_not_depend_on_earlier_playback_or_on_threads() {
    let (track, segments) = moved_title();
    let mut straight = renderer(&track);
    let [whole, second] = [0, 1].map(|n| frames(&mut straight, &segments[n]));
    let mut sought = renderer(&track);
    assert_eq!(alone(|| frames(&mut sought, &segments[1])), second);
    let mut together = renderer(&track).with_batching(Batching::Together(3));
    assert_eq!(frames(&mut together, &segments[1]).len(), second.len());
    assert_eq!(frames_of_cut(&mut sought, &segments[0]), whole[..11]);
}

#[test]
fn a_chain_may_be_cut_anywhere_and_is_played_from_its_start() {
    let mut track = synthetic::track((64, 64), (64, 64));
    track.start_latent = StartLatent::Chain;
    track.interpolation = Interpolation::Factors;
    track.coding.coding = CodingId::Reference;
    let keyframes = synthetic::keyframes(&track, 3, 5);
    let latent: Vec<u8> = (0..16 * 8 * 8)
        .flat_map(|i| (i as f32).sin().to_le_bytes())
        .collect();
    let whole = synthetic::chain(&track, 1, 0, 9, &[0, 4, 8], &keyframes, Some(&latent));
    let head = synthetic::chain(&track, 1, 0, 4, &[0, 4], &keyframes[..2], Some(&latent));
    let tail = synthetic::chain(&track, 2, 4, 5, &[0, 4], &keyframes[1..], None);
    let mut cut = renderer(&track);
    let parts = [head, tail].map(|part| frames(&mut cut, &part));
    assert_eq!(parts.concat(), frames(&mut renderer(&track), &whole));
    let tail = synthetic::chain(&track, 2, 4, 5, &[0, 4], &keyframes[1..], None);
    let error = try_frames(&mut renderer(&track), &tail).unwrap_err();
    let broken = matches!(error, RenderError::BrokenChain { sequence: 2 });
    assert!(broken, "{error}");
    let short = synthetic::chain(&track, 1, 0, 9, &[0, 4, 8], &keyframes, Some(&latent[4..]));
    let error = try_frames(&mut renderer(&track), &short).unwrap_err();
    assert!(matches!(error, RenderError::LatentSize { .. }), "{error}");
}

/// The start latent in a closed segment of this mode.
fn sent(mode: StartLatent, track: &Track) -> Option<Vec<u8>> {
    let shape = Profile::mini().latent_shape(track.coded);
    let (rows, columns) = match mode {
        StartLatent::Noise | StartLatent::Chain => return None,
        StartLatent::TwoPass => return Some(vec![2]),
        StartLatent::Coarse => (3, 3),
        StartLatent::Full => (shape.rows, shape.columns),
    };
    let mut bytes = vec![8, rows as u8, 0, columns as u8, 0];
    bytes.extend(0.03_f32.to_le_bytes());
    let values = 0..shape.channels * rows * columns;
    bytes.extend(values.map(|i| (100.0 * (i as f32).sin()) as i8 as u8));
    Some(bytes)
}

#[test]
fn every_way_to_start_gives_the_same_frames_after_play_seek_and_switch() {
    let (mut track, _) = closed_title();
    let mut seen = Vec::new();
    for mode in [
        StartLatent::Noise,
        StartLatent::TwoPass,
        StartLatent::Coarse,
        StartLatent::Full,
    ] {
        track.start_latent = mode;
        let start = sent(mode, &track);
        let segments = [0, 1].map(|n| {
            let coded = synthetic::closed_segment(&track, n + 1, 3 * u64::from(n), 3, 2, 4 + n);
            coded.starting_with(start.as_deref())
        });
        let low = synthetic::rung(&track, 2);
        let mut straight = renderer(&track);
        frames(&mut straight, &segments[0]);
        let played = frames(&mut straight, &segments[1]);
        let sought = frames(&mut renderer(&track), &segments[1]);
        frames(&mut renderer(&low), &segments[0]);
        let switched = frames(&mut renderer(&track), &segments[1]);
        assert_eq!((&played, &played), (&sought, &switched), "{mode:?}");
        assert!(!seen.contains(&played), "{mode:?} changes nothing");
        seen.push(played);
        assert_eq!(frames(&mut renderer(&low), &segments[1]).len(), 3);
    }
}

#[test]
fn a_start_that_does_not_fit_the_track_is_refused() {
    let (mut track, _) = closed_title();
    track.start_latent = StartLatent::TwoPass;
    let coded = synthetic::closed_segment(&track, 1, 0, 3, 2, 4).starting_with(Some(&[3]));
    let low = synthetic::rung(&track, 2);
    let error = try_frames(&mut renderer(&low), &coded).unwrap_err();
    assert!(error.to_string().contains("3 components"), "{error}");
    let coded = coded.starting_with(None);
    assert!(coded.segment(&track).write(&track, 1, 0).is_err());
}

#[test]
fn a_foreign_generator_is_refused() {
    let (track, _) = closed_title();
    let refused = |change: &dyn Fn(&mut Track)| {
        let mut track = track.clone();
        change(&mut track);
        SegmentRenderer::new(Arc::clone(&GENERATOR), track).unwrap_err()
    };
    let error = refused(&|track| track.weights[0] ^= 1);
    assert!(matches!(error, RenderError::Weights { .. }), "{error}");
    let error = refused(&|track| track.profile = Profile::sd_turbo().name.into());
    assert!(matches!(error, RenderError::Profile { .. }), "{error}");
    let error = refused(&|track| track.coded = (128, 64));
    assert!(matches!(error, RenderError::CodedSize { .. }), "{error}");
    let mut unknown = track;
    unknown.weights = [0; 32];
    assert!(SegmentRenderer::new(Arc::clone(&GENERATOR), unknown).is_ok());
}

#[test]
fn frames_in_one_pass_are_the_frames_one_by_one() {
    let (track, segments) = closed_title();
    let single = frames(&mut renderer(&track), &segments[0]);
    for most in [0, 3, 100] {
        let mut batched = renderer(&track).with_batching(Batching::Together(most));
        let together = frames(&mut batched, &segments[0]);
        assert_eq!(together.len(), single.len());
        for (a, b) in together.iter().zip(&single) {
            assert!(apart(a.data(), b.data()) <= 1);
        }
    }
}
