//! The error of a subcommand and its exit code.

use crate::source::SourceError;
use std::error::Error;
use std::io;
use std::process::ExitCode;

/// A failed command: the cause and how the process should end.
#[derive(Debug)]
pub struct CliError {
    cause: Box<dyn Error + Send + Sync>,
    code: u8,
}

impl CliError {
    /// A check that ran and failed: exit code 1.
    pub fn check(message: impl Into<String>) -> Self {
        Self {
            cause: message.into().into(),
            code: 1,
        }
    }

    /// Bad usage or input: exit code 2.
    pub fn input(message: impl Into<String>) -> Self {
        Self {
            cause: message.into().into(),
            code: 2,
        }
    }

    /// Stopped by the user: exit code 130.
    pub fn interrupted() -> Self {
        Self {
            cause: "interrupted".into(),
            code: 130,
        }
    }

    /// What went wrong, without causes.
    pub(super) fn message(&self) -> String {
        self.cause.to_string()
    }

    /// Prints the cause chain to stderr; a reader that went away (broken pipe) is no failure.
    pub fn report(&self) -> ExitCode {
        let mut cause: Option<&(dyn Error + 'static)> = Some(self.cause.as_ref());
        let mut lines = Vec::new();
        while let Some(error) = cause {
            if is_broken_pipe(error) {
                return ExitCode::SUCCESS;
            }
            let line = error.to_string();
            // Some errors already say what their cause says.
            if !lines
                .last()
                .is_some_and(|last: &String| last.ends_with(&line))
            {
                lines.push(line);
            }
            cause = error.source();
        }
        eprintln!("error: {}", lines.join("\n  caused by: "));
        ExitCode::from(self.code)
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

impl<E: Error + Send + Sync + 'static> From<E> for CliError {
    fn from(cause: E) -> Self {
        let cause: Box<dyn Error + Send + Sync> = Box::new(cause);
        let source = cause.downcast_ref::<SourceError>();
        let code = if source.is_some_and(SourceError::is_damage) {
            1
        } else {
            2
        };
        Self { cause, code }
    }
}
