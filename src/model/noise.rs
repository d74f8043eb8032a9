//! The start noise: `numpy.random.RandomState(seed).randn`, bit for bit.
//!
//! The reference draws its noise with NumPy's legacy generator, so a player with the same
//! frames must draw the same numbers: the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998,
//! 32-bit seeding of the 2002 revision), 53-bit doubles from two words, and Marsaglia's polar
//! method with its second value kept for the next call. NumPy froze this stream for good
//! (NEP 19). The logarithm comes from `libm`, so every platform draws the same bits.

const WORDS: usize = 624;
const SHIFT: usize = 397;

/// NumPy's legacy random state: normal deviates of mean 0 and variance 1.
#[derive(Debug, Clone)]
pub struct RandomState {
    words: [u32; WORDS],
    next: usize,
    kept: Option<f64>,
}

impl RandomState {
    /// The state that `numpy.random.RandomState(seed)` starts with.
    pub fn new(seed: u32) -> Self {
        let mut words = [seed; WORDS];
        for i in 1..WORDS {
            let before = words[i - 1] ^ (words[i - 1] >> 30);
            words[i] = 1_812_433_253_u32
                .wrapping_mul(before)
                .wrapping_add(i as u32);
        }
        Self {
            words,
            next: WORDS,
            kept: None,
        }
    }

    /// The next `count` normal deviates, rounded to single precision.
    pub fn randn(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.normal() as f32).collect()
    }

    /// The next normal deviate.
    pub fn normal(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        loop {
            let x = 2.0 * self.uniform() - 1.0;
            let y = 2.0 * self.uniform() - 1.0;
            let square = x * x + y * y;
            if square < 1.0 && square != 0.0 {
                let factor = (-2.0 * libm::log(square) / square).sqrt();
                self.kept = Some(factor * x);
                return factor * y;
            }
        }
    }

    /// The next uniform number in `[0, 1)`, a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        let high = f64::from(self.word() >> 5);
        let low = f64::from(self.word() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    fn word(&mut self) -> u32 {
        if self.next == WORDS {
            self.refill();
        }
        let mut y = self.words[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn refill(&mut self) {
        for i in 0..WORDS {
            let high = self.words[i] & 0x8000_0000;
            let low = self.words[(i + 1) % WORDS] & 0x7fff_ffff;
            let twist = if low & 1 == 1 { 0x9908_b0df } else { 0 };
            self.words[i] = self.words[(i + SHIFT) % WORDS] ^ ((high | low) >> 1) ^ twist;
        }
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::RandomState;
    use crate::segment::hex;
    use sha2::{Digest, Sha256};

    #[test]
    fn agrees_with_numpy_to_the_last_bit() {
        // [x.hex() for x in numpy.random.RandomState(88).randn(5)]
        let expected = [
            0x3fbb_5cc5_0ec9_9d18_u64,
            0x4001_a582_7630_13a1,
            0x3fee_9c29_5d98_b663,
            0x3fb1_8363_cf7e_ec1d,
            0x3ff1_18a1_f133_fbec,
        ];
        let mut state = RandomState::new(88);
        for bits in expected {
            assert_eq!(state.normal().to_bits(), bits);
        }
    }

    #[test]
    fn a_whole_latent_of_noise_has_the_golden_hash() {
        // sha256(RandomState(88).randn(1, 4, 64, 64).astype('<f4').tobytes())
        let noise = RandomState::new(88).randn(4 * 64 * 64);
        let bytes: Vec<u8> = noise.into_iter().flat_map(f32::to_le_bytes).collect();
        let expected = "4496d7450b9ab88e9e0e32baaae0812e1aa1d9e8cf3cdb8662531ee3804456a7";
        assert_eq!(hex(&Sha256::digest(bytes)), expected);
    }

    #[test]
    fn the_largest_seed_agrees_with_numpy() {
        // numpy.random.RandomState(2**32 - 1).randn(1)[0].hex() = 0x1.4bfc38c486d8ap-1
        let first = RandomState::new(u32::MAX).normal();
        assert_eq!(first.to_bits(), 0x3fe4_bfc3_8c48_6d8a);
    }
}
