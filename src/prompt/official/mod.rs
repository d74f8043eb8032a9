//! The files of the reference implementation: `frame_NNNNN.prompt` and `init.pth`.
//!
//! Both are what `torch.save` writes: a zip of stored entries with a pickle and raw storages.
//! Writing gives the very bytes that the reference's PyTorch (2.x, before 2.6's alignment record)
//! writes, so a title made from official prompts goes back byte for byte. Reading never interprets
//! the pickle: it must equal the one that would be written for the storages' sizes.
//!
//! Knowledge comes from the published prompts themselves (JiangkaiWu/Promptus, 00d6b77), the
//! pickle protocol 2 (Python's `pickletools`) and PyTorch's `caffe2/serialize/inline_container`.
//! This module knows no container of ours.

mod archive;
mod error;
mod files;
mod pickle;
mod store;

pub use error::OfficialError;
pub use files::{INIT_FILE, InitLatent, OfficialFolder, files_in, prompt_name};
pub use files::{init_from_bytes, init_to_bytes, prompt_from_bytes, prompt_to_bytes};
pub use files::{read_init, read_prompt, read_prompts};
pub use pickle::Device;
