//! The tensors of a pickle by their dotted paths.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::error::too_many_tensors;
use super::pickle::{Pickled, Tensor, Value};
use super::{Fault, Group, TENSORS_MAX};

/// Deeper than checkpoints lie. A value that holds itself ends here too.
const DEPTH_MAX: usize = 32;

/// One dict can stand under many names, and so on in each: visits are counted, not values.
const VISITS_MAX: usize = 1 << 22;

/// More entries than the outermost dict of a checkpoint has: as many as there can be tensors.
const ENTRIES_MAX: usize = TENSORS_MAX;

/// The longest dotted path in bytes.
const NAME_MAX: usize = 1024;

/// What a pickle holds.
pub(super) struct Found {
    pub(super) tensors: BTreeMap<String, Rc<Tensor>>,
    pub(super) groups: Vec<Group>,
    pub(super) entries: Vec<String>,
}

pub(super) fn tensors(pickled: &Pickled) -> Result<Found, Fault> {
    let values = &pickled.values;
    let mut walk = Walk {
        values,
        path: Vec::new(),
        visits: 0,
        tensors: BTreeMap::new(),
        groups: Vec::new(),
        places: BTreeMap::new(),
    };
    walk.visit(pickled.root)?;
    Ok(Found { tensors: walk.tensors, groups: walk.groups, entries: entries(pickled)? })
}

/// The names in the outermost dict, each once, or the numbers in a list. A key that is no name, or too long for one, is passed over.
fn entries(pickled: &Pickled) -> Result<Vec<String>, Fault> {
    let values = &pickled.values;
    let keys: Vec<Key<'_>> = match &values[pickled.root] {
        Value::Dict(items) => items.iter().map(|&(key, _)| Key::of(&values[key])).collect(),
        Value::List(items) | Value::Tuple(items) => (0..items.len()).map(|index| Key::Number(index as i64)).collect(),
        _ => Vec::new(),
    };
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for key in keys {
        let name = match key {
            // What stands under it is no tensor, or it was refused.
            Key::Text(text) if text.len() > NAME_MAX => continue,
            Key::Text(text) => text.to_owned(),
            Key::Number(number) => number.to_string(),
            Key::Other => continue,
        };
        if !seen.insert(name.clone()) {
            continue;
        }
        if entries.len() == ENTRIES_MAX {
            return Err(Fault::TooMany { max: ENTRIES_MAX, what: "entries in its outermost dict" });
        }
        entries.push(name);
    }
    Ok(entries)
}

struct Walk<'a> {
    values: &'a [Value],
    path: Vec<Key<'a>>,
    visits: usize,
    tensors: BTreeMap<String, Rc<Tensor>>,
    groups: Vec<Group>,
    /// Places in `groups`, by path.
    places: BTreeMap<String, usize>,
}

/// What a value stands under.
#[derive(Clone, Copy)]
enum Key<'a> {
    Text(&'a str),
    Number(i64),
    /// A key of a dict that is neither. It only matters where a tensor stands under it.
    Other,
}

impl<'a> Key<'a> {
    fn of(key: &'a Value) -> Self {
        match key {
            Value::Text(text) => Key::Text(text),
            Value::Integer(number) => Key::Number(*number),
            _ => Key::Other,
        }
    }
}

impl<'a> Walk<'a> {
    fn visit(&mut self, value: usize) -> Result<(), Fault> {
        self.visits += 1;
        if self.visits > VISITS_MAX {
            return Err(Fault::TooMany { max: VISITS_MAX, what: "values under different names" });
        }
        let values = self.values;
        match &values[value] {
            Value::Dict(items) => items.iter().try_for_each(|&(key, value)| self.below(Key::of(&values[key]), value)),
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
        // Where the path of what holds the tensor ends.
        let mut group = 0;
        for (place, key) in self.path.iter().enumerate() {
            group = name.len();
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
        if self.tensors.insert(name.clone(), tensor.clone()).is_some() {
            return Err(Fault::Twice { name });
        }
        let path = &name[..group];
        let place = match self.places.get(path) {
            Some(&place) => place,
            None => {
                self.places.insert(path.to_owned(), self.groups.len());
                self.groups.push(Group { path: path.to_owned(), tensors: Vec::new() });
                self.groups.len() - 1
            }
        };
        self.groups[place].tensors.push(name);
        Ok(())
    }
}
