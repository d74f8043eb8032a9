//! Pause, playback rate, and a playhead that an outside clock reports.

use super::*;

/// Gaps of up to 3 s between acts.
fn script(acts: impl Strategy<Value = Event>) -> impl Strategy<Value = Script> {
    prop::collection::vec((0.0f64..3.0, acts), 0..40).prop_map(|acts| {
        let mut at_s = 0.0;
        let dated = acts.into_iter().map(|(gap_s, act)| {
            at_s += gap_s;
            (at_s, act)
        });
        dated.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn pauses_add_to_the_wall_time_and_nothing_else(
        ladder in ladder(), options in options(), kbps in 50.0f64..3000.0,
        mut script in script(prop::sample::select(vec![Event::Pause, Event::Resume])),
    ) {
        let ladder = Arc::new(ladder);
        let options = Options { compute: None, ..options };
        let last_s = script.last().map_or(0.0, |(at_s, _)| *at_s);
        script.push((last_s + 1.0, Event::Resume));
        let (session, finished) = watch(&ladder, &options, kbps, None, &script);
        prop_assert!(finished);
        let log = session.log();
        near(played_s(log), ladder.total_s(), 1e-6);
        let (began_s, ended_s) = (log.startup_s.unwrap(), log.ended_s.unwrap());
        let pauses = log.pauses.iter().map(|p| (p.start_s, p.end_s.unwrap_or(ended_s)));
        let paused_s: f64 = pauses.map(|(from, to)| (to.min(ended_s) - from.max(began_s)).max(0.0)).sum();
        near(ended_s - began_s, ladder.total_s() + stalled_s(log) + paused_s, 1e-5);
    }

    #[test]
    fn at_any_rate_every_segment_plays_once(
        ladder in ladder(), options in options(), kbps in 50.0f64..3000.0,
        script in script((0.0f64..20.0).prop_map(Event::Rate)),
    ) {
        let ladder = Arc::new(ladder);
        let (session, finished) = watch(&ladder, &options, kbps, None, &script);
        prop_assert!(finished);
        check_shown(&ladder, session.log());
    }

    /// It lags, jumps, goes back, is no number; at last it comes to the end.
    #[test]
    fn an_outside_playhead_may_move_freely(
        ladder in ladder(), options in options(), kbps in 50.0f64..3000.0,
        mut script in script(prop_oneof![
            9 => (0.0f64..120.0).prop_map(Event::Playhead),
            1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, -1.0]).prop_map(Event::Playhead),
            1 => Just(Event::Pause),
            1 => Just(Event::Resume),
        ]),
    ) {
        let ladder = Arc::new(ladder);
        let furthest_s = script.iter().filter_map(|(_, act)| match act {
            Event::Playhead(to_s) if to_s.is_finite() => Some(*to_s),
            _ => None,
        }).fold(0.0, f64::max);
        let last_s = script.last().map_or(0.0, |(at_s, _)| *at_s);
        script.insert(0, (0.0, Event::Playhead(0.0)));
        let (session, finished) = watch(&ladder, &options, kbps, None, &script);
        prop_assert!(finished || session.playhead_s() <= furthest_s + 1e-6);
        near(session.playhead_s(), played_s(session.log()), 1e-6);
        script.extend((1..2000).map(|k| (last_s + f64::from(k), Event::Playhead(ladder.total_s()))));
        let (session, finished) = watch(&ladder, &options, kbps, None, &script);
        prop_assert!(finished);
        check_shown(&ladder, session.log());
    }
}

#[test]
fn a_pause_fills_the_buffer_and_then_waits_for_the_viewer() {
    let mut session = Session::new(simple(9), &with(|options| options.buffer_s = 6.0));
    session.handle(0.0, Event::Start);
    session.handle(0.1, Event::Delivered(5000));
    session.handle(0.6, Event::Pause);
    session.handle(0.7, Event::Delivered(5000));
    let command = session.handle(0.8, Event::Delivered(5000));
    // 5.5 s are buffered; room for another 2 s takes 1.5 s of play, which a pause prevents.
    let until_s = f64::INFINITY;
    assert_eq!(command, Command::Wait { until_s });
    assert_eq!(session.handle(50.0, Event::Timer), command);
    near(session.buffer_s(), 5.5, 1e-9);
    near(session.playhead_s(), 0.5, 1e-9);
    // At twice the rate it takes half as long.
    for (now_s, event, room_s) in [(60.0, Event::Resume, 61.5), (60.5, Event::Rate(2.0), 61.0)] {
        let Command::Wait { until_s } = session.handle(now_s, event) else {
            panic!("there is no room yet");
        };
        near(until_s, room_s, 1e-9);
    }
    assert!(asks_for(session.handle(61.0, Event::Timer), 3));
    assert!(session.log().stalls.is_empty());
}

#[test]
fn at_twice_the_rate_half_the_rung_is_affordable() {
    let last_rung = |rate| {
        let script = vec![(0.0, Event::Rate(rate))];
        let (session, finished) = watch(&simple(60), &by(Abr::Throughput), 100.0, None, &script);
        assert!(finished && session.log().stalls.is_empty());
        session.log().requests.last().unwrap().rung
    };
    assert_eq!([last_rung(1.0), last_rung(2.0)], [2, 1]);
}

#[test]
fn a_playhead_at_half_speed_takes_twice_as_long() {
    let reports = (0..400).map(|k| f64::from(k) * 0.1);
    let script = reports.map(|at_s| (at_s, Event::Playhead(0.5 * at_s)));
    let script = script.collect();
    let (session, finished) = watch(&simple(8), &Options::default(), 500.0, None, &script);
    assert!(finished);
    let ended_s = session.log().ended_s.unwrap();
    // 16 s of media; the last frame's start counts as the end.
    assert!((31.7..32.1).contains(&ended_s), "{ended_s}");
}
