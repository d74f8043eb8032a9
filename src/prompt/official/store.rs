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
        let (offset, crc, size) = (
            self.out.len() as u32,
            crc32fast::hash(data),
            data.len() as u32,
        );
        let padding = (self.out.len() + 30 + path.len() + 4).wrapping_neg() % ALIGNMENT;

        self.out.extend(*b"PK\x03\x04");
        self.put16([0, FLAGS, 0, 0, 0]);
        self.put32([0, 0, 0]);
        self.put16([path.len() as u16, padding as u16 + 4]);
        self.out.extend(path.as_bytes());
        self.out.extend(*b"FB");
        self.put16([padding as u16]);
        self.out.resize(self.out.len() + padding, b'Z');
        self.out.extend(data);
        self.out.extend(*b"PK\x07\x08");
        self.put32([crc, size, size]);

        self.list(&path, offset, crc, size);
        let hash = self.fingerprint;
        let mixed = u64::from(crc)
            .wrapping_add(0x9e37_79b9)
            .wrapping_add(hash << 6)
            .wrapping_add(hash >> 2);
        self.fingerprint = hash ^ mixed;
    }

    fn put16<const N: usize>(&mut self, values: [u16; N]) {
        self.out
            .extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    fn put32<const N: usize>(&mut self, values: [u32; N]) {
        self.out
            .extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    fn put64<const N: usize>(&mut self, values: [u64; N]) {
        self.out
            .extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    /// Adds the entry to the central directory.
    fn list(&mut self, path: &str, offset: u32, crc: u32, size: u32) {
        let mut at = std::mem::take(&mut self.directory);
        std::mem::swap(&mut self.out, &mut at);
        self.out.extend(*b"PK\x01\x02");
        self.put16([0, 0, FLAGS, 0, 0, 0]);
        self.put32([crc, size, size]);
        self.put16([path.len() as u16, 0, 0, 0, 0]);
        self.put32([0, offset]);
        self.out.extend(path.as_bytes());
        std::mem::swap(&mut self.out, &mut at);
        self.directory = at;
        self.entries += 1;
    }

    /// Closes the archive: the serialisation id, the directory and its ends. `names_hash` is
    /// PyTorch's hash of the entries' names, which depends on its C++ library's string hash.
    pub(super) fn finish(mut self, names_hash: u64) -> Vec<u8> {
        let id = format!("{names_hash:020}{:020}", self.fingerprint);
        self.entry(".data/serialization_id", id.as_bytes());
        let (entries, start) = (self.entries, self.out.len());
        let directory = std::mem::take(&mut self.directory);
        self.out.extend(&directory);

        let (end, size) = (self.out.len() as u64, directory.len());
        self.out.extend(*b"PK\x06\x06");
        self.put64([44]);
        self.put16([0x031e, 45]);
        self.put32([0, 0]);
        self.put64([entries.into(), entries.into(), size as u64, start as u64]);
        self.out.extend(*b"PK\x06\x07\0\0\0\0");
        self.put64([end]);
        self.put32([1]);
        self.out.extend(*b"PK\x05\x06\0\0\0\0");
        self.put16([entries, entries]);
        self.put32([size as u32, start as u32]);
        self.put16([0]);
        self.out
    }
}
