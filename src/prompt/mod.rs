//! One prompt as low-rank factors.
