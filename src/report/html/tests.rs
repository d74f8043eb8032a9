//! The page is complete, fetches nothing and escapes all text.

use super::*;

fn sample() -> Page {
    let curve = Series {
        marks: true,
        ..Series::line("a <b> & \"c\"", vec![(1.0, 2.0), (2.0, f64::NAN)])
    };
    let title = "</script><script>alert(1)</script>";
    let mut chart = Chart::new(title, Axis::log("x"), Axis::linear("y")).with(curve);
    chart.bands.push(Band { from: 1.0, to: 1.5 });
    let picture = |caption: &str| Image {
        caption: caption.into(),
        media_type: "image/png".into(),
        bytes: vec![1, 2, 3],
    };
    let interval = Cell::Interval {
        value: 2.0,
        low: 1.0,
        high: 3.0,
        digits: 1,
    };
    let mut table = Table::new("caption", &["name", "kbit/s"]);
    table.rows = vec![
        vec![Cell::text("<i>"), Cell::number(1.0 / 3.0, 2)],
        vec![Cell::text("short")],
        vec![Cell::number(None, 1), interval],
    ];
    let pairs = Pairs {
        title: "pairs".into(),
        measure: "QoE".into(),
        names: vec!["one".into(), "two".into()],
        labels: vec!["t".into()],
        values: vec![vec![1.0], vec![f64::INFINITY]],
    };
    let mut page = Page::new("A & B", "<lead>");
    page.push(Section::new("First").text("text").with(Block::Table(table)));
    let choice = Choice {
        label: "which".into(),
        options: vec![
            ("one".into(), vec![Block::Chart(chart)]),
            ("two".into(), vec![Block::Pairs(pairs)]),
        ],
    };
    let second = Section::new("Second").with(Block::Choice(choice));
    let second = second.with(Block::Images(vec![picture("p")]));
    page.push(second.with(Block::Code("promptus <x>".into())));
    page
}

/// The page without the parts that are the same in every page.
fn body(html: &str) -> &str {
    let from = html.find("<body>").unwrap_or(0);
    let to = html.find("<script>\n").unwrap_or(html.len());
    &html[from..to]
}

#[test]
fn equal_pages_are_equal_bytes() {
    assert_eq!(sample().html(), sample().html());
    insta::assert_snapshot!(body(&sample().html()));
}

#[test]
fn nothing_is_fetched() {
    let html = sample().html();
    let credit = "/*! https://github.com/leeoniya/uPlot (v1.6.32) */";
    assert_eq!(html.matches(credit).count(), 1);
    let rest = html.replace(credit, "");
    for reach in [
        "http://", "https://", "//cdn", "@import", "url(", "fetch(", "XMLHttp", "import(",
    ] {
        assert!(!rest.contains(reach), "{reach}");
    }
    assert!(rest.contains("default-src 'none'"));
}

#[test]
fn foreign_text_stays_text() {
    let html = sample().html();
    assert!(!html.contains("alert(1)</script>"));
    assert!(!html.contains("<lead>") && !html.contains("<i>"));
    // The three scripts of the page, and no other.
    assert_eq!(html.matches("</script>").count(), 3);
    let image = Image {
        caption: "c".into(),
        media_type: "image/png\" onload=\"x".into(),
        bytes: Vec::new(),
    };
    let mut page = Page::new("t", "");
    page.push(Section::new("s").with(Block::Images(vec![image])));
    assert!(!page.html().contains("onload"));
}

#[test]
fn a_distribution_counts_from_the_least_to_the_greatest() {
    let curve = Series::distribution("d", &[3.0, 1.0, f64::NAN, 2.0, 2.0]);
    assert_eq!(curve.points, [(1.0, 0.25), (2.0, 0.75), (3.0, 1.0)]);
    assert!(Series::distribution("none", &[]).points.is_empty());
}
