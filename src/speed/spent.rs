//! Wall time, processor time, peak memory and the device's matrix speed.

use crate::model::machine::kibibytes;
use crate::model::ops::Linear;
use candle_core::{DType, Device, Result, Tensor};
use std::fs;
use std::time::Instant;

/// Seconds that one piece of work took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    pub(super) wall: f64,
    /// Of all threads together; absent where the system does not report it.
    pub(super) processor: Option<f64>,
}

impl Spent {
    /// The time that `work` takes, and its result.
    pub(super) fn on<T>(work: impl FnOnce() -> T) -> (Self, T) {
        let (begun, before) = (Instant::now(), processor_seconds());
        let result = work();
        let wall = begun.elapsed().as_secs_f64();
        let processor = processor_seconds().zip(before);
        let processor = processor.map(|(after, before)| after - before);
        (Self { wall, processor }, result)
    }

    /// The shortest of at least three rounds of `work`, and of more while all take less than `seconds`.
    /// A round of over five seconds is the last.
    pub(super) fn least<E>(
        seconds: f64,
        mut work: impl FnMut() -> std::result::Result<(), E>,
    ) -> std::result::Result<Self, E> {
        let begun = Instant::now();
        let mut least: Option<Self> = None;
        let mut rounds = 0;
        while rounds < 3 || begun.elapsed().as_secs_f64() < seconds {
            let (spent, done) = Self::on(&mut work);
            done?;
            least = Some(least.map_or(spent, |least| least.min(spent)));
            rounds += 1;
            if spent.wall > 5.0 {
                break;
            }
        }
        Ok(least.unwrap_or(Self {
            wall: f64::NAN,
            processor: None,
        }))
    }

    /// The shorter of both, in wall and in processor time apart.
    fn min(self, other: Self) -> Self {
        let processor = self.processor.zip(other.processor);
        Self {
            wall: self.wall.min(other.wall),
            processor: processor.map(|(a, b)| a.min(b)),
        }
    }

    /// Each of `count` equal parts.
    pub(super) fn over(self, count: usize) -> Self {
        let parts = count.max(1) as f64;
        Self {
            wall: self.wall / parts,
            processor: self.processor.map(|seconds| seconds / parts),
        }
    }
}

/// Processor time of this process's threads, from Linux's scheduler statistics.
fn processor_seconds() -> Option<f64> {
    let mut nanoseconds = 0u64;
    for task in fs::read_dir("/proc/self/task").ok()? {
        let statistics = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += statistics.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(nanoseconds as f64 * 1e-9)
}

/// The most memory that this process has had in use, in bytes; on Linux.
pub(super) fn peak_memory() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Multiply-adds a second of a large product of square matrices, the better of candle's and our
/// own kernel: the limit of every network on this device.
pub(super) fn matrix_peak(device: &Device, dtype: DType) -> Result<f64> {
    let side = if device.is_cpu() { 768 } else { 8192 };
    let zeros = |dtype| Tensor::zeros((side, side), dtype, device);
    let a = (zeros(dtype)? + 0.5)?;
    let b = (zeros(dtype)? + 0.25)?;
    let linear = Linear::new(&b, None)?;
    let products: [&dyn Fn() -> Result<Tensor>; 2] = [&|| a.matmul(&b), &|| linear.forward(&a)];
    let mut fastest = f64::INFINITY;
    for product in products {
        let work = || {
            let x = product()?;
            // Only a GPU may return before it has computed.
            if device.is_cpu() {
                Ok(())
            } else {
                x.device().synchronize()
            }
        };
        work()?;
        fastest = fastest.min(Spent::least(0.25, work)?.wall);
    }
    Ok((side as f64).powi(3) / fastest)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Spent, peak_memory, processor_seconds};
    use std::hint::black_box;

    #[test]
    fn processor_time_and_memory_grow_with_work() {
        let (Some(_), Some(before)) = (processor_seconds(), peak_memory()) else {
            eprintln!("skipped: needs Linux's /proc");
            return;
        };
        let work = || black_box((0..40_000_000u64).fold(1u64, |a, b| black_box(a ^ b)));
        let (spent, _) = Spent::on(work);
        let processor = spent.processor.unwrap();
        assert!(processor > 0.0 && spent.wall > 0.0);
        let buffer = black_box(vec![1u8; 64 << 20]);
        assert!(peak_memory().unwrap() >= before.max(buffer.len() as u64));
    }

    #[test]
    fn the_least_of_several_rounds_counts() {
        let mut rounds = 0;
        let work = || -> Result<(), ()> {
            rounds += 1;
            Ok(())
        };
        assert!(Spent::least(0.0, work).unwrap().over(2).wall < 1.0);
        assert_eq!(rounds, 3);
        assert!(Spent::least(0.0, || Err("no")).is_err());
    }
}
