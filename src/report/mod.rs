//! Session logs.
