//! Elementary functions and sums in forms that compilers turn into vector instructions.

use super::simd::Simd;

/// eˣ for any x, relative error under 2·10⁻⁷; 0 or ∞ are approached, not reached (Cephes' `expf`:
/// x = n·ln 2 + r, a polynomial in r, n put into the exponent bits).
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: f32) -> f32 {
    // Adding it rounds to an integer, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = simd.mul_add1(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = simd.mul_add1(n, -0.693_359_4, x);
    let r = simd.mul_add1(n, 2.121_944_4e-4, r);
    let mut y = 1.987_569_2e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_6e-1] {
        y = simd.mul_add1(y, r, coefficient);
    }
    y = simd.mul_add1(y, r, 0.5);
    let y = simd.mul_add1(y * r, r, r) + 1.0;
    y * f32::from_bits((shifted.to_bits() << 23).wrapping_add(1f32.to_bits()))
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: f32) -> f32 {
    1.0 / (1.0 + exp(simd, -x))
}

/// The error function, absolute error under 3·10⁻⁷ (Abramowitz and Stegun 7.1.26).
#[inline(always)]
pub(crate) fn erf<S: Simd>(simd: S, x: f32) -> f32 {
    let z = x.abs();
    let t = 1.0 / simd.mul_add1(z, 0.327_591_1, 1.0);
    let mut y = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        y = simd.mul_add1(y, t, coefficient);
    }
    (1.0 - y * t * exp(simd, -z * z)).copysign(x)
}

/// Σ f(aᵢ, bᵢ) in one fixed order: sixteen running sums, then those one after the other.
#[inline(always)]
pub(crate) fn sum2(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0f32; 16];
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..16 {
            sums[lane] += f(a[lane], b[lane]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(&a, &b)| f(a, b)).sum();
    sums.iter().sum::<f32>() + rest
}

/// Σ f(aᵢ), as [`sum2`].
#[inline(always)]
pub(crate) fn sum(a: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    sum2(a, a, |a, _| f(a))
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Kernel, dispatch};
    use super::*;

    struct Table(Vec<f32>);

    impl Kernel for Table {
        type Output = Vec<[f32; 3]>;

        fn run<S: Simd>(self, simd: S) -> Self::Output {
            let values = |&x| [exp(simd, x), erf(simd, x), sigmoid(simd, x)];
            self.0.iter().map(values).collect()
        }
    }

    #[test]
    fn close_to_the_library_functions() {
        let x: Vec<f32> = (-8700..8700).map(|i| i as f32 * 0.01).collect();
        for (x, got) in x.iter().zip(dispatch(Table(x.clone()))) {
            let x = f64::from(*x);
            let expected = [x.exp(), libm::erf(x), 1.0 / (1.0 + (-x).exp())];
            let most = [2e-7 * x.exp(), 3e-7, 2e-7];
            for ((got, expected), most) in got.into_iter().zip(expected).zip(most) {
                let far = (f64::from(got) - expected).abs();
                assert!(far <= most, "{x}: {got} {expected}");
            }
        }
    }

    #[test]
    fn extremes_stay_finite() {
        let far = dispatch(Table(vec![-1e30, 1e30]));
        assert!(far[0][0] < 1e-37 && far[1][0] > 1e38 && far[1][0].is_finite());
        assert_eq!([far[0][1], far[1][1], far[1][2]], [-1.0, 1.0, 1.0]);
    }

    #[test]
    fn sums_take_every_number() {
        let x: Vec<f32> = (0..37).map(|i| i as f32).collect();
        assert_eq!(sum(&x, |x| x), 666.0);
        assert_eq!(sum2(&x, &x, |a, b| a * b), 16206.0);
    }
}
