//! Bounded queues of segments and frames from a session to its user, without those that precede a seek.

use super::controls::Controls;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;

/// A queue of at most `room` items for a session with these controls.
pub fn queue<T>(room: usize, controls: Option<&Controls>) -> (QueueSender<T>, QueueReceiver<T>) {
    let (items, received) = mpsc::channel(room);
    let controls = controls.cloned().unwrap_or_default();
    let sender = QueueSender {
        items,
        controls: controls.clone(),
    };
    let items = received;
    (sender, QueueReceiver { items, controls })
}

/// The session's end of a [`queue`].
#[derive(Debug)]
pub struct QueueSender<T> {
    /// Items and the number of seeks performed before them.
    items: mpsc::Sender<(usize, T)>,
    controls: Controls,
}

impl<T> QueueSender<T> {
    /// Waits for room; false if there is no receiver any more.
    pub(super) async fn send(&self, item: T) -> bool {
        let item = (self.controls.performed(), item);
        self.items.send(item).await.is_ok()
    }
}

/// The user's end of a [`queue`].
#[derive(Debug)]
pub struct QueueReceiver<T> {
    items: mpsc::Receiver<(usize, T)>,
    controls: Controls,
}

impl<T> QueueReceiver<T> {
    /// The next item; `None` once the sender is dropped.
    pub async fn recv(&mut self) -> Option<T> {
        std::future::poll_fn(|cx| self.poll_recv(cx)).await
    }

    pub(super) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            match ready!(self.items.poll_recv(cx)) {
                Some((seeks, _)) if self.controls.is_stale(seeks) => {}
                item => return Poll::Ready(item.map(|(_, item)| item)),
            }
        }
    }
}

/// The renderer's calls, from a thread outside of the runtime.
#[cfg(feature = "generator")]
impl<T> QueueSender<T> {
    /// As [`Self::send`], an item that follows `seeks` seeks.
    pub(super) fn blocking_send(&self, seeks: usize, item: T) -> bool {
        self.items.blocking_send((seeks, item)).is_ok()
    }

    pub(super) fn is_stale(&self, seeks: usize) -> bool {
        self.controls.is_stale(seeks)
    }
}

#[cfg(feature = "generator")]
impl<T> QueueReceiver<T> {
    /// The next item and the number of seeks before it.
    pub(super) fn blocking_recv(&mut self) -> Option<(usize, T)> {
        loop {
            let item = self.items.blocking_recv()?;
            if !self.controls.is_stale(item.0) {
                return Some(item);
            }
        }
    }
}
