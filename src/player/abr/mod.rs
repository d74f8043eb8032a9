//! ABR rules.
