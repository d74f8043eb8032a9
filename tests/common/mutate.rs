//! Spoils inputs in ways that parsers meet: flipped bits, cuts, repeats, splices, magic numbers.
//! Seeded: the same seed gives the same inputs.

use std::time::{Duration, Instant};

/// Longest input, in bytes.
const LONGEST: usize = 64 << 10;

/// No input of that size may keep a parser busy for longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// xorshift64*.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % most.max(1)
    }
}

/// Spoils one of the seeds a few times over.
pub(crate) fn spoilt(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let length = random.below(bytes.len() - at).min(1 + random.below(64));
        match random.below(7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[at] = random.below(256) as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let part = bytes[at..at + length].repeat(1 + random.below(50));
                bytes.splice(at..at, part);
            }
            5 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len());
                bytes.splice(at.., other[from..].iter().copied());
            }
            _ => {
                let magic: [&[u8]; 8] = [
                    b"\xff\xff\xff\xff",
                    b"\0\0\0\0",
                    b"\x7f\xff\xff\xff",
                    b"\0\0\0\x01",
                    b"99999999999999999999",
                    b"-1",
                    b"\"",
                    b"%2e",
                ];
                let magic = magic[random.below(magic.len())];
                let end = (at + magic.len()).min(bytes.len());
                bytes.splice(at..end, magic.iter().copied());
            }
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

/// Prints the seed, the number of the input and the input if the parser panics.
struct Trial<'a>(u64, u64, &'a [u8]);

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(seed, number, input) = self;
            eprintln!("seed {seed}, input {number}: \"{}\"", input.escape_ascii());
        }
    }
}

/// Hands spoilt inputs to a parser for a second, or for `PROMPTUS_FUZZ_SECONDS`. They follow from
/// `PROMPTUS_FUZZ_SEED`.
pub(crate) fn fuzz(seeds: &[Vec<u8>], parse: impl Fn(&[u8])) {
    let seconds = number("PROMPTUS_FUZZ_SECONDS", 1);
    let seed = number("PROMPTUS_FUZZ_SEED", 20);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut random = Random::new(seed);
    for seed in seeds {
        parse(seed);
    }
    let mut tried = 0;
    let mut slowest = Duration::ZERO;
    while Instant::now() < until {
        let input = spoilt(&mut random, seeds);
        let trial = Trial(seed, tried, &input);
        let began = Instant::now();
        parse(&input);
        slowest = slowest.max(began.elapsed());
        assert!(slowest < PATIENCE, "that took {slowest:?}");
        drop(trial);
        tried += 1;
    }
    let target = std::thread::current();
    let target = target.name().unwrap_or("fuzz");
    println!("{target}: seed {seed}, {tried} inputs in {seconds} s, the slowest took {slowest:?}");
    assert!(tried > 20, "{tried} inputs only");
}

fn number(variable: &str, default: u64) -> u64 {
    let value = std::env::var(variable).ok();
    value.map_or(default, |text| text.parse().expect(variable))
}
