//! The generator.

pub mod ops;

#[cfg(test)]
pub(crate) mod gradient_check;
