//! Memory available for tensors. Larger requests must be refused beforehand, since a failed allocation
//! aborts the process.

use std::fs;

/// Bytes available without swapping, as Linux estimates them (`MemAvailable`, and the rest of the
/// control group's limit); `None` on other systems.
pub fn available_memory() -> Option<u64> {
    if cfg!(not(target_os = "linux")) {
        return None;
    }
    let table = fs::read_to_string("/proc/meminfo").ok()?;
    let machine = kibibytes(&table, "MemAvailable:")?;
    Some(group_left().map_or(machine, |left| left.min(machine)))
}

/// The bytes of the line `name` of one of Linux's tables in kB.
pub(crate) fn kibibytes(table: &str, name: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    number.checked_mul(1024)
}

/// Rest of the memory limit of the control group (version 2), if it has one.
fn group_left() -> Option<u64> {
    let figure = |name: &str| -> Option<u64> {
        let text = fs::read_to_string(format!("/sys/fs/cgroup/memory.{name}")).ok()?;
        text.trim().parse().ok()
    };
    let used = figure("current")?;
    // Cached files count as used, but are reclaimed when memory is short.
    let table = fs::read_to_string("/sys/fs/cgroup/memory.stat").unwrap_or_default();
    let cached = table
        .lines()
        .find_map(|line| line.strip_prefix("inactive_file "));
    let cached: u64 = cached.and_then(|text| text.parse().ok()).unwrap_or(0);
    Some(figure("max")?.saturating_sub(used.saturating_sub(cached)))
}

#[cfg(test)]
mod tests {
    use super::{available_memory, kibibytes};

    #[test]
    fn meminfo_is_parsed() {
        let table = "MemTotal:       16384 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(kibibytes(table, "MemAvailable:"), Some(2 << 20));
        assert_eq!(kibibytes("MemAvailable: much\n", "MemAvailable:"), None);
        if let Some(bytes) = available_memory() {
            assert!(bytes > 0);
        }
    }
}
