//! The exports of the WebAssembly module: numbers, and pointers to JSON and bytes.
//!
//! The caller writes arguments into memory that [`alloc`] returned. A call that returns text or bytes
//! returns the place of two `u32`, pointer and length, valid until the next call of the instance. A call
//! that fails returns `{"error": "…"}`. An instance belongs to one worker: nothing is shared.
//!
//! The `unsafe` blocks rest on one fact: every pointer with a length comes from [`alloc`] of at least that
//! many bytes, and its memory is written before the call.

#![allow(unsafe_code)]

use super::input::read;
use super::{Generators, Renderer, Session, WebError};
use serde_json::{Value, json};
use std::alloc::Layout;
use std::cell::RefCell;
use std::collections::BTreeMap;

const ALIGN: usize = 8;

#[derive(Default)]
struct Instance {
    last_id: u32,
    sessions: BTreeMap<u32, Session>,
    generators: BTreeMap<u32, Generators>,
    renderers: BTreeMap<u32, Renderer>,
    /// The last answer, and its place.
    answer: Vec<u8>,
    place: [u32; 2],
}

thread_local! {
    static INSTANCE: RefCell<Instance> = RefCell::default();
}

impl Instance {
    fn id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    fn session(&mut self, id: u32) -> Result<&mut Session, WebError> {
        let what = "session";
        self.sessions
            .get_mut(&id)
            .ok_or(WebError::NoSuch { what, id })
    }

    fn renderer(&mut self, id: u32) -> Result<&mut Renderer, WebError> {
        let what = "renderer";
        self.renderers
            .get_mut(&id)
            .ok_or(WebError::NoSuch { what, id })
    }

    fn answer(&mut self, bytes: Vec<u8>) -> *const u32 {
        self.answer = bytes;
        self.place = [self.answer.as_ptr() as u32, self.answer.len() as u32];
        self.place.as_ptr()
    }
}

fn text(answer: Result<Value, WebError>) -> Vec<u8> {
    let value = answer.unwrap_or_else(|error| json!({"error": error.text()}));
    value.to_string().into_bytes()
}

fn answer(call: impl FnOnce(&mut Instance) -> Result<Value, WebError>) -> *const u32 {
    INSTANCE.with_borrow_mut(|instance| {
        let bytes = text(call(instance));
        instance.answer(bytes)
    })
}

/// The argument at `pointer`; none if the length is 0.
fn argument<'a>(pointer: *const u8, length: usize) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: see the module's description; the caller keeps the memory until the call returns.
    unsafe { std::slice::from_raw_parts(pointer, length) }
}

fn layout(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes.max(1), ALIGN).ok()
}

/// Memory for an argument; null if there is none.
#[unsafe(no_mangle)]
extern "C" fn alloc(bytes: usize) -> *mut u8 {
    // SAFETY: the size is not 0.
    layout(bytes).map_or(std::ptr::null_mut(), |layout| unsafe {
        std::alloc::alloc(layout)
    })
}

/// Gives memory of [`alloc`] back.
#[unsafe(no_mangle)]
extern "C" fn release(pointer: *mut u8, bytes: usize) {
    if let (Some(layout), false) = (layout(bytes), pointer.is_null()) {
        // SAFETY: it came from `alloc` with the same size.
        unsafe { std::alloc::dealloc(pointer, layout) };
    }
}

#[unsafe(no_mangle)]
extern "C" fn session_new(json: *const u8, length: usize) -> *const u32 {
    answer(|instance| {
        let session = Session::new(argument(json, length))?;
        let id = instance.id();
        instance.sessions.insert(id, session);
        Ok(json!({"id": id}))
    })
}

#[unsafe(no_mangle)]
extern "C" fn session_poll(id: u32, now_s: f64) -> *const u32 {
    answer(|instance| instance.session(id)?.poll(now_s))
}

#[unsafe(no_mangle)]
extern "C" fn session_input(
    id: u32,
    now_s: f64,
    json: *const u8,
    length: usize,
    body: *const u8,
    body_length: usize,
) -> *const u32 {
    answer(|instance| {
        let (json, body) = (argument(json, length), argument(body, body_length));
        instance.session(id)?.input(now_s, json, body)?;
        Ok(json!({}))
    })
}

#[unsafe(no_mangle)]
extern "C" fn session_state(id: u32, _now_s: f64) -> *const u32 {
    answer(|instance| Ok(instance.session(id)?.state()))
}

#[unsafe(no_mangle)]
extern "C" fn session_report(id: u32) -> *const u32 {
    answer(|instance| Ok(instance.session(id)?.report()))
}

#[unsafe(no_mangle)]
extern "C" fn session_preview(id: u32, time_s: f64) -> *const u32 {
    answer(|instance| Ok(json!({"of": instance.session(id)?.preview(time_s)})))
}

/// Bytes of the init segment of a rung; empty if it is not here.
#[unsafe(no_mangle)]
extern "C" fn session_init(id: u32, rung: usize) -> *const u32 {
    bytes(id, |session| session.init(rung).to_vec())
}

/// Bytes of the segment that the last `decode` action named.
#[unsafe(no_mangle)]
extern "C" fn session_segment(id: u32) -> *const u32 {
    bytes(id, |session| session.segment().to_vec())
}

fn bytes(id: u32, of: impl FnOnce(&Session) -> Vec<u8>) -> *const u32 {
    INSTANCE.with_borrow_mut(|instance| {
        let bytes = match instance.session(id) {
            Ok(session) => of(session),
            Err(error) => text(Err(error)),
        };
        instance.answer(bytes)
    })
}

#[unsafe(no_mangle)]
extern "C" fn session_drop(id: u32) {
    INSTANCE.with_borrow_mut(|instance| drop(instance.sessions.remove(&id)));
}

#[unsafe(no_mangle)]
extern "C" fn generator_new(
    weights: *const u8,
    length: usize,
    sha256: *const u8,
    sha256_length: usize,
) -> *const u32 {
    answer(|instance| {
        let expected: Option<String> = read("SHA-256", argument(sha256, sha256_length))?;
        let generator = Generators::new(argument(weights, length).to_vec(), expected.as_deref())?;
        let (id, weights) = (instance.id(), generator.weights());
        instance.generators.insert(id, generator);
        Ok(json!({"id": id, "weights": weights}))
    })
}

#[unsafe(no_mangle)]
extern "C" fn renderer_new(generator: u32, init: *const u8, length: usize) -> *const u32 {
    answer(|instance| {
        let known = instance.generators.get(&generator);
        let (what, id) = ("generator", generator);
        let known = known.ok_or(WebError::NoSuch { what, id })?.clone();
        let renderer = known.renderer(argument(init, length))?;
        let (width, height) = renderer.size();
        let id = instance.id();
        instance.renderers.insert(id, renderer);
        Ok(json!({"id": id, "width": width, "height": height, "weights": known.weights()}))
    })
}

#[unsafe(no_mangle)]
extern "C" fn renderer_begin(id: u32, media: *const u8, length: usize) -> *const u32 {
    answer(|instance| instance.renderer(id)?.begin(argument(media, length)))
}

#[unsafe(no_mangle)]
extern "C" fn renderer_next(id: u32) -> *const u32 {
    answer(|instance| {
        let Some(picture) = instance.renderer(id)?.next_picture()? else {
            return Ok(json!({"done": true}));
        };
        Ok(json!({
            "index": picture.index,
            "time_s": picture.time_s,
            "keyframe": picture.keyframe,
            "ptr": picture.rgba.as_ptr() as u32,
            "len": picture.rgba.len(),
            "width": picture.size.0,
            "height": picture.size.1,
        }))
    })
}

/// Leaves out frames before this media time that are not generated yet.
#[unsafe(no_mangle)]
extern "C" fn renderer_skip(id: u32, until_s: f64) {
    INSTANCE.with_borrow_mut(|instance| {
        if let Ok(renderer) = instance.renderer(id) {
            renderer.skip(until_s);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn renderer_drop(id: u32) {
    INSTANCE.with_borrow_mut(|instance| {
        if let Ok(renderer) = instance.renderer(id) {
            renderer.forget();
        }
    });
}
