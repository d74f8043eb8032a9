//! The web player's session and renderer, driven by a page that reads files and has a clock of its own.

#![allow(clippy::unwrap_used)]

use promptus::model::Generator;
use promptus::web::{Generators, Renderer, Session};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;

const DEMO: &str = "http://host/title";

/// A page: performs actions on the files of the demo title, 10 ms a request.
struct Page {
    session: Session,
    now_s: f64,
    decoded: Vec<(u64, u64)>,
    fetched: Vec<String>,
    /// Requests to fail, by a part of their URL.
    absent: Option<&'static str>,
    /// Requests that are answered with a picture, by a part of their URL.
    confused: Option<&'static str>,
}

impl Page {
    fn open(options: &Value) -> Self {
        Self {
            session: Session::new(options.to_string().as_bytes()).unwrap(),
            now_s: 100.0,
            decoded: Vec::new(),
            fetched: Vec::new(),
            absent: None,
            confused: None,
        }
    }

    fn tell(&mut self, input: &Value) {
        let input = input.to_string();
        self.session
            .input(self.now_s, input.as_bytes(), &[])
            .unwrap();
    }

    /// Performs one action; returns its name.
    fn step(&mut self) -> Result<String, String> {
        let action = self
            .session
            .poll(self.now_s)
            .map_err(|error| error.text())?;
        self.perform(&action)?;
        Ok(action["do"].as_str().unwrap().to_owned())
    }

    fn perform(&mut self, action: &Value) -> Result<(), String> {
        match action["do"].as_str().unwrap() {
            "fetch" => self.fetch(action)?,
            "decode" => {
                let number = |field: &str| action[field].as_u64().unwrap();
                let (segment, rung) = (number("segment"), number("rung"));
                self.decoded.push((segment, rung));
                assert!(!self.session.segment().is_empty());
                assert!(!self.session.init(rung as usize).is_empty());
                self.tell(&json!({"rendered":
                    {"segment": segment, "frames": 48, "complete": true, "frame_s": 0.001}}));
            }
            "wait" => {
                let until_s = action["until_s"].as_f64();
                self.now_s = until_s.unwrap_or(self.now_s + 0.25).max(self.now_s + 0.001);
            }
            _ => {}
        }
        Ok(())
    }

    fn fetch(&mut self, action: &Value) -> Result<(), String> {
        let (url, id) = (action["url"].as_str().unwrap(), &action["id"]);
        self.fetched.push(url.to_owned());
        self.now_s += 0.01;
        let path = url.split('?').next().unwrap().strip_prefix(DEMO).unwrap();
        if self.absent.is_some_and(|absent| url.contains(absent)) {
            let failed = json!({"failed": id, "status": 404, "again_s": null}).to_string();
            let told = self.session.input(self.now_s, failed.as_bytes(), &[]);
            return told.map_err(|error| error.text());
        }
        let confused = self.confused.is_some_and(|part| url.contains(part));
        let path = if confused { "/poster.jpg" } else { path };
        let file = fs::read(format!("manifests/demo{path}")).unwrap();
        let body = match action["range"].as_array() {
            Some(range) => {
                let at = |n: usize| range[n].as_u64().unwrap() as usize;
                file[at(0)..=at(1)].to_vec()
            }
            None => file,
        };
        if action["purpose"] == "media" {
            self.tell(&json!({"first_byte": id}));
        }
        let input = json!({"delivered": id, "wire_bytes": body.len()}).to_string();
        let told = self.session.input(self.now_s, input.as_bytes(), &body);
        told.map_err(|error| error.text())
    }

    fn play_until(&mut self, done: impl Fn(&Self, &str) -> bool) -> Result<(), String> {
        for _ in 0..10_000 {
            let name = self.step()?;
            if done(self, &name) {
                return Ok(());
            }
        }
        Err("it never ends".to_owned())
    }

    fn play(&mut self) -> Result<(), String> {
        self.play_until(|_, name| name == "end")
    }

    fn state(&self) -> Value {
        self.session.state()
    }
}

#[test]
fn both_manifests_play_to_their_end() {
    for manifest in ["master.m3u8", "manifest.mpd"] {
        let mut page = Page::open(&json!({"url": format!("{DEMO}/{manifest}")}));
        page.play().unwrap();
        let segments: Vec<u64> = page.decoded.iter().map(|(segment, _)| *segment).collect();
        assert_eq!(segments, Vec::from_iter(0..12), "{manifest}");
        let state = page.state();
        assert_eq!(state["ended"], true);
        assert!((state["position_s"].as_f64().unwrap() - 24.0).abs() < 1e-6);
        let report = page.session.report();
        assert_eq!(report["verdict"], "finished");
        assert_eq!(report["segments"].as_array().unwrap().len(), 12);
        assert!(report["summary"]["overhead_bytes"].as_u64().unwrap() > 1000);
    }
}

#[test]
fn the_state_names_weights_and_rungs_once_the_manifest_is_read() {
    let mut page = Page::open(&json!({"url": format!("{DEMO}/master.m3u8")}));
    assert_eq!(page.state()["weights"], Value::Null);
    page.step().unwrap();
    let state = page.state();
    assert_eq!(state["rungs"].as_array().unwrap().len(), 4);
    assert_eq!(state["profile"], "mini");
    assert_eq!(state["duration_s"], Value::Null);
    // The demo's manifest states the weights' hash; a server adds their URL.
    assert_eq!(state["weights"]["url"], Value::Null);
    assert_eq!(state["weights"]["sha256"].as_str().unwrap().len(), 64);
    page.play_until(|_, name| name == "decode").unwrap();
    assert_eq!(page.state()["duration_s"], 24.0);
}

#[test]
fn the_viewer_pauses_seeks_and_chooses_a_rung() {
    let mut page = Page::open(&json!({"url": format!("{DEMO}/master.m3u8"), "rung": 0}));
    page.tell(&json!({"pause": {}}));
    page.play_until(|page, _| page.now_s > 110.0).unwrap();
    let state = page.state();
    assert_eq!(
        (&state["position_s"], &state["paused"]),
        (&0.0.into(), &true.into())
    );
    assert_eq!(state["waiting"], false);
    assert!((page.now_s - state["at_s"].as_f64().unwrap()).abs() < 0.5);
    page.decoded.clear();
    page.tell(&json!({"rung": 3}));
    page.tell(&json!({"seek": 9.0}));
    page.tell(&json!({"play": {}}));
    page.tell(&json!({"rate": 2.0}));
    let before_s = page.now_s;
    page.play().unwrap();
    assert_eq!(page.decoded[0], (4, 3));
    assert!(page.decoded.iter().all(|(_, rung)| *rung == 3));
    let took_s = page.now_s - before_s;
    assert!((7.4..8.2).contains(&took_s), "{took_s}");
    page.decoded.clear();
    page.tell(&json!({"rung": null}));
    page.tell(&json!({"seek": 20.0}));
    assert_eq!(page.state()["ended"], false);
    page.play().unwrap();
    assert_eq!(page.decoded[0].0, 10);
}

#[test]
fn time_passes_while_a_server_is_given_a_rest() {
    let mut page = Page::open(&json!({"url": format!("{DEMO}/master.m3u8"), "rung": 0}));
    let id = loop {
        let action = page.session.poll(page.now_s).unwrap();
        if action["segment"] == 1 && action["do"] == "fetch" {
            break action["id"].clone();
        }
        page.perform(&action).unwrap();
    };
    page.tell(&json!({"failed": id, "status": 503, "again_s": 20.0}));
    let from_s = page.now_s;
    page.play_until(|page, _| page.now_s > from_s + 10.0)
        .unwrap();
    let state = page.state();
    assert_eq!(state["waiting"], true);
    assert!((state["position_s"].as_f64().unwrap() - 2.0).abs() < 1e-6);
    assert!((page.now_s - state["at_s"].as_f64().unwrap()).abs() < 0.5);
    page.play().unwrap();
    assert!(page.now_s > from_s + 20.0);
}

#[test]
fn faults_name_their_place() {
    let open = |manifest: &str| Page::open(&json!({"url": format!("{DEMO}/{manifest}")}));
    let mut page = open("master.m3u8");
    page.absent = Some("master");
    assert!(page.session.input(1.0, b"{\"x\":1}", &[]).is_err());
    page.step().unwrap_err();
    let mut page = open("poster.jpg");
    let error = page.play().unwrap_err();
    assert!(
        error.contains("poster.jpg") && error.contains("#EXTM3U"),
        "{error}"
    );
    for (options, expected) in [
        (
            json!({"url": "x", "rule": "best"}),
            "unknown ABR rule `best`",
        ),
        (json!({"uri": "x"}), "options: not the expected JSON"),
    ] {
        let error = Session::new(options.to_string().as_bytes()).unwrap_err();
        assert!(error.text().contains(expected), "{}", error.text());
    }
    let mut page = open("master.m3u8");
    page.absent = Some("r16");
    page.play().unwrap_err();
}

#[test]
fn an_invalid_playlist_is_named_once_by_its_whole_address() {
    let mut page = Page::open(&json!({"url": format!("{DEMO}/master.m3u8"), "rung": 0}));
    page.confused = Some("mini-r4.m3u8");
    let error = page.play().unwrap_err();
    assert!(error.starts_with(&format!("{DEMO}/")), "{error}");
    assert_eq!(error.matches("mini-r4.m3u8").count(), 1, "{error}");
}

#[test]
fn requests_carry_cmcd_as_a_query_argument() {
    let cmcd = json!({"mode": "query", "session": "6e2fb550-c457-11e9-bb97-0800200c9a66"});
    let mut page = Page::open(&json!({"url": format!("{DEMO}/master.m3u8"), "cmcd": cmcd}));
    page.play().unwrap();
    let last = page.fetched.last().unwrap();
    assert!(
        page.fetched
            .iter()
            .all(|url| url.contains("?CMCD=") && url.contains("6e2fb550"))
    );
    assert!(last.contains("ot%3Dv") && last.contains("bl%3D"), "{last}");
}

/// The shipped generator, which the page's title needs.
fn generators(page: &Page) -> Generators {
    let state = page.state();
    let needed = state["weights"]["sha256"].as_str();
    let weights = Generator::shipped_file().to_vec();
    let other = [&weights[..], &[0]].concat();
    let wrong = Generators::new(other, needed).unwrap_err().text();
    assert!(wrong.contains(needed.unwrap()), "{wrong}");
    Generators::new(weights, needed).unwrap()
}

/// Every frame that the renderer still makes of its segment, by number.
fn pictures(renderer: &mut Renderer) -> Vec<(u32, Vec<u8>)> {
    let mut made = Vec::new();
    while let Some(picture) = renderer.next_picture().unwrap() {
        made.push((picture.index, picture.rgba.to_vec()));
    }
    made
}

#[test]
fn the_renderer_leaves_out_frames_that_would_come_too_late() {
    let mut page = Page::open(&json!({"url": format!("{DEMO}/master.m3u8"), "rung": 1}));
    page.play_until(|_, name| name == "decode").unwrap();
    let (init, media) = (page.session.init(1), page.session.segment());
    let mut renderer = generators(&page).renderer(init).unwrap();
    renderer.begin(media).unwrap();
    let all = pictures(&mut renderer);
    assert_eq!(all.len(), 48);
    let begun = renderer.begin(media).unwrap();
    let keyframes = begun["keyframes"].as_array().unwrap().iter();
    let before = keyframes.filter_map(Value::as_u64).rfind(|&at| at <= 30);
    // Frame 30 begins at 1.25 s. The keyframe before it is needed, and nothing else from before.
    renderer.skip(1.25);
    let late = pictures(&mut renderer);
    assert_eq!(u64::from(late[0].0), before.unwrap());
    let expected = all.iter().filter(|(index, _)| *index >= 30);
    assert!(late.iter().filter(|(index, _)| *index >= 30).eq(expected));
    assert!(late.len() <= 19);
    renderer.begin(media).unwrap();
    renderer.next_picture().unwrap().unwrap();
    renderer.skip(9.0);
    assert!(pictures(&mut renderer).len() <= 1);
}

#[test]
fn the_renderer_pulls_the_frames_of_what_the_session_hands_out() {
    let mut page = Page::open(&json!({"url": format!("{DEMO}/master.m3u8"), "rung": 1}));
    page.play_until(|_, name| name == "decode").unwrap();
    let (init, media) = (page.session.init(1), page.session.segment());
    let wrong = Generators::new(vec![0; 64], None).unwrap_err().text();
    assert!(wrong.starts_with("weights"), "{wrong}");
    let generators = generators(&page);
    let mut renderer = generators.renderer(init).unwrap();
    assert!(renderer.next_picture().is_err());
    let begun = renderer.begin(media).unwrap();
    assert_eq!(
        (&begun["frames"], &begun["start_s"]),
        (&48.into(), &0.0.into())
    );
    let first = renderer.next_picture().unwrap().unwrap();
    assert_eq!((first.index, first.time_s, first.keyframe), (0, 0.0, true));
    assert_eq!((first.size, first.rgba.len()), ((256, 256), 4 * 256 * 256));
    assert!(
        first
            .rgba
            .iter()
            .skip(3)
            .step_by(4)
            .all(|&alpha| alpha == 255)
    );
    let first = first.rgba.to_vec();
    renderer.forget();
    assert!(renderer.next_picture().is_err());
    renderer.begin(media).unwrap();
    assert_eq!(renderer.next_picture().unwrap().unwrap().rgba, first);
}

#[test]
fn a_preview_is_of_the_segment_at_its_time_on_the_lowest_rung() {
    let mut page = Page::open(&json!({"url": format!("{DEMO}/master.m3u8"), "rung": 2}));
    assert_eq!(page.session.preview(13.0), Value::Null);
    page.play_until(|_, name| name == "decode").unwrap();
    let preview = page.session.preview(13.0);
    assert_eq!(
        (&preview["start_s"], &preview["duration_s"]),
        (&12.0.into(), &2.0.into())
    );
    assert_eq!(preview["rung"], 0);
    assert!(
        preview["url"].as_str().unwrap().ends_with("mini-r4.mp4"),
        "{preview}"
    );
    assert!(preview["range"][0].as_u64() < preview["range"][1].as_u64());
}

/// What a change of any of the module's sources asks for is `tools/web/build.sh`.
#[test]
fn the_module_that_pages_load_is_of_these_sources() {
    let about = fs::read("static/player/promptus.wasm.json").unwrap();
    let about: Value = serde_json::from_slice(&about).unwrap();
    let hash = |bytes: &[u8]| {
        Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let mut all = String::new();
    for name in about["sources"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        let content = fs::read(name).unwrap();
        all.push_str(&format!("{name}\0{}\n", hash(&content)));
    }
    assert_eq!(
        about["sources_sha256"],
        hash(all.as_bytes()),
        "tools/web/build.sh builds it"
    );
    let packed = fs::metadata("static/player/promptus.wasm.br")
        .unwrap()
        .len();
    assert_eq!(about["brotli_bytes"], packed);
    assert!(
        packed <= 600_000,
        "{packed} bytes are more than a first visit should wait for"
    );
}
