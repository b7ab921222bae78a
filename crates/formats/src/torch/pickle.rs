//! A machine for the pickles of tensors in dicts and lists. It builds values and runs nothing.
//!
//! A pickle is a list of instructions for a stack of values and a memo of numbered ones. Values here lie in one list and
//! name each other by their places in it. So no pickle makes the machine recurse, whatever holds what, and a value that
//! holds itself is no trouble.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::error::too_many_tensors;
use super::{Fault, TENSORS_MAX, opcode};

/// More values than the checkpoint of any model has.
const VALUES_MAX: usize = 1 << 22;

/// The protocol of `torch.save`.
const PROTOCOL: u8 = 2;

/// All values of a pickle, and which of them it stands for.
pub(super) struct Pickled {
    pub(super) values: Vec<Value>,
    pub(super) root: usize,
}

/// A value. Numbers are places in [`Pickled::values`].
pub(super) enum Value {
    Dict(Vec<(usize, usize)>),
    List(Vec<usize>),
    Tuple(Vec<usize>),
    Integer(i64),
    Text(String),
    Tensor(Rc<Tensor>),
    Storage(Rc<Storage>),
    Global(Global),
    /// A float, a truth value, None, or an integer of more than 64 bits: nothing that a tensor needs.
    Other,
}

/// A view of a storage, as the pickle has it: nothing is checked.
pub(super) struct Tensor {
    pub(super) storage: Rc<Storage>,
    pub(super) offset: i64,
    pub(super) shape: Vec<i64>,
    pub(super) strides: Vec<i64>,
}

/// Elements in a file of the archive.
pub(super) struct Storage {
    pub(super) key: String,
    pub(super) kind: Kind,
    pub(super) elements: i64,
}

/// The type of a storage's elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    F16,
    Bf16,
    F32,
    F64,
    /// Integers of any width, or truth values.
    Integer,
}

/// The classes and functions that are known.
#[derive(Clone, Copy)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Kind),
}

impl Global {
    fn of(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
            ("torch", "HalfStorage") => Self::Storage(Kind::F16),
            ("torch", "BFloat16Storage") => Self::Storage(Kind::Bf16),
            ("torch", "FloatStorage") => Self::Storage(Kind::F32),
            ("torch", "DoubleStorage") => Self::Storage(Kind::F64),
            (
                "torch",
                "ByteStorage" | "CharStorage" | "ShortStorage" | "IntStorage" | "LongStorage" | "BoolStorage",
            ) => Self::Storage(Kind::Integer),
            _ => return None,
        })
    }
}

/// Reads a pickle up to its end.
pub(super) fn read(bytes: &[u8]) -> Result<Pickled, Fault> {
    let mut machine = Machine {
        bytes,
        at: 0,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
        tensors: 0,
    };
    loop {
        let at = machine.at;
        let opcode = machine.byte()?;
        if opcode == opcode::STOP {
            let root = machine.pop()?;
            return Ok(Pickled { values: machine.values, root });
        }
        machine.step(opcode, at)?;
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<usize>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: BTreeMap<u32, usize>,
    tensors: usize,
}

impl<'a> Machine<'a> {
    fn step(&mut self, opcode: u8, at: usize) -> Result<(), Fault> {
        match opcode {
            opcode::PROTO => {
                let found = self.byte()?;
                if found != PROTOCOL {
                    return Err(Fault::Opcode { name: format!("PROTO {found}"), at });
                }
                Ok(())
            }
            opcode::NONE | opcode::NEWTRUE | opcode::NEWFALSE => self.push(Value::Other),
            opcode::BINFLOAT => self.take(8).and_then(|_| self.push(Value::Other)),
            opcode::BININT => {
                let value = i32::from_le_bytes(self.array()?);
                self.push(Value::Integer(value.into()))
            }
            opcode::BININT1 => {
                let value = self.byte()?;
                self.push(Value::Integer(value.into()))
            }
            opcode::BININT2 => {
                let value = u16::from_le_bytes(self.array()?);
                self.push(Value::Integer(value.into()))
            }
            opcode::LONG1 => {
                let len = self.byte()?;
                let value = long(self.take(len.into())?).map_or(Value::Other, Value::Integer);
                self.push(value)
            }
            opcode::BINUNICODE => {
                let len = u32::from_le_bytes(self.array()?);
                let text = self.take(len as usize)?;
                let text = str::from_utf8(text).map_err(|_| self.wrong("text in UTF-8"))?;
                self.push(Value::Text(text.to_owned()))
            }
            opcode::EMPTY_DICT => self.push(Value::Dict(Vec::new())),
            opcode::EMPTY_LIST => self.push(Value::List(Vec::new())),
            opcode::EMPTY_TUPLE => self.push(Value::Tuple(Vec::new())),
            opcode::MARK => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            opcode::TUPLE => {
                let items = self.pop_mark()?;
                self.push(Value::Tuple(items))
            }
            opcode::TUPLE1 | opcode::TUPLE2 | opcode::TUPLE3 => {
                let mut items = vec![0; usize::from(opcode - opcode::TUPLE1) + 1];
                for item in items.iter_mut().rev() {
                    *item = self.pop()?;
                }
                self.push(Value::Tuple(items))
            }
            opcode::APPEND => {
                let item = self.pop()?;
                self.append(&[item])
            }
            opcode::APPENDS => {
                let items = self.pop_mark()?;
                self.append(&items)
            }
            opcode::SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(&[key, value])
            }
            opcode::SETITEMS => {
                let items = self.pop_mark()?;
                self.set(&items)
            }
            opcode::BINPUT => {
                let place = self.byte()?;
                self.put(place.into())
            }
            opcode::LONG_BINPUT => {
                let place = u32::from_le_bytes(self.array()?);
                self.put(place)
            }
            opcode::BINGET => {
                let place = self.byte()?;
                self.get(place.into())
            }
            opcode::LONG_BINGET => {
                let place = u32::from_le_bytes(self.array()?);
                self.get(place)
            }
            opcode::GLOBAL => {
                let module = self.line()?;
                let name = self.line()?;
                let global = Global::of(module, name);
                let global = global.ok_or_else(|| Fault::Global { name: format!("{module}.{name}") })?;
                self.push(Value::Global(global))
            }
            opcode::BINPERSID => {
                let id = self.pop()?;
                let storage = self.storage(id)?;
                self.push(Value::Storage(Rc::new(storage)))
            }
            opcode::REDUCE => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                let value = self.reduce(function, arguments)?;
                self.push(value)
            }
            // The attributes of a state dict: versions of its modules.
            opcode::BUILD => {
                self.pop()?;
                let object = self.top()?;
                match self.values[object] {
                    Value::Dict(_) => Ok(()),
                    _ => Err(self.wrong("attributes of a dict")),
                }
            }
            _ => Err(Fault::Opcode { name: opcode::name(opcode), at }),
        }
    }

    /// What a known function makes of its arguments.
    fn reduce(&mut self, function: usize, arguments: usize) -> Result<Value, Fault> {
        let Value::Tuple(arguments) = &self.values[arguments] else {
            return Err(self.wrong("arguments in a tuple"));
        };
        let argument = |place: usize| arguments.get(place).map(|&argument| &self.values[argument]);
        match self.values[function] {
            Value::Global(Global::OrderedDict) if arguments.is_empty() => Ok(Value::Dict(Vec::new())),
            Value::Global(Global::OrderedDict) => Err(self.wrong("an OrderedDict made without arguments")),
            Value::Global(Global::RebuildTensor) => {
                let (
                    Some(Value::Storage(storage)),
                    Some(&Value::Integer(offset)),
                    Some(Value::Tuple(shape)),
                    Some(Value::Tuple(strides)),
                ) = (argument(0), argument(1), argument(2), argument(3))
                else {
                    return Err(self.wrong("a tensor of a storage, an offset, a shape and strides"));
                };
                let (Some(shape), Some(strides)) = (self.integers(shape), self.integers(strides)) else {
                    return Err(self.wrong("a shape and strides of at most 64 integers"));
                };
                let tensor = Tensor { storage: storage.clone(), offset, shape, strides };
                self.tensors += 1;
                if self.tensors > TENSORS_MAX {
                    return Err(too_many_tensors());
                }
                Ok(Value::Tensor(Rc::new(tensor)))
            }
            Value::Global(Global::RebuildParameter) => match argument(0) {
                Some(Value::Tensor(tensor)) => Ok(Value::Tensor(tensor.clone())),
                _ => Err(self.wrong("a parameter of a tensor")),
            },
            _ => Err(self.wrong("a function to call")),
        }
    }

    /// None if they are not integers, or more than PyTorch has axes: a long tuple must not be copied over and over.
    fn integers(&self, values: &[usize]) -> Option<Vec<i64>> {
        let integer = |&value: &usize| match self.values[value] {
            Value::Integer(value) => Some(value),
            _ => None,
        };
        if values.len() > super::tensor::AXES_MAX {
            return None;
        }
        values.iter().map(integer).collect()
    }

    /// `('storage', type, key, device, elements)`
    fn storage(&self, id: usize) -> Result<Storage, Fault> {
        let expected = "a storage's type, key, device and length";
        let Value::Tuple(parts) = &self.values[id] else { return Err(self.wrong(expected)) };
        let parts: Vec<&Value> = parts.iter().take(6).map(|&part| &self.values[part]).collect();
        match parts[..] {
            [
                Value::Text(word),
                Value::Global(Global::Storage(kind)),
                Value::Text(key),
                Value::Text(_),
                Value::Integer(elements),
            ] if word == "storage" => Ok(Storage { key: key.clone(), kind: *kind, elements: *elements }),
            _ => Err(self.wrong(expected)),
        }
    }

    fn push(&mut self, value: Value) -> Result<(), Fault> {
        if self.values.len() == VALUES_MAX {
            return Err(Fault::TooMany { max: VALUES_MAX, what: "values" });
        }
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    /// Nothing is taken from below the last mark.
    fn top(&self) -> Result<usize, Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack[floor..].last().copied().ok_or_else(|| self.wrong("a value on the stack"))
    }

    fn pop(&mut self) -> Result<usize, Fault> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_mark(&mut self) -> Result<Vec<usize>, Fault> {
        let mark = self.marks.pop().ok_or_else(|| self.wrong("a mark on the stack"))?;
        Ok(self.stack.split_off(mark))
    }

    fn append(&mut self, items: &[usize]) -> Result<(), Fault> {
        let list = self.top()?;
        match &mut self.values[list] {
            Value::List(list) => list.extend(items),
            _ => return Err(self.wrong("a list to append to")),
        }
        Ok(())
    }

    fn set(&mut self, items: &[usize]) -> Result<(), Fault> {
        let dict = self.top()?;
        let (pairs, []) = items.as_chunks::<2>() else { return Err(self.wrong("as many values as keys")) };
        match &mut self.values[dict] {
            Value::Dict(dict) => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            _ => return Err(self.wrong("a dict to set items of")),
        }
        Ok(())
    }

    fn put(&mut self, place: u32) -> Result<(), Fault> {
        let top = self.top()?;
        self.memo.insert(place, top);
        if self.memo.len() > VALUES_MAX {
            return Err(Fault::TooMany { max: VALUES_MAX, what: "values in its memo" });
        }
        Ok(())
    }

    fn get(&mut self, place: u32) -> Result<(), Fault> {
        let value = self.memo.get(&place).copied().ok_or_else(|| self.wrong("a value that the memo has"))?;
        self.stack.push(value);
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..len).ok_or_else(|| self.wrong("more bytes, or STOP"))?;
        self.at += len;
        Ok(taken)
    }

    /// A name, which ends with its line. Module names are short: a longer one only makes a message of megabytes.
    fn line(&mut self) -> Result<&'a str, Fault> {
        let rest = &self.bytes[self.at..];
        let len = rest.iter().take(256).position(|&byte| byte == b'\n');
        let line = len.and_then(|len| str::from_utf8(&rest[..len]).ok()).ok_or_else(|| self.wrong("a short name"))?;
        self.at += line.len() + 1;
        Ok(line)
    }

    fn wrong(&self, expected: &'static str) -> Fault {
        Fault::Pickle { at: self.at, expected }
    }
}

/// A little-endian integer in two's complement, if 64 bits hold it.
fn long(bytes: &[u8]) -> Option<i64> {
    let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
    let mut wide = [if negative { 0xff } else { 0 }; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_integers_are_in_two_s_complement() {
        assert_eq!(long(&[]), Some(0));
        assert_eq!(long(&[0xff]), Some(-1));
        assert_eq!(long(&[0xff, 0]), Some(255));
        assert_eq!(long(&[0, 0, 0, 0, 0, 1]), Some(1 << 40));
        assert_eq!(long(&[0, 0, 0, 0, 0, 0, 0, 0x80]), Some(i64::MIN));
        assert_eq!(long(&[0; 9]), None);
    }
}
