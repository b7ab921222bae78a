//! The tensors of a pickle by their dotted paths.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::error::too_many_tensors;
use super::pickle::{Pickled, Tensor, Value};
use super::{Fault, TENSORS_MAX};

/// Deeper than checkpoints lie. A value that holds itself ends here too.
const DEPTH_MAX: usize = 32;

/// One dict can stand under many names, and so on in each: visits are counted, not values.
const VISITS_MAX: usize = 1 << 22;

/// The longest dotted path in bytes.
const NAME_MAX: usize = 1024;

pub(super) fn tensors(pickled: &Pickled) -> Result<BTreeMap<String, Rc<Tensor>>, Fault> {
    let mut walk = Walk { values: &pickled.values, path: Vec::new(), visits: 0, tensors: BTreeMap::new() };
    walk.visit(pickled.root)?;
    Ok(walk.tensors)
}

struct Walk<'a> {
    values: &'a [Value],
    path: Vec<Key<'a>>,
    visits: usize,
    tensors: BTreeMap<String, Rc<Tensor>>,
}

/// What a value stands under.
#[derive(Clone, Copy)]
enum Key<'a> {
    Text(&'a str),
    Number(i64),
    /// A key of a dict that is neither. It only matters where a tensor stands under it.
    Other,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, value: usize) -> Result<(), Fault> {
        self.visits += 1;
        if self.visits > VISITS_MAX {
            return Err(Fault::TooMany { max: VISITS_MAX, what: "values under different names" });
        }
        let values = self.values;
        match &values[value] {
            Value::Dict(items) => items.iter().try_for_each(|&(key, value)| {
                let key = match &values[key] {
                    Value::Text(text) => Key::Text(text),
                    Value::Integer(number) => Key::Number(*number),
                    _ => Key::Other,
                };
                self.below(key, value)
            }),
            Value::List(items) | Value::Tuple(items) => {
                items.iter().enumerate().try_for_each(|(index, &value)| self.below(Key::Number(index as i64), value))
            }
            Value::Tensor(tensor) => self.found(tensor),
            _ => Ok(()),
        }
    }

    fn below(&mut self, key: Key<'a>, value: usize) -> Result<(), Fault> {
        if self.path.len() == DEPTH_MAX {
            return Err(Fault::Depth { max: DEPTH_MAX });
        }
        self.path.push(key);
        self.visit(value)?;
        self.path.pop();
        Ok(())
    }

    fn found(&mut self, tensor: &Rc<Tensor>) -> Result<(), Fault> {
        let wrong = |found| Fault::Name { found, max: NAME_MAX };
        let mut name = String::new();
        for (place, key) in self.path.iter().enumerate() {
            if place > 0 {
                name.push('.');
            }
            match key {
                Key::Text(text) if text.len() > NAME_MAX => return Err(wrong("under a longer name")),
                Key::Text(text) => name.push_str(text),
                Key::Number(number) => name.push_str(&number.to_string()),
                Key::Other => return Err(wrong("under a key that is no name")),
            }
        }
        if name.len() > NAME_MAX {
            return Err(wrong("under longer names"));
        }
        if self.tensors.len() == TENSORS_MAX {
            return Err(too_many_tensors());
        }
        match self.tensors.insert(name.clone(), tensor.clone()) {
            Some(_) => Err(Fault::Twice { name }),
            None => Ok(()),
        }
    }
}
