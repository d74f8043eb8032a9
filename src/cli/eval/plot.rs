//! Rate–quality plots as one SVG file, for documents: a panel a metric, our curve and each codec's
//! hull, with every point behind it. Equal figures give equal bytes; it follows the reader's dark
//! mode by itself and needs no script.

use super::compare::Curves;
use super::ours::RungReport;
use super::peers::{Codec, Peer};
use crate::quality::hull::{Better, Point};
use std::fmt::Write;

const PANEL: (f64, f64) = (400.0, 300.0);
/// Space left, top, right and bottom of a panel's axes.
const MARGINS: (f64, f64, f64, f64) = (46.0, 30.0, 12.0, 40.0);
const COLUMNS: usize = 2;
/// Metrics that are shown: the first of them.
const PANELS: usize = 4;
/// Height of the line with the names.
const LEGEND: f64 = 30.0;

const STYLE: &str = "svg{background:#fff;font:12px system-ui,sans-serif}text{fill:#333}\
.t{font-weight:600;font-size:13px}.g{stroke:#ddd}.h{fill:none;stroke-width:1.6}\
.o{stroke-width:2.6}.p{opacity:.28}\
.c0{stroke:#d6336c;fill:#d6336c}.c1{stroke:#1971c2;fill:#1971c2}.c2{stroke:#e8890c;fill:#e8890c}\
.c3{stroke:#2f9e44;fill:#2f9e44}.c4{stroke:#868e96;fill:#868e96}polyline{fill:none!important}\
@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#d0d7de}.g{stroke:#30363d}\
.c0{stroke:#ff6b9d;fill:#ff6b9d}.c1{stroke:#58a6ff;fill:#58a6ff}.c2{stroke:#f0a840;fill:#f0a840}\
.c3{stroke:#56d364;fill:#56d364}.c4{stroke:#8b949e;fill:#8b949e}}";

/// The file; `heading` stands on top.
pub(super) fn svg(
    heading: &str,
    curves: &[Curves],
    rungs: &[&RungReport],
    peers: &[Peer],
) -> String {
    let curves = &curves[..curves.len().min(PANELS)];
    let rows = curves.len().div_ceil(COLUMNS).max(1);
    let columns = curves.len().clamp(1, COLUMNS);
    let (width, height) = (columns as f64 * PANEL.0, rows as f64 * PANEL.1 + LEGEND);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\">\n<title>{}</title>\n\
         <style>{STYLE}</style>\n",
        escaped(heading)
    );
    let codecs = curves.first().map_or(&[][..], |curves| &curves.codecs);
    let names = std::iter::once("Promptus").chain(codecs.iter().map(|(codec, _)| codec.name()));
    let mut parts = vec![legend(names)];
    for (index, curves) in curves.iter().enumerate() {
        let place = (
            (index % COLUMNS) as f64 * PANEL.0,
            (index / COLUMNS) as f64 * PANEL.1 + LEGEND,
        );
        let panel = Panel::new(curves, rungs, peers);
        parts.push(format!(
            "<g transform=\"translate({},{})\">\n{}</g>\n",
            place.0,
            place.1,
            panel.draw()
        ));
    }
    out.push_str(&parts.concat());
    out.push_str("</svg>\n");
    out
}

fn legend<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    let mut x = MARGINS.0;
    for (colour, name) in names.enumerate() {
        let class = if colour == 0 { " o" } else { "" };
        let _ = writeln!(
            out,
            "<line class=\"c{colour}{class}\" x1=\"{x}\" y1=\"16\" x2=\"{}\" y2=\"16\" \
             stroke-width=\"2\"/><text x=\"{}\" y=\"20\">{}</text>",
            x + 22.0,
            x + 28.0,
            escaped(name)
        );
        x += 52.0 + 7.5 * name.len() as f64;
    }
    out
}

/// One metric's axes and what stands in them.
struct Panel<'a> {
    curves: &'a Curves,
    ours: Vec<Point>,
    points: Vec<(usize, Point)>,
    x: (f64, f64),
    y: (f64, f64),
}

impl<'a> Panel<'a> {
    fn new(curves: &'a Curves, rungs: &[&RungReport], peers: &[Peer]) -> Self {
        let metric = curves.metric;
        let ours: Vec<Point> = rungs
            .iter()
            .filter_map(|rung| Some((rung.kbps, metric.of(&rung.figures)?)))
            .collect();
        let colour =
            |codec: Codec| 1 + curves.codecs.iter().position(|c| c.0 == codec).unwrap_or(0);
        let points = peers
            .iter()
            .filter_map(|peer| Some((colour(peer.codec), (peer.kbps, metric.of(&peer.figures)?))));
        let points: Vec<(usize, Point)> = points.collect();
        let hulls = curves.codecs.iter().flat_map(|(_, hull)| hull.points());
        let seen: Vec<Point> = ours.iter().chain(hulls).copied().collect();
        let ends = |pick: fn(&Point) -> f64| {
            let low = seen.iter().map(pick).fold(f64::INFINITY, f64::min);
            let high = seen.iter().map(pick).fold(f64::NEG_INFINITY, f64::max);
            let room = 0.06 * (high - low).max(1e-3);
            (low - room, high + room)
        };
        Self {
            curves,
            x: (0.0, ends(|point| point.0).1),
            y: ends(|point| point.1),
            ours,
            points,
        }
    }

    /// Where a point stands.
    fn at(&self, (rate, value): Point) -> (f64, f64) {
        let across = PANEL.0 - MARGINS.0 - MARGINS.2;
        let down = PANEL.1 - MARGINS.1 - MARGINS.3;
        let share = (rate - self.x.0) / (self.x.1 - self.x.0);
        let fall = (self.y.1 - value) / (self.y.1 - self.y.0);
        (MARGINS.0 + across * share, MARGINS.1 + down * fall)
    }

    fn draw(&self) -> String {
        let mut out = self.axes();
        for (colour, point) in &self.points {
            let (x, y) = self.at(*point);
            let inside = (MARGINS.1..=PANEL.1 - MARGINS.3).contains(&y);
            if inside && x <= PANEL.0 - MARGINS.2 {
                let _ = writeln!(
                    out,
                    "<circle class=\"p c{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.8\"/>"
                );
            }
        }
        for (colour, (_, hull)) in (1..).zip(&self.curves.codecs) {
            out.push_str(&self.line(hull.points(), colour, "h"));
        }
        out.push_str(&self.line(&self.ours, 0, "h o"));
        for point in &self.ours {
            let (x, y) = self.at(*point);
            let _ = writeln!(
                out,
                "<circle class=\"c0\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.4\"/>"
            );
        }
        out
    }

    fn line(&self, points: &[Point], colour: usize, class: &str) -> String {
        let places = points.iter().map(|point| {
            let (x, y) = self.at(*point);
            format!("{x:.1},{y:.1}")
        });
        let places: Vec<String> = places.collect();
        format!(
            "<polyline class=\"{class} c{colour}\" points=\"{}\"/>\n",
            places.join(" ")
        )
    }

    fn axes(&self) -> String {
        let metric = self.curves.metric;
        let arrow = match metric.better() {
            Better::Higher => "higher is better",
            Better::Lower => "lower is better",
        };
        let mut out = format!(
            "<text class=\"t\" x=\"{}\" y=\"18\">{} ({arrow})</text>\n",
            MARGINS.0,
            escaped(metric.label())
        );
        let (left, bottom) = (MARGINS.0, PANEL.1 - MARGINS.3);
        for value in ticks(self.y) {
            let (_, y) = self.at((0.0, value));
            let digits = tick_digits(self.y);
            let _ = writeln!(
                out,
                "<line class=\"g\" x1=\"{left}\" y1=\"{y:.1}\" x2=\"{}\" y2=\"{y:.1}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.digits$}</text>",
                PANEL.0 - MARGINS.2,
                left - 6.0,
                y + 4.0
            );
        }
        for rate in ticks(self.x) {
            let (x, _) = self.at((rate, self.y.0));
            let _ = writeln!(
                out,
                "<line class=\"g\" x1=\"{x:.1}\" y1=\"{}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
                 <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{rate:.0}</text>",
                MARGINS.1,
                bottom + 16.0
            );
        }
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">true rate, kbit/s</text>",
            (left + PANEL.0 - MARGINS.2) / 2.0,
            bottom + 32.0
        );
        out
    }
}

/// Round numbers between two ends, four to eight of them.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let step = step((low, high));
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|number| number as f64 * step).collect()
}

fn step((low, high): (f64, f64)) -> f64 {
    let rough = (high - low).max(1e-9) / 6.0;
    let power = 10.0_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= rough);
    factor.unwrap_or(10.0) * power
}

fn tick_digits(ends: (f64, f64)) -> usize {
    (-step(ends).log10().floor()).clamp(0.0, 6.0) as usize
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::{tick_digits, ticks};

    #[test]
    fn ticks_are_round_and_few() {
        let near = |got: Vec<f64>, expected: &[f64]| {
            assert_eq!(got.len(), expected.len(), "{got:?}");
            assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9));
        };
        near(ticks((0.0, 64.0)), &[0.0, 20.0, 40.0, 60.0]);
        near(ticks((0.11, 0.34)), &[0.15, 0.2, 0.25, 0.3]);
        near(ticks((-40.0, 55.0)), &[-40.0, -20.0, 0.0, 20.0, 40.0]);
        assert_eq!(
            (tick_digits((0.11, 0.34)), tick_digits((0.0, 64.0))),
            (2, 0)
        );
        assert_eq!(ticks((1.0, 1.0)).len(), 1);
    }
}
