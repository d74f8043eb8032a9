//! A rule written outside the crate plays a title over HTTP.

use super::{play_all, served};
use promptus::playback::Setup;
use promptus::player::abr::{Choice, Rule, View};
use promptus::player::session::{Guards, OwnRule};

/// The lowest rung and the one above it in turn.
#[derive(Debug)]
struct Alternating;

impl Rule for Alternating {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        Choice {
            rung: view.segment % 2,
            wait_s: 0.0,
            by: "alternating",
        }
    }
}

#[tokio::test]
async fn a_rule_from_outside_the_crate_plays_over_http() {
    let (_folder, base) = served(8).await;
    let rule = OwnRule::new("alternating", |_, _| Box::new(Alternating));
    let mut setup = Setup {
        rule: Some(rule),
        ..Setup::default()
    };
    setup.options.guards = Guards::NONE;
    let (_, segments) = play_all(&format!("{base}master.m3u8"), &setup).await;
    let rungs: Vec<usize> = segments.iter().map(|segment| segment.rung).collect();
    let expected: Vec<usize> = (0..rungs.len()).map(|segment| segment % 2).collect();
    assert!(rungs.len() > 2);
    assert_eq!(rungs, expected);
}
