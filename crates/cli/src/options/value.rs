//! A value of an option, and the places that hold one.

use elman::{Activation, Arithmetic, BatchSize, GateActivation, Init, Merge, Reset};
use serde::Serialize;

/// A value of an option.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Number(f64),
    /// A number of 32 bits.
    Rate(f32),
    Count(u64),
    /// An amount of memory, as it is written.
    Amount(String),
    Rows(BatchSize),
    Switch(bool),
    Init(Init),
    Merge(Merge),
    Activation(Activation),
    GateActivation(GateActivation),
    Reset(Reset),
    Arithmetic(Arithmetic),
}

/// A field of the library's types that an option sets.
pub(crate) trait Place {
    /// What it holds; None where it may be empty and is.
    fn get(&self) -> Option<Value>;

    /// Takes a value of its type; others are none of its own.
    fn set(&mut self, value: Value);
}

macro_rules! holds {
    ($($field:ty: $kind:ident),*) => {$(
        impl Place for $field {
            fn get(&self) -> Option<Value> {
                Some(Value::$kind(self.clone()))
            }

            fn set(&mut self, value: Value) {
                if let Value::$kind(value) = value {
                    *self = value;
                }
            }
        }
    )*};
}

holds!(f64: Number, f32: Rate, u64: Count, String: Amount, BatchSize: Rows, bool: Switch);
holds!(Init: Init, Merge: Merge, Reset: Reset, Arithmetic: Arithmetic);
holds!(Activation: Activation, GateActivation: GateActivation);

/// A count beyond what this machine has is the largest that it has, which is refused where it is used.
impl Place for usize {
    fn get(&self) -> Option<Value> {
        Some(Value::Count(*self as u64))
    }

    fn set(&mut self, value: Value) {
        if let Value::Count(count) = value {
            *self = usize::try_from(count).unwrap_or(usize::MAX);
        }
    }
}

impl<P: Place + Default> Place for Option<P> {
    fn get(&self) -> Option<Value> {
        self.as_ref().and_then(Place::get)
    }

    fn set(&mut self, value: Value) {
        self.get_or_insert_default().set(value);
    }
}
