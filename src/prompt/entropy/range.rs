//! A byte-oriented range coder (G. N. N. Martin, 1979) with 40-bit intervals and carry propagation.
//!
//! The decoder reads zeros past the end, so the encoder drops trailing zero bytes. That is why this is
//! not a crate: a segment has up to 16 layers × 3–7 keyframes of 30–200 bytes, each terminated on its
//! own, and coders that flush whole words would add 4–8 bytes to each.

use super::distribution::TOTAL_BITS;
use super::{Coder, Distribution};

const TOP: u64 = 1 << 40;
const BOTTOM: u64 = 1 << 32;

/// Encoder state: the interval [low, low + range) of the message so far.
#[derive(Debug)]
pub(in crate::prompt) struct RangeEncoder {
    out: Vec<u8>,
    low: u64,
    range: u64,
    rdoq_lambda: f64,
    /// For every integer so far, the derivative of its cost in bits.
    pub(in crate::prompt) slopes: Vec<f32>,
}

impl RangeEncoder {
    /// An encoder with rate-distortion optimised quantisation: it accepts up to `rdoq_lambda` more
    /// squared error per bit saved. 0 rounds to the nearest integer.
    pub(in crate::prompt) fn new(rdoq_lambda: f64) -> Self {
        Self {
            out: Vec::new(),
            low: 0,
            range: TOP,
            rdoq_lambda,
            slopes: Vec::new(),
        }
    }

    /// The integer nearest to `target` or its neighbour towards the centre, whichever has the lower
    /// rate-distortion cost.
    fn choose(&self, distribution: &Distribution, target: f32) -> i32 {
        let nearest = distribution.nearest(target);
        if self.rdoq_lambda == 0.0 {
            return nearest;
        }
        let cost = |value: i32| {
            let error = f64::from(target) - f64::from(value);
            error * error + self.rdoq_lambda * distribution.cost(value)
        };
        let nearer = nearest + (distribution.middle() - nearest).signum();
        if cost(nearer) < cost(nearest) {
            nearer
        } else {
            nearest
        }
    }

    fn narrow(&mut self, below: u64, frequency: u64, total_bits: u32) {
        let unit = self.range >> total_bits;
        self.low += unit * below;
        self.range = unit * frequency;
        self.carry();
        while self.range < BOTTOM {
            self.out.push((self.low >> 32) as u8);
            self.low = self.low << 8 & (TOP - 1);
            self.range <<= 8;
        }
    }

    /// Propagates a carry out of `low` into the bytes written.
    fn carry(&mut self) {
        if self.low < TOP {
            return;
        }
        self.low -= TOP;
        for byte in self.out.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }

    /// The shortest bytes that decode to this message.
    pub(in crate::prompt) fn finish(mut self) -> Vec<u8> {
        let end = self.low + self.range;
        for bytes in 0..=5 {
            let rest = (TOP >> (8 * bytes)) - 1;
            let value = (self.low + rest) & !rest;
            if value < end {
                self.low = value;
                self.carry();
                let digits = self.low.to_be_bytes();
                self.out.extend_from_slice(&digits[3..3 + bytes]);
                break;
            }
        }
        while self.out.last() == Some(&0) {
            self.out.pop();
        }
        self.out
    }
}

impl Coder for RangeEncoder {
    fn integer(&mut self, distribution: &Distribution, target: f32) -> i32 {
        let value = self.choose(distribution, target);
        self.slopes.push(distribution.slope(value));
        let below = distribution.below(value);
        self.narrow(below, distribution.below(value + 1) - below, TOTAL_BITS);
        value
    }

    fn flag(&mut self, odds: u8, target: bool) -> bool {
        let odds = u64::from(odds);
        let (below, frequency) = if target {
            (0, odds)
        } else {
            (odds, 256 - odds)
        };
        self.narrow(below, frequency, 8);
        target
    }

    fn bits(&mut self, count: u32, target: u32) -> u32 {
        self.narrow(target.into(), 1, count);
        target
    }
}

/// Decodes the output of [`RangeEncoder`]; arbitrary bytes decode to values within the distributions'
/// bounds.
#[derive(Debug)]
pub(in crate::prompt) struct RangeDecoder<'a> {
    bytes: &'a [u8],
    taken: usize,
    /// The message minus the interval's low end.
    code: u64,
    range: u64,
}

impl<'a> RangeDecoder<'a> {
    pub(in crate::prompt) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self {
            bytes,
            taken: 0,
            code: 0,
            range: TOP,
        };
        (0..5).for_each(|_| decoder.shift());
        decoder
    }

    /// Whether an encoder may have ended here: no unread bytes, no trailing zero.
    pub(in crate::prompt) fn is_complete(&self) -> bool {
        self.bytes.len() <= self.taken && self.bytes.last() != Some(&0)
    }

    fn shift(&mut self) {
        let byte = self.bytes.get(self.taken).copied().unwrap_or(0);
        self.taken += 1;
        self.code = self.code << 8 | u64::from(byte);
    }

    fn narrow(&mut self, start: u64, length: u64) {
        self.code -= start;
        self.range = length;
        while self.range < BOTTOM {
            self.range <<= 8;
            self.shift();
        }
    }
}

impl Coder for RangeDecoder<'_> {
    fn integer(&mut self, distribution: &Distribution, _: f32) -> i32 {
        let unit = self.range >> TOTAL_BITS;
        // The remainder above the last unit is never written; clamp it to the last one.
        self.code = self.code.min((unit << TOTAL_BITS) - 1);
        let (mut value, mut stride) = (distribution.middle(), 1);
        let mut start = distribution.below(value) * unit;
        let end = if start <= self.code {
            loop {
                let next = (value + stride).min(distribution.max + 1);
                let end = distribution.below(next) * unit;
                if end > self.code {
                    break (next, end);
                }
                (value, start) = (next, end);
                stride *= 2;
            }
        } else {
            loop {
                let end = (value, start);
                value = (value - stride).max(-distribution.max);
                start = distribution.below(value) * unit;
                if start <= self.code {
                    break end;
                }
                stride *= 2;
            }
        };
        let (mut above, mut end) = end;
        while above - value > 1 {
            let middle = (value + above) / 2;
            let place = distribution.below(middle) * unit;
            if place <= self.code {
                (value, start) = (middle, place);
            } else {
                (above, end) = (middle, place);
            }
        }
        self.narrow(start, end - start);
        value
    }

    fn flag(&mut self, odds: u8, _: bool) -> bool {
        let unit = self.range >> 8;
        let split = unit * u64::from(odds);
        let yes = self.code < split;
        if yes {
            self.narrow(0, split);
        } else {
            self.code = self.code.min((unit << 8) - 1);
            self.narrow(split, (unit << 8) - split);
        }
        yes
    }

    fn bits(&mut self, count: u32, _: u32) -> u32 {
        let unit = self.range >> count;
        let value = (self.code / unit).min((1 << count) - 1);
        self.code = self.code.min(unit * (value + 1) - 1);
        self.narrow(unit * value, unit);
        value as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Item {
        Integer(i32, i32, i32),
        Flag(u8, bool),
        Bits(u32, u32),
    }
    use Item::{Bits, Flag, Integer};

    fn items() -> impl Strategy<Value = Vec<Item>> {
        let integers = (-3000..3000i32, -300..300i32, -127..=127i32);
        let bits = (1..=16u32, any::<u16>());
        let item = prop_oneof![
            integers.prop_map(|(centre, scale, value)| Integer(centre, scale, value)),
            (1..=255u8, any::<bool>()).prop_map(|(odds, yes)| Flag(odds, yes)),
            bits.prop_map(|(n, v)| Bits(n, u32::from(v) & ((1 << n) - 1))),
        ];
        prop::collection::vec(item, 0..200)
    }

    /// Codes `items`, without their values to a decoder.
    fn code(coder: &mut impl Coder, items: &[Item], target: bool) -> Vec<i32> {
        let step = |item: &Item| match *item {
            Integer(centre, scale, value) => {
                let value = if target { value as f32 } else { 0.0 };
                coder.integer(&Distribution::new(centre, scale, 127), value)
            }
            Flag(odds, yes) => i32::from(coder.flag(odds, target && yes)),
            Bits(count, value) => coder.bits(count, if target { value } else { 0 }) as i32,
        };
        items.iter().map(step).collect()
    }

    proptest! {
        #[test]
        fn symbols_round_trip(items in items()) {
            let mut encoder = RangeEncoder::new(0.0);
            let written = code(&mut encoder, &items, true);
            let bytes = encoder.finish();
            let mut decoder = RangeDecoder::new(&bytes);
            prop_assert_eq!(code(&mut decoder, &items, false), written);
            prop_assert!(decoder.is_complete());
        }

        #[test]
        fn arbitrary_bytes_decode(
            items in items(),
            bytes in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            code(&mut RangeDecoder::new(&bytes), &items, false);
        }
    }

    #[test]
    fn probable_messages_are_short() {
        assert!(RangeEncoder::new(0.0).finish().is_empty());
        let mut encoder = RangeEncoder::new(0.0);
        let distribution = Distribution::new(0, -5 * 32, 127);
        for _ in 0..1000 {
            encoder.integer(&distribution, 0.0);
        }
        assert!(encoder.finish().len() <= 2);
    }

    #[test]
    fn rdoq_moves_targets_towards_the_centre_only() {
        let encoder = RangeEncoder::new(0.1);
        let distribution = Distribution::new(0, -32, 127);
        let chosen = [0.55, -0.55, 0.45, 0.95, 5.4].map(|x| encoder.choose(&distribution, x));
        assert_eq!(chosen, [0, 0, 0, 1, 5]);
    }

    #[test]
    fn carries_propagate_into_written_bytes() {
        let mut encoder = RangeEncoder::new(0.0);
        for _ in 0..64 {
            encoder.flag(1, false);
        }
        encoder.bits(16, 0xffff);
        let bytes = encoder.finish();
        let mut decoder = RangeDecoder::new(&bytes);
        assert!((0..64).all(|_| !decoder.flag(1, false)));
        assert_eq!(decoder.bits(16, 0), 0xffff);
    }
}
