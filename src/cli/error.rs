//! The error of a subcommand and its exit code.

use crate::evaluate::EvaluateError;
use crate::source::SourceError;
use std::error::Error;
use std::fmt::Display;
use std::io;
use std::iter::successors;
use std::path::Path;
use std::process::ExitCode;

/// A failed command: the cause and the exit code of the process.
#[derive(Debug)]
pub struct CliError {
    cause: Box<dyn Error + Send + Sync>,
    code: u8,
}

impl CliError {
    /// A check that ran and failed: exit code 1.
    pub fn check(message: impl Into<String>) -> Self {
        Self::new(1, message)
    }

    /// Bad usage or input: exit code 2.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(2, message)
    }

    /// Stopped by the user: exit code 130.
    pub fn interrupted() -> Self {
        Self::new(130, "interrupted")
    }

    /// A file or folder that cannot be used, and the reason: exit code 2.
    pub(super) fn at<E: Display>(path: &Path) -> impl FnOnce(E) -> Self {
        move |problem| Self::input(format!("{}: {problem}", path.display()))
    }

    fn new(code: u8, message: impl Into<String>) -> Self {
        let cause = message.into().into();
        Self { cause, code }
    }

    /// The error without its causes.
    pub(super) fn message(&self) -> String {
        self.cause.to_string()
    }

    /// Prints the cause chain to stderr; a closed pipe is no failure.
    pub fn report(&self) -> ExitCode {
        let first: &(dyn Error + 'static) = self.cause.as_ref();
        let mut lines: Vec<String> = Vec::new();
        for error in successors(Some(first), |&error| error.source()) {
            let io = error.downcast_ref::<io::Error>();
            if io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
                return ExitCode::SUCCESS;
            }
            let line = error.to_string();
            // Some errors already say what their cause says.
            if lines.last().is_none_or(|last| !last.ends_with(&line)) {
                lines.push(line);
            }
        }
        eprintln!("error: {}", lines.join("\n  caused by: "));
        ExitCode::from(self.code)
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for CliError {
    fn from(cause: E) -> Self {
        let cause: Box<dyn Error + Send + Sync> = Box::new(cause);
        let source = cause.downcast_ref::<SourceError>();
        let evaluation = cause.downcast_ref::<EvaluateError>();
        let check = source.is_some_and(SourceError::is_damage)
            || evaluation.is_some_and(EvaluateError::is_finding);
        let code = if check { 1 } else { 2 };
        Self { cause, code }
    }
}
