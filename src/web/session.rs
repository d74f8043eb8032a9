//! One playback in a page: what to fetch, what to decode, what the viewer did.
//!
//! ```
//! use promptus::web::Session;
//!
//! let mut session = Session::new(br#"{"url": "http://host/demo/master.m3u8"}"#)?;
//! let action = session.poll(0.0)?;
//! assert_eq!((&action["do"], &action["purpose"]), (&"fetch".into(), &"manifest".into()));
//! # Ok::<(), promptus::web::WebError>(())
//! ```

use super::error::WebError;
use super::input::{Asked, Told, read};
use super::opening::{Opening, Part, Step, group_of};
use super::playing::Playing;
use crate::manifest::{ByteRange, Group, Presentation, join};
use crate::player::abr::Abr;
use crate::player::client::{Action, Ending, Player, Request, Segment};
use crate::player::cmcd::{Cmcd, CmcdMode, Content, Data, Kind, Media, encoded};
use crate::player::compute::Compute;
use crate::player::event::State;
use crate::player::index::Purpose;
use crate::player::log::Overhead;
use crate::player::session::{self, Options};
use crate::report::{Context, Report, Verdict};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;

/// One playback. See the module's description; `now_s` are seconds of the page's monotonic clock.
#[derive(Debug)]
pub struct Session {
    options: Options,
    cmcd: Cmcd,
    content: Content,
    title: String,
    presentation: Option<Presentation>,
    stage: Stage,
    /// Inputs that came before playback could begin.
    early: Vec<Told>,
    /// When the manifest was first asked for.
    opened_s: Option<f64>,
    overhead: Overhead,
    /// What the last `decode` action named.
    segment: Option<Segment>,
}

#[derive(Debug)]
enum Stage {
    Opening(Box<Opening>),
    Playing(Box<Playing>),
}

impl Session {
    /// A session with the options in `json`: `url` (of an HLS master playlist or a DASH MPD), and, if
    /// wanted, `rule`, `rung`, `start_s`, `buffer_s`, `cmcd` (`mode`: `query`, `header` or `off`; `session`:
    /// a UUID).
    pub fn new(json: &[u8]) -> Result<Self, WebError> {
        let asked: Asked = read("options", json)?;
        let usual = Options::default();
        let abr = match (asked.rung, asked.rule) {
            (Some(rung), _) => Abr::Fixed(rung),
            (None, Some(name)) => name.parse()?,
            (None, None) => usual.abr,
        };
        let cmcd = asked.cmcd.map(|cmcd| {
            let mode = match &*cmcd.mode {
                "query" => CmcdMode::Query,
                "header" => CmcdMode::Header,
                _ => CmcdMode::Off,
            };
            Cmcd::of_session(mode, cmcd.session)
        });
        Ok(Self {
            options: Options {
                abr,
                start_s: asked.start_s.unwrap_or(usual.start_s),
                buffer_s: asked.buffer_s.unwrap_or(usual.buffer_s),
                ..usual
            },
            cmcd: cmcd.unwrap_or_else(|| Cmcd::of_session(CmcdMode::Off, String::new())),
            content: Content::of(path(&asked.url)),
            title: asked.url.clone(),
            presentation: None,
            stage: Stage::Opening(Box::new(Opening::new(asked.url))),
            early: Vec::new(),
            opened_s: None,
            overhead: Overhead::default(),
            segment: None,
        })
    }

    /// The next action; the page polls until it is told to wait, and again after every input.
    pub fn poll(&mut self, now_s: f64) -> Result<Value, WebError> {
        self.opened_s.get_or_insert(now_s);
        if let Stage::Opening(opening) = &mut self.stage {
            match opening.poll(now_s) {
                Step::Fetch(id, part) => return Ok(self.fetch_part(id, &part)),
                Step::Wait(until_s) => return Ok(wait(until_s)),
                Step::Ready => self.begin(now_s)?,
            }
        }
        let Stage::Playing(playing) = &mut self.stage else {
            return Ok(wait(f64::INFINITY));
        };
        let began_s = playing.began_s;
        match playing.player.poll(now_s - began_s) {
            Action::Request(request) => {
                let first_id = playing.first_id;
                Ok(fetch_request(
                    playing,
                    &self.cmcd,
                    &self.content,
                    &request,
                    first_id,
                ))
            }
            Action::Cancel(id) => {
                let id = playing.first_id + id.0;
                playing.asked.remove(&id);
                Ok(json!({"do": "cancel", "id": id}))
            }
            Action::Decode(segment) => {
                let action = decode(playing.player.session(), &segment);
                self.segment = Some(segment);
                Ok(action)
            }
            Action::Wait { until_s } | Action::Drain { until_s } => Ok(wait(began_s + until_s)),
            Action::End(Ending::Missing { segment }) => {
                let source = playing.trouble.take();
                Err(WebError::Missing { segment, source })
            }
            Action::End(_) => Ok(json!({"do": "end"})),
        }
    }

    /// Handles an input at `now_s`; `body` is that of the answer it tells of.
    pub fn input(&mut self, now_s: f64, json: &[u8], body: &[u8]) -> Result<(), WebError> {
        let told: Told = read("input", json)?;
        if let Some(id) = told.delivered {
            self.count(id, told.wire_bytes.unwrap_or(body.len() as u64));
        }
        match &mut self.stage {
            Stage::Playing(playing) => playing.input(now_s, &told, body, &mut self.options),
            Stage::Opening(opening) => {
                if let Some(id) = told.delivered {
                    let wire_bytes = told.wire_bytes.unwrap_or(body.len() as u64);
                    let bytes = Bytes::copy_from_slice(body);
                    opening.delivered(id, bytes, wire_bytes, told.url)?;
                    if let (None, Some((contents, _))) = (&self.presentation, &opening.title) {
                        self.presentation = Some(contents.presentation.clone());
                    }
                } else if let Some(id) = told.failed {
                    return opening.failed(now_s, id, told.again_s);
                } else if let Some(to_s) = told.seek {
                    self.options.start_s = to_s;
                } else if let Some(abr) = told.rule_of(self.options.abr, self.rungs())? {
                    self.options.abr = abr;
                } else {
                    self.early.push(told);
                }
                Ok(())
            }
        }
    }

    /// The init segment of a rung, for a renderer; empty if it is not here.
    pub fn init(&self, rung: usize) -> &[u8] {
        match &self.stage {
            Stage::Playing(playing) => playing.player.init(rung).map_or(&[], |init| init),
            Stage::Opening(_) => &[],
        }
    }

    /// The segment to make a preview of `time_s` from, in seconds, which the page fetches by itself; `null` while
    /// no index is here.
    pub fn preview(&self, time_s: f64) -> Value {
        let Stage::Playing(playing) = &self.stage else {
            return Value::Null;
        };
        let Some(resource) = playing.player.preview(time_s) else {
            return Value::Null;
        };
        let Purpose::Media { segment, rung } = resource.purpose else {
            return Value::Null;
        };
        let ladder = playing.player.session().ladder();
        json!({
            "rung": rung,
            "start_s": ladder.start_s(segment),
            "duration_s": ladder.duration_s(segment),
            "url": join(&playing.base, &resource.url),
            "range": resource.range.map(inclusive),
        })
    }

    /// The media segment that the last `decode` action named; empty before the first.
    pub fn segment(&self) -> &[u8] {
        self.segment.as_ref().map_or(&[], |segment| &segment.bytes)
    }

    /// Where playback stands. `position_s` is as of `at_s`, the time of the last event on the page's clock:
    /// while playback is neither paused nor waiting, the playhead moves on from there at `rate`.
    pub fn state(&self) -> Value {
        let base = self.base();
        let group = self.group();
        let weights = group.map(|group| {
            let url = group.weights_url.as_deref().map(|url| join(base, url));
            json!({"url": url, "sha256": group.weights})
        });
        // A master playlist states none: it is known once a media playlist is here.
        let duration_s = self.presentation.as_ref().map(|it| it.duration.seconds());
        let mut state = json!({
            "duration_s": duration_s.filter(|seconds| *seconds > 0.0),
            "profile": group.map(|group| &group.profile),
            "fps": group.map(|group| group.frame_rate.fps()),
            "weights": weights,
            "rule": self.options.abr.name(),
            "position_s": self.options.start_s,
            "at_s": null,
            "buffered": [],
            "paused": false,
            "waiting": true,
            "ended": false,
            "rate": 1.0,
            "rung": null,
            "rungs": group.map_or_else(Vec::new, listed),
            "throughput_kbps": null,
        });
        if let Stage::Playing(playing) = &self.stage {
            let session = playing.player.session();
            let (at_s, state_now) = (session.playhead_s(), session.state());
            let last = session.log().plays.last();
            state["duration_s"] = session.ladder().total_s().into();
            state["position_s"] = at_s.into();
            state["at_s"] = (playing.began_s + session.clock_s()).into();
            if session.buffer_s() > 0.0 {
                state["buffered"] = json!([[at_s, at_s + session.buffer_s()]]);
            }
            state["paused"] = session.is_paused().into();
            state["waiting"] =
                matches!(state_now, State::StartUp | State::Stalled | State::Seeking).into();
            state["ended"] = (state_now == State::Ended).into();
            state["rate"] = session.rate().into();
            state["rung"] = last.map(|play| play.rung).into();
            state["throughput_kbps"] = session.throughput_kbps().into();
        }
        state
    }

    /// The report of the session so far, as `promptus play --json` prints it.
    pub fn report(&self) -> Value {
        let Stage::Playing(playing) = &self.stage else {
            return Value::Null;
        };
        let session = playing.player.session();
        let ended = session.state() == State::Ended;
        let context = Context {
            command: "play",
            title: self.title.clone(),
            profile: self.group().map_or("", |group| &group.profile).to_owned(),
            options: self.options,
            trace: None,
            verdict: if ended {
                Verdict::Finished
            } else {
                Verdict::Stopped
            },
            overhead: self.overhead,
            weights_bytes: 0,
            opening_s: self.opened_s.map(|opened_s| playing.began_s - opened_s),
            rendering: None,
        };
        let report = Report::new(context, session.ladder(), session.log().clone());
        serde_json::to_value(report).unwrap_or(Value::Null)
    }

    fn group(&self) -> Option<&Group> {
        let presentation = self.presentation.as_ref()?;
        presentation.groups.get(group_of(presentation))
    }

    fn rungs(&self) -> usize {
        self.group()
            .map_or(usize::MAX, |group| group.representations.len())
    }

    fn base(&self) -> &str {
        match &self.stage {
            Stage::Opening(opening) => &opening.url,
            Stage::Playing(playing) => &playing.base,
        }
    }

    /// Begins playback with the index that the opening has filled.
    fn begin(&mut self, now_s: f64) -> Result<(), WebError> {
        let Stage::Opening(opening) = &mut self.stage else {
            return Ok(());
        };
        let Some((contents, index)) = opening.title.take() else {
            return Ok(());
        };
        let base = opening.url.clone();
        let ladder = index.first_ladder();
        let ladder = ladder.map_err(|source| WebError::answer(&base, source))?;
        let presentation = &contents.presentation;
        let fps = presentation.groups.get(group_of(presentation));
        let fps = fps.map_or(24.0, |group| group.frame_rate.fps());
        if let Abr::Fixed(rung) = self.options.abr
            && rung > ladder.top()
        {
            let rungs = ladder.rungs().len();
            return Err(WebError::NoRung { rung, rungs });
        }
        self.options.compute = Some(Compute::measured(fps));
        // Decoding begins where it can.
        let first = index.access_point(ladder.segment_at(self.options.start_s));
        if first != ladder.segment_at(self.options.start_s) {
            self.options.start_s = ladder.start_s(first);
        }
        let one_rung = matches!(self.options.abr, Abr::Fixed(_));
        let session = session::Session::new(Arc::new(ladder), &self.options);
        let mut playing = Playing {
            player: Player::new(session, index, one_rung),
            base,
            began_s: now_s,
            first_id: opening.next_id,
            asked: Default::default(),
            stalls: 0,
            trouble: None,
        };
        playing.start(now_s)?;
        for told in std::mem::take(&mut self.early) {
            playing.input(now_s, &told, &[], &mut self.options)?;
        }
        self.stage = Stage::Playing(Box::new(playing));
        Ok(())
    }

    /// Counts what was received apart from media segments.
    fn count(&mut self, id: u64, wire_bytes: u64) {
        let purpose = match &self.stage {
            Stage::Opening(opening) => opening.purpose(id),
            Stage::Playing(playing) => playing.asked.get(&id).map(|(_, purpose)| Some(*purpose)),
        };
        let counts = &mut self.overhead;
        let count = match purpose {
            Some(None) => &mut counts.manifest_bytes,
            Some(Some(Purpose::Playlist(_) | Purpose::Index(_))) => &mut counts.index_bytes,
            Some(Some(Purpose::Init(_))) => &mut counts.init_bytes,
            _ => return,
        };
        *count += wire_bytes;
    }

    fn fetch_part(&self, id: u64, part: &Part) -> Value {
        let kind = part.purpose.map_or(Kind::Manifest, Kind::from);
        let data = self.cmcd.data(&self.content, kind, None);
        fetch(id, part.url.clone(), part.range, part.purpose, data)
    }
}

fn fetch_request(
    playing: &mut Playing,
    cmcd: &Cmcd,
    content: &Content,
    request: &Request,
    first_id: u64,
) -> Value {
    let resource = &request.resource;
    let media = playing.player.media_data(request).map(|media| {
        let stalls = playing.player.session().log().stalls.len();
        let starved = stalls > playing.stalls;
        playing.stalls = stalls;
        // Segments are files of one folder, or ranges of one file.
        let next = request.next.as_ref().map(|next| {
            let name = path(&next.url).rsplit('/').next().unwrap_or("");
            (name.to_owned(), next.range.map(span))
        });
        Media {
            starved,
            next,
            ..media
        }
    });
    let data = cmcd.data(content, resource.purpose.into(), media.as_ref());
    let (id, url) = (first_id + request.id.0, join(&playing.base, &resource.url));
    playing.asked.insert(id, (url.clone(), resource.purpose));
    fetch(id, url, resource.range, Some(resource.purpose), data)
}

/// The action `fetch`.
fn fetch(
    id: u64,
    mut url: String,
    range: Option<ByteRange>,
    purpose: Option<Purpose>,
    data: Data,
) -> Value {
    if let Some(text) = data.query {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str("CMCD=");
        url.push_str(&encoded(&text));
    }
    let (name, rung, segment) = match purpose {
        None => ("manifest", None, None),
        Some(Purpose::Playlist(rung)) => ("playlist", Some(rung), None),
        Some(Purpose::Index(rung)) => ("index", Some(rung), None),
        Some(Purpose::Init(rung)) => ("init", Some(rung), None),
        Some(Purpose::Media { segment, rung }) => ("media", Some(rung), Some(segment)),
    };
    let range = range.map(inclusive);
    let mut action = json!({"do": "fetch", "id": id, "url": url, "range": range, "purpose": name});
    if let Some(rung) = rung {
        action["rung"] = rung.into();
    }
    if let Some(segment) = segment {
        action["segment"] = segment.into();
    }
    if !data.headers.is_empty() {
        action["headers"] = json!(data.headers);
    }
    action
}

/// The action `decode`.
fn decode(session: &session::Session, segment: &Segment) -> Value {
    let ladder = session.ladder();
    json!({
        "do": "decode",
        "segment": segment.segment,
        "rung": segment.rung,
        "start_s": ladder.start_s(segment.segment),
        "duration_s": ladder.duration_s(segment.segment),
        "skip_s": segment.skip_s.max(0.0),
        "whole": segment.whole,
        "most_frames": segment.most_frames,
        "init": !segment.inits.is_empty(),
    })
}

/// The action `wait`; a time that never comes is `null`.
fn wait(until_s: f64) -> Value {
    json!({"do": "wait", "until_s": until_s.is_finite().then_some(until_s)})
}

/// The rungs of `group`, lowest first.
fn listed(group: &Group) -> Vec<Value> {
    let (width, height) = group.display_size();
    let rungs = group.representations.iter();
    let rungs = rungs.map(|rung| {
        json!({
            "id": rung.id,
            "kbps": rung.average_bandwidth as f64 / 1000.0,
            "width": width,
            "height": height,
            "rank": rung.rank,
        })
    });
    rungs.collect()
}

/// The path of a URL, without query and fragment.
fn path(url: &str) -> &str {
    let plain = url.split(['?', '#']).next().unwrap_or("");
    let after_scheme = plain.split_once("://").map_or(plain, |(_, rest)| rest);
    let host = if after_scheme.len() < plain.len() {
        after_scheme.find('/').unwrap_or(after_scheme.len())
    } else {
        0
    };
    &after_scheme[host..]
}

/// First and last byte, as in a `Range` field.
fn inclusive(range: ByteRange) -> [u64; 2] {
    [range.start, range.end().saturating_sub(1)]
}

fn span(range: ByteRange) -> String {
    let [first, last] = inclusive(range);
    format!("{first}-{last}")
}
