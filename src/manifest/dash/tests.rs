//! Written MPDs as golden text, round trips, and damage.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::manifest::testing::{any_presentation, faults, layered, presentation, refused, spoilt};
use crate::manifest::{ManifestError, Presentation, Representation};
use proptest::prelude::*;

/// With byte ranges the segments are in the `sidx`, not in the MPD.
fn without_segments(mut presentation: Presentation) -> Presentation {
    let streams = presentation.streams_mut();
    streams.for_each(|stream| stream.segments.clear());
    presentation
}

/// An MPD has no place for the extent of first samples.
fn without_pictures(mut presentation: Presentation) -> Presentation {
    let streams = presentation.streams_mut();
    let segments = streams.flat_map(|stream| &mut stream.segments);
    segments.for_each(|segment| segment.key_frame_end = None);
    presentation
}

#[test]
fn layers_are_in_a_set_that_other_players_ignore() {
    let text = write(&layered()).unwrap();
    let set = text.split("<AdaptationSet").nth(2).unwrap();
    insta::assert_snapshot!(set.split("</AdaptationSet>").next().unwrap(), @r##"
    id="1" contentType="video" mimeType="video/mp4" width="256" height="144" frameRate="24" subsegmentAlignment="true" subsegmentStartsWithSAP="1">
         <EssentialProperty schemeIdUri="urn:promptus:layers" value="1"/>
         <SupplementalProperty schemeIdUri="urn:promptus:weights" value="5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"/>
         <Representation id="mini-l2-r8" codecs="prm1.mini.3" bandwidth="35200" qualityRanking="1" dependencyId="mini-r2">
           <SupplementalProperty schemeIdUri="urn:promptus:average-bandwidth" value="33746"/>
           <SupplementalProperty schemeIdUri="urn:promptus:score" value="2"/>
           <BaseURL>0f3a/mini-l2-r8.mp4</BaseURL>
           <SegmentBase timescale="24000" indexRange="800-867" indexRangeExact="true">
             <Initialization range="0-799"/>
           </SegmentBase>
         </Representation>
    "##);
    assert_eq!(read("m", &text).unwrap(), without_segments(layered()));
    let form = layered().segment_urls("../");
    let read_back = read("m", &write(&form).unwrap()).unwrap();
    assert_eq!(read_back, without_pictures(form));

    for (from, to) in [
        ("layers\" value=\"1\"", "layers\" value=\"2\""),
        ("urn:promptus:layers", "urn:x"),
    ] {
        let unknown = read("m", &text.replace(from, to)).unwrap();
        assert_eq!(unknown, without_segments(presentation()));
    }
    let wrong = text.replace("dependencyId=\"mini-r2\"", "dependencyId=\"mini-r3\"");
    let expected = "<Representation>@dependencyId: expected ids of";
    refused(read("m", &wrong), expected);
}

#[test]
fn byte_ranges() {
    insta::assert_snapshot!(write(&presentation()).unwrap(), @r##"
    <?xml version="1.0" encoding="UTF-8"?>
    <MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static" mediaPresentationDuration="PT5.5S" minBufferTime="PT2S" maxSubsegmentDuration="PT2S">
      <ServiceDescription id="0">
        <OperatingBandwidth mediaType="video" min="9310" max="35200"/>
      </ServiceDescription>
      <Period id="0" start="PT0S">
        <AdaptationSet id="0" contentType="video" mimeType="video/mp4" width="256" height="144" frameRate="24" subsegmentAlignment="true" subsegmentStartsWithSAP="1">
          <SupplementalProperty schemeIdUri="urn:promptus:weights" value="5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"/>
          <Representation id="mini-r2" codecs="prm1.mini.3" bandwidth="9310" qualityRanking="2">
            <SupplementalProperty schemeIdUri="urn:promptus:average-bandwidth" value="9310"/>
            <SupplementalProperty schemeIdUri="urn:promptus:score" value="0.5"/>
            <BaseURL>0f3a/mini-r2.mp4</BaseURL>
            <SegmentBase timescale="24000" indexRange="800-867" indexRangeExact="true">
              <Initialization range="0-799"/>
            </SegmentBase>
          </Representation>
          <Representation id="mini-r8" codecs="prm1.mini.3" bandwidth="35200" qualityRanking="1">
            <SupplementalProperty schemeIdUri="urn:promptus:average-bandwidth" value="33746"/>
            <SupplementalProperty schemeIdUri="urn:promptus:score" value="2"/>
            <BaseURL>0f3a/mini-r8.mp4</BaseURL>
            <SegmentBase timescale="24000" indexRange="800-867" indexRangeExact="true">
              <Initialization range="0-799"/>
            </SegmentBase>
          </Representation>
        </AdaptationSet>
      </Period>
      <SupplementalProperty schemeIdUri="urn:promptus:quality" value="quality.json"/>
    </MPD>
    "##);
}

#[test]
fn segment_urls() {
    insta::assert_snapshot!(write(&presentation().segment_urls("../")).unwrap(), @r##"
    <?xml version="1.0" encoding="UTF-8"?>
    <MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT5.5S" minBufferTime="PT2S" maxSegmentDuration="PT2S">
      <ServiceDescription id="0">
        <OperatingBandwidth mediaType="video" min="9310" max="35200"/>
      </ServiceDescription>
      <Period id="0" start="PT0S">
        <AdaptationSet id="0" contentType="video" mimeType="video/mp4" width="256" height="144" frameRate="24" segmentAlignment="true" startWithSAP="1">
          <SupplementalProperty schemeIdUri="urn:promptus:weights" value="5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"/>
          <SegmentTemplate timescale="24000" initialization="init.mp4" media="$Number$.m4s" startNumber="1">
            <SegmentTimeline>
              <S t="0" d="48000" r="1"/>
              <S d="36000"/>
            </SegmentTimeline>
          </SegmentTemplate>
          <Representation id="mini-r2" codecs="prm1.mini.3" bandwidth="9310" qualityRanking="2">
            <SupplementalProperty schemeIdUri="urn:promptus:average-bandwidth" value="9310"/>
            <SupplementalProperty schemeIdUri="urn:promptus:score" value="0.5"/>
            <BaseURL>../0f3a/mini-r2/</BaseURL>
          </Representation>
          <Representation id="mini-r8" codecs="prm1.mini.3" bandwidth="35200" qualityRanking="1">
            <SupplementalProperty schemeIdUri="urn:promptus:average-bandwidth" value="33746"/>
            <SupplementalProperty schemeIdUri="urn:promptus:score" value="2"/>
            <BaseURL>../0f3a/mini-r8/</BaseURL>
          </Representation>
        </AdaptationSet>
      </Period>
      <SupplementalProperty schemeIdUri="urn:promptus:quality" value="../quality.json"/>
    </MPD>
    "##);
}

#[test]
fn foreign_mpds_are_understood() {
    let text = r#"<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" mediaPresentationDuration="PT6S">
      <BaseURL>media/</BaseURL><Period>
        <AdaptationSet mimeType="audio/mp4"><Representation id="a" codecs="opus"/></AdaptationSet>
        <AdaptationSet codecs="prm1.mini.3" frameRate="25" width="64" height="32" startWithSAP="1">
          <SupplementalProperty schemeIdUri="urn:promptus:weights" value="ab"/>
          <SegmentTemplate timescale="50" presentationTimeOffset="100"
            media="$RepresentationID$/$Time$-$Number%03d$$$.m4s" initialization="$RepresentationID$-$Bandwidth$.mp4">
            <SegmentTimeline><S t="100" d="100" r="1"/><S d="50"/></SegmentTimeline>
          </SegmentTemplate>
          <Representation id="mini-r8" bandwidth="9" qualityRanking="1"/>
          <Representation id="mini-r2" bandwidth="4" qualityRanking="2"><BaseURL>/abs/</BaseURL></Representation>
        </AdaptationSet>
      </Period></MPD>"#;
    let presentation = read("t/m.mpd", text).unwrap();
    let rungs = &presentation.groups[0].representations;
    assert_eq!((rungs[0].rank, rungs[1].rank), (2, 8));
    assert!(rungs[0].score < rungs[1].score);
    assert_eq!(rungs[1].url, "media/mini-r8-9.mp4");
    assert_eq!(rungs[0].segments[2].url, "/abs/mini-r2/300-003$.m4s");
    let last = &rungs[1].segments[2];
    assert_eq!((last.start.ticks, last.duration.ticks), (200, 50));
    assert_eq!(presentation.duration.ticks, 250);
}

/// Faults of an MPD in byte ranges.
const RANGE_FAULTS: &str = r#"
type="static" => type="dynamic" => line 2: <MPD>@type: expected static
<Period id="0" => <Period/><Period id="0" => exactly one <Period>
frameRate="24" => frameRate="0" => line 7: <AdaptationSet>@frameRate
width="256" => width="0" => <AdaptationSet>@width: expected a whole number
urn:promptus:weights => urn:x => SupplementalProperty urn:promptus:weights
id="mini-r2" => id="two" => line 9: <Representation>@id: expected <profile>-r<rank>
codecs="prm1.mini.3" => codecs="avc1" => a Representation of codec prm1
range="0-799" => range="9-1" => <Initialization>@range
indexRange="800-867" => indexRange="0-18446744073709551615" => <SegmentBase>@indexRange
PT5.5S => PT5.5 => <MPD>@mediaPresentationDuration
</Period> => <!-- --> => line 28: XML: expected well-formed XML
"#;

/// Faults of an MPD with segment URLs.
const TEMPLATE_FAULTS: &str = r#"
d="48000" r="1" => d="48000" r="999999999999" => at most 131072 segments
d="48000" => d="0" => <S>: expected durations from 1 up
d="48000" => e="1" => <S>@d: expected a whole number
$Number$ => $Count$ => known identifier, got `$Count$`
$Number$ => $Number%99d$ => known identifier
timescale="24000" => timescale="0" => <SegmentTemplate>@timescale
"#;

#[test]
fn damage_is_named_with_its_line() {
    let ranges = write(&presentation()).unwrap();
    let template = write(&presentation().segment_urls("")).unwrap();
    for (text, table) in [(ranges, RANGE_FAULTS), (template, TEMPLATE_FAULTS)] {
        for [from, to, expected] in faults(table) {
            let read = read("t/m.mpd", &spoilt(&text, &from, &to));
            refused(read.clone(), &expected);
            refused(read, "t/m.mpd, line");
        }
    }
}

/// An MPD of 3.5 s in which a Representation at 10 frames a second has the content `inside`, below a set
/// that holds `set`.
fn mpd_of(set: &str, inside: &str) -> String {
    format!(
        r#"<MPD mediaPresentationDuration="PT3.5S"><Period>
        <AdaptationSet codecs="prm1.mini.3" frameRate="10" width="64" height="48">
          <SupplementalProperty schemeIdUri="urn:promptus:weights" value="ab"/>{set}
          <Representation id="mini-r3" bandwidth="9">{inside}</Representation>
        </AdaptationSet></Period></MPD>"#
    )
}

/// The first rung.
fn rung(text: &str) -> Result<Representation, ManifestError> {
    let mut presentation = read("t/m.mpd", text)?;
    Ok(presentation.groups[0].representations.remove(0))
}

/// The lengths of the segments and the last one's URL.
fn listed(text: &str) -> String {
    let segments = rung(text).unwrap().segments;
    let lengths = segments.iter().map(|s| format!("{} ", s.duration.ticks));
    lengths.collect::<String>() + &segments.last().unwrap().url
}

#[test]
fn a_negative_r_repeats_to_the_next_start_or_the_end() {
    let timeline = |offset: u64, s: &str| {
        mpd_of(
            "",
            &format!(
                r#"<SegmentTemplate timescale="1000" initialization="i" media="$Number$-$Time$"
                presentationTimeOffset="{offset}"><SegmentTimeline>{s}</SegmentTimeline></SegmentTemplate>"#
            ),
        )
    };
    // Less than half a frame is rounding, not a segment.
    for [s, offset, expected] in faults(
        r#"<S t="0" d="1000" r="-1"/> => 0 => 1000 1000 1000 500 4-3000
        <S t="50" d="1000" r="-1"/> => 50 => 1000 1000 1000 500 4-3050
        <S d="1750" r="-7"/> => 0 => 1750 1750 2-1750
        <S d="1160" r="-1"/> => 0 => 1160 1160 1160 3-2320
        <S d="9000" r="-1"/> => 0 => 3500 1-0
        <S t="9" d="500" r="-1"/><S t="1509" d="2000"/> => 9 => 500 500 500 2000 4-1509
        <S d="500"/><S d="1000" r="-1"/> => 0 => 500 1000 1000 1000 4-2500"#,
    ) {
        let text = timeline(offset.parse().unwrap(), &s);
        assert_eq!(listed(&text), expected, "{s}");
    }
    for [s, _, expected] in faults(
        r#"<S d="500" r="-1"/><S d="500"/> =>  => <S>@r: expected a number of repeats: the next
        <S d="500" r="x"/> =>  => <S>@r: expected a whole number
        <S d="1" r="-1"/><S t="99999999" d="1"/> =>  => at most 131072 segments"#,
    ) {
        refused(rung(&timeline(0, &s)), &expected);
    }
    let endless = timeline(0, r#"<S d="500" r="-1"/>"#).replace("mediaPresentationDuration", "x");
    refused(rung(&endless), "neither <Period>@duration nor");
    let period = endless.replace("<Period>", "<Period duration=\"PT1S\">");
    assert_eq!(listed(&period), "500 500 2-500");
}

#[test]
fn one_duration_for_all_segments() {
    let template = |attributes: &str| {
        let inherited = r#"<SegmentTemplate timescale="10" initialization="i" duration="99"/>"#;
        let own = format!(r#"<SegmentTemplate media="$Number%02d$-$Time$" {attributes}/>"#);
        mpd_of(inherited, &own)
    };
    for [attributes, _, expected] in faults(
        r#"duration="10" =>  => 10 10 10 5 04-30
        duration="10" startNumber="0" presentationTimeOffset="70" =>  => 10 10 10 5 03-100
        duration="7" timescale="2" =>  => 7 01-0
        duration="10" endNumber="3" =>  => 10 10 15 03-20"#,
    ) {
        assert_eq!(listed(&template(&attributes)), expected, "{attributes}");
    }
    for [attributes, _, expected] in faults(
        r#"duration="0" =>  => a SegmentTimeline or a @duration
        duration="1" timescale="1000000" =>  => <SegmentTemplate>@duration: expected at most"#,
    ) {
        refused(rung(&template(&attributes)), &expected);
    }
    let endless = template(r#"duration="10""#).replace("mediaPresentationDuration", "x");
    refused(rung(&endless), "which tells how many segments");
}

#[test]
fn lists_of_segments_by_url_and_by_range() {
    let urls = r#"<SegmentURL media="a.m4s"/><SegmentURL media="b.m4s" mediaRange="5-9"/>
        <SegmentURL mediaRange="10-19" indexRange="1-2"/><SegmentURL media="/c.m4s"/>"#;
    let list = |set: &str, attributes: &str, inside: &str| {
        let own =
            format!("<BaseURL>x/y.mp4</BaseURL><SegmentList {attributes}>{inside}</SegmentList>");
        mpd_of(set, &own)
    };
    let init = r#"<SegmentList><Initialization sourceURL="init.mp4"/></SegmentList>"#;
    let found = rung(&list(init, r#"timescale="10" duration="10""#, urls)).unwrap();
    let segments = found.segments.iter().map(|s| {
        let range = s.range.map(|range| (range.start, range.length));
        (s.duration.ticks, s.url.as_str(), range)
    });
    let expected = [
        (10, "x/a.m4s", None),
        (10, "x/b.m4s", Some((5, 5))),
        (10, "x/y.mp4", Some((10, 10))),
        (5, "/c.m4s", None),
    ];
    assert_eq!(segments.collect::<Vec<_>>(), expected);
    assert_eq!((found.url.as_str(), found.init), ("x/init.mp4", None));

    let timeline = "<Initialization range=\"0-7\"/><SegmentTimeline><S d=\"2\"/><S d=\"1\" r=\"1\"/>\
                    </SegmentTimeline><SegmentURL media=\"a\"/><SegmentURL media=\"b\"/>";
    let text = list("", "", &format!("{timeline}<SegmentURL media=\"c\"/>"));
    assert_eq!(listed(&text), "2 1 1 x/c");
    let found = rung(&text).unwrap();
    let init_bytes = found.init.map(|range| range.length);
    assert_eq!((found.url.as_str(), init_bytes), ("x/y.mp4", Some(8)));
    let timed = r#"duration="1""#;
    let bad = list(init, timed, &urls.replace("5-9", "9-5"));
    for (text, expected) in [
        (list("", "", timeline), "has room for: 2 for 3"),
        (
            list("", timed, urls),
            "<SegmentList>: expected an <Initialization>",
        ),
        (bad, "<SegmentURL>@mediaRange: expected a range"),
    ] {
        refused(rung(&text), expected);
    }
    let single = list(init, "", "<SegmentURL media=\"a\"/>");
    assert_eq!(listed(&single.replace("PT3.5S", "PT3S")), "3 x/a");
}

#[test]
fn several_base_urls_are_places_in_their_order() {
    let base = |url: &str| format!("<BaseURL>{url}</BaseURL>");
    let own = base("r/") + r#"<SegmentTemplate duration="4" initialization="i" media="$Number$"/>"#;
    let text = mpd_of(&(base("s/") + &base("/t/")), &own)
        .replace("<Period>", &format!("<Period>{}", base("p/")))
        .replace(
            "PT3.5S\">",
            &format!("PT3.5S\">{}{}", base("http://a"), base("b/")),
        );
    let places = [
        "http://a/p/s/r/i",
        "http://a/t/r/i",
        "b/p/s/r/i",
        "/t/r/i",
        "http://a/p/s/r/i",
    ];
    for (place, expected) in places.into_iter().enumerate() {
        let (presentation, count) = read_place("m", &text, place).unwrap();
        assert_eq!(presentation.groups[0].representations[0].url, expected);
        assert_eq!(count, 4);
    }
    let many = mpd_of(&base("s/").repeat(1000), &own.replace("r/", ""));
    assert_eq!(read_place("m", &many, 0).unwrap().1, 16);
}

#[test]
fn sizes_and_rates_may_stand_with_the_rung() {
    let template = r#"<SegmentTemplate duration="4" initialization="i" media="$Number$"/>"#;
    let text = mpd_of("", template);
    let stated = r#" frameRate="10" width="64" height="48""#;
    let moved = text.replace(stated, "");
    let moved = moved.replace(" bandwidth", &format!("{stated} bandwidth"));
    assert_eq!(read("m", &moved).unwrap(), read("m", &text).unwrap());
    let bare = text.replace(r#" width="64" height="48""#, "");
    assert_eq!(read("m", &bare).unwrap().groups[0].width, 0);
    let page = read("m", "<html><body>sign in</body></html>");
    refused(page, "m: this is an HTML page");
    assert!(read("m", &format!("\u{feff}{text}")).is_ok());
}

#[test]
fn presentations_that_an_mpd_cannot_express_are_refused() {
    let mut odd = presentation().segment_urls("");
    odd.groups[0].representations[0].segments[1].url = "x.m4s".into();
    refused(write(&odd), "mini-r2: its URLs are not init.mp4, 1.m4s");
    let mut bare = presentation();
    bare.groups[0].representations[1].index = None;
    refused(
        write(&bare),
        "cannot write mini-r8: its init or index range",
    );
}

proptest! {
    #[test]
    fn reading_undoes_writing(presentation in any_presentation()) {
        let text = write(&presentation).unwrap();
        prop_assert_eq!(read("m", &text).unwrap(), without_segments(presentation));
    }

    #[test]
    fn reading_undoes_writing_of_segment_urls(presentation in any_presentation()) {
        let form = presentation.segment_urls("../");
        let text = write(&form).unwrap();
        prop_assert_eq!(read("m", &text).unwrap(), without_pictures(form));
    }
}
