//! Vectors of `f32`, and the choice of the instruction set at run time: code compiled for the
//! baseline instruction set alone would be four to eight times slower. WebAssembly has no choice at run
//! time: a module has 128-bit vectors or has none.
//!
//! The `unsafe` blocks rest on two facts:
//! * A [`Level`] is made only after the processor reported the instruction set, and a value of
//!   [`Avx512`] or [`Avx2`] exists only inside [`Level::run`]; so its methods may use the instructions.
//! * Loads and stores take slices of exactly the vector's length.

#![allow(unsafe_code)]

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use std::arch::wasm32::*;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Arithmetic of one instruction set on vectors of `LANES` numbers.
pub(crate) trait Simd: Copy {
    /// Numbers in a vector.
    const LANES: usize;
    /// `LANES` numbers in a register.
    type Vector: Copy;

    /// `LANES` copies of `x`.
    fn splat(self, x: f32) -> Self::Vector;
    /// The first `LANES` numbers of `x`; panics when there are fewer.
    fn load(self, x: &[f32]) -> Self::Vector;
    /// Writes the first `LANES` numbers of `target`; panics when there are fewer.
    fn store(self, x: Self::Vector, target: &mut [f32]);
    /// a·b + c.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The larger of each pair; the second where one is not a number.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a·b + c of single numbers, for loops that the compiler vectorises.
    fn mul_add1(self, a: f32, b: f32, c: f32) -> f32;
}

/// Work to be compiled once per instruction set.
pub(crate) trait Kernel {
    /// Result of the work.
    type Output;

    /// Does the work. Implementations and everything they call must be `#[inline(always)]`; otherwise
    /// they are compiled for the baseline.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// An instruction set of this processor; only [`Level::best`] and [`Level::at_hand`] construct one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    #[cfg_attr(
        all(target_arch = "wasm32", target_feature = "simd128"),
        allow(dead_code, reason = "the module has vectors")
    )]
    Portable,
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Wasm,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// The fastest.
    pub(crate) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx512() {
                return Self(Set::Avx512);
            }
            if has_avx2() {
                return Self(Set::Avx2);
            }
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        return Self(Set::Wasm);
        #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
        Self(Set::Portable)
    }

    /// All, slowest first.
    #[cfg(test)]
    pub(crate) fn at_hand() -> Vec<Self> {
        let mut levels = vec![Self(Set::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(has_avx2().then_some(Self(Set::Avx2)));
            levels.extend(has_avx512().then_some(Self(Set::Avx512)));
        }
        levels
    }

    /// Numbers in a vector.
    pub(crate) fn lanes(self) -> usize {
        match self.0 {
            Set::Portable => Portable::LANES,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Set::Wasm => Wasm::LANES,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => Avx2::LANES,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => Avx512::LANES,
        }
    }

    /// Runs `kernel` compiled for this instruction set.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Set::Portable => kernel.run(Portable),
            // The whole module is compiled for simd128: no check at run time.
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Set::Wasm => kernel.run(Wasm),
            // SAFETY: a `Level` is made only after the processor reported its instruction set.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { run_avx2(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { run_avx512(kernel) },
        }
    }
}

/// Runs `kernel` compiled for the best available instruction set.
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    Level::best().run(kernel)
}

/// Any processor: arrays, which the compiler may turn into short vectors.
#[derive(Clone, Copy)]
struct Portable;

impl Simd for Portable {
    const LANES: usize = 4;
    type Vector = [f32; 4];

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 4] {
        [x; 4]
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> [f32; 4] {
        [x[0], x[1], x[2], x[3]]
    }

    #[inline(always)]
    fn store(self, x: [f32; 4], target: &mut [f32]) {
        target[..4].copy_from_slice(&x);
    }

    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|lane| self.mul_add1(a[lane], b[lane], c[lane]))
    }

    #[inline(always)]
    fn max(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|lane| if a[lane] > b[lane] { a[lane] } else { b[lane] })
    }

    #[inline(always)]
    fn mul_add1(self, a: f32, b: f32, c: f32) -> f32 {
        // Without the instruction, a fused multiply-add would be a slow library call.
        if cfg!(target_arch = "aarch64") {
            a.mul_add(b, c)
        } else {
            a * b + c
        }
    }
}

/// WebAssembly's 128-bit vectors. There is no fused multiply-add: a product is rounded before its sum.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[derive(Clone, Copy)]
struct Wasm;

// SAFETY, for loads and stores: slices are cut to the length of a vector; any alignment is allowed.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl Simd for Wasm {
    const LANES: usize = 4;
    type Vector = v128;

    #[inline(always)]
    fn splat(self, x: f32) -> v128 {
        f32x4_splat(x)
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> v128 {
        let x = &x[..4];
        unsafe { v128_load(x.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, x: v128, target: &mut [f32]) {
        let target = &mut target[..4];
        unsafe { v128_store(target.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn mul_add(self, a: v128, b: v128, c: v128) -> v128 {
        f32x4_add(f32x4_mul(a, b), c)
    }

    #[inline(always)]
    fn max(self, a: v128, b: v128) -> v128 {
        // b < a ? a : b
        f32x4_pmax(b, a)
    }

    #[inline(always)]
    fn mul_add1(self, a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && has_avx2()
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// An instruction set of x86: features, vector and its length, and intrinsics.
#[cfg(target_arch = "x86_64")]
macro_rules! x86 {
    (
        $(#[$doc:meta])* $name:ident $run:ident $features:literal, $vector:ty, $lanes:literal,
        $splat:ident $load:ident $store:ident $mul_add:ident $max:ident
    ) => {
        #[target_feature(enable = $features)]
        fn $run<K: Kernel>(kernel: K) -> K::Output {
            kernel.run($name(()))
        }

        $(#[$doc])*
        #[derive(Clone, Copy)]
        struct $name(());

        // SAFETY, for all methods: `self` proves that the processor has the instructions, and slices
        // are cut to the length of a vector; any alignment is allowed.
        impl Simd for $name {
            const LANES: usize = $lanes;
            type Vector = $vector;

            #[inline(always)]
            fn splat(self, x: f32) -> $vector {
                unsafe { $splat(x) }
            }

            #[inline(always)]
            fn load(self, x: &[f32]) -> $vector {
                let x = &x[..$lanes];
                unsafe { $load(x.as_ptr()) }
            }

            #[inline(always)]
            fn store(self, x: $vector, target: &mut [f32]) {
                let target = &mut target[..$lanes];
                unsafe { $store(target.as_mut_ptr(), x) }
            }

            #[inline(always)]
            fn mul_add(self, a: $vector, b: $vector, c: $vector) -> $vector {
                unsafe { $mul_add(a, b, c) }
            }

            #[inline(always)]
            fn max(self, a: $vector, b: $vector) -> $vector {
                unsafe { $max(a, b) }
            }

            #[inline(always)]
            fn mul_add1(self, a: f32, b: f32, c: f32) -> f32 {
                a.mul_add(b, c)
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86! {
    /// Intel and AMD with 512-bit vectors.
    Avx512 run_avx512 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", __m512, 16,
    _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps _mm512_max_ps
}

#[cfg(target_arch = "x86_64")]
x86! {
    /// Intel and AMD with 256-bit vectors and fused multiply-add.
    Avx2 run_avx2 "avx2,fma", __m256, 8,
    _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps _mm256_max_ps
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    /// max(x² + ½, 1) on vectors less the same on single numbers; 7 after the last whole vector.
    struct Difference(Vec<f32>);

    impl Kernel for Difference {
        type Output = Vec<f32>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Vec<f32> {
            let mut y = vec![7.0; self.0.len()];
            let outputs = y.chunks_exact_mut(S::LANES);
            for (x, y) in self.0.chunks_exact(S::LANES).zip(outputs) {
                let v = simd.load(x);
                let sum = simd.mul_add(v, v, simd.splat(0.5));
                simd.store(simd.max(sum, simd.splat(1.0)), y);
                for (x, y) in x.iter().zip(y) {
                    *y -= simd.mul_add1(*x, *x, 0.5).max(1.0);
                }
            }
            y
        }
    }

    #[test]
    fn every_instruction_set_at_hand_computes_the_same() {
        for level in Level::at_hand() {
            let lanes = level.lanes();
            let numbers = (0..2 * lanes + 3).map(|i| i as f32 * 0.37);
            let y = level.run(Difference(numbers.collect()));
            let (whole, rest) = y.split_at(2 * lanes);
            assert!(whole.iter().all(|&difference| difference == 0.0), "{y:?}");
            assert_eq!(rest, [7.0; 3]);
        }
        assert_eq!(Level::at_hand().last(), Some(&Level::best()));
    }

    #[test]
    #[should_panic(expected = "range end index")]
    fn a_short_slice_is_refused() {
        struct Short;
        impl Kernel for Short {
            type Output = ();

            fn run<S: Simd>(self, simd: S) {
                let too_short = vec![0f32; S::LANES - 1];
                simd.load(&too_short);
            }
        }
        // The portable form reads by index; the others by range.
        if Level::best().lanes() == 4 {
            panic!("range end index");
        }
        dispatch(Short);
    }
}
