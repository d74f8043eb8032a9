//! Written playlists as golden text, round trips, and damage.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::manifest::testing::{any_presentation, faults, presentation, refused, spoilt};
use crate::manifest::{Group, ManifestError, Presentation};
use crate::time::FrameRate;
use proptest::prelude::*;

fn playlist(presentation: &Presentation, url: &str) -> String {
    let playlists = write(presentation).unwrap();
    let found = playlists.into_iter().find(|playlist| playlist.url == url);
    found.unwrap().text
}

/// Reads written playlists in the order of a player: master, media, I-frames.
fn read(playlists: &[Playlist]) -> Result<Presentation, ManifestError> {
    let text = |url: &str| {
        let found = playlists.iter().find(|playlist| playlist.url == url);
        found.unwrap().text.clone()
    };
    let mut master = Master::read("t/master.m3u8", &text("master.m3u8"))?;
    let media: Vec<String> = master.media().map(text).collect();
    for (index, text) in media.iter().enumerate() {
        master.fill(index, text)?;
    }
    let iframes: Vec<String> = master.iframes().map(text).collect();
    for (index, text) in iframes.iter().enumerate() {
        master.fill_iframes(index, text)?;
    }
    master.finish()
}

/// HLS has no place for the `sidx`.
fn without_index(mut presentation: Presentation) -> Presentation {
    presentation
        .streams_mut()
        .for_each(|rung| rung.index = None);
    presentation
}

#[test]
fn master_playlist() {
    insta::assert_snapshot!(playlist(&presentation(), "master.m3u8"), @r##"
    #EXTM3U
    #EXT-X-VERSION:7
    #EXT-X-INDEPENDENT-SEGMENTS
    #EXT-X-SESSION-DATA:DATA-ID="promptus.profile",VALUE="mini"
    #EXT-X-SESSION-DATA:DATA-ID="promptus.weights.mini",VALUE="5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
    #EXT-X-SESSION-DATA:DATA-ID="promptus.quality",URI="quality.json"
    #EXT-X-STREAM-INF:BANDWIDTH=9310,AVERAGE-BANDWIDTH=9310,SCORE=0.5,CODECS="prm1.mini.3",RESOLUTION=256x144,FRAME-RATE=24.000,STABLE-VARIANT-ID="mini-r2"
    0f3a/mini-r2.m3u8
    #EXT-X-STREAM-INF:BANDWIDTH=35200,AVERAGE-BANDWIDTH=33746,SCORE=2,CODECS="prm1.mini.3",RESOLUTION=256x144,FRAME-RATE=24.000,STABLE-VARIANT-ID="mini-r8"
    0f3a/mini-r8.m3u8
    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1040,AVERAGE-BANDWIDTH=990,SCORE=0.5,CODECS="prm1.mini.3",RESOLUTION=256x144,STABLE-VARIANT-ID="mini-r2",URI="0f3a/mini-r2-iframes.m3u8"
    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=3680,AVERAGE-BANDWIDTH=3433,SCORE=2,CODECS="prm1.mini.3",RESOLUTION=256x144,STABLE-VARIANT-ID="mini-r8",URI="0f3a/mini-r8-iframes.m3u8"
    "##);
}

#[test]
fn media_playlist() {
    insta::assert_snapshot!(playlist(&presentation(), "0f3a/mini-r2.m3u8"), @r##"
    #EXTM3U
    #EXT-X-VERSION:7
    #EXT-X-TARGETDURATION:2
    #EXT-X-MEDIA-SEQUENCE:0
    #EXT-X-PLAYLIST-TYPE:VOD
    #EXT-X-INDEPENDENT-SEGMENTS
    #EXT-X-MAP:URI="mini-r2.mp4",BYTERANGE="800@0"
    #EXTINF:2.000000,
    #EXT-X-BYTERANGE:2000@868
    mini-r2.mp4
    #EXTINF:2.000000,
    #EXT-X-BYTERANGE:2200@2868
    mini-r2.mp4
    #EXTINF:1.500000,
    #EXT-X-BYTERANGE:1400@5068
    mini-r2.mp4
    #EXT-X-ENDLIST
    "##);
}

#[test]
fn iframe_playlist() {
    insta::assert_snapshot!(playlist(&presentation(), "0f3a/mini-r2-iframes.m3u8"), @r##"
    #EXTM3U
    #EXT-X-VERSION:7
    #EXT-X-TARGETDURATION:2
    #EXT-X-MEDIA-SEQUENCE:0
    #EXT-X-PLAYLIST-TYPE:VOD
    #EXT-X-I-FRAMES-ONLY
    #EXT-X-MAP:URI="mini-r2.mp4",BYTERANGE="800@0"
    #EXTINF:2.000000,
    #EXT-X-BYTERANGE:240@868
    mini-r2.mp4
    #EXTINF:2.000000,
    #EXT-X-BYTERANGE:260@2868
    mini-r2.mp4
    #EXTINF:1.500000,
    #EXT-X-BYTERANGE:180@5068
    mini-r2.mp4
    #EXT-X-ENDLIST
    "##);
}

#[test]
fn segment_urls() {
    let form = presentation().segment_urls("../");
    insta::assert_snapshot!(playlist(&form, "../0f3a/mini-r8/media.m3u8"), @r##"
    #EXTM3U
    #EXT-X-VERSION:7
    #EXT-X-TARGETDURATION:2
    #EXT-X-MEDIA-SEQUENCE:0
    #EXT-X-PLAYLIST-TYPE:VOD
    #EXT-X-INDEPENDENT-SEGMENTS
    #EXT-X-MAP:URI="init.mp4"
    #EXTINF:2.000000,
    1.m4s
    #EXTINF:2.000000,
    2.m4s
    #EXTINF:1.500000,
    3.m4s
    #EXT-X-ENDLIST
    "##);
    insta::assert_snapshot!(playlist(&form, "../0f3a/mini-r8/iframes.m3u8"), @r##"
    #EXTM3U
    #EXT-X-VERSION:7
    #EXT-X-TARGETDURATION:2
    #EXT-X-MEDIA-SEQUENCE:0
    #EXT-X-PLAYLIST-TYPE:VOD
    #EXT-X-I-FRAMES-ONLY
    #EXT-X-MAP:URI="init.mp4"
    #EXTINF:2.000000,
    #EXT-X-BYTERANGE:840@0
    1.m4s
    #EXTINF:2.000000,
    #EXT-X-BYTERANGE:920@0
    2.m4s
    #EXTINF:1.500000,
    #EXT-X-BYTERANGE:600@0
    3.m4s
    #EXT-X-ENDLIST
    "##);
}

#[test]
fn a_rung_alone_becomes_segment_urls_without_its_master() {
    let whole = presentation();
    let read = |url: &str| Media::read(url, &playlist(&whole, url), None).unwrap();
    let mut media = read("0f3a/mini-r8.m3u8");
    assert!(media.mark_pictures(&read("0f3a/mini-r8-iframes.m3u8")));
    let media = media.segment_urls("0f3a/mini-r8/");
    let form = whole.segment_urls("");
    let url = "0f3a/mini-r8/media.m3u8";
    assert_eq!(media.write(url).unwrap(), playlist(&form, url));
    let url = "0f3a/mini-r8/iframes.m3u8";
    let iframes = media.write_iframes(url).unwrap();
    assert_eq!(iframes, Some(playlist(&form, url)));
}

#[test]
fn foreign_playlists_are_understood() {
    let text = "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n# a remark\r\n#EXT-X-NEW-TAG:what\r\n\
        #EXT-X-MAP:URI=\"../f.mp4\",BYTERANGE=\"10\"\r\n#EXT-X-BYTERANGE:5@10\r\n#EXTINF:4.004,title\r\n\
        ../f.mp4\r\n#EXT-X-BYTERANGE:7\r\n#EXTINF:2.002\r\n../f.mp4\r\n#EXT-X-ENDLIST";
    let rate = FrameRate::new(30000, 1001).unwrap();
    let media = Media::read("h/x/a.m3u8", text, Some(rate)).unwrap();
    assert_eq!(
        (media.url.as_str(), media.independent_segments),
        ("h/f.mp4", false)
    );
    let segments = media.segments.iter().map(|segment| {
        let range = segment.range.unwrap();
        let frames = segment.duration.ticks / 1001;
        (frames, range.start, range.length, segment.sap)
    });
    let expected = [(120, 10, 5, true), (60, 15, 7, false)];
    assert_eq!(segments.collect::<Vec<_>>(), expected);
}

#[test]
fn variants_in_any_order_and_of_other_codecs() {
    let text = playlist(&presentation(), "master.m3u8");
    let (head, streams) = text.split_at(text.find("#EXT-X-STREAM-INF").unwrap());
    let [low, low_url, high, high_url, ..] = streams.lines().collect::<Vec<_>>()[..] else {
        unreachable!("{streams}");
    };
    let avc = "#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.42c00b\"\navc.m3u8";
    let mixed = format!("{head}{avc}\n{high}\n{high_url}\n{low}\n{low_url}\n");
    let master = Master::read("m", &mixed).unwrap();
    let rungs = master.presentation().rungs();
    let ids: Vec<&str> = rungs.map(|(_, rung)| rung.id.as_str()).collect();
    assert_eq!(ids, ["mini-r2", "mini-r8"]);
    assert_eq!(master.media().collect::<Vec<_>>(), [low_url, high_url]);
}

/// Faults of a master playlist.
const MASTER_FAULTS: &str = r#"
#EXTM3U => hello => line 1: playlist: expected #EXTM3U
BANDWIDTH=9 => BANDWIDTH=x => EXT-X-STREAM-INF: expected well-formed
RESOLUTION=256x144 => RESOLUTION=0x144 => line 8: RESOLUTION of variant `0f3a/mini-r2.m3u8`
SCORE=0.5 => SCORE=-1 => SCORE of variant
FRAME-RATE=24.000 => FRAME-RATE=25.000 => line 10: FRAME-RATE of variant `0f3a/mini-r8.m3u8`
ID="mini-r8" => ID="mini" => STABLE-VARIANT-ID
promptus.weights.mini => x => promptus.weights.mini
"#;

/// Faults of a media playlist.
const MEDIA_FAULTS: &str = r#"
#EXT-X-ENDLIST\n => # => line 17: playlist: expected #EXT-X-ENDLIST
#EXTINF:2.000000, => #EXTINF:x, => line 8: EXTINF
#EXTINF:2.000000, => #EXTINF:0.001, => line 10: EXTINF: expected a duration
#EXT-X-BYTERANGE:2000@868 => #EXT-X-BYTERANGE:0@868 => line 10: EXT-X-BYTERANGE
#EXT-X-MAP => #EXT-X-NAP => EXT-X-MAP: expected one before
#EXT-X-MAP:URI= => #EXT-X-MAP:URL= => line 7: EXT-X-MAP: expected well-formed
#EXTINF => #EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF => line 8: EXT-X-KEY: expected no encryption
"#;

#[test]
fn damage_is_named_with_its_line() {
    let master = playlist(&presentation(), "master.m3u8");
    for [from, to, expected] in faults(MASTER_FAULTS) {
        let read = || Master::read("t/m.m3u8", &spoilt(&master, &from, &to)).map(drop);
        refused(read(), &expected);
        refused(read(), "t/m.m3u8, line");
    }
    let media = playlist(&presentation(), "0f3a/mini-r2.m3u8");
    for [from, to, expected] in faults(MEDIA_FAULTS) {
        let rate = FrameRate::new(24, 1).ok();
        let read = Media::read("t/m.m3u8", &spoilt(&media, &from, &to), rate);
        refused(read.clone(), &expected);
        refused(read, "t/m.m3u8, line");
    }
}

#[test]
fn presentations_that_playlists_cannot_express_are_refused() {
    type Change = fn(&mut Group);
    let faults: [(Change, &str); 4] = [
        (|g| g.representations[0].segments.clear(), "no segments"),
        (|g| g.weights.push('"'), "quotes"),
        (|g| g.representations[1].score = f64::NAN, "mini-r8"),
        (
            |g| g.representations[0].segments[0].url = "0f3a/a b".into(),
            "URI",
        ),
    ];
    for (change, expected) in faults {
        let mut presentation = presentation();
        change(&mut presentation.groups[0]);
        refused(write(&presentation), expected);
    }
}

#[test]
fn titles_of_segments_may_hold_anything() {
    let rate = FrameRate::new(24, 1).ok();
    for title in [
        "Part one, the beginning",
        ",",
        "a=\"b,c\",d={$e}",
        "#EXTINF:9,x",
        " Größe, 日本語 \u{1f600}",
        "",
    ] {
        let text = format!(
            "#EXTM3U\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:1.5,{title}\n1.m4s\n#EXT-X-ENDLIST\n"
        );
        let media = Media::read("m", &text, rate).unwrap();
        let segments = media
            .segments
            .iter()
            .map(|s| (s.url.as_str(), s.duration.ticks));
        assert_eq!(
            segments.collect::<Vec<_>>(),
            [("1.m4s", 36 * 1000)],
            "{title}"
        );
    }
}

#[test]
fn variables_of_the_master_playlist_reach_its_media_playlists() {
    let master = playlist(&presentation(), "master.m3u8");
    let master = master.replace("0f3a/", "{$base}/").replace(
        "#EXT-X-INDEPENDENT-SEGMENTS",
        "#EXT-X-DEFINE:NAME=\"base\",VALUE=\"0f3a\"\n#EXT-X-DEFINE:QUERYPARAM=\"key\"\n\
         #EXT-X-INDEPENDENT-SEGMENTS",
    );
    let mut read = Master::read("t/master.m3u8?key=k%31", &master).unwrap();
    let urls: Vec<&str> = read.media().chain(read.iframes()).collect();
    assert_eq!(urls[0], "0f3a/mini-r2.m3u8");
    assert_eq!(urls[3], "0f3a/mini-r8-iframes.m3u8");
    let media = playlist(&presentation(), "0f3a/mini-r2.m3u8")
        .replace("mini-r2.mp4", "{$key}/mini-r2.mp4")
        .replace(
            "#EXT-X-VERSION:7",
            "#EXT-X-VERSION:8\n#EXT-X-DEFINE:IMPORT=\"key\"",
        );
    read.fill(0, &media).unwrap();
    let rung = &read.presentation().groups[0].representations[0];
    assert_eq!(rung.url, "0f3a/k1/mini-r2.mp4");
    assert_eq!(rung.segments[2].url, "0f3a/k1/mini-r2.mp4");
    // Without the master playlist there is nothing to import.
    refused(
        Media::read("0f3a/m.m3u8", &media, None),
        "0f3a/m.m3u8, line 3: EXT-X-DEFINE: expected no IMPORT",
    );
    let unknown = master.replace("{$base}/mini-r8.m3u8", "{$bass}/mini-r8.m3u8");
    let expected = "line 12: {$bass}: expected an EXT-X-DEFINE of `bass`";
    refused(Master::read("t?key=1", &unknown), expected);
    let imports = master.replace("QUERYPARAM", "IMPORT");
    let expected = "line 4: EXT-X-DEFINE: expected no IMPORT";
    refused(Master::read("t", &imports), expected);
}

#[test]
fn a_size_may_be_left_out() {
    let text = playlist(&presentation(), "master.m3u8");
    let bare = text.replace("RESOLUTION=256x144,", "");
    let size = |text: &str| {
        let master = Master::read("m", text).unwrap();
        let group = &master.presentation().groups[0];
        (group.width, group.height)
    };
    assert_eq!(size(&bare), (0, 0));
    let one = text.replacen("RESOLUTION=256x144,", "", 1);
    assert_eq!(size(&one), (256, 144));
    let mixed = text.replacen("256x144", "256x146", 1);
    refused(Master::read("m", &mixed), "RESOLUTION of variant");
    let mut unsized_ = presentation();
    (unsized_.groups[0].width, unsized_.groups[0].height) = (0, 0);
    assert_eq!(playlist(&unsized_, "master.m3u8"), bare);
}

#[test]
fn web_pages_and_other_texts_are_named() {
    let page = "t/m.m3u8: this is an HTML page";
    let master = playlist(&presentation(), "master.m3u8");
    let rung = playlist(&presentation(), "0f3a/mini-r2.m3u8");
    for (text, expected) in [
        ("<!DOCTYPE html><p>", page),
        ("\n <HTML lang=en>", page),
        ("\u{feff}<!doctype HTML>", page),
        (
            &format!("\u{feff}{master}"),
            "begins with a byte order mark",
        ),
        (&rung, "expected a multivariant playlist"),
    ] {
        refused(Master::read("t/m.m3u8", text), expected);
    }
    refused(Media::read("t/m.m3u8", "\n <HTML lang=en>", None), page);
}

proptest! {
    #[test]
    fn reading_undoes_writing(presentation in any_presentation()) {
        prop_assert_eq!(read(&write(&presentation).unwrap()).unwrap(), without_index(presentation));
    }

    #[test]
    fn reading_undoes_writing_of_segment_urls(presentation in any_presentation()) {
        let form = presentation.segment_urls("../");
        prop_assert_eq!(read(&write(&form).unwrap()).unwrap(), form);
    }
}
