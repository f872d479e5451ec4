//! Memory that tensors gave back stays with the process.
//!
//! Tensors come and go by the megabyte. glibc takes each such piece from the system and gives it
//! back, and the system clears every page of it again: a third of a training step. With glibc that
//! is a matter of two settings, with which it is faster than mimalloc; elsewhere mimalloc it is.

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keeps what is freed, for what is allocated next. To be called first of all.
pub(crate) fn keep_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code)]
    // SAFETY: `mallopt` sets a number of the allocator, from any values of its two arguments; it is
    // called before there is a second thread.
    unsafe {
        // Large pieces come from the heap, not from the system one by one; and the end of the heap
        // is never given back.
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, -1);
    }
}
