//! The generator.

pub mod ops;
