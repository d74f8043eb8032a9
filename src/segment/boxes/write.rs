//! Builds boxes: a byte buffer whose boxes fill in their own sizes when they close.

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
    pub(crate) fn boxed(&mut self, kind: &[u8; 4], body: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.u32(0);
        self.bytes(kind);
        body(self);
        let size = u32::try_from(self.out.len() - start).unwrap_or(u32::MAX);
        self.out[start..start + 4].copy_from_slice(&size.to_be_bytes());
    }

    /// A FullBox: `boxed` with version and flags before the content.
    pub(crate) fn full(
        &mut self,
        kind: &[u8; 4],
        (version, flags): (u8, u32),
        body: impl FnOnce(&mut Self),
    ) {
        self.boxed(kind, |w| {
            w.u32(u32::from(version) << 24 | flags & 0x00ff_ffff);
            body(w);
        });
    }

    /// `ftyp` or `styp` (§4.3, §8.16.2): major brand, minor version 0, then all brands, the major one repeated.
    pub(crate) fn brands(&mut self, kind: &[u8; 4], brands: [&[u8; 4]; 2]) {
        self.boxed(kind, |w| {
            w.bytes(brands[0]);
            w.u32(0);
            brands.iter().for_each(|brand| w.bytes(*brand));
        });
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// `count` zero bytes.
    pub(crate) fn zeros(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, 0);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    /// 32-bit numbers in order.
    pub(crate) fn words(&mut self, words: &[u32]) {
        words.iter().for_each(|&word| self.u32(word));
    }
}
