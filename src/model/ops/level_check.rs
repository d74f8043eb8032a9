//! Convolutions and linear layers on every instruction set that the processor has, forwards and
//! backwards, against candle's own operations: all shapes of the `mini` profile and odd ones.

#![allow(clippy::unwrap_used)]

use candle_core::{Result, Tensor, Var};

use super::cpu::simd::Level;
use super::{Conv2d, Linear, relu, upsample_nearest2};
use crate::model::gradient_check::normal;

/// Input channels, output channels, kernel, stride, padding, height, width.
type Shape = (usize, usize, usize, usize, usize, usize, usize);

/// The convolutions of `mini` at 256×256.
const MINI: [Shape; 26] = [
    (32, 32, 3, 1, 1, 32, 32),
    (32, 32, 3, 2, 1, 32, 32),
    (32, 64, 3, 1, 1, 16, 16),
    (32, 64, 1, 1, 0, 16, 16),
    (32, 128, 1, 1, 0, 16, 16),
    (32, 192, 1, 1, 0, 16, 16),
    (64, 64, 3, 1, 1, 16, 16),
    (64, 64, 3, 2, 1, 16, 16),
    (64, 96, 3, 1, 1, 8, 8),
    (64, 96, 1, 1, 0, 8, 8),
    (96, 96, 3, 1, 1, 8, 8),
    (192, 96, 3, 1, 1, 8, 8),
    (192, 96, 1, 1, 0, 8, 8),
    (160, 96, 3, 1, 1, 8, 8),
    (160, 64, 3, 1, 1, 16, 16),
    (96, 64, 3, 1, 1, 16, 16),
    (96, 32, 3, 1, 1, 32, 32),
    (64, 32, 3, 1, 1, 32, 32),
    (64, 32, 1, 1, 0, 32, 32),
    (32, 16, 3, 1, 1, 32, 32),
    (16, 32, 3, 1, 1, 32, 32),
    (16, 192, 1, 1, 0, 32, 32),
    (32, 24, 3, 1, 1, 32, 32),
    (24, 24, 3, 1, 1, 64, 64),
    (24, 12, 3, 1, 1, 64, 64),
    (12, 12, 3, 1, 1, 128, 128),
];

/// Few channels, odd counts, rows shorter than a vector and one longer, no padding, large kernels.
const ODD: [Shape; 15] = [
    (1, 1, 1, 1, 0, 1, 1),
    (1, 1, 3, 1, 1, 1, 1),
    (3, 5, 3, 1, 1, 2, 3),
    (3, 5, 3, 1, 1, 7, 9),
    (7, 13, 3, 1, 1, 5, 17),
    (2, 3, 3, 1, 1, 33, 4),
    (4, 9, 5, 1, 2, 11, 19),
    (3, 4, 3, 1, 0, 6, 5),
    (5, 7, 3, 2, 1, 9, 12),
    (4, 6, 3, 2, 0, 11, 8),
    (6, 10, 2, 2, 0, 10, 34),
    (3, 3, 5, 2, 2, 13, 40),
    (6, 3, 1, 1, 0, 5, 6),
    (5, 21, 1, 1, 0, 3, 50),
    (5, 6, 1, 2, 0, 9, 31),
];

fn flat(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// Output of `f` and the gradient of a fixed weighted sum of it.
fn both(x: &Tensor, f: impl Fn(&Tensor) -> Result<Tensor>) -> [Tensor; 2] {
    let x = Var::from_tensor(x).unwrap();
    let y = f(x.as_tensor()).unwrap();
    let loss = (&y * &normal(9, y.dims())).unwrap().sum_all().unwrap();
    let gradient = loss.backward().unwrap().remove(&x).unwrap();
    [y.detach(), gradient]
}

#[track_caller]
fn assert_close(got: &[Tensor; 2], expected: &[Tensor; 2], what: &str) {
    for (got, expected) in got.iter().zip(expected) {
        assert_eq!(got.dims(), expected.dims(), "{what}");
        let (got, expected) = (flat(got), flat(expected));
        let scale = expected.iter().fold(0f32, |most, x| most.max(x.abs()));
        for (got, expected) in got.iter().zip(expected) {
            assert!(
                (got - expected).abs() <= 1e-5 * scale,
                "{what}: {got} {expected}"
            );
        }
    }
}

fn check_convolution(shape: Shape) {
    let (inputs, outputs, kernel, stride, padding, height, width) = shape;
    let weight = normal(1, &[outputs, inputs, kernel, kernel]);
    let layer = Conv2d::new(&weight, Some(&normal(2, &[outputs])), stride, padding).unwrap();
    let x = normal(3, &[2, inputs, height, width]);
    let plain = both(&x, |x| layer.composed(x));
    let rectified = both(&x, |x| relu(&layer.composed(x)?));
    let enlarges = stride == 1 && inputs * height * width <= 12 * 64 * 64;
    let enlarged = enlarges.then(|| both(&x, |x| layer.composed(&upsample_nearest2(x)?)));
    for level in Level::at_hand() {
        let (what, layer) = (format!("{shape:?} on {level:?}"), layer.at(level));
        assert_close(&both(&x, |x| layer.forward(x)), &plain, &what);
        assert_close(&both(&x, |x| layer.forward_relu(x)), &rectified, &what);
        if let Some(enlarged) = &enlarged {
            let got = both(&x, |x| layer.forward_enlarged(x));
            assert_close(&got, enlarged, &format!("{what}, enlarged"));
        }
    }
}

#[test]
fn convolutions_of_mini_on_every_instruction_set() {
    MINI.into_iter().for_each(check_convolution);
}

#[test]
fn odd_convolutions_on_every_instruction_set() {
    ODD.into_iter().for_each(check_convolution);
}

#[test]
fn linear_layers_on_every_instruction_set() {
    for (inputs, outputs, rows) in [(1, 1, 1), (10, 6, 3), (96, 97, 13), (64, 130, 77)] {
        let bias = normal(2, &[outputs]);
        let layer = Linear::new(&normal(1, &[outputs, inputs]), Some(&bias)).unwrap();
        let x = normal(3, &[rows, inputs]);
        let expected = both(&x, |x| layer.composed(x));
        for level in Level::at_hand() {
            let layer = layer.at(level);
            let what = format!("{inputs}→{outputs} on {level:?}");
            assert_close(&both(&x, |x| Linear::forward(&layer, x)), &expected, &what);
        }
    }
}
