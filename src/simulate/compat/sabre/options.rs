//! Sabre's command line, in its own spelling.

use super::super::CompatError;
use serde::Serialize;

/// Which rule decides (`-a`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Abr {
    /// The throughput rule.
    Throughput,
    /// BOLA: finite, or basic with `-ab`; the U form, or O with `-ao`.
    Bola,
    /// BOLA-E.
    BolaE,
    /// BOLA or throughput, by buffer and choice.
    Dynamic,
    /// BOLA-E or throughput, by buffer alone.
    DynamicDash,
}

/// How the network is estimated (`-ma`).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Average {
    /// Exponential, the least over the half-lives in seconds (`-hl`).
    Ewma(Vec<f64>),
    /// Arithmetic means, the least over the window sizes (`-ws`); 0 means all that is kept.
    Sliding(Vec<usize>),
}

/// Which buffered segments are fetched again (`-r`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Replacement {
    /// None.
    None,
    /// The first that is worse than what is affordable.
    Left,
    /// The last.
    Right,
}

/// Everything that its command line can say beside trace and movie.
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
    /// `-s`: when and where to, seconds.
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

/// The words not yet read.
struct Words<'a> {
    words: std::iter::Peekable<std::str::SplitWhitespace<'a>>,
}

impl<'a> Words<'a> {
    fn value(&mut self, option: &str, expected: &'static str) -> Result<&'a str, CompatError> {
        let found = self.words.next();
        found.ok_or_else(|| CompatError::option(option, expected, "nothing"))
    }

    fn number(&mut self, option: &str) -> Result<f64, CompatError> {
        let expected = "a number";
        let word = self.value(option, expected)?;
        let value = word.parse().ok().filter(|value: &f64| value.is_finite());
        value.ok_or_else(|| CompatError::option(option, expected, word))
    }

    /// One value and then as many as follow.
    fn numbers(&mut self, option: &str) -> Result<Vec<f64>, CompatError> {
        let mut numbers = vec![self.number(option)?];
        while self
            .words
            .peek()
            .is_some_and(|word| word.parse::<f64>().is_ok())
        {
            numbers.push(self.number(option)?);
        }
        Ok(numbers)
    }
}

impl Options {
    /// Reads what would follow `sabre.py`, without `-n` and `-m`.
    pub fn parse(line: &str) -> Result<Self, CompatError> {
        let spaced = line.replace('=', " ");
        let mut words = Words {
            words: spaced.split_whitespace().peekable(),
        };
        let mut options = Self::default();
        let (mut half_lives, mut windows) = (vec![3.0, 8.0], vec![3]);
        let mut sliding = false;
        while let Some(option) = words.words.next() {
            match option {
                "-hl" | "--half-life" => half_lives = words.numbers(option)?,
                "-ws" | "--window-size" => windows = whole(option, &words.numbers(option)?)?,
                "-ma" | "--moving-average" => {
                    sliding = named(&mut words, option, &[("ewma", false), ("sliding", true)])?;
                }
                _ => options.read(option, &mut words)?,
            }
        }
        if half_lives.iter().any(|&half_life| half_life <= 0.0) {
            let found = format!("{half_lives:?}");
            return Err(CompatError::option("-hl", "numbers above 0", found));
        }
        options.average = if sliding {
            Average::Sliding(windows)
        } else {
            Average::Ewma(half_lives)
        };
        Ok(options)
    }

    fn read(&mut self, option: &str, words: &mut Words<'_>) -> Result<(), CompatError> {
        match option {
            "-a" | "--abr" => self.abr = abr(words, option)?,
            "-ab" | "--abr-basic" => self.basic = true,
            "-ao" | "--abr-osc" => self.no_oscillation = true,
            "-noibr" | "--no-insufficient-buffer-rule" => self.no_insufficient_buffer_rule = true,
            "-b" | "--max-buffer" => self.buffer_s = words.number(option)?,
            "-gp" | "--gamma-p" => self.gamma_p = words.number(option)?,
            "-noa" | "--no-abandon" => self.no_abandon = true,
            "-r" | "--replace" => self.replacement = replacement(words, option)?,
            "-s" | "--seek" => {
                self.seek_s = Some((words.number(option)?, words.number(option)?));
            }
            "-nm" | "--network-multiplier" => self.multiplier = words.number(option)?,
            "-ml" | "--movie-length" => self.movie_s = Some(words.number(option)?),
            "-rmp" | "--rampup-threshold" => {
                self.rampup_quality = Some(words.number(option)? as i64);
            }
            "-v" | "--verbose" => {}
            "-n" | "--network" | "-m" | "--movie" => {
                let expected = "the trace and the movie by --trace and --movie";
                return Err(CompatError::option(option, expected, option));
            }
            _ => {
                let expected = "-a -ab -ao -noibr -ma -ws -hl -b -gp -noa -r -s -nm -ml or -rmp";
                return Err(CompatError::option(option, expected, option));
            }
        }
        if !self.multiplier.is_finite() || self.multiplier < 0.0 {
            return Err(CompatError::option(option, "0 or more", self.multiplier));
        }
        Ok(())
    }
}

fn abr(words: &mut Words<'_>, option: &str) -> Result<Abr, CompatError> {
    let names = [
        ("throughput", Abr::Throughput),
        ("bola", Abr::Bola),
        ("bolae", Abr::BolaE),
        ("dynamic", Abr::Dynamic),
        ("dynamicdash", Abr::DynamicDash),
    ];
    named(words, option, &names)
}

fn replacement(words: &mut Words<'_>, option: &str) -> Result<Replacement, CompatError> {
    let names = [
        ("none", Replacement::None),
        ("left", Replacement::Left),
        ("right", Replacement::Right),
    ];
    named(words, option, &names)
}

fn named<T: Copy>(
    words: &mut Words<'_>,
    option: &str,
    names: &[(&str, T)],
) -> Result<T, CompatError> {
    let expected = match option {
        "-a" | "--abr" => "throughput, bola, bolae, dynamic or dynamicdash",
        "-r" | "--replace" => "none, left or right",
        _ => "ewma or sliding",
    };
    let word = words.value(option, expected)?;
    let found = names.iter().find(|(name, _)| *name == word);
    let (_, value) = found.ok_or_else(|| CompatError::option(option, expected, word))?;
    Ok(*value)
}

fn whole(option: &str, numbers: &[f64]) -> Result<Vec<usize>, CompatError> {
    let good = |&n: &f64| n >= 0.0 && n.fract() == 0.0;
    match numbers.iter().find(|number| !good(number)) {
        Some(bad) => Err(CompatError::option(option, "whole numbers", bad)),
        None => Ok(numbers.iter().map(|&number| number as usize).collect()),
    }
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
        assert_eq!(Options::parse(line).unwrap(), expected);
        assert_eq!(Options::parse("").unwrap(), Options::default());
        let half_lives = Options::parse("--half-life 4 --abr=bolae").unwrap();
        assert_eq!(half_lives.average, Average::Ewma(vec![4.0]));
    }

    #[test]
    fn says_what_it_expected() {
        let refusal = |line| Options::parse(line).unwrap_err().to_string();
        assert!(refusal("-a bba").contains("throughput, bola, bolae"));
        assert!(refusal("-b").contains("found nothing"));
        assert!(refusal("-b ten").contains("found ten"));
        assert!(refusal("-ws 2.5").contains("whole"));
        assert!(refusal("-hl 0").contains("above 0"));
        assert!(refusal("-nm -1").contains("0 or more"));
        assert!(refusal("-n x").contains("--trace"));
        assert!(refusal("--what").contains("-noibr"));
    }
}
