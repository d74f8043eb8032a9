//! Builds boxes: a byte buffer whose boxes fill in their own sizes when they close.

use crate::segment::error::FourCc;

/// Bytes of boxes as they are built, big-endian.
#[derive(Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// The finished bytes.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// A box of type `kind` whose content `body` writes. Its size must fit 32 bits: callers that
    /// take foreign lengths check them first.
    pub(crate) fn boxed(&mut self, kind: FourCc, body: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.u32(0);
        self.bytes(&kind.0);
        body(self);
        let size = u32::try_from(self.out.len() - start).unwrap_or(u32::MAX);
        self.out[start..start + 4].copy_from_slice(&size.to_be_bytes());
    }

    /// Version and flags, with which a FullBox begins.
    pub(crate) fn version(&mut self, version: u8, flags: u32) {
        self.u32(u32::from(version) << 24 | flags & 0x00ff_ffff);
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// `count` zero bytes.
    pub(crate) fn zeros(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, 0);
    }

    /// One byte.
    pub(crate) fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// A 16-bit number.
    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    /// A 32-bit number.
    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    /// A 64-bit number.
    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }
}
