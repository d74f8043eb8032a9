//! Eigenvectors of a small symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan,
//! section 8.5): plain double precision, the same result on every machine and thread count.

/// Most sweeps; convergence is quadratic and takes fewer than ten.
const SWEEPS: usize = 60;

/// Eigenvalues of the symmetric `matrix` (`side`×`side`, row-major), largest first, and the
/// eigenvectors as the rows of a matrix of the same size. Each vector's largest entry is positive.
pub(super) fn symmetric_eigen(matrix: &[f64], side: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a = matrix.to_vec();
    let mut rows = vec![0.0; side * side];
    rows.iter_mut().step_by(side + 1).for_each(|x| *x = 1.0);
    for _ in 0..SWEEPS {
        let trace: f64 = a.iter().step_by(side + 1).sum();
        if off_diagonal(&a, side) <= f64::EPSILON * trace.abs() {
            break;
        }
        for p in 0..side {
            for q in p + 1..side {
                rotate(&mut a, &mut rows, side, (p, q));
            }
        }
    }
    let mut order: Vec<usize> = (0..side).collect();
    order.sort_by(|&i, &j| a[j * side + j].total_cmp(&a[i * side + i]));
    let values = order.iter().map(|&i| a[i * side + i]).collect();
    let row = |i: usize| &rows[i * side..(i + 1) * side];
    let vectors = order.iter().flat_map(|&i| signed(row(i)));
    (values, vectors.collect())
}

/// One Jacobi rotation in the plane of axes p and q that zeroes a[p][q], applied to `rows` as well.
fn rotate(a: &mut [f64], rows: &mut [f64], side: usize, (p, q): (usize, usize)) {
    let off = a[p * side + q];
    if off == 0.0 {
        return;
    }
    let theta = (a[q * side + q] - a[p * side + p]) / (2.0 * off);
    let tangent = theta.signum() / (theta.abs() + theta.mul_add(theta, 1.0).sqrt());
    let cosine = 1.0 / tangent.mul_add(tangent, 1.0).sqrt();
    let sine = tangent * cosine;
    let turn = |matrix: &mut [f64], p: usize, q: usize| {
        let (left, right) = (matrix[p], matrix[q]);
        matrix[p] = cosine * left - sine * right;
        matrix[q] = sine * left + cosine * right;
    };
    for k in 0..side {
        turn(a, k * side + p, k * side + q);
    }
    for k in 0..side {
        turn(a, p * side + k, q * side + k);
        turn(rows, p * side + k, q * side + k);
    }
}

fn off_diagonal(a: &[f64], side: usize) -> f64 {
    let entries = a.iter().enumerate();
    let off = entries.filter(|(at, _)| !at.is_multiple_of(side + 1));
    off.map(|(_, x)| x.powi(2)).sum::<f64>().sqrt()
}

/// The vector with its sign chosen so that its (first) largest entry is positive.
fn signed(vector: &[f64]) -> Vec<f64> {
    let larger = |best: f64, x: f64| if x.abs() > best.abs() { x } else { best };
    let largest = vector.iter().copied().fold(0.0, larger);
    let sign = if largest < 0.0 { -1.0 } else { 1.0 };
    vector.iter().map(|x| sign * x).collect()
}

#[cfg(test)]
mod tests {
    use super::symmetric_eigen;
    use proptest::prelude::*;

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(x, y)| x * y).sum()
    }

    proptest! {
        #[test]
        fn vectors_are_orthonormal_and_rebuild_the_matrix(
            side in 1_usize..9,
            entries in proptest::collection::vec(-10.0_f64..10.0, 64),
        ) {
            let at = |i: usize, j: usize| entries[i.min(j) * side + i.max(j)];
            let matrix: Vec<f64> =
                (0..side * side).map(|k| at(k / side, k % side)).collect();
            let (values, vectors) = symmetric_eigen(&matrix, side);
            prop_assert!(values.is_sorted_by(|a, b| a >= b));
            let vector = |i: usize| &vectors[i * side..(i + 1) * side];
            for i in 0..side {
                for j in 0..side {
                    let unit = if i == j { 1.0 } else { 0.0 };
                    prop_assert!((dot(vector(i), vector(j)) - unit).abs() < 1e-12);
                    let rebuilt: f64 = (0..side)
                        .map(|k| values[k] * vector(k)[i] * vector(k)[j])
                        .sum();
                    prop_assert!((rebuilt - matrix[i * side + j]).abs() < 1e-11);
                }
            }
        }
    }
}
