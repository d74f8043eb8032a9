//! Playing a title in a web page: the player core and the generator, compiled to WebAssembly.
//!
//! A page runs several instances of the one module, each in a worker of its own, without shared memory:
//! one has a [`Session`], which says what to fetch and what to decode, the others a [`Generators`], which
//! turns segments into pictures one frame at a time. JavaScript fetches, keeps time and draws; it knows no
//! manifest, no rule and no container. Calls carry JSON and bytes; `abi` (wasm32 only) has the exports.
//! Everything but the exports compiles and is tested natively.
//!
//! | module | content |
//! |---|---|
//! | `session` | one playback: actions out, inputs in, state and report |
//! | `opening` | the manifest and the index parts before playback |
//! | `playing` | the player core with the page's request numbers and clock |
//! | `input` | inputs as JSON |
//! | `renderer` | weights, init and media segments to RGBA pictures |
//! | `abi` | exports of the module: the only `unsafe` code |

mod error;
mod input;
mod opening;
mod playing;
mod renderer;
mod session;

#[cfg(target_arch = "wasm32")]
mod abi;

pub use error::WebError;
pub use renderer::{Generators, Picture, Renderer};
pub use session::Session;
