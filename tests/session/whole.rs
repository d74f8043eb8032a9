//! The whole player without a network: a title in a folder, in virtual time.

use super::hours::{INIT, publish_hours};
use super::*;
use bytes::Bytes;
use promptus::manifest::{ByteRange, Presentation, dash};
use promptus::player::client::{Action, Ending, Input, Player, Request, Segment};
use promptus::player::index::{Index, Purpose, Resource};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use tempfile::TempDir;

fn read(folder: &Path, resource: &Resource) -> Bytes {
    let file = File::open(folder.join(&resource.url)).unwrap();
    let range = resource.range.unwrap();
    let mut bytes = vec![0; range.length as usize];
    file.read_exact_at(&mut bytes, range.start).unwrap();
    bytes.into()
}

/// The index of the title in `folder`, as far as playback needs to begin.
fn open(folder: &Path) -> Index {
    let text = std::fs::read_to_string(folder.join("manifest.mpd")).unwrap();
    let presentation = dash::read("manifest.mpd", &text).unwrap();
    let mut index = Index::new(&presentation, 0, false, &[]);
    while let Some(part) = index.lacks_to_begin().first() {
        let bytes = read(folder, part);
        let wire_bytes = bytes.len() as u64;
        index.take(part.purpose, bytes, wire_bytes).unwrap();
    }
    index
}

/// A network and a viewer's seeks.
struct World<'a> {
    folder: &'a Path,
    kbps: f64,
    /// Which requests fail, by number, and the pause before they are worth another attempt.
    fails: fn(u64, &Request) -> Option<Option<f64>>,
    seeks: VecDeque<(f64, f64)>,
}

/// The result of a playback.
struct Seen {
    segments: Vec<Segment>,
    requests: Vec<Request>,
    ending: Ending,
    log: Log,
}

impl World<'_> {
    fn play(&mut self, options: &Options) -> Seen {
        let index = open(self.folder);
        let ladder = Arc::new(index.first_ladder().unwrap());
        let mut player = Player::new(Session::new(ladder, options), index, false);
        let (mut segments, mut requests, mut now_s) = (Vec::new(), Vec::new(), 0.0);
        player.input(now_s, Input::Start).unwrap();
        player.hand_on_shown(!self.seeks.is_empty());
        for _ in 0..200_000 {
            match player.poll(now_s) {
                Action::Request(request) => {
                    requests.push(request.clone());
                    now_s = self.transfer(&mut player, &request, now_s);
                }
                Action::Decode(segment) => segments.push(segment),
                Action::Wait { until_s } | Action::Drain { until_s } => {
                    now_s = self.until(&mut player, now_s, until_s);
                }
                Action::End(ending) => {
                    return Seen {
                        segments,
                        requests,
                        ending,
                        log: player.into_session().into_log(),
                    };
                }
                _ => {}
            }
        }
        panic!("it never ends");
    }

    /// Time goes on to `until_s`, or to the next jump.
    fn until(&mut self, player: &mut Player, now_s: f64, until_s: f64) -> f64 {
        match self.seeks.pop_front_if(|(at_s, _)| *at_s <= until_s) {
            Some((at_s, to_s)) => {
                player.hand_on_shown(!self.seeks.is_empty());
                let now_s = now_s.max(at_s);
                player.input(now_s, Input::Seek(to_s)).unwrap();
                now_s
            }
            None => now_s.max(until_s),
        }
    }

    /// Plays a request out in four steps; returns the time.
    fn transfer(&mut self, player: &mut Player, request: &Request, mut now_s: f64) -> f64 {
        let (id, bytes) = (request.id, read(self.folder, &request.resource));
        let step_s = bytes.len() as f64 / (4.0 * self.kbps * 125.0);
        if let Some(again_s) = (self.fails)(id.0, request) {
            player.input(now_s, Input::Failed { id, again_s }).unwrap();
            return now_s;
        }
        player.input(now_s, Input::FirstByte(id)).unwrap();
        for quarter in 1..=4 {
            now_s = self.until(player, now_s, now_s + step_s);
            if player.in_flight() != Some(id) {
                return now_s;
            }
            let so_far = &bytes[..bytes.len() * quarter / 4];
            player.input(now_s, Input::Progress { id, so_far }).unwrap();
        }
        let wire_bytes = bytes.len() as u64;
        let whole = Input::Delivered {
            id,
            bytes,
            wire_bytes,
        };
        player.input(now_s, whole).unwrap();
        now_s
    }
}

fn world(folder: &TempDir) -> World<'_> {
    World {
        folder: folder.path(),
        kbps: 200.0,
        fails: |_, _| None,
        seeks: VecDeque::new(),
    }
}

fn numbers(segments: &[Segment]) -> Vec<usize> {
    segments.iter().map(|segment| segment.segment).collect()
}

/// Every segment has the length that the title gives it, and its rung's init segment.
fn check_bytes(presentation: &Presentation, segments: &[Segment]) {
    for segment in segments.iter().filter(|segment| segment.whole) {
        let rung = &presentation.groups[0].representations[segment.rung];
        let ByteRange { length, .. } = rung.segments[segment.segment].range.unwrap();
        assert_eq!(segment.bytes.len() as u64, length);
        assert_eq!(segment.inits[0].len() as u64, INIT);
    }
}

#[test]
fn a_long_title_plays_from_a_part_of_one_index() {
    let folder = TempDir::new().unwrap();
    let presentation = publish_hours(folder.path(), &[48; 700]);
    let seen = world(&folder).play(&Options::default());
    assert_eq!(seen.ending, Ending::Finished);
    assert_eq!(numbers(&seen.segments), (0..700).collect::<Vec<_>>());
    check_bytes(&presentation, &seen.segments);
    let ids: Vec<u64> = seen.requests.iter().map(|r| r.id.0).collect();
    assert_eq!(ids, (0..ids.len() as u64).collect::<Vec<_>>());
    let is_index = |r: &&Request| matches!(r.resource.purpose, Purpose::Index { .. });
    assert!(seen.requests.iter().filter(is_index).count() > 4);
    assert!(!seen.log.learnt_s.is_empty() && seen.log.stalls.is_empty());
}

#[test]
fn jumps_drop_what_lies_between_and_skip_to_the_frame() {
    let folder = TempDir::new().unwrap();
    let presentation = publish_hours(folder.path(), &[48; 700]);
    let mut world = world(&folder);
    world.seeks = [(3.5, 900.5), (7.9, 1396.25)].into();
    let seen = world.play(&Options::default());
    assert_eq!(seen.ending, Ending::Finished);
    assert_eq!(numbers(&seen.segments), [0, 1, 450, 451, 452, 698, 699]);
    let skipped: Vec<f64> = seen.segments.iter().map(|s| s.skip_s).collect();
    assert_eq!(skipped, [0.0, 0.0, 0.5, 0.0, 0.0, 0.25, 0.0]);
    check_bytes(&presentation, &seen.segments);
}

#[test]
fn what_fails_is_tried_again_or_comes_from_another_rung() {
    let folder = TempDir::new().unwrap();
    publish_hours(folder.path(), &[48; 700]);
    let mut world = world(&folder);
    // Every fifth request at first, and the top rung for good.
    world.fails = |number, request| match request.resource.purpose.rung() {
        3 => Some(None),
        _ => (number % 5 == 0).then_some(Some(0.3)),
    };
    let seen = world.play(&Options::default());
    assert_eq!(seen.ending, Ending::Finished);
    assert_eq!(numbers(&seen.segments), (0..700).collect::<Vec<_>>());
    assert!(seen.segments.iter().all(|segment| segment.rung < 3));
    assert!(seen.requests.iter().any(|request| request.attempt == 1));
}

#[test]
fn a_title_that_is_gone_ends_with_its_segment() {
    let folder = TempDir::new().unwrap();
    publish_hours(folder.path(), &[48; 20]);
    let mut world = world(&folder);
    world.fails = |_, request| match request.resource.purpose {
        Purpose::Media { segment: 5, .. } => Some(None),
        _ => None,
    };
    let seen = world.play(&Options::default());
    assert_eq!(seen.ending, Ending::Missing { segment: 5 });
    assert_eq!(numbers(&seen.segments), (0..5).collect::<Vec<_>>());
}
