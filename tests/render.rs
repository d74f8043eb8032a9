//! Frames out and in again, and segments to frames, through the public interface.

#![allow(clippy::unwrap_used)]

use promptus::frame::Frame;
use promptus::render::{Picture, open_sink};
use promptus::source::{Options, Source};
use promptus::time::FrameRate;
use std::fs;
use std::path::Path;

fn waves(size: (u32, u32), number: u32) -> Frame {
    let value = |i: u32| {
        let (x, y, colour) = (i / 3 % size.0, i / 3 / size.0, i % 3);
        let phase = f64::from(x * (colour + 1) + 2 * y + 5 * number) * 0.07;
        (127.5 + 120.0 * phase.sin()) as u8
    };
    Frame::new(
        size.0,
        size.1,
        (0..size.0 * size.1 * 3).map(value).collect(),
    )
    .unwrap()
}

fn picture(size: (u32, u32)) -> Picture {
    Picture {
        size,
        frame_rate: FrameRate::new(30000, 1001).unwrap(),
        pixel_aspect: (4, 3),
    }
}

fn write(target: &Path, size: (u32, u32)) -> Vec<Frame> {
    let frames: Vec<Frame> = (0..3).map(|n| waves(size, n)).collect();
    let mut sink = open_sink(target, picture(size)).unwrap();
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
            let worst = a
                .data()
                .iter()
                .zip(b.data())
                .map(|(a, b)| a.abs_diff(*b))
                .max();
            assert!(worst.unwrap() <= 2, "{worst:?}");
        }
    }
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
    let mut sink = open_sink(&path, picture((16, 16))).unwrap();
    sink.write(&waves((16, 16), 0)).unwrap();
    drop(sink);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let nowhere = folder.path().join("none/film.y4m");
    let error = open_sink(&nowhere, picture((16, 16))).err().unwrap();
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
    assert_eq!(output.stdout.len(), expected.len());
    let worst = output
        .stdout
        .iter()
        .zip(&expected)
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    assert!(worst.unwrap() <= 3, "{worst:?}");
}
