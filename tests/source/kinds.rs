//! Kinds of inputs that users have: each is read as a player shows it, or a notice names the
//! difference. Recorded files lie in ../shared/inputs; others of the same kinds are made with ffmpeg.

use crate::common::shared;
use crate::tools::{ffmpeg, has, tool};
use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use promptus::frame::Frame;
use promptus::source::{Options, Source, SourceError};
use std::fs;
use std::path::{Path, PathBuf};

/// Eight flat patches in two rows.
const PATCHES: [[u8; 3]; 8] = [
    [200, 30, 30],
    [30, 180, 40],
    [40, 50, 200],
    [128, 128, 128],
    [0, 0, 0],
    [255, 255, 255],
    [230, 220, 30],
    [220, 170, 140],
];

/// A picture of the patches.
fn patches((width, height): (u32, u32)) -> RgbImage {
    let patch = |x, y| PATCHES[(4 * (2 * y / height) + 4 * x / width) as usize];
    RgbImage::from_fn(width, height, |x, y| Rgb(patch(x, y)))
}

/// Largest error of the middles of the patches; `place` is where a place of the upright picture
/// (in eighths of its width, quarters of its height) lies in `frame`.
fn worst(frame: &Frame, place: impl Fn(u32, u32) -> (u32, u32)) -> u8 {
    let errors = (0..8u32).flat_map(|n| {
        let (x, y) = place(2 * (n % 4) + 1, 2 * (n / 4) + 1);
        let got = frame.pixel(x, y);
        let off = move |i: usize| got[i].abs_diff(PATCHES[n as usize][i]);
        [off(0), off(1), off(2)]
    });
    errors.max().unwrap()
}

#[track_caller]
fn is_upright(frame: &Frame) {
    let (width, height) = (frame.width(), frame.height());
    let worst = worst(frame, |x, y| (x * width / 8, y * height / 4));
    assert!(worst < 8, "{worst}");
}

struct Read {
    frames: Vec<Frame>,
    size: (u32, u32),
    rate: String,
    aspect: (u32, u32),
    notices: String,
    closing: String,
}

impl Read {
    #[track_caller]
    fn is(&self, rate: &str, frames: usize) {
        assert_eq!((self.rate.as_str(), self.frames.len()), (rate, frames));
    }
}

fn read_with(path: &Path, options: &Options) -> Result<Read, SourceError> {
    let source = Source::open(path, options)?;
    let (size, rate) = (source.size(), source.frame_rate().to_string());
    let (aspect, notices) = (source.pixel_aspect(), source.notices().join("\n"));
    let closing = source.closing();
    let frames = source.collect::<Result<Vec<_>, _>>()?;
    let fits = |frame: &Frame| (frame.width(), frame.height()) == size;
    assert!(frames.iter().all(fits));
    Ok(Read {
        closing: closing.take().join("\n"),
        frames,
        size,
        rate,
        aspect,
        notices,
    })
}

fn read(path: &Path) -> Read {
    read_with(path, &Options::default()).unwrap()
}

/// A recorded input, where there are any.
fn given(name: &str) -> Option<PathBuf> {
    tool("ffmpeg")?;
    shared().map(|folder| folder.join("inputs").join(name))
}

fn distinct(frames: &[Frame]) -> usize {
    1 + frames.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

#[test]
fn orientation_comes_from_container_or_frames() {
    let Some(path) = given("rotation-in-sei.mp4") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    patches((128, 64)).save(at("p.png")).unwrap();
    let words = "-loop 1 -r 10 -i IN -frames:v 3 -c:v libx264 -qp 0 -pix_fmt yuv444p";
    let film = ffmpeg(words, &[&at("p.png")], &at("flat.mp4")).unwrap();
    let words = "-i IN -c copy -metadata:s:v rotate=90";
    let film = ffmpeg(words, &[&film], &at("turned.mp4")).unwrap();
    // A quarter to the left: the top left corner comes to the bottom.
    let left = |frame: &Frame| worst(frame, |x, y| (y * 64 / 4, (8 - x) * 128 / 8));
    for turned in [path, film].map(|path| read(&path)) {
        assert_eq!((turned.size, turned.frames.len()), ((64, 128), 3));
        assert!(turned.frames.iter().all(|frame| left(frame) < 8));
    }
}

/// `jpeg` with an EXIF block that states this orientation.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut tiff = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = (tiff.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &tiff, &jpeg[2..]].concat()
}

#[test]
fn pictures_are_turned_as_their_exif_data_say() {
    let folder = tempfile::tempdir().unwrap();
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let picture = patches((128, 64));
    picture.write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
    let [first, second] = ["a1.jpg", "a2.jpg"].map(|name| folder.path().join(name));
    for path in [&first, &second] {
        fs::write(path, with_orientation(jpeg.get_ref(), 6)).unwrap();
    }
    for (path, count) in [(folder.path().to_owned(), 2), (first, 1)] {
        let turned = read(&path);
        assert_eq!((turned.size, turned.frames.len()), ((64, 128), count));
        let right = worst(&turned.frames[0], |x, y| ((4 - y) * 64 / 4, x * 128 / 8));
        assert!(right < 12, "{right}");
        has(&turned.notices, &["EXIF"]);
    }
}

/// Whether dark to middle patches are as they were, and white is nearly white.
fn is_tone_mapped(frame: &Frame) {
    let (width, height) = (frame.width(), frame.height());
    for (n, patch) in (0..).zip(PATCHES) {
        let (x, y) = (2 * (n % 4) + 1, 2 * (n / 4) + 1);
        let got = frame.pixel(x * width / 8, y * height / 4);
        let least = if patch == [255; 3] { 20 } else { 12 };
        let off = (0..3).map(|i| got[i].abs_diff(patch[i])).max().unwrap();
        assert!(off <= least, "{got:?}, expected {patch:?}");
    }
}

#[test]
fn high_dynamic_range_is_tone_mapped_and_said() {
    let Some(path) = given("hdr-hlg.mp4") else {
        return;
    };
    let hlg = read(&path);
    has(&hlg.notices, &["HLG", "tone-mapped to BT.709"]);
    is_tone_mapped(&hlg.frames[0]);

    // The same patches as PQ, in R'G'B' and in Y'CbCr.
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let word = |v: f64| ((pq(v) * 65535.0).round() as u16).to_le_bytes();
    let patches = patches((128, 64));
    let raw = patches
        .pixels()
        .flat_map(|pixel| to_2020(pixel.0).map(word));
    fs::write(at("raw"), raw.collect::<Vec<_>>().concat()).unwrap();
    let tags = "-color_primaries bt2020 -color_trc smpte2084";
    let input = "-f rawvideo -pix_fmt rgb48le -s 128x64 -i IN -c:v ffv1";
    let rgb = format!("{input} -pix_fmt gbrp10le {tags}");
    let rgb = ffmpeg(&rgb, &[&at("raw")], &at("rgb.mkv")).unwrap();
    let yuv = format!(
        "{input} -vf scale=out_color_matrix=bt2020:out_range=tv -pix_fmt yuv444p10le -colorspace bt2020nc -color_range tv {tags}"
    );
    let yuv = ffmpeg(&yuv, &[&at("raw")], &at("yuv.mkv")).unwrap();
    for film in [rgb, yuv] {
        let pq = read(&film);
        has(&pq.notices, &["PQ, BT.2020"]);
        is_tone_mapped(&pq.frames[0]);
    }
}

/// Light of a patch in cd/m², white at 203, in BT.2020 primaries.
fn to_2020(patch: [u8; 3]) -> [f64; 3] {
    let light = patch.map(|v| match f64::from(v) / 255.0 {
        v if v <= 0.04045 => 203.0 * v / 12.92,
        v => 203.0 * ((v + 0.055) / 1.055).powf(2.4),
    });
    let rows = [
        [0.6274, 0.3293, 0.0433],
        [0.0691, 0.9195, 0.0114],
        [0.0164, 0.0880, 0.8956],
    ];
    rows.map(|row| row.iter().zip(light).map(|(k, v)| k * v).sum())
}

fn pq(light: f64) -> f64 {
    let power = (light / 10000.0).powf(0.159_301_757_812_5);
    ((0.8359375 + 18.8515625 * power) / (1.0 + 18.6875 * power)).powf(78.84375)
}

#[test]
fn the_matrix_follows_the_family_of_the_pixel_format() {
    if let Some(path) = given("capture-uyvy-untagged-709.mov") {
        let capture = read(&path);
        is_upright(&capture.frames[0]);
        has(&capture.notices, &["BT.709 assumed"]);
    }
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("p.png");
    patches((1280, 64)).save(&picture).unwrap();
    let formats = "uyvy422 yuyv422 nv12 nv21 yuv420p yuv422p10le yuv444p16le yuva444p yuv411p";
    for format in formats.split(' ') {
        let words = format!(
            "-i IN -vf scale=out_color_matrix=bt709:out_range=tv -c:v rawvideo -pix_fmt {format}"
        );
        let film = folder.path().join(format!("{format}.nut"));
        let Some(film) = ffmpeg(&words, &[&picture], &film) else {
            return;
        };
        let read = read(&film);
        is_upright(&read.frames[0]);
        has(&read.notices, &["BT.709 assumed"]);
    }
}

/// Share of pixels that differ strongly from the rows above and below: a comb.
fn combs(frame: &Frame) -> f64 {
    let (width, height) = (frame.width(), frame.height());
    let value = |x, y| i32::from(frame.pixel(x, y)[1]);
    let is_tooth = |x, y| {
        let (above, below) = (value(x, y) - value(x, y - 1), value(x, y) - value(x, y + 1));
        above.abs() > 100 && below.abs() > 100 && above.signum() == below.signum()
    };
    let places = (1..height - 1).flat_map(|y| (0..width).map(move |x| (x, y)));
    places.filter(|&(x, y)| is_tooth(x, y)).count() as f64 / f64::from(width * height)
}

#[test]
fn interlaced_pictures_are_deinterlaced_on_every_way_in() {
    let Some(path) = given("interlaced-tff.ts") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("x.y4m");
    ffmpeg("-i IN -f yuv4mpegpipe", &[&path], &plain).unwrap();
    let mut bytes = fs::read(&plain).unwrap();
    let order = bytes.windows(2).position(|pair| pair == b" I").unwrap();
    bytes[order + 2] = b't';
    fs::write(&plain, bytes).unwrap();
    for path in [path, plain] {
        let film = read(&path);
        has(&film.notices, &["deinterlaced"]);
        film.is("25", 10);
        let worst = film.frames.iter().map(combs).fold(0.0, f64::max);
        assert!(worst < 0.005, "{path:?}: {worst}");
    }
}

#[test]
fn rates_are_those_of_the_motion() {
    if let Some(path) = given("screen-recording-idle.mp4") {
        let idle = read(&path);
        idle.is("30", 180);
        assert!(distinct(&idle.frames) >= 34, "{}", distinct(&idle.frames));
        has(&idle.closing, &["0 dropped, 146 repeated"]);
    }
    if let Some(path) = given("rate-59-94.mkv") {
        read(&path).is("60000/1001", 61);
        let options = Options {
            highest_rate: Some(30),
            ..Options::default()
        };
        read_with(&path, &options).unwrap().is("30000/1001", 31);
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let jitter = "-f lavfi -i testsrc2=s=64x48:r=30:d=4 -vf noise=alls=9:allf=t,settb=1/1000,setpts=(N/30+0.009*sin(N*2.3)+0.02)/TB \
                  -vsync passthrough -enc_time_base 0.001 -c:v ffv1";
    if let Some(film) = ffmpeg(jitter, &[], &at("browser.mkv")) {
        let film = read(&film);
        assert_eq!(film.rate, "30");
        assert!((119..=121).contains(&film.frames.len()));
        assert!(distinct(&film.frames) >= 118, "{}", distinct(&film.frames));
    }
    for (name, long) in [
        ("a.gif", "-final_delay 300 -f gif"),
        ("a.apng", "-final_delay 3 -f apng"),
    ] {
        let words = format!("-f lavfi -i testsrc2=s=64x48:r=10:d=1 {long}");
        if let Some(film) = ffmpeg(&words, &[], &at(name)) {
            let film = read(&film);
            film.is("10", 39);
            assert_eq!(distinct(&film.frames), 10, "{name}");
        }
    }
}

#[test]
fn the_film_is_read_and_the_rest_listed() {
    if let Some(path) = given("cover-art-first.mp4") {
        let film = read(&path);
        film.is("25", 10);
        assert_eq!(film.size, (64, 48));
        let lines = film.notices.lines();
        let ignored: Vec<&str> = lines.filter(|l| l.starts_with("ignored")).collect();
        assert_eq!(ignored.len(), 1);
        has(ignored[0], &["attached picture", "sound"]);
    }
    if let Some(path) = given("two-video-streams.mkv") {
        let film = read(&path);
        assert_eq!((film.size, film.frames.len()), ((64, 64), 4));
        has(&film.notices, &["ignored: video (stream 0"]);
    }
}

#[test]
fn damaged_and_truncated_inputs_are_errors_unless_allowed() {
    let Some(corrupt) = given("corrupt-middle.mp4") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let words =
        "-f lavfi -i testsrc2=s=128x96:r=10:d=3,noise=alls=20 -c:v libx264 -movflags +faststart";
    let mut inputs = vec![(corrupt, 18)];
    for name in ["a.mp4", "a.mkv", "a.avi", "a.y4m"] {
        let words = match name {
            "a.y4m" => words
                .replace("libx264", "wrapped_avframe")
                .replace("-movflags +faststart", ""),
            _ => words.to_owned(),
        };
        let film = ffmpeg(&words, &[], &at(name)).unwrap();
        let bytes = fs::read(&film).unwrap();
        fs::write(&film, &bytes[..bytes.len() / 2]).unwrap();
        inputs.push((film, 9));
    }
    for (path, least) in inputs {
        let name = path.display();
        let error = read_with(&path, &Options::default()).err().unwrap();
        assert!(error.is_damage(), "{error}");
        let parts = ["--allow-damaged", "frames could be read"];
        has(&error.to_string(), &parts);
        let allowed = Options {
            allow_damaged: true,
            ..Options::default()
        };
        let rest = read_with(&path, &allowed).unwrap();
        assert!(rest.frames.len() >= least, "{name}: {}", rest.frames.len());
        has(&rest.closing, &["damaged or truncated"]);
    }
}

#[test]
fn transparent_pixels_show_the_background() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let clear = at("clear.png");
    let picture = RgbaImage::from_fn(64, 48, |x, _| match x < 32 {
        true => Rgba([255, 0, 255, 0]),
        false => Rgba([0, 255, 0, 255]),
    });
    picture.save(&clear).unwrap();
    let mut inputs = vec![clear.clone()];
    for (name, words) in [
        ("a.mov", "-i IN -c:v qtrle"),
        ("a.nut", "-i IN -c:v rawvideo -pix_fmt rgba64le"),
        ("a.webm", "-i IN -c:v libvpx-vp9 -pix_fmt yuva420p"),
        ("a.webp", "-i IN -c:v libwebp -lossless 1 -pix_fmt bgra"),
    ] {
        inputs.extend(ffmpeg(words, &[&clear], &at(name)));
    }
    let white = Options {
        background: [255; 3],
        ..Options::default()
    };
    for path in inputs {
        let name = path.display();
        let black = read(&path);
        has(&black.notices, &["alpha"]);
        let near = |got: [u8; 3], wanted: [u8; 3]| (0..3).all(|i| got[i].abs_diff(wanted[i]) < 8);
        assert!(near(black.frames[0].pixel(8, 24), [0; 3]), "{name}");
        assert!(near(black.frames[0].pixel(56, 24), [0, 255, 0]), "{name}");
        let white = read_with(&path, &white).unwrap();
        assert!(near(white.frames[0].pixel(8, 24), [255; 3]), "{name}");
    }
    if let Some(path) = given("alpha-magenta-beneath.png") {
        assert_eq!(read(&path).frames[0].pixel(1, 1), [0; 3]);
    }
}

#[test]
fn the_shape_of_pixels_is_kept_and_turned() {
    let Some(path) = given("anamorphic-16-11.mkv") else {
        return;
    };
    assert_eq!(read(&path).aspect, (16, 11));
    let folder = tempfile::tempdir().unwrap();
    let turned = folder.path().join("turned.mp4");
    let turned = ffmpeg("-i IN -c copy -metadata:s:v rotate=90", &[&path], &turned).unwrap();
    let turned = read(&turned);
    assert_eq!((turned.size, turned.aspect), ((64, 128), (11, 16)));
}

#[test]
fn y4m_of_more_bits_is_read_as_its_8_bit_twin() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    patches((128, 64)).save(at("p.png")).unwrap();
    for format in ["yuv420p", "yuv420p10le", "yuv422p12le", "yuv411p"] {
        let words = format!("-loop 1 -r 12 -i IN -frames:v 2 -strict -1 -pix_fmt {format}");
        let film = at(&format!("{format}.y4m"));
        let Some(film) = ffmpeg(&words, &[&at("p.png")], &film) else {
            return;
        };
        let film = read(&film);
        film.is("12", 2);
        is_upright(&film.frames[0]);
    }
}

#[test]
fn a_size_that_changes_on_the_way_stays_in_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let part = |size: &str, name: &str| {
        let words = format!("-f lavfi -i testsrc2=s={size}:r=10:d=1 -c:v mpeg2video -f mpeg2video");
        ffmpeg(&words, &[], &at(name)).map(|path| fs::read(path).unwrap())
    };
    let (Some(wide), Some(high)) = (part("64x48", "wide"), part("48x64", "high")) else {
        return;
    };
    fs::write(at("both.m2v"), [wide, high].concat()).unwrap();
    let both = read(&at("both.m2v"));
    assert_eq!(both.size, (64, 48));
    assert!(both.frames.len() >= 19, "{}", both.frames.len());
    let last = both.frames.last().unwrap();
    assert_eq!((last.pixel(2, 24), last.pixel(61, 24)), ([0; 3], [0; 3]));
    has(&both.closing, &["from 64x48 to 48x64"]);
}

#[test]
fn patterns_and_globs_select_pictures_and_gaps_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["f001.png", "f002.png", "f004.png", "g1.jpg"];
    for (number, name) in (0..).zip(names) {
        let picture = RgbImage::from_pixel(24, 24, Rgb([50 * number; 3]));
        picture.save(folder.path().join(name)).unwrap();
    }
    for (pattern, count) in [
        ("f%03d.png", 3),
        ("f*.png", 3),
        ("f00[12].png", 2),
        ("g?.jpg", 1),
    ] {
        let found = read(&folder.path().join(pattern));
        assert_eq!(found.frames.len(), count, "{pattern}");
        let gap = found.notices.contains("missing 3");
        assert_eq!(gap, count == 3, "{pattern}: {}", found.notices);
        let levels = found.frames.iter().map(|frame| frame.pixel(0, 0)[0]);
        assert!(levels.is_sorted(), "{pattern}");
    }
    for pattern in ["h%03d.png", "h*.png", "none.png", "f[.png"] {
        let path = folder.path().join(pattern);
        let error = Source::open(&path, &Options::default()).unwrap_err();
        has(&error.to_string(), &[pattern]);
    }
}
