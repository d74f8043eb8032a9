//! Which device the generator computes on.

use candle_core::Device;

/// The first CUDA GPU in a build with the `cuda` feature on a machine that has one; else the CPU.
pub fn best() -> Device {
    gpu().unwrap_or(Device::Cpu)
}

/// `cpu` or `cuda`, as reports call it.
pub fn name(device: &Device) -> &'static str {
    if device.is_cpu() { "cpu" } else { "cuda" }
}

#[cfg(feature = "cuda")]
fn gpu() -> Option<Device> {
    // Without a driver the CUDA bindings panic instead of failing.
    std::panic::catch_unwind(|| Device::new_cuda(0)).ok()?.ok()
}

#[cfg(not(feature = "cuda"))]
fn gpu() -> Option<Device> {
    None
}
