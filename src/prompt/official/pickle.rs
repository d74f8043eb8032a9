//! The pickles of the reference's files, opcode for opcode as Python's pickler writes them for
//! `torch.save` (protocol 2, a memo slot for every string, tuple and object made, in order).
//!
//! Reading compares: a file's pickle must equal the one that is written for its sizes, so nothing in
//! it is ever interpreted.

use crate::prompt::Shape;

/// Device of the tensors in a written file; the default is the reference's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Device {
    /// The first CUDA device: what the reference writes, and what its player relies on. Without
    /// such a device `torch.load` needs `map_location`.
    #[default]
    Cuda,
    /// Main memory: loads everywhere.
    Cpu,
}

/// How a pickle names the tensors' device.
#[derive(Debug, Clone)]
pub(super) struct Place {
    name: String,
    /// Whether Python met the same string object again, as for its constant `cpu`.
    shared: bool,
}

impl From<Device> for Place {
    fn from(device: Device) -> Self {
        match device {
            Device::Cuda => Self::new("cuda:0", false),
            Device::Cpu => Self::new("cpu", false),
        }
    }
}

impl Place {
    fn new(name: &str, shared: bool) -> Self {
        let name = name.to_owned();
        Self { name, shared }
    }

    /// The forms in which `pickle` may name its device.
    pub(super) fn candidates(pickle: &[u8]) -> Vec<Self> {
        let at = pickle.windows(5).position(|window| window == b"cuda:");
        let digits = pickle[at.map_or(pickle.len(), |at| at + 5)..].iter();
        let digits = digits.take_while(|byte| byte.is_ascii_digit()).take(3);
        let number: String = digits.map(|&byte| char::from(byte)).collect();
        match at {
            Some(_) => vec![Self::new(&format!("cuda:{number}"), false)],
            None => [true, false].map(|shared| Self::new("cpu", shared)).into(),
        }
    }
}

/// The matrices and scalars of a prompt in the order of their storages.
pub(super) const FIELDS: [&str; 6] = [
    "U",
    "V",
    "U_scale",
    "U_zero_point",
    "V_scale",
    "V_zero_point",
];
const BYTES: &str = "torch\nByteStorage\n";
const FLOATS: &str = "torch\nFloatStorage\n";

/// The pickle of a prompt: a dictionary of its fields.
pub(super) fn prompt(shape: Shape, rank: usize, place: &Place) -> Vec<u8> {
    let matrices = [[shape.tokens, rank], [rank, shape.dim]];
    let mut writer = Writer::new(place);
    writer.out.push(b'}');
    writer.remember();
    writer.out.push(b'(');
    for (index, name) in FIELDS.iter().enumerate() {
        writer.text(name);
        match matrices.get(index) {
            Some(sizes) => writer.tensor(index, BYTES, sizes),
            None => writer.tensor(index, FLOATS, &[]),
        }
    }
    writer.out.push(b'u');
    writer.finish()
}

/// The pickle of one tensor of floats.
pub(super) fn floats(sizes: &[usize], place: &Place) -> Vec<u8> {
    let mut writer = Writer::new(place);
    writer.tensor(0, FLOATS, sizes);
    writer.finish()
}

struct Writer<'a> {
    out: Vec<u8>,
    place: &'a Place,
    slots: u8,
    /// Strings and globals that Python met as the same object before, with their slots.
    seen: Vec<(&'static str, u8)>,
}

impl<'a> Writer<'a> {
    fn new(place: &'a Place) -> Self {
        Self {
            out: vec![0x80, 2],
            place,
            slots: 0,
            seen: Vec::new(),
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.out.push(b'.');
        self.out
    }

    /// BINPUT into the next slot. Six tensors need 52 slots.
    fn remember(&mut self) -> u8 {
        let slot = self.slots;
        self.out.extend([b'q', slot]);
        self.slots += 1;
        slot
    }

    fn text(&mut self, text: &str) -> u8 {
        self.out.push(b'X');
        self.out.extend((text.len() as u32).to_le_bytes());
        self.out.extend(text.as_bytes());
        self.remember()
    }

    /// `object` as written by `first`, or a reference if it was written before.
    fn shared(&mut self, object: &'static str, first: impl FnOnce(&mut Self) -> u8) {
        match self.seen.iter().find(|(seen, _)| *seen == object) {
            Some(&(_, slot)) => self.out.extend([b'h', slot]),
            None => {
                let slot = first(self);
                self.seen.push((object, slot));
            }
        }
    }

    /// `name` is `module\nname\n`.
    fn global(&mut self, name: &'static str) {
        self.shared(name, |writer| {
            writer.out.push(b'c');
            writer.out.extend(name.as_bytes());
            writer.remember()
        });
    }

    fn int(&mut self, value: usize) {
        match value {
            0..=0xff => self.out.extend([b'K', value as u8]),
            0x100..=0xffff => self.out.extend([b'M', value as u8, (value >> 8) as u8]),
            _ => {
                self.out.push(b'J');
                self.out.extend((value as u32).to_le_bytes());
            }
        }
    }

    fn ints(&mut self, values: &[usize]) {
        let end = match values.len() {
            0 => return self.out.push(b')'),
            length @ 1..=3 => 0x84 + length as u8,
            _ => {
                self.out.push(b'(');
                b't'
            }
        };
        values.iter().for_each(|&value| self.int(value));
        self.out.push(end);
        self.remember();
    }

    /// A whole, contiguous tensor in the storage `data/key`.
    fn tensor(&mut self, key: usize, storage: &'static str, sizes: &[usize]) {
        self.global("torch._utils\n_rebuild_tensor_v2\n");
        self.out.extend(*b"((");
        self.shared("storage", |writer| writer.text("storage"));
        self.global(storage);
        self.text(&key.to_string());
        let place = self.place;
        if place.shared {
            self.shared("cpu", |writer| writer.text(&place.name));
        } else {
            self.text(&place.name);
        }
        self.int(sizes.iter().product());
        self.out.push(b't');
        self.remember();
        self.out.push(b'Q');
        self.int(0);
        self.ints(sizes);
        let strides: Vec<usize> = (1..=sizes.len())
            .map(|axis| sizes[axis..].iter().product())
            .collect();
        self.ints(&strides);
        self.out.push(0x89);
        self.global("collections\nOrderedDict\n");
        for opcodes in [&b")R"[..], b"t", b"R"] {
            self.out.extend(opcodes);
            self.remember();
        }
    }
}
