//! Runs a session over a link in virtual time.
//!
//! Time jumps from event to event; nothing sleeps and nothing is transferred. Requests go one at a
//! time: the link's latency, then bytes at the link's rate, with a report to the session every
//! 100 ms and 1500 bytes from when on it may act on one.

use crate::network::link::Link;
use crate::player::event::{Command, Event};
use crate::player::log::Log;
use crate::player::session::Session;

/// How a simulated session ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What was decided.
    pub log: Log,
    /// The segment that the link never delivers because it carries nothing at all, or `None`.
    pub starved_by: Option<usize>,
}

/// Plays `session` over `link` to its end.
pub fn run(mut session: Session, link: &Link) -> Run {
    let mut command = session.handle(0.0, Event::Start);
    loop {
        command = match command {
            Command::Fetch { segment, rung } | Command::Abandon { segment, rung } => {
                let size = session.ladder().size(segment, rung);
                match transfer(&mut session, link, size) {
                    Some(command) => command,
                    None => {
                        return Run {
                            log: session.into_log(),
                            starved_by: Some(segment),
                        };
                    }
                }
            }
            Command::Wait { until_s } | Command::Drain { until_s } => {
                session.handle(until_s, Event::Timer)
            }
            Command::Continue | Command::Done | Command::GiveUp { .. } => {
                return Run {
                    log: session.into_log(),
                    starved_by: None,
                };
            }
        };
    }
}

/// Plays one transfer out, or as far as the session lets it; `None` when it never ends.
fn transfer(session: &mut Session, link: &Link, size: u64) -> Option<Command> {
    let requested_s = session.clock_s();
    let mut at_s = requested_s + link.latency_s(requested_s);
    let headers = link.overhead_bytes();
    let flow = link.flow(at_s, size.saturating_add(headers));
    let end_s = flow.ends_s()?;
    let mut received = 0;
    let mut command = session.handle(at_s, Event::FirstByte);
    while command == Command::Continue {
        let check_s = session.next_abandon_check_s().unwrap_or(f64::INFINITY);
        if check_s >= end_s {
            return Some(session.handle(end_s, Event::Delivered(size)));
        }
        if check_s > at_s {
            at_s = check_s;
            received = flow.received(link, at_s);
        }
        (at_s, received) = flow.next(link, at_s, received)?;
        let body = received.saturating_sub(headers);
        if body >= size {
            return Some(session.handle(at_s, Event::Delivered(size)));
        }
        command = session.handle(at_s, Event::Progress(body));
    }
    Some(command)
}
