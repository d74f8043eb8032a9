//! Pause, rate, seeks and an external playhead, during a session.

use crate::player::client::Input;
use crate::player::event::Event;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Controls one session, as [`Setup::controls`](super::Setup::controls). Clones control the same session.
///
/// A controlled session lasts until its last frame has played, since a seek may come until then.
#[derive(Debug, Clone, Default)]
pub struct Controls(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    inputs: Mutex<VecDeque<Input<'static>>>,
    changed: Notify,
    /// Seeks requested, and those that the session has performed.
    requested: AtomicUsize,
    performed: AtomicUsize,
}

impl Controls {
    /// Halts the playhead. Segments are fetched until the buffer is full.
    pub fn pause(&self) {
        self.push(Input::Event(Event::Pause));
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.push(Input::Event(Event::Resume));
    }

    /// Sets the playback rate in media seconds per second, limited to 1/16 and 16.
    pub fn set_rate(&self, rate: f64) {
        self.push(Input::Event(Event::Rate(rate)));
    }

    /// Jumps to a media time, seconds. Segments and frames from before the jump no longer come out of the
    /// session. Decoding can begin everywhere only if [`Stream::is_independent`](super::Stream::is_independent).
    pub fn seek(&self, to_s: f64) {
        self.0.requested.fetch_add(1, Ordering::SeqCst);
        self.push(Input::Seek(to_s));
    }

    /// Reports the playhead of an external clock, such as an audio device: a media time in seconds. From
    /// the first report on, the session's playhead moves by reports alone.
    pub fn report_playhead(&self, position_s: f64) {
        self.push(Input::Event(Event::Playhead(position_s)));
    }

    fn push(&self, input: Input<'static>) {
        self.inputs().push_back(input);
        self.0.changed.notify_one();
    }

    fn inputs(&self) -> MutexGuard<'_, VecDeque<Input<'static>>> {
        self.0.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next input. Cancel safe.
    pub(super) async fn next(&self) -> Input<'static> {
        loop {
            let first = self.inputs().pop_front();
            if let Some(input) = first {
                return input;
            }
            self.0.changed.notified().await;
        }
    }

    /// Number of seeks that the session has performed.
    pub(super) fn performed(&self) -> usize {
        self.0.performed.load(Ordering::SeqCst)
    }

    pub(super) fn perform(&self) {
        self.0.performed.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether output made after `performed` seeks precedes a seek that was requested since.
    pub(super) fn is_stale(&self, performed: usize) -> bool {
        performed < self.0.requested.load(Ordering::SeqCst)
    }
}
