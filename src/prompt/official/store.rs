//! Writing the zip side byte for byte as PyTorch does: stored entries whose data start at
//! multiples of 64 through an `FB` extra field, sizes in data descriptors, zip64 end records.
//! (`caffe2/serialize/inline_container.cc`, zip APPNOTE 4.3 and 4.4; no zip library
//! offers this layout.)

/// Sizes in data descriptors, names in UTF-8.
const FLAGS: u16 = 0x0808;
const ALIGNMENT: usize = 64;

/// A zip writer. Every entry lies under `root/`.
pub(super) struct Store {
    root: String,
    out: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
    /// PyTorch's running hash of the entries' CRCs.
    fingerprint: u64,
}

impl Store {
    pub(super) fn new(root: &str) -> Self {
        Self {
            root: root.to_owned(),
            out: Vec::new(),
            directory: Vec::new(),
            entries: 0,
            fingerprint: 0,
        }
    }

    /// Appends `data` as `root/name`.
    pub(super) fn entry(&mut self, name: &str, data: &[u8]) {
        let path = format!("{}/{name}", self.root);
        let length = path.len() as u16;
        let (crc, size) = (crc32fast::hash(data), data.len() as u32);
        let offset = self.out.len() as u32;
        let padding = (self.out.len() + 30 + path.len() + 4).wrapping_neg() % ALIGNMENT;

        self.out.extend(*b"PK\x03\x04");
        put16(&mut self.out, [0, FLAGS, 0, 0, 0]);
        put32(&mut self.out, [0, 0, 0]);
        put16(&mut self.out, [length, padding as u16 + 4]);
        self.out.extend(path.as_bytes());
        self.out.extend(*b"FB");
        put16(&mut self.out, [padding as u16]);
        self.out.resize(self.out.len() + padding, b'Z');
        self.out.extend(data);
        self.out.extend(*b"PK\x07\x08");
        put32(&mut self.out, [crc, size, size]);

        self.directory.extend(*b"PK\x01\x02");
        put16(&mut self.directory, [0, 0, FLAGS, 0, 0, 0]);
        put32(&mut self.directory, [crc, size, size]);
        put16(&mut self.directory, [length, 0, 0, 0, 0]);
        put32(&mut self.directory, [0, offset]);
        self.directory.extend(path.as_bytes());
        self.entries += 1;

        let hash = self.fingerprint;
        let mixed = u64::from(crc)
            .wrapping_add(0x9e37_79b9)
            .wrapping_add(hash << 6)
            .wrapping_add(hash >> 2);
        self.fingerprint = hash ^ mixed;
    }

    /// Closes the archive: the serialisation id, the directory and its ends. `names_hash` is
    /// PyTorch's hash of the entries' names, which depends on its C++ library's string hash.
    pub(super) fn finish(mut self, names_hash: u64) -> Vec<u8> {
        let id = format!("{names_hash:020}{:020}", self.fingerprint);
        self.entry(".data/serialization_id", id.as_bytes());
        let (entries, start, size) = (self.entries, self.out.len(), self.directory.len());
        let mut out = self.out;
        out.extend(self.directory);

        let end = out.len() as u64;
        out.extend(*b"PK\x06\x06");
        put64(&mut out, [44]);
        put16(&mut out, [0x031e, 45]);
        put32(&mut out, [0, 0]);
        let entries64 = u64::from(entries);
        put64(&mut out, [entries64, entries64, size as u64, start as u64]);
        out.extend(*b"PK\x06\x07\0\0\0\0");
        put64(&mut out, [end]);
        put32(&mut out, [1]);
        out.extend(*b"PK\x05\x06\0\0\0\0");
        put16(&mut out, [entries, entries]);
        put32(&mut out, [size as u32, start as u32]);
        put16(&mut out, [0]);
        out
    }
}

fn put16<const N: usize>(out: &mut Vec<u8>, values: [u16; N]) {
    out.extend(values.map(u16::to_le_bytes).as_flattened());
}

fn put32<const N: usize>(out: &mut Vec<u8>, values: [u32; N]) {
    out.extend(values.map(u32::to_le_bytes).as_flattened());
}

fn put64<const N: usize>(out: &mut Vec<u8>, values: [u64; N]) {
    out.extend(values.map(u64::to_le_bytes).as_flattened());
}
