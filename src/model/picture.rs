//! Frames ↔ tensors: bytes 0..=255 to values 0..1, NCHW; padding to and cropping from coded size.
//! Knows no network.

use candle_core::{DType, Device, Tensor};

use super::ModelError;
use crate::frame::Frame;

/// The frame as (1, 3, height, width) with values in 0..1; columns and rows past its right and
/// bottom edge repeat the edge.
pub fn to_tensor(
    frame: &Frame,
    (width, height): (u32, u32),
    device: &Device,
) -> Result<Tensor, ModelError> {
    let plane = width as usize * height as usize;
    let mut values = vec![0.0_f32; 3 * plane];
    for y in 0..height {
        for x in 0..width {
            let at = (y * width + x) as usize;
            for (colour, value) in frame.pixel(x, y).into_iter().enumerate() {
                values[colour * plane + at] = f32::from(value) / 255.0;
            }
        }
    }
    let shape = (1, 3, height as usize, width as usize);
    Ok(Tensor::from_vec(values, shape, device)?)
}

/// The top left `visible` part of each picture of (B, 3, H, W), clamped to 0..1 and rounded.
pub fn to_frames(pictures: &Tensor, visible: (u32, u32)) -> Result<Vec<Frame>, ModelError> {
    let (_, colours, height, width) = pictures.dims4()?;
    let (columns, rows) = (visible.0 as usize, visible.1 as usize);
    let wrong = || ModelError::Input {
        what: "pictures",
        got: pictures.dims().to_vec(),
        expected: format!("(B, 3, at least {rows}, at least {columns})"),
    };
    if colours != 3 || rows > height || columns > width {
        return Err(wrong());
    }
    if !pictures.device().is_cpu() {
        let bytes = bytes_on_device(pictures, visible)?;
        let frame = |data: &[u8]| Frame::new(visible.0, visible.1, data.to_vec());
        let frames = bytes.chunks_exact(3 * rows * columns).map(frame);
        return frames.map(|frame| frame.map_err(|_| wrong())).collect();
    }
    let values: Vec<f32> = pictures.flatten_all()?.to_vec1()?;
    let plane = height * width;
    let frame = |picture: &[f32]| {
        let mut data = Vec::with_capacity(3 * rows * columns);
        for y in 0..rows {
            for x in 0..columns {
                let at = y * width + x;
                data.extend([0, 1, 2].map(|c| to_byte(picture[c * plane + at])));
            }
        }
        Frame::new(visible.0, visible.1, data).map_err(|_| wrong())
    };
    values.chunks_exact(3 * plane).map(frame).collect()
}

/// The bytes of all frames in order: cropped, rounded and interleaved on the device, so that only a
/// quarter of the data is copied to the host.
fn bytes_on_device(pictures: &Tensor, visible: (u32, u32)) -> Result<Vec<u8>, ModelError> {
    let (columns, rows) = (visible.0 as usize, visible.1 as usize);
    let cropped = pictures.narrow(2, 0, rows)?.narrow(3, 0, columns)?;
    let bytes = (cropped.clamp(0f32, 1f32)? * 255.0)?.round()?;
    let bytes = bytes.to_dtype(DType::U8)?.permute((0, 2, 3, 1))?;
    let interleaved = bytes.contiguous()?;
    Ok(interleaved.flatten_all()?.to_vec1()?)
}

fn to_byte(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{bytes_on_device, to_frames, to_tensor};
    use crate::frame::Frame;
    use crate::model::gradient_check::{flat, normal};
    use candle_core::{Device, Tensor};

    #[test]
    fn padding_repeats_the_edge_and_cropping_undoes_it() {
        let frame = Frame::new(2, 1, vec![0, 128, 255, 9, 8, 7]).unwrap();
        let tensor = to_tensor(&frame, (4, 2), &Device::Cpu).unwrap();
        assert_eq!(tensor.dims(), [1, 3, 2, 4]);
        let red = flat(&tensor.narrow(1, 0, 1).unwrap());
        assert_eq!(red[0], 0.0);
        assert!(red[1..4].iter().all(|&r| (r - 9.0 / 255.0).abs() < 1e-7));
        assert_eq!(to_frames(&tensor, (2, 1)).unwrap(), [frame]);
    }

    #[test]
    fn bytes_converted_on_a_device_are_the_same() {
        let pictures = (normal(1, &[2, 3, 7, 9]) * 0.7).unwrap();
        let frames = to_frames(&pictures, (8, 5)).unwrap();
        let expected: Vec<u8> = frames.into_iter().flat_map(Frame::into_data).collect();
        assert_eq!(bytes_on_device(&pictures, (8, 5)).unwrap(), expected);
    }

    #[test]
    fn values_outside_the_range_are_clamped() {
        let tensor = Tensor::new(&[-1.0_f32, 2.0, f32::NAN], &Device::Cpu).unwrap();
        let frames = to_frames(&tensor.reshape((1, 3, 1, 1)).unwrap(), (1, 1)).unwrap();
        assert_eq!(frames[0].data(), [0, 255, 0]);
    }
}
