//! Keeps freed memory in the process. By default the C library returns the large blocks of tensors to
//! the system, and the next tensor pays for fresh pages: up to four times the cost of computing it.

#![allow(unsafe_code)]

/// Sets the allocator, once per process, to keep up to 2 GiB of freed memory. For programs that run the
/// generator more than a few times; no effect with C libraries other than GNU's.
pub fn keep_freed_memory() {
    #[cfg(all(feature = "generator", target_os = "linux", target_env = "gnu"))]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            // SAFETY: mallopt takes plain numbers and locks the allocator itself.
            unsafe {
                // The most that glibc takes: half of a thread's heap.
                libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
                libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
                libc::mallopt(libc::M_TOP_PAD, 64 << 20);
            }
        });
    }
}
