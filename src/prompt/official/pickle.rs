//! Writing the pickle side, opcode for opcode as Python's pickler does for `torch.save`
//! (protocol 2, a memo slot for every string, tuple and object made, in order).

use super::tensor::{Dtype, TensorRef};

/// Where PyTorch puts the tensors of a written file unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// The first CUDA device: what the reference writes, and what its player relies on. Without
    /// such a device `torch.load` needs `map_location`.
    #[default]
    Cuda,
    /// Main memory: loads everywhere.
    Cpu,
}

impl Device {
    fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda:0",
            Self::Cpu => "cpu",
        }
    }
}

/// The pickle of a dictionary of named tensors.
pub(super) fn dictionary(tensors: &[(&str, TensorRef)], device: Device) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.out.push(b'}');
    writer.remember();
    writer.out.push(b'(');
    for (name, tensor) in tensors {
        writer.text(name);
        writer.tensor(tensor, device);
    }
    writer.out.push(b'u');
    writer.finish()
}

/// The pickle of one tensor.
pub(super) fn single(tensor: &TensorRef, device: Device) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.tensor(tensor, device);
    writer.finish()
}

struct Writer {
    out: Vec<u8>,
    slots: u8,
    /// Strings and globals that Python meets as the same object again, with their slots.
    seen: Vec<(&'static str, u8)>,
}

impl Writer {
    fn new() -> Self {
        Self {
            out: vec![0x80, 2],
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
            0x100..=0xffff => {
                self.out.push(b'M');
                self.out.extend((value as u16).to_le_bytes());
            }
            _ => {
                self.out.push(b'J');
                self.out.extend((value as u32).to_le_bytes());
            }
        }
    }

    fn ints(&mut self, values: &[usize]) {
        match values.len() {
            0 => return self.out.push(b')'),
            1..=3 => values.iter().for_each(|&value| self.int(value)),
            _ => {
                self.out.push(b'(');
                values.iter().for_each(|&value| self.int(value));
            }
        }
        let tuple = [b't', 0x85, 0x86, 0x87];
        self.out
            .push(tuple.get(values.len()).copied().unwrap_or(b't'));
        self.remember();
    }

    fn tensor(&mut self, tensor: &TensorRef, device: Device) {
        self.global("torch._utils\n_rebuild_tensor_v2\n");
        self.out.extend(*b"((");
        self.shared("storage", |writer| writer.text("storage"));
        self.global(match tensor.dtype {
            Dtype::Byte => "torch\nByteStorage\n",
            Dtype::Float => "torch\nFloatStorage\n",
        });
        self.text(&tensor.storage);
        self.text(device.name());
        self.int(tensor.sizes.iter().product());
        self.out.push(b't');
        self.remember();
        self.out.push(b'Q');
        self.int(0);
        self.ints(&tensor.sizes);
        self.ints(&tensor.strides());
        self.out.push(0x89);
        self.global("collections\nOrderedDict\n");
        self.out.extend(*b")R");
        self.remember();
        self.out.push(b't');
        self.remember();
        self.out.push(b'R');
        self.remember();
    }
}
