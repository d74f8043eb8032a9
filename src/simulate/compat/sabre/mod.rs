//! Sabre, session for session: same requests, same times, same printed figures.
//!
//! Units are Sabre's: bits, milliseconds, kbit/s = bits a millisecond. Sums are made in its order,
//! so that figures agree to the last bit and not only decisions. Its faults stand as they are,
//! in short:
//!
//! * An abandoned request is asked for again by asking the rule again; what the abandonment wanted
//!   is forgotten (`session`). Only rules that note their own target obey it.
//! * `dynamic` checks for abandonment as the throughput rule does, whoever decides.
//! * The insufficient-buffer factor decays a step a call, whether or not the rule decides.
//! * BOLA-E takes its own virtual buffer, not the session's, unless that is larger.
//! * A seek forgets the buffer and restarts BOLA-E; `dynamicdash` does not even do that.
//! * Rules see nominal rates; real sizes count only while a transfer runs.
//!
//! | module | what it is for |
//! |---|---|
//! | [`options`] | its command line, in its own spelling |
//! | `network` | its link: latency, transfer, progress checks |
//! | `playback` | its buffer, and what it counts while playing |
//! | `estimate` | its two throughput estimates |
//! | `rules` | its rules |
//! | `replace` | its replacement of buffered segments |
//! | `session` | its main loop |
//! | [`record`] | decisions and printed figures as they are reported |

mod estimate;
mod network;
pub mod options;
mod playback;
pub mod record;
mod replace;
mod rules;
mod session;

pub use session::run;
