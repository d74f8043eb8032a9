//! Sabre's command line, in its own spelling.

mod words;

use super::super::CompatError;
use serde::Serialize;
use words::Given;

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

impl Options {
    /// Reads what would follow `sabre.py`, without `-n` and `-m`.
    pub fn parse(line: &str) -> Result<Self, CompatError> {
        let mut options = Self::default();
        let (mut half_lives, mut windows) = (vec![3.0, 8.0], vec![3]);
        let (mut sliding, mut rule) = (false, None);
        for given in words::options(line)? {
            match given.name {
                // Looked up only at the end: the last one counts.
                "-a" => rule = Some(given),
                "-hl" => half_lives = given.numbers()?,
                "-ws" => windows = given.whole()?,
                "-ma" => sliding = given.one_of(&[("ewma", false), ("sliding", true)])?,
                _ => options.read(&given)?,
            }
        }
        if let Some(given) = rule {
            options.abr = given.one_of(&RULES)?;
        }
        if options.multiplier < 0.0 {
            return Err(CompatError::option("-nm", "0 or more", options.multiplier));
        }
        options.average = if sliding {
            Average::Sliding(from_0(&windows)?)
        } else {
            Average::Ewma(not_0(half_lives)?)
        };
        Ok(options)
    }

    fn read(&mut self, given: &Given<'_>) -> Result<(), CompatError> {
        match given.name {
            "-ab" => self.basic = true,
            "-ao" => self.no_oscillation = true,
            "-noibr" => self.no_insufficient_buffer_rule = true,
            "-b" => self.buffer_s = given.number()?,
            "-gp" => self.gamma_p = given.number()?,
            "-noa" => self.no_abandon = true,
            "-r" => self.replacement = replacement(given.values[0]),
            "-s" => self.seek_s = given.numbers()?.first_chunk().map(|&[when, to]| (when, to)),
            "-nm" => self.multiplier = given.number()?,
            "-ml" => self.movie_s = Some(given.number()?),
            "-rmp" => self.rampup_quality = given.whole()?.first().copied(),
            "-v" => {}
            name => {
                let expected = "the trace and the movie by --trace and --movie";
                return Err(CompatError::option(name, expected, name));
            }
        }
        Ok(())
    }
}

const RULES: [(&str, Abr); 5] = [
    ("throughput", Abr::Throughput),
    ("bola", Abr::Bola),
    ("bolae", Abr::BolaE),
    ("dynamic", Abr::Dynamic),
    ("dynamicdash", Abr::DynamicDash),
];

/// Whatever else is named, even a Python module, Sabre goes on without replacement.
fn replacement(name: &str) -> Replacement {
    match name {
        "left" => Replacement::Left,
        "right" => Replacement::Right,
        _ => Replacement::None,
    }
}

/// Windows that are used: of less than 0 samples there is no mean.
fn from_0(windows: &[i64]) -> Result<Vec<usize>, CompatError> {
    let size = |&window: &i64| {
        let size = usize::try_from(window);
        size.map_err(|_| CompatError::option("-ws", "0 or more", window))
    };
    windows.iter().map(size).collect()
}

/// Half-lives that are used; less than 0 is odd but possible.
fn not_0(half_lives_s: Vec<f64>) -> Result<Vec<f64>, CompatError> {
    if half_lives_s.contains(&0.0) {
        return Err(CompatError::option("-hl", "a number other than 0", 0));
    }
    Ok(half_lives_s)
}

impl Given<'_> {
    fn number(&self) -> Result<f64, CompatError> {
        Ok(self.numbers()?[0])
    }

    fn numbers(&self) -> Result<Vec<f64>, CompatError> {
        self.read("a number", |value| {
            let number = value.parse().ok();
            number.filter(|number: &f64| number.is_finite())
        })
    }

    fn whole(&self) -> Result<Vec<i64>, CompatError> {
        self.read("a whole number", |value| value.parse().ok())
    }

    fn read<T>(
        &self,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, CompatError> {
        let one = |value: &&str| {
            let refusal = || CompatError::option(self.name, expected, value);
            parse(value).ok_or_else(refusal)
        };
        self.values.iter().map(one).collect()
    }

    fn one_of<T: Copy>(&self, names: &[(&str, T)]) -> Result<T, CompatError> {
        let expected = match self.name {
            "-a" => "throughput, bola, bolae, dynamic or dynamicdash",
            _ => "ewma or sliding",
        };
        let named = |value: &str| names.iter().find(|(name, _)| *name == value);
        let values = self.read(expected, |value| named(value).map(|&(_, named)| named))?;
        Ok(values[0])
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
    fn takes_what_sabre_takes_without_using_it() {
        let parse = |line| Options::parse(line).unwrap();
        assert_eq!(parse("-r 3 -r both"), Options::default());
        assert_eq!(parse("-ws -1"), Options::default());
        let sliding = Average::Sliding(vec![3]);
        assert_eq!(parse("-ma sliding -hl 0").average, sliding);
        assert_eq!(parse("-hl -3").average, Average::Ewma(vec![-3.0]));
        assert_eq!(parse("-a bba -nm -1 -nm 1 -a bolae"), Options::default());
        assert_eq!(parse("-s 30 -9").seek_s, Some((30.0, -9.0)));
    }

    #[test]
    fn says_what_it_expected() {
        let refusal = |line| Options::parse(line).unwrap_err().to_string();
        assert!(refusal("-a bba").contains("throughput, bola, bolae"));
        assert!(refusal("-b").contains("found nothing"));
        assert!(refusal("-b ten").contains("found ten"));
        assert!(refusal("-ws 2.5").contains("whole"));
        assert!(refusal("-ws 3.0").contains("whole"));
        assert!(refusal("-rmp 1.5").contains("whole"));
        assert!(refusal("-ma sliding -ws 3 -1").contains("0 or more, found -1"));
        assert!(refusal("-hl 3 0").contains("other than 0"));
        assert!(refusal("-ma mean").contains("ewma or sliding"));
        assert!(refusal("-nm -1").contains("0 or more"));
        assert!(refusal("-n x").contains("--trace"));
    }
}
