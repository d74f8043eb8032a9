//! Every operation against finite differences and against its form in candle's own operations;
//! convolutions and linear layers on every instruction set that the processor has.

#![allow(clippy::unwrap_used)]

use candle_core::{Device, Result, Tensor, Var};

use super::cpu::simd::Level;
use super::*;
use crate::model::gradient_check::{apart, check, flat, normal};

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
const ODD: [Shape; 20] = [
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
    (16, 24, 3, 1, 1, 12, 20),
    (12, 12, 3, 1, 1, 40, 64),
    (20, 33, 3, 1, 1, 8, 8),
    (8, 8, 3, 2, 1, 16, 16),
    (6, 20, 1, 1, 0, 16, 16),
];

/// Output of `f` and the gradient of a fixed weighted sum of it.
fn both(x: &Tensor, f: impl Fn(&Tensor) -> Result<Tensor>) -> [Tensor; 2] {
    let x = Var::from_tensor(x).unwrap();
    let y = f(x.as_tensor()).unwrap();
    let loss = (&y * &normal(9, y.dims())).unwrap().sum_all().unwrap();
    let gradient = loss.backward().unwrap().remove(&x).unwrap();
    [y.detach(), gradient]
}

/// Fails if values differ by more than `most` of the largest one.
#[track_caller]
fn assert_close(got: &[Tensor; 2], expected: &[Tensor; 2], most: f32, what: &str) {
    for (got, expected) in got.iter().zip(expected) {
        let scale = apart(expected, &expected.zeros_like().unwrap());
        let far = apart(got, expected);
        assert!(far <= most * scale, "{what}: {far} of {scale}");
    }
}

/// The layer of a shape and an input for it.
fn convolution(shape: Shape) -> (Conv2d, Tensor) {
    let (inputs, outputs, kernel, stride, padding, height, width) = shape;
    let weight = normal(1, &[outputs, inputs, kernel, kernel]);
    let layer = Conv2d::new(&weight, Some(&normal(2, &[outputs])), stride, padding).unwrap();
    (layer, normal(3, &[2, inputs, height, width]))
}

fn enlarges((inputs, _, _, stride, _, height, width): Shape) -> bool {
    stride == 1 && inputs * height * width <= 12 * 64 * 64
}

fn check_convolution(shape: Shape) {
    let (layer, x) = convolution(shape);
    let plain = both(&x, |x| layer.composed(x));
    let rectified = both(&x, |x| relu(&layer.composed(x)?));
    let enlarged = enlarges(shape).then(|| both(&x, |x| layer.composed(&upsample_nearest2(x)?)));
    for level in Level::at_hand() {
        let (what, layer) = (format!("{shape:?} on {level:?}"), layer.at(level));
        assert_close(&both(&x, |x| layer.forward(x)), &plain, 1e-5, &what);
        let got = both(&x, |x| layer.forward_relu(x));
        assert_close(&got, &rectified, 1e-5, &what);
        if let Some(enlarged) = &enlarged {
            let got = both(&x, |x| layer.forward_enlarged(x));
            assert_close(&got, enlarged, 1e-5, &format!("{what}, enlarged"));
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
    for (inputs, outputs, rows) in [(1, 1, 1), (10, 6, 3), (96, 97, 13), (64, 130, 200)] {
        let bias = normal(2, &[outputs]);
        let layer = Linear::new(&normal(1, &[outputs, inputs]), Some(&bias)).unwrap();
        let x = normal(3, &[rows, inputs]);
        let expected = both(&x, |x| layer.composed(x));
        for level in Level::at_hand() {
            let layer = layer.at(level);
            let what = format!("{inputs}→{outputs} on {level:?}");
            assert_close(&both(&x, |x| layer.forward(x)), &expected, 1e-5, &what);
        }
    }
}

#[test]
fn gradients_of_convolutions_agree_with_differences() {
    for shape in ODD {
        let (layer, x) = convolution(shape);
        check(&x, 1e-2, |x| layer.forward(x));
        if enlarges(shape) {
            check(&x, 1e-2, |x| layer.forward_enlarged(x));
        }
    }
    // The input used twice.
    let layer = Conv2d::new(&normal(1, &[6, 6, 3, 3]), None, 1, 1).unwrap();
    let x = normal(3, &[1, 6, 7, 8]);
    check(&x, 1e-3, |x| {
        layer.forward(x)? * layer.forward(&layer.forward(x)?)?
    });
    check(&x, 1e-3, |x| layer.forward(x)? * x);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for (layer, x) in ODD.map(convolution) {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            flat(&pool.install(|| layer.forward(&x)).unwrap())
        };
        assert_eq!(run(1), run(3));
    }
}

fn block(convs: usize, channels: usize) -> ResidualBlock {
    let conv = |i: usize| {
        let weight = (normal(i as u64, &[channels, channels, 3, 3]) * 0.2).unwrap();
        Conv2d::new(&weight, Some(&normal(9, &[channels])), 1, 1).unwrap()
    };
    ResidualBlock::new((0..convs).map(conv).collect()).unwrap()
}

/// A group norm and a layer norm, with an input for each.
fn norms(channels: usize, groups: usize) -> [(Norm, Tensor); 2] {
    let (weight, bias) = (normal(1, &[channels]), normal(2, &[channels]));
    let group = Norm::group(groups, 1e-5, &weight, &bias).unwrap();
    let layer = Norm::layer(1e-5, &weight, &bias).unwrap();
    let sequence = normal(3, &[2, 3, channels]);
    [(group, normal(3, &[2, channels, 4, 5])), (layer, sequence)]
}

/// The distance from targets of 5 channels, 23 × 31.
fn distance(batch: usize) -> UnitDistance {
    let weight = normal(1, &[5]).abs().unwrap();
    UnitDistance::new(&normal(2, &[batch, 5, 23, 31]), &weight).unwrap()
}

#[test]
fn gradients_of_layers_agree_with_differences() {
    let linear = |o, i, bias: Option<&Tensor>| Linear::new(&normal(1, &[o, i]), bias).unwrap();
    let with_bias = linear(6, 10, Some(&normal(2, &[6])));
    check(&normal(3, &[2, 3, 10]), 1e-2, |x| with_bias.forward(x));
    let square = linear(7, 7, None);
    check(&normal(3, &[4, 7]), 1e-2, |x| {
        square.forward(x)? * square.forward(&square.forward(x)?)?
    });
    for (norm, x) in norms(6, 2) {
        check(&x, 1e-3, |x| norm.forward(x));
        check(&x, 1e-3, |x| norm.forward(x)? * x);
    }
    let block = block(2, 6);
    let x = normal(5, &[1, 6, 7, 8]);
    check(&x, 1e-4, |x| block.forward(x));
    check(&x, 1e-4, |x| {
        block.forward(x)? * block.forward(&block.forward(x)?)?
    });
    let x = normal(3, &[2, 5, 23, 31]);
    for distance in [1, 2].map(distance) {
        check(&x, 1e-3, |x| distance.forward(x));
        check(&x, 1e-3, |x| distance.forward(&(x + x.sqr()?)?)?.sqr());
    }
}

#[test]
fn gradients_of_functions_agree_with_differences() {
    let x = normal(1, &[2, 5, 37]);
    check(&x, 1e-3, silu);
    let away_from_the_kink = (&x + (x.sign().unwrap() * 0.05).unwrap()).unwrap();
    check(&away_from_the_kink, 1e-3, relu);
    check(&x, 1e-3, gelu_erf);
    check(&x, 1e-3, |x| silu(x)? + gelu_erf(x)?);
    let x = normal(1, &[2, 3, 9]);
    check(&x, 1e-3, softmax_last);
    check(&x, 1e-3, |x| softmax_last(x)? * x);

    let [q, k, v] = [(1, 6), (2, 5), (3, 5)].map(|(seed, n)| normal(seed, &[2, n, 8]));
    check(&q, 1e-3, |q| attention(q, &k, &v, 2));
    check(&k, 1e-3, |k| attention(&q, k, &v, 2));
    check(&v, 1e-3, |v| attention(&q, &k, v, 2));
    check(&q, 1e-3, |x| attention(x, x, x, 4));

    let (x, m) = (normal(1, &[2, 3, 4, 5]), normal(2, &[2, 6, 4, 5]));
    check(&x, 1e-3, |x| modulate(x, &m));
    check(&m, 1e-3, |m| modulate(&x, m));
    check(&x, 1e-3, |x| modulate(x, &Tensor::cat(&[x, x], 1)?));
}

#[test]
fn gradients_of_rearrangements_agree_with_differences() {
    check(&normal(1, &[2, 12, 3, 4]), 1e-2, |x| {
        pixel_shuffle(x, 2)?.sqr()
    });
    check(&normal(1, &[2, 3, 6, 9]), 1e-3, |x| {
        pixel_unshuffle(x, 3)?.sqr()
    });
    check(&normal(1, &[2, 3, 4, 6]), 1e-3, |x| {
        avg_pool2(x)? * avg_pool2(&x.sqr()?)?
    });
    for (height, width) in [(7, 7), (8, 5), (6, 10), (3, 4)] {
        check(&normal(1, &[2, 3, height, width]), 1e-4, max_pool3s2_ceil);
    }
    let x = normal(1, &[2, 3, 4, 5]);
    check(&x, 1e-3, |x| upsample_nearest2(x)?.sqr());
    // Used by the enlargement and elsewhere, in both orders.
    check(&x, 1e-3, |x| {
        upsample_nearest2(x)? * upsample_nearest2(&x.sqr()?)?
    });
    let total = |x: &Tensor| upsample_nearest2(x)?.sum_all();
    check(&x, 1e-3, |x| total(x)?.broadcast_mul(x));
    check(&x, 1e-3, |x| x.broadcast_mul(&total(x)?));
}

#[test]
fn constants_get_no_gradient() {
    let (x, constant) = (normal(1, &[2, 3, 4, 5]), normal(2, &[1, 3, 1, 1]));
    check(&x, 1e-3, |x| add_constant(x, &constant)? * x);
    let more = normal(3, &[2, 1, 4, 5]);
    check(&x, 1e-3, |x| cat_constant(&more, x)?.sqr());
    let x = Var::from_tensor(&x).unwrap();
    let y = add_constant(&cat_constant(&more, &x).unwrap(), &normal(4, &[4, 1, 1])).unwrap();
    let gradients = y.sum_all().unwrap().backward().unwrap();
    assert_eq!(gradients.get_ids().count(), 1);
}

#[test]
fn kernels_agree_with_the_composed_forms() {
    let far = |x: &Tensor, got: &dyn Fn(&Tensor) -> Result<Tensor>, expected: Result<Tensor>| {
        apart(&got(x).unwrap(), &expected.unwrap())
    };
    let x = (normal(1, &[3, 50_000]) * 4.0).unwrap();
    assert!(far(&x, &silu, x.silu()) < 2e-6);
    assert!(far(&x, &gelu_erf, x.gelu_erf()) < 5e-6);
    assert_eq!(far(&x, &relu, x.relu()), 0.0);
    let x = (normal(1, &[3, 4, 77]) * 20.0).unwrap();
    let expected = candle_nn::ops::softmax(&x, candle_core::D::Minus1);
    assert!(far(&x, &softmax_last, expected) < 1e-6);
    for (norm, x) in norms(45, 3) {
        let x = (x + 3.0).unwrap();
        assert!(far(&x, &|x| norm.forward(x), norm.composed(&x)) < 1e-5);
    }
    for (height, width) in [(3, 3), (4, 3), (15, 31), (16, 18)] {
        let x = normal(1, &[2, 3, height, width]);
        assert_eq!(far(&x, &max_pool3s2_ceil, pool::composed(&x)), 0.0);
    }
    let (x, distance) = (normal(3, &[2, 5, 23, 31]), distance(1));
    assert!(far(&x, &|x| distance.forward(x), distance.composed(&x)) < 1e-5);
    for (convs, channels, side) in [(1, 3, 5), (2, 12, 8), (3, 9, 35), (2, 24, 64)] {
        let (block, x) = (
            block(convs, channels),
            normal(5, &[2, channels, side, side + 1]),
        );
        let expected = both(&x, |x| block.composed(x));
        let got = both(&x, |x| block.forward(x));
        assert_close(&got, &expected, 1e-5, &format!("{convs} of {channels}"));
    }
}

#[test]
fn known_values() {
    let ramp = |shape: [usize; 4]| {
        let count = shape.iter().product::<usize>() as f32;
        let x = Tensor::arange(0f32, count, &Device::Cpu).unwrap();
        x.reshape(&shape).unwrap()
    };
    let x = Tensor::new(&[-100f32, -1.0, 0.0, 1.0, 100.0], &Device::Cpu).unwrap();
    let close = |y: Result<Tensor>, expected: [f32; 5]| {
        let expected = Tensor::new(&expected, &Device::Cpu).unwrap();
        assert!(apart(&y.unwrap(), &expected) < 1e-6);
    };
    close(silu(&x), [0.0, -0.268_941_43, 0.0, 0.731_058_6, 100.0]);
    close(relu(&x), [0.0, 0.0, 0.0, 1.0, 100.0]);
    close(gelu_erf(&x), [0.0, -0.158_655_26, 0.0, 0.841_344_7, 100.0]);

    // The first half of a modulation scales, the second one shifts.
    let x = Tensor::full(3f32, (1, 1, 1, 2), &Device::Cpu).unwrap();
    let m = Tensor::new(&[[[[0.5f32, 0.0]], [[1.0, -1.0]]]], &Device::Cpu).unwrap();
    assert_eq!(flat(&modulate(&x, &m).unwrap()), [5.5, 2.0]);

    // Channels become cells row by row.
    let cells = pixel_shuffle(&ramp([1, 8, 1, 1]), 2).unwrap();
    assert_eq!(cells.dims(), [1, 2, 2, 2]);
    assert_eq!(flat(&cells), [0., 1., 2., 3., 4., 5., 6., 7.]);
    let wide = pixel_shuffle(&ramp([1, 4, 1, 2]), 2).unwrap();
    assert_eq!(flat(&wide), [0., 2., 1., 3., 4., 6., 5., 7.]);
    let x = normal(5, &[2, 27, 4, 2]);
    let back = pixel_unshuffle(&pixel_shuffle(&x, 3).unwrap(), 3).unwrap();
    assert_eq!(apart(&back, &x), 0.0);

    // Windows hang over the far edge.
    let y = max_pool3s2_ceil(&ramp([1, 1, 4, 6])).unwrap();
    assert_eq!(y.dims(), [1, 1, 2, 3]);
    assert_eq!(flat(&y), [14., 16., 17., 20., 22., 23.]);
}

#[test]
fn dead_places_have_no_gradient() {
    let x = normal(3, &[1, 5, 23, 31]).zeros_like().unwrap();
    let [_, gradient] = both(&x, |x| distance(1).forward(x));
    assert!(flat(&gradient).iter().all(|&g| g == 0.0));
}

#[test]
fn wrong_shapes_are_named() {
    let conv = Conv2d::new(&normal(1, &[6, 5, 3, 3]), None, 1, 0).unwrap();
    let linear = Linear::new(&normal(1, &[6, 10]), None).unwrap();
    for (result, words) in [
        (
            conv.forward(&normal(1, &[1, 4, 8, 8])),
            ["[1, 4, 8, 8]", "[6, 5, 3, 3]"],
        ),
        (linear.forward(&normal(3, &[2, 9])), ["10", "[2, 9]"]),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    assert!(conv.forward(&normal(1, &[1, 5, 2, 8])).is_err());
    assert!(Conv2d::new(&normal(1, &[6, 5, 3, 1]), None, 1, 0).is_err());
}
