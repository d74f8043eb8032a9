//! Keyframes to frames.
