//! Everything combined: rules × guards × devices × layers × seeks, and misplaced events.

use super::*;
use promptus::player::log::Request;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// A title as it is, in layers where that is possible, or with samples that an abandoned transfer keeps.
fn any_ladder() -> impl Strategy<Value = Arc<Ladder>> {
    (ladder(), 0u8..3, 2u32..12).prop_map(|(ladder, form, samples)| {
        Arc::new(match form {
            0 => ladder,
            1 => evenly(ladder, samples),
            _ => ladder.clone().into_layers().unwrap_or(ladder),
        })
    })
}

/// Time within a log runs forward, and stalls do not overlap.
fn check_times(log: &Log) {
    let mut ended_s = 0.0;
    for request in &log.requests {
        let first_s = request.first_byte_s.unwrap_or(request.requested_s);
        assert!(request.decided_s <= request.requested_s && request.requested_s <= first_s);
        assert!(ended_s <= request.requested_s, "two transfers at once");
        ended_s = request.ended_s.unwrap_or(f64::INFINITY);
        assert!(first_s <= ended_s, "{request:?}");
        assert!(request.buffer_s >= 0.0 && request.buffer_after_s.is_none_or(|level| level >= 0.0));
    }
    let mut over_s = 0.0;
    for stall in &log.stalls {
        assert!(over_s <= stall.start_s, "stalls overlap");
        over_s = stall.end_s.unwrap_or(f64::INFINITY);
        assert!(stall.start_s <= over_s, "{stall:?}");
    }
    assert!(log.plays.is_sorted_by(|a, b| a.start_s <= b.start_s));
}

/// Since the last seek every segment came once, and what came was played in order.
fn check_delivered(ladder: &Ladder, log: &Log) {
    let dropped = |request: &Request| request.outcome == Outcome::Dropped;
    let last = log.requests.iter().rposition(dropped);
    let since = last.map_or(0, |last| last + 1);
    let from_s = log.seeks.last().map_or(0.0, |seek| seek.to_s);
    let wanted: Vec<usize> = (ladder.segment_at(from_s)..ladder.segments()).collect();
    let requests = log.requests[since..].iter();
    let here = requests.filter(|request| request.outcome == Outcome::Delivered);
    let mut here: Vec<usize> = here.map(|request| request.segment).collect();
    here.sort_unstable();
    assert_eq!(here, wanted);
    let mut shown = shown(log);
    shown.dedup();
    assert!(shown.ends_with(&wanted), "{shown:?} {wanted:?}");
}

type Case = (Arc<Ladder>, Options, Vec<Fate>);

fn case() -> impl Strategy<Value = Case> {
    let fates = prop_oneof![fates(), good_fates()];
    (any_ladder(), options(), fates)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn time_runs_forward_and_every_segment_plays_once(
        (ladder, options, fates) in case(), seeks: bool,
    ) {
        let (log, finished) = drive(&ladder, &options, &fates, seeks);
        check_times(&log);
        if finished {
            check_delivered(&ladder, &log);
        }
        prop_assert_eq!((log, finished), drive(&ladder, &options, &fates, seeks));
    }

    #[test]
    fn with_any_real_generator_every_segment_plays_once(
        ladder in ladder(), options in options(), frame_s in 0.001f64..0.08, kbps in 50.0f64..5000.0,
    ) {
        let ladder = Arc::new(ladder);
        let mut options = Options { compute: Some(Compute::measured(30.0)), ..options };
        // This generator begins with every segment at once, so none can be replaced.
        options.guards.replacement = false;
        let log = beside_a_generator(&ladder, &options, frame_s, kbps);
        check_times(&log);
        check_ended(&ladder, &log);
        prop_assert_eq!(log, beside_a_generator(&ladder, &options, frame_s, kbps));
    }

    #[test]
    fn misplaced_events_do_no_harm(
        ladder in any_ladder(), options in options(), events in prop::collection::vec((odd_s(), event()), 1..200),
    ) {
        let mut session = Session::new(Arc::clone(&ladder), &options);
        let (mut now_s, mut before_s) = (0.0, 0.0);
        for (step_s, event) in events {
            now_s += if step_s.abs() < 1e3 { step_s } else { 0.0 };
            let at_s = if step_s.is_finite() { now_s } else { step_s };
            match session.handle(at_s, event) {
                Command::Fetch { segment, rung } | Command::Abandon { segment, rung } => {
                    prop_assert!(segment < ladder.segments() && rung <= ladder.top());
                }
                // May be past, if the timer was kept waiting.
                Command::Wait { until_s } | Command::Drain { until_s } => {
                    prop_assert!(until_s.is_finite());
                }
                _ => {}
            }
            prop_assert!(session.buffer_s() >= 0.0 && session.buffer_s().is_finite());
            prop_assert!(session.clock_s() >= before_s && session.clock_s().is_finite());
            before_s = session.clock_s();
        }
        check_times(session.log());
    }
}

/// Mostly a few seconds.
fn odd_s() -> impl Strategy<Value = f64> {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300];
    prop_oneof![9 => 0.0f64..3.0, 1 => prop::sample::select(odd.to_vec())]
}

fn event() -> impl Strategy<Value = Event> {
    let bytes = || prop_oneof![9 => 0u64..100_000, 1 => Just(u64::MAX)];
    let rendered = (0usize..25, 0u32..200, any::<bool>(), 0.0f64..0.1);
    let rendered = rendered.prop_map(|(segment, frames, complete, frame_s)| Rendered {
        segment,
        frames,
        complete,
        frame_s,
    });
    prop_oneof![
        3 => Just(Event::Start),
        3 => Just(Event::Timer),
        2 => Just(Event::FirstByte),
        4 => bytes().prop_map(Event::Progress),
        1 => odd_s().prop_map(Event::Playable),
        6 => bytes().prop_map(Event::Delivered),
        1 => Just(Event::Retried),
        1 => Just(Event::Failed),
        1 => rendered.prop_map(Event::Rendered),
        1 => odd_s().prop_map(|seconds| Event::Seek(10.0 * seconds)),
    ]
}

/// The sessions of the properties above have all kinds of events.
#[test]
fn the_cases_cover_all_outcomes_and_rules() {
    let (mut runner, cases, mut ended) = (TestRunner::deterministic(), case(), 0);
    let mut logs = Vec::new();
    let mut rules: Vec<&str> = Vec::new();
    for _ in 0..1500 {
        let (ladder, options, fates) = cases.new_tree(&mut runner).unwrap().current();
        let (log, finished) = drive(&ladder, &options, &fates, true);
        ended += usize::from(finished);
        if finished && ladder.top() > 1 && !ladder.is_layered() {
            rules.push(options.abr.name());
        }
        logs.push(log);
    }
    let requests = |wanted: &dyn Fn(&&Request) -> bool| {
        let requests = logs.iter().flat_map(|log| &log.requests);
        requests.filter(wanted).count()
    };
    let outcomes = |wanted: Outcome| requests(&|r| r.outcome == wanted);
    let late = logs.iter().filter(|log| log.late_frames > 0).count();
    let stalls = |wanted: Cause| {
        let stalls = logs.iter().flat_map(|log| &log.stalls);
        stalls.filter(|stall| stall.cause == wanted).count()
    };
    for (what, often) in [
        ("sessions end", ended / 10),
        ("segments come", outcomes(Outcome::Delivered) / 20),
        ("transfers are abandoned", outcomes(Outcome::Abandoned)),
        ("segments are replaced", outcomes(Outcome::Replaced)),
        ("layers are added", outcomes(Outcome::Added)),
        ("transfers fail", outcomes(Outcome::Failed)),
        ("seeks drop transfers", outcomes(Outcome::Dropped)),
        ("guards overrule", requests(&|r| r.rung < r.wanted)),
        (
            "another rung replaces a failed one",
            requests(&|r| r.by == "failure"),
        ),
        ("a full buffer waits", requests(&|r| r.full_s > 0.0)),
        ("a rule waits", requests(&|r| r.held_s > 0.0)),
        ("attempts break", requests(&|r| r.lost > 0)),
        ("the network stalls", stalls(Cause::Network)),
        ("the generator stalls", stalls(Cause::Decode)),
        ("frames come late", late),
    ] {
        assert!(often >= 20, "{what}: {often}");
    }
    for abr in Abr::all() {
        let often = rules.iter().filter(|rule| **rule == abr.name()).count();
        assert!(often >= 10, "{abr} came to its end {often} times");
    }
}
