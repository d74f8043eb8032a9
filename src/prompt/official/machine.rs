//! A pickle machine (protocol 2) that can only build tensors that refer to storages, and one flat
//! dictionary of them. Nothing is looked up, imported or called: a global is one of four names.

use std::collections::BTreeMap;
use std::path::Path;

use super::OfficialError;
use super::tensor::{Dtype, TensorRef};

/// Longer pickles are refused; a prompt's has about 550 bytes.
const MAX_PICKLE: usize = 4096;
/// Values in a tuple; a tensor's arguments are six.
const MAX_TUPLE: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Global {
    RebuildTensor,
    Storage(Dtype),
    OrderedDict,
}

/// Whatever may lie on the machine's stack.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Int(usize),
    False,
    Tuple(Vec<Value>),
    Tensor(TensorRef),
    /// Filled once, by the outermost mapping.
    Dict(BTreeMap<String, TensorRef>),
    Global(Kind),
    Storage(Dtype, String, usize),
    /// An empty `OrderedDict`: the backward hooks of a tensor.
    Hooks,
    Mark,
}

/// A permitted global, opaque outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(Global);

/// Runs `pickle` and gives its result; `file` names the file in errors.
pub(super) fn run(file: &Path, pickle: &[u8]) -> Result<Value, OfficialError> {
    let mut machine = Machine {
        file,
        pickle,
        at: 0,
        stack: Vec::new(),
        memo: BTreeMap::new(),
    };
    if pickle.len() > MAX_PICKLE {
        return Err(machine.fail("the pickle is too long for a prompt"));
    }
    loop {
        let offset = machine.at;
        if let Some(result) = machine.step(offset)? {
            return Ok(result);
        }
    }
}

struct Machine<'a> {
    file: &'a Path,
    pickle: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    memo: BTreeMap<usize, Value>,
}

impl Machine<'_> {
    /// Executes the opcode at `offset`; the result of the whole pickle after STOP.
    fn step(&mut self, offset: usize) -> Result<Option<Value>, OfficialError> {
        let [opcode] = self.bytes()?;
        match opcode {
            0x80 => self.protocol()?,
            b'.' => return self.stop().map(Some),
            b'}' => self.stack.push(Value::Dict(BTreeMap::new())),
            b'(' => self.stack.push(Value::Mark),
            b')' => self.stack.push(Value::Tuple(Vec::new())),
            0x89 => self.stack.push(Value::False),
            b'q' => self.remember(1)?,
            b'r' => self.remember(4)?,
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'X' => {
                let text = self.text()?;
                self.stack.push(Value::Text(text));
            }
            b'K' => self.int(1)?,
            b'M' => self.int(2)?,
            b'J' => self.int(4)?,
            b'c' => {
                let global = self.global(offset)?;
                self.stack.push(Value::Global(Kind(global)));
            }
            b't' => {
                let items = self.since_mark()?;
                self.push_tuple(items)?;
            }
            0x85..=0x87 => {
                let count = usize::from(opcode - 0x84);
                let from = self.stack.len().checked_sub(count);
                let from = from.ok_or_else(|| self.fail("a tuple of missing values"))?;
                let items = self.stack.split_off(from);
                self.push_tuple(items)?;
            }
            b'Q' => self.storage()?,
            b'R' => self.reduce()?,
            b'u' => self.fill()?,
            opcode => {
                return Err(OfficialError::Opcode {
                    file: self.file.to_owned(),
                    offset,
                    opcode,
                });
            }
        }
        Ok(None)
    }

    fn fail(&self, reason: &'static str) -> OfficialError {
        OfficialError::Pickle {
            file: self.file.to_owned(),
            offset: self.at,
            reason,
        }
    }

    fn take(&mut self, count: usize) -> Result<&[u8], OfficialError> {
        let rest = &self.pickle[self.at..];
        if count > rest.len() {
            return Err(self.fail("the pickle ends too early"));
        }
        self.at += count;
        Ok(&rest[..count])
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], OfficialError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    /// A little-endian number of `width` bytes; signed four-byte ones must not be negative.
    fn number(&mut self, width: usize) -> Result<usize, OfficialError> {
        let bytes = self.take(width)?.iter().rev();
        let number = bytes.fold(0usize, |number, &byte| number << 8 | usize::from(byte));
        if number > i32::MAX as usize {
            return Err(self.fail("a negative number"));
        }
        Ok(number)
    }

    fn int(&mut self, width: usize) -> Result<(), OfficialError> {
        let number = self.number(width)?;
        self.stack.push(Value::Int(number));
        Ok(())
    }

    /// Copies the top of the stack into the memo slot that follows.
    fn remember(&mut self, width: usize) -> Result<(), OfficialError> {
        let slot = self.number(width)?;
        let top = self.stack.last().cloned();
        let top = top.ok_or_else(|| self.fail("nothing on the stack to remember"))?;
        self.memo.insert(slot, top);
        Ok(())
    }

    /// Pushes the memo slot that follows.
    fn recall(&mut self, width: usize) -> Result<(), OfficialError> {
        let slot = self.number(width)?;
        let value = self.memo.get(&slot).cloned();
        let value = value.ok_or_else(|| self.fail("an unknown memo slot"))?;
        self.stack.push(value);
        Ok(())
    }

    fn text(&mut self) -> Result<String, OfficialError> {
        let length = self.number(4)?;
        let text = self.take(length)?.to_vec();
        String::from_utf8(text).map_err(|_| self.fail("text that is not UTF-8"))
    }

    fn protocol(&mut self) -> Result<(), OfficialError> {
        match self.bytes()? {
            [2] => Ok(()),
            [_] => Err(self.fail("a protocol other than 2")),
        }
    }

    fn line(&mut self) -> Result<String, OfficialError> {
        let rest = &self.pickle[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n');
        let end = end.ok_or_else(|| self.fail("the pickle ends in a name"))?;
        let line = String::from_utf8_lossy(self.take(end)?).into_owned();
        self.at += 1;
        Ok(line)
    }

    fn global(&mut self, offset: usize) -> Result<Global, OfficialError> {
        let name = format!("{} {}", self.line()?, self.line()?);
        match name.as_str() {
            "torch._utils _rebuild_tensor_v2" => Ok(Global::RebuildTensor),
            "torch ByteStorage" => Ok(Global::Storage(Dtype::Byte)),
            "torch FloatStorage" => Ok(Global::Storage(Dtype::Float)),
            "collections OrderedDict" => Ok(Global::OrderedDict),
            _ => Err(OfficialError::Global {
                file: self.file.to_owned(),
                offset,
                global: name.chars().take(80).collect(),
            }),
        }
    }

    fn pop(&mut self) -> Result<Value, OfficialError> {
        let top = self.stack.pop();
        top.ok_or_else(|| self.fail("a value is missing on the stack"))
    }

    fn since_mark(&mut self) -> Result<Vec<Value>, OfficialError> {
        let mark = self.stack.iter().rposition(|value| *value == Value::Mark);
        let mark = mark.ok_or_else(|| self.fail("a mark is missing on the stack"))?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    /// Tuples are short and at most two deep, so that no pickle can grow beyond its length.
    fn push_tuple(&mut self, items: Vec<Value>) -> Result<(), OfficialError> {
        let deep = |value: &Value| match value {
            Value::Tuple(inner) => inner.iter().any(|value| matches!(value, Value::Tuple(_))),
            Value::Dict(_) | Value::Mark => true,
            _ => false,
        };
        if items.len() > MAX_TUPLE || items.iter().any(deep) {
            return Err(self.fail("a tuple that no tensor has"));
        }
        self.stack.push(Value::Tuple(items));
        Ok(())
    }

    /// BINPERSID: `('storage', type, key, device, count)`. The device is of no interest.
    fn storage(&mut self) -> Result<(), OfficialError> {
        if let Value::Tuple(items) = self.pop()?
            && let [
                Value::Text(tag),
                Value::Global(Kind(Global::Storage(dtype))),
                Value::Text(key),
                Value::Text(_),
                Value::Int(count),
            ] = items.as_slice()
            && tag == "storage"
        {
            self.stack.push(Value::Storage(*dtype, key.clone(), *count));
            return Ok(());
        }
        Err(self.fail("a persistent id that is no storage"))
    }

    /// REDUCE: only an empty `OrderedDict` and a tensor can be made.
    fn reduce(&mut self) -> Result<(), OfficialError> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let made = match (callee, arguments) {
            (Value::Global(Kind(Global::OrderedDict)), Value::Tuple(items)) if items.is_empty() => {
                Some(Value::Hooks)
            }
            (Value::Global(Kind(Global::RebuildTensor)), Value::Tuple(items)) => tensor(&items),
            _ => None,
        };
        let made = made.ok_or_else(|| self.fail("a call that makes no tensor"))?;
        self.stack.push(made);
        Ok(())
    }

    /// SETITEMS: names and tensors into the dictionary under the mark.
    fn fill(&mut self) -> Result<(), OfficialError> {
        let items = self.since_mark()?;
        let Value::Dict(mut map) = self.pop()? else {
            return Err(self.fail("items for something that is no dictionary"));
        };
        let (pairs, odd) = items.as_chunks::<2>();
        for pair in pairs {
            let [Value::Text(name), Value::Tensor(tensor)] = pair else {
                return Err(self.fail("an item that is no named tensor"));
            };
            if map.insert(name.clone(), tensor.clone()).is_some() {
                return Err(self.fail("a name that occurs twice"));
            }
        }
        if !odd.is_empty() {
            return Err(self.fail("a name without a tensor"));
        }
        self.stack.push(Value::Dict(map));
        Ok(())
    }

    fn stop(&mut self) -> Result<Value, OfficialError> {
        let result = self.pop()?;
        if !self.stack.is_empty() || self.at != self.pickle.len() {
            return Err(self.fail("something is left after the end"));
        }
        Ok(result)
    }
}

/// Arguments of `_rebuild_tensor_v2`: storage, offset, sizes, strides, requires_grad, hooks.
fn tensor(arguments: &[Value]) -> Option<Value> {
    let [
        Value::Storage(dtype, key, count),
        Value::Int(0),
        Value::Tuple(sizes),
        Value::Tuple(strides),
        Value::False,
        Value::Hooks,
    ] = arguments
    else {
        return None;
    };
    let numbers = |items: &[Value]| -> Option<Vec<usize>> {
        let number = |item: &Value| match item {
            Value::Int(number) => Some(*number),
            _ => None,
        };
        items.iter().map(number).collect()
    };
    let tensor = TensorRef {
        dtype: *dtype,
        storage: key.clone(),
        sizes: numbers(sizes)?,
    };
    let whole = tensor.strides() == numbers(strides)? && tensor.count() == Some(*count);
    whole.then_some(Value::Tensor(tensor))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn error(pickle: &[u8]) -> String {
        match run(Path::new("x.prompt"), pickle) {
            Err(error) => error.to_string(),
            Ok(value) => panic!("accepted as {value:?}"),
        }
    }

    #[test]
    fn code_is_refused_by_file_offset_and_name() {
        let call = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.";
        assert_eq!(
            error(call),
            "x.prompt: data.pkl: global `os system` at offset 2 is not allowed here, nothing was executed"
        );
        for opcode in [b'b', b'i', b'o', 0x81, 0x92, 0x93, 0x82, b'P', b'R' | 0x80] {
            let text = error(&[0x80, 2, b'}', opcode, b'.']);
            assert!(text.contains("at offset 3 is not allowed"), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for pickle in [
            &b""[..],
            b"\x80\x04}.",
            b"\x80\x02",
            b"\x80\x02.",
            b"\x80\x02}}.",
            b"\x80\x02}.}",
            b"\x80\x02h\x07.",
            b"\x80\x02q\x07.",
            b"\x80\x02u.",
            b"\x80\x02}(K\x01u.",
            b"\x80\x02}(K\x01K\x02u.",
            b"\x80\x02t.",
            b"\x80\x02K\x01\x86.",
            b"\x80\x02J\xff\xff\xff\xff.",
            b"\x80\x02X\xff\xff\xff\x7fabc.",
            b"\x80\x02X\x01\x00\x00\x00\xff.",
            b"\x80\x02K\x01Q.",
            b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.",
            b"\x80\x02ctorch\n",
            b"\x80\x02)\x85\x85\x85.",
        ] {
            error(pickle);
        }
        error(&[b'('; MAX_PICKLE + 1]);
    }

    #[test]
    fn a_dictionary_may_be_empty() {
        let value = run(Path::new("x"), b"\x80\x02}q\x00.").unwrap();
        assert_eq!(value, Value::Dict(BTreeMap::new()));
    }
}
