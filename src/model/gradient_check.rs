//! Autograd against central differences: the guard against silently wrong gradients.

#![allow(clippy::unwrap_used)]

use candle_core::{Device, Result, Tensor, Var};

/// Normal pseudo-random numbers, the same on every run (a 64-bit LCG through Box–Muller).
pub(crate) fn normal(seed: u64, dims: &[usize]) -> Tensor {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f64 + 0.5) / f64::from(1 << 24)
    };
    let count: usize = dims.iter().product();
    let draw = |_| {
        let radius = (-2.0 * uniform().ln()).sqrt();
        (radius * (std::f64::consts::TAU * uniform()).cos()) as f32
    };
    let values: Vec<f32> = (0..count).map(draw).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

/// The values of `x` in row-major order.
pub(crate) fn flat(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// The largest difference of two tensors of one shape.
#[track_caller]
pub(crate) fn apart(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    let pairs = flat(a).into_iter().zip(flat(b));
    pairs.fold(0.0, |most, (a, b)| {
        assert!(!(a - b).is_nan(), "{a} and {b}");
        most.max((a - b).abs())
    })
}

fn values(x: &Tensor) -> Vec<f64> {
    flat(x).into_iter().map(f64::from).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Holds the gradient of Σ r ⊙ f(x), r random and fixed, to central differences at `x`: along the
/// gradient itself and along eight random directions (which also show the share of a detached
/// branch). Each entry of `x` moves by about `step`. Fails at a difference over 1 %.
#[track_caller]
pub(crate) fn check(x: &Tensor, step: f64, f: impl Fn(&Tensor) -> Result<Tensor>) {
    let input = Var::from_tensor(x).unwrap();
    let output = f(input.as_tensor()).unwrap();
    let readout = normal(77, output.dims());
    let loss = (&output * &readout).unwrap().sum_all().unwrap();
    let gradients = loss.backward().unwrap();
    let gradient = gradients.get(&input).expect("the input has a gradient");
    let gradient = values(gradient);

    let (start, readout) = (values(x), values(&readout));
    let loss_at = |direction: &[f64], t: f64| {
        let pairs = start.iter().zip(direction);
        let moved = pairs.map(|(x, d)| (x + t * d) as f32).collect();
        let moved = Tensor::from_vec(moved, x.dims(), x.device()).unwrap();
        dot(&values(&f(&moved).unwrap()), &readout)
    };
    let eps = step * (gradient.len() as f64).sqrt();
    // (autograd, differences) for the derivative along a direction.
    let derivatives = |direction: Vec<f64>| {
        let length = dot(&direction, &direction).sqrt();
        assert!(length > 0.0, "the gradient is zero");
        let unit: Vec<f64> = direction.iter().map(|d| d / length).collect();
        let expected = (loss_at(&unit, eps) - loss_at(&unit, -eps)) / (2.0 * eps);
        (dot(&unit, &gradient), expected)
    };
    let random = (100..108).map(|seed| derivatives(values(&normal(seed, x.dims()))));
    assert_close(&[derivatives(gradient.clone())]);
    assert_close(&random.collect::<Vec<_>>());
}

#[track_caller]
fn assert_close(pairs: &[(f64, f64)]) {
    let errors = pairs.iter().map(|(got, expected)| (got - expected).powi(2));
    let (error, scale) = (errors.sum::<f64>(), pairs.iter().map(|(_, e)| e * e));
    assert!(
        error.sqrt() <= 0.01 * scale.sum::<f64>().sqrt(),
        "(autograd, differences): {pairs:?}"
    );
}
