//! A rule of the caller's, built anew for each session.

use super::{Options, Session};
use crate::player::abr::Rule;
use crate::player::ladder::Ladder;
use std::fmt;
use std::sync::Arc;

type Build = dyn Fn(&Ladder, &Options) -> Box<dyn Rule> + Send + Sync;

/// A rule written outside the crate, with a name for reports.
#[derive(Clone)]
pub struct OwnRule {
    name: Arc<str>,
    build: Arc<Build>,
}

impl OwnRule {
    /// `build` is called once per session; the options hold buffer target and seed.
    pub fn new(
        name: impl Into<Arc<str>>,
        build: impl Fn(&Ladder, &Options) -> Box<dyn Rule> + Send + Sync + 'static,
    ) -> Self {
        let (name, build) = (name.into(), Arc::new(build));
        Self { name, build }
    }

    /// The name in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A session with this rule; see [`Session::with_rule`].
    pub fn session(&self, ladder: Arc<Ladder>, options: &Options) -> Session {
        let rule = (self.build)(&ladder, options);
        Session::with_rule(ladder, options, rule)
    }
}

impl fmt::Debug for OwnRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
