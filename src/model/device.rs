//! The device that the generator computes on.
//!
//! A build with the `cuda` feature loads NVIDIA's driver when it first needs a device, and falls back to
//! the CPU, with one warning, where there is none.

use candle_core::{Device, DeviceLocation};
use std::str::FromStr;
use std::sync::OnceLock;

/// A device by name: `auto`, `cpu`, `cuda` or `cuda:1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The first GPU that works, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of that number, from 0.
    Cuda(usize),
}

/// A device that does not exist or cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// Not a device's name.
    #[error("`{0}` is not a device: expected auto, cpu, cuda or cuda:N")]
    Name(String),
    /// Tensors of two devices do not mix, and another one is in use already.
    #[error("cannot compute on {asked}: {used} is in use already in this process")]
    InUse {
        /// The requested device.
        asked: String,
        /// The device in use.
        used: String,
    },
    /// The GPU cannot be used.
    #[error("no CUDA device {index}: {reason}")]
    Cuda {
        /// Number of the GPU.
        index: usize,
        /// Reason, from the driver or the attempt to load it.
        reason: String,
    },
}

impl FromStr for Choice {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, DeviceError> {
        let wrong = || DeviceError::Name(name.to_owned());
        match (name, name.strip_prefix("cuda:")) {
            ("auto", _) => Ok(Self::Auto),
            ("cpu", _) => Ok(Self::Cpu),
            ("cuda", _) => Ok(Self::Cuda(0)),
            (_, Some(index)) => Ok(Self::Cuda(index.parse().map_err(|_| wrong())?)),
            _ => Err(wrong()),
        }
    }
}

/// The device of this process, once chosen: tensors of two handles of one GPU do not mix.
static CHOSEN: OnceLock<Device> = OnceLock::new();

/// Makes `choice` the device that [`best`] gives from now on; `Auto` leaves the choice to [`best`].
///
/// Fails if a requested GPU cannot be used, or if another device is in use already.
pub fn choose(choice: Choice) -> Result<(), DeviceError> {
    let device = match choice {
        Choice::Auto => return Ok(()),
        Choice::Cpu => Device::Cpu,
        Choice::Cuda(index) => gpu(index).map_err(|reason| DeviceError::Cuda { index, reason })?,
    };
    let (asked, used) = (name(&device), name(CHOSEN.get_or_init(|| device)));
    if asked == used {
        Ok(())
    } else {
        Err(DeviceError::InUse { asked, used })
    }
}

/// The device that was chosen; else the first CUDA GPU in a build with the `cuda` feature on a
/// machine that has one; else the CPU.
pub fn best() -> Device {
    let find = || match gpu(0) {
        Ok(device) => device,
        Err(reason) => {
            if cfg!(feature = "cuda") {
                tracing::warn!("no usable CUDA device ({reason}): computing on the CPU");
            }
            Device::Cpu
        }
    };
    CHOSEN.get_or_init(find).clone()
}

/// `cpu`, `cuda:0`, …, as reports call it.
pub fn name(device: &Device) -> String {
    match device.location() {
        DeviceLocation::Cpu => "cpu".to_owned(),
        DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    }
}

#[cfg(feature = "cuda")]
fn gpu(index: usize) -> Result<Device, String> {
    use std::panic;
    // Without a driver the CUDA bindings panic instead of failing.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let opened = panic::catch_unwind(|| Device::new_cuda(index));
    panic::set_hook(hook);
    match opened {
        Ok(Ok(device)) => Ok(device),
        Ok(Err(error)) => Err(error.to_string()),
        Err(cause) => Err(cause
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| cause.downcast_ref::<&str>().copied())
            .unwrap_or("the driver cannot be loaded")
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()),
    }
}

#[cfg(not(feature = "cuda"))]
fn gpu(_: usize) -> Result<Device, String> {
    Err("this build is without the `cuda` feature".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Choice, best, choose, name};

    #[test]
    fn devices_are_parsed_by_name() {
        let parse = |name: &str| name.parse::<Choice>();
        assert_eq!(parse("auto").unwrap(), Choice::Auto);
        assert_eq!(parse("cpu").unwrap(), Choice::Cpu);
        assert_eq!(parse("cuda").unwrap(), Choice::Cuda(0));
        assert_eq!(parse("cuda:3").unwrap(), Choice::Cuda(3));
        for wrong in ["", "gpu", "cuda:", "cuda:-1", "cpu:0"] {
            let error = parse(wrong).unwrap_err().to_string();
            assert!(error.contains("not a device"), "{error}");
        }
    }

    #[test]
    fn a_missing_gpu_is_refused_and_auto_falls_back_to_the_cpu() {
        let refused = choose(Choice::Cuda(999)).unwrap_err().to_string();
        assert!(refused.starts_with("no CUDA device 999: "), "{refused}");
        choose(Choice::Auto).unwrap();
        let used = name(&best());
        assert!(used == "cpu" || used.starts_with("cuda:"), "{used}");
    }
}
