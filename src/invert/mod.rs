//! Prompt fitting.
