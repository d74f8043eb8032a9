//! Progress of an evaluation, for a caller that shows it. The library itself prints nothing.

/// A step of an evaluation.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress {
    /// So many frames of the title or videos of other codecs were measured, of all.
    Done(u64, u64),
    /// Text for people: a setting that a codec refused, with the reason, or a ladder that begins.
    Note(String),
}

/// Called with each step, possibly from several threads at once.
pub type Observer<'a> = &'a (dyn Fn(Progress) + Sync);
