//! `eprint!` and `eprintln!` for commands: a reader of stderr that went away is no failure, where the
//! standard library's own end the program with a panic. Declared before all other modules, these two
//! are what they find.

macro_rules! eprint {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = write!(std::io::stderr().lock(), $($text)*);
    }};
}

macro_rules! eprintln {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr().lock(), $($text)*);
    }};
}
