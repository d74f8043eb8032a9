//! Sabre's command line, in its own spelling.
//!
//! As in Python's `argparse`, an option is written short or long, or as an unambiguous prefix of its long
//! form; its values follow as words, or one after `=`. A word with a leading dash is a value only if it
//! is a plain negative number.

use crate::compat::CompatError;
use crate::compat::error::named;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The rule (`-a`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "Sabre's names")]
#[non_exhaustive]
pub enum Abr {
    Throughput,
    /// BOLA: finite, or basic with `-ab`; the U form, or O with `-ao`.
    Bola,
    BolaE,
    /// BOLA or throughput, by buffer level and choices.
    Dynamic,
    /// BOLA-E or throughput, by buffer level.
    DynamicDash,
}

/// The throughput estimator (`-ma`).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Average {
    /// Exponential averages, the minimum over the half-lives in seconds (`-hl`).
    Ewma(Vec<f64>),
    /// Arithmetic means, the minimum over the window sizes (`-ws`); 0 is the whole history.
    Sliding(Vec<usize>),
}

/// Replacement of buffered segments (`-r`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "Sabre's names")]
#[non_exhaustive]
pub enum Replacement {
    None,
    /// The first segment below the affordable quality.
    Left,
    /// The last one.
    Right,
}

/// All options except trace and movie.
///
/// [`FromStr`] reads what would follow `sabre.py`, without `-n` and `-m`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Options {
    /// `-a`.
    pub abr: Abr,
    /// `-ab`.
    pub basic: bool,
    /// `-ao`.
    pub no_oscillation: bool,
    /// `-noibr`.
    pub no_insufficient_buffer_rule: bool,
    /// `-ma` with `-hl` or `-ws`.
    pub average: Average,
    /// `-b`, seconds.
    pub buffer_s: f64,
    /// `-gp`, seconds.
    pub gamma_p: f64,
    /// `-noa`.
    pub no_abandon: bool,
    /// `-r`.
    pub replacement: Replacement,
    /// `-s`: time and target of a seek, seconds.
    pub seek_s: Option<(f64, f64)>,
    /// `-nm`.
    pub multiplier: f64,
    /// `-ml`, seconds.
    pub movie_s: Option<f64>,
    /// `-rmp`.
    pub rampup_quality: Option<i64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            abr: Abr::BolaE,
            basic: false,
            no_oscillation: false,
            no_insufficient_buffer_rule: false,
            average: Average::Ewma(vec![3.0, 8.0]),
            buffer_s: 25.0,
            gamma_p: 5.0,
            no_abandon: false,
            replacement: Replacement::None,
            seek_s: None,
            multiplier: 1.0,
            movie_s: None,
            rampup_quality: None,
        }
    }
}

/// Short and long spelling of every option, and the number of its values.
static OPTIONS: [(&str, &str, RangeInclusive<usize>); 19] = [
    ("-h", "--help", 0..=0),
    ("-n", "--network", 1..=1),
    ("-nm", "--network-multiplier", 1..=1),
    ("-m", "--movie", 1..=1),
    ("-ml", "--movie-length", 1..=1),
    ("-a", "--abr", 1..=1),
    ("-ab", "--abr-basic", 0..=0),
    ("-ao", "--abr-osc", 0..=0),
    ("-gp", "--gamma-p", 1..=1),
    ("-noibr", "--no-insufficient-buffer-rule", 0..=0),
    ("-ma", "--moving-average", 1..=1),
    ("-ws", "--window-size", 1..=usize::MAX),
    ("-hl", "--half-life", 1..=usize::MAX),
    ("-s", "--seek", 2..=2),
    ("-r", "--replace", 1..=1),
    ("-b", "--max-buffer", 1..=1),
    ("-noa", "--no-abandon", 0..=0),
    ("-rmp", "--rampup-threshold", 1..=1),
    ("-v", "--verbose", 0..=0),
];

struct Given<'a> {
    name: &'static str,
    values: Vec<&'a str>,
}

impl FromStr for Options {
    type Err = CompatError;

    fn from_str(line: &str) -> Result<Self, CompatError> {
        let mut options = Self::default();
        let (mut half_lives, mut windows) = (vec![3.0, 8.0], vec![3]);
        let (mut sliding, mut rule) = (false, None);
        for given in given(line)? {
            match given.name {
                // Checked at the end: only the last one counts.
                "-a" => rule = Some(given),
                "-hl" => half_lives = given.numbers()?,
                "-ws" => windows = given.integers()?,
                "-ma" => {
                    let known = |name: &str| ["ewma", "sliding"].iter().position(|n| *n == name);
                    sliding = given.read("ewma or sliding", known)? == [1];
                }
                _ => options.set(&given)?,
            }
        }
        if let Some(given) = rule {
            let expected = "throughput, bola, bolae, dynamic or dynamicdash";
            options.abr = given.read(expected, named)?[0];
        }
        if options.multiplier < 0.0 {
            return Err(CompatError::option("-nm", "0 or more", options.multiplier));
        }
        // Only the values in use are checked.
        options.average = if sliding {
            Average::Sliding(sizes(&windows)?)
        } else if half_lives.contains(&0.0) {
            return Err(CompatError::option("-hl", "a number other than 0", 0));
        } else {
            Average::Ewma(half_lives)
        };
        Ok(options)
    }
}

impl Options {
    fn set(&mut self, given: &Given<'_>) -> Result<(), CompatError> {
        match given.name {
            "-ab" => self.basic = true,
            "-ao" => self.no_oscillation = true,
            "-noibr" => self.no_insufficient_buffer_rule = true,
            "-b" => self.buffer_s = given.numbers()?[0],
            "-gp" => self.gamma_p = given.numbers()?[0],
            "-noa" => self.no_abandon = true,
            // Sabre ignores an unknown name.
            "-r" => self.replacement = named(given.values[0]).unwrap_or(Replacement::None),
            "-s" => self.seek_s = given.numbers()?.first_chunk().map(|&[when, to]| (when, to)),
            "-nm" => self.multiplier = given.numbers()?[0],
            "-ml" => self.movie_s = Some(given.numbers()?[0]),
            "-rmp" => self.rampup_quality = given.integers()?.first().copied(),
            "-v" => {}
            name => {
                let expected = "the trace and the movie by --trace and --movie";
                return Err(CompatError::option(name, expected, name));
            }
        }
        Ok(())
    }
}

impl Given<'_> {
    fn numbers(&self) -> Result<Vec<f64>, CompatError> {
        let finite = |value: &str| value.parse().ok().filter(|number: &f64| number.is_finite());
        self.read("a number", finite)
    }

    fn integers(&self) -> Result<Vec<i64>, CompatError> {
        self.read("a whole number", |value| value.parse().ok())
    }

    fn read<'b, T>(
        &'b self,
        expected: &'static str,
        parse: impl Fn(&'b str) -> Option<T>,
    ) -> Result<Vec<T>, CompatError> {
        let refusal = |value| CompatError::option(self.name, expected, value);
        let values = self.values.iter();
        let values = values.map(|value| parse(value).ok_or_else(|| refusal(value)));
        values.collect()
    }
}

fn given(line: &str) -> Result<Vec<Given<'_>>, CompatError> {
    let mut words = line.split_whitespace().peekable();
    let mut given = Vec::new();
    while let Some(word) = words.next() {
        let attached = word.split_once('=');
        let spelling = attached.map_or(word, |(spelling, _)| spelling);
        let (name, count) = find(spelling)?;
        let mut values: Vec<&str> = attached.iter().map(|(_, value)| *value).collect();
        while attached.is_none() && values.len() < *count.end() {
            let Some(value) = words.next_if(|word| is_value(word)) else {
                break;
            };
            values.push(value);
        }
        if !count.contains(&values.len()) {
            let expected = match (*count.start(), *count.end()) {
                (0, _) => "no value",
                (2, _) => "two numbers",
                (_, 1) => "a value",
                _ => "one value or more",
            };
            let found = if values.is_empty() {
                "nothing"
            } else {
                &values.join(" ")
            };
            return Err(CompatError::option(word, expected, found));
        }
        given.push(Given { name, values });
    }
    Ok(given)
}

/// The option with this spelling, or the only one whose long form begins with it.
fn find(spelling: &str) -> Result<(&'static str, &'static RangeInclusive<usize>), CompatError> {
    let exact = |option: &&(&str, &str, _)| spelling == option.0 || spelling == option.1;
    let begins = |option: &&(&str, &str, _)| spelling.len() > 2 && option.1.starts_with(spelling);
    let mut found: Vec<_> = OPTIONS.iter().filter(exact).collect();
    if found.is_empty() {
        found = OPTIONS.iter().filter(begins).collect();
    }
    match found[..] {
        [(name, _, count)] => Ok((name, count)),
        [] => {
            let expected = "-a -ab -ao -noibr -ma -ws -hl -b -gp -noa -r -s -nm -ml or -rmp";
            Err(CompatError::option(spelling, expected, spelling))
        }
        _ => {
            let names: Vec<&str> = found.iter().map(|option| option.1).collect();
            let found = format!("a prefix of {}", names.join(" and "));
            Err(CompatError::option(spelling, "one option", found))
        }
    }
}

fn is_value(word: &str) -> bool {
    let Some(number) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
        return true;
    };
    let digits = |text: &str| text.chars().all(|letter| letter.is_ascii_digit());
    match number.split_once('.') {
        None => digits(number),
        Some((whole, part)) => digits(whole) && digits(part) && !part.is_empty(),
    }
}

/// Window sizes: there is no mean of fewer than 0 samples.
fn sizes(windows: &[i64]) -> Result<Vec<usize>, CompatError> {
    let size = |&window: &i64| {
        let size = usize::try_from(window);
        size.map_err(|_| CompatError::option("-ws", "0 or more", window))
    };
    windows.iter().map(size).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_option() {
        let line = "-a dynamic -ab -ao -noibr -ma sliding -ws 3 5 -hl 2 9 -b 10 -gp 2.5 -noa \
                    -r left -s 120 180 -nm 0.5 -ml 60 -rmp 2 -v";
        let expected = Options {
            abr: Abr::Dynamic,
            basic: true,
            no_oscillation: true,
            no_insufficient_buffer_rule: true,
            average: Average::Sliding(vec![3, 5]),
            buffer_s: 10.0,
            gamma_p: 2.5,
            no_abandon: true,
            replacement: Replacement::Left,
            seek_s: Some((120.0, 180.0)),
            multiplier: 0.5,
            movie_s: Some(60.0),
            rampup_quality: Some(2),
        };
        assert_eq!(line.parse::<Options>().unwrap(), expected);
        assert_eq!("".parse::<Options>().unwrap(), Options::default());
        let half_lives = "--half-life 4 --abr=bolae".parse::<Options>().unwrap();
        assert_eq!(half_lives.average, Average::Ewma(vec![4.0]));
    }

    #[test]
    fn unused_values_are_accepted_as_in_sabre() {
        let parse = |line: &str| line.parse::<Options>().unwrap();
        assert_eq!(parse("-r 3 -r both"), Options::default());
        assert_eq!(parse("-ws -1"), Options::default());
        let sliding = Average::Sliding(vec![3]);
        assert_eq!(parse("-ma sliding -hl 0").average, sliding);
        assert_eq!(parse("-hl -3").average, Average::Ewma(vec![-3.0]));
        assert_eq!(parse("-a bba -nm -1 -nm 1 -a bolae"), Options::default());
        assert_eq!(parse("-s 30 -9").seek_s, Some((30.0, -9.0)));
    }

    #[test]
    fn errors_name_the_expected_value() {
        for (line, expected) in [
            ("-a bba", "throughput, bola, bolae"),
            ("-b", "found nothing"),
            ("-b ten", "found ten"),
            ("-ws 2.5", "whole"),
            ("-ws 3.0", "whole"),
            ("-rmp 1.5", "whole"),
            ("-ma sliding -ws 3 -1", "0 or more, found -1"),
            ("-hl 3 0", "other than 0"),
            ("-ma mean", "ewma or sliding"),
            ("-nm -1", "0 or more"),
            ("-n x", "--trace"),
            ("--what", "-noibr"),
            ("-a bola stray", "`stray`"),
            ("--ab bola", "--abr and --abr-basic"),
            ("-b -ab", "found nothing"),
            ("-b -1e3", "found nothing"),
            ("-s 3", "two numbers, found 3"),
            ("-ab=1", "no value, found 1"),
        ] {
            let error = line.parse::<Options>().unwrap_err().to_string();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn options_are_written_short_or_long_or_as_a_prefix() {
        for line in ["-a bola", "--abr bola", "--abr=bola", "-a=bola"] {
            assert_eq!(line.parse::<Options>().unwrap().abr, Abr::Bola, "{line}");
        }
        let options: Options = "--no-i --no-a --max 10 -s -5 -.5".parse().unwrap();
        let expected = Options {
            no_insufficient_buffer_rule: true,
            no_abandon: true,
            buffer_s: 10.0,
            seek_s: Some((-5.0, -0.5)),
            ..Options::default()
        };
        assert_eq!(options, expected);
    }
}
