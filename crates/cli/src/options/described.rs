//! The description of an option.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use elman::{Activation, Arithmetic, BatchSize, GateActivation, Init, Merge, Reset};
use serde::de::MapAccess;

use super::value::{Place, Value};

/// An option of a `T`.
pub(crate) struct Described<T: 'static> {
    /// Of the setting; the flag has dashes for underscores.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Who has it.
    pub(crate) owners: Owners,
    /// What it is where nobody says it; None: nothing, or what the library's own type says.
    pub(crate) default: Option<Value>,
    /// Where it gets to and comes from; None where this `T` has no such place.
    pub(crate) place: fn(&mut T) -> Option<&mut dyn Place>,
    /// The part of the help that its flag stands in.
    pub(crate) heading: &'static str,
    pub(crate) help: &'static str,
}

/// What its values are, and what the help calls those.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Number(&'static str),
    /// A number of 32 bits.
    Rate(&'static str),
    Count(&'static str),
    /// An amount of memory, as it is written.
    Amount(&'static str),
    /// A number of rows, or all.
    Rows(&'static str),
    Switch,
    Init,
    Merge,
    Activation,
    GateActivation,
    Reset,
    Arithmetic,
}

/// Who has an option: those of these names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Owners {
    /// Whatever is chosen.
    All,
    Cells(&'static [&'static str]),
    /// Every optimizer, each with a value of its own.
    EveryOptimizer,
    Optimizers(&'static [&'static str]),
    Schedules(&'static [&'static str]),
}

impl<T> Described<T> {
    /// Its flag.
    pub(crate) fn flag(&self) -> Arg {
        let arg = Arg::new(self.name).long(self.name.replace('_', "-")).help(self.help).help_heading(self.heading);
        let words = |words: &[&'static str]| PossibleValuesParser::new(words.iter().copied());
        match self.kind {
            Kind::Number(name) => arg.value_name(name).value_parser(value_parser!(f64)).allow_negative_numbers(true),
            Kind::Rate(name) => arg.value_name(name).value_parser(value_parser!(f32)).allow_negative_numbers(true),
            Kind::Count(name) => arg.value_name(name).value_parser(value_parser!(u64)),
            Kind::Amount(name) => arg.value_name(name).value_parser(value_parser!(String)),
            Kind::Rows(name) => arg.value_name(name).value_parser(value_parser!(BatchSize)),
            Kind::Switch => arg.action(ArgAction::SetTrue),
            Kind::Init => arg.value_name("INIT").value_parser(words(&Init::ALL.map(Init::name))),
            Kind::Merge => {
                let arg = arg.value_name("MERGE").num_args(0..=1).require_equals(true);
                arg.default_missing_value("concat").value_parser(words(&["concat", "sum"]))
            }
            Kind::Activation => {
                arg.value_name("ACTIVATION").value_parser(words(&Activation::ALL.map(Activation::name)))
            }
            Kind::GateActivation => {
                arg.value_name("ACTIVATION").value_parser(words(&GateActivation::ALL.map(GateActivation::name)))
            }
            Kind::Reset => arg.value_name("RESET").value_parser(words(&["after", "before"])),
            Kind::Arithmetic => {
                arg.value_name("ARITHMETIC").value_parser(words(&Arithmetic::ALL.map(Arithmetic::name)))
            }
        }
    }

    /// What its flag says, where it was given.
    pub(super) fn given(&self, matches: &ArgMatches) -> Option<Value> {
        // The parser has let through known words only.
        let word = || matches.get_one::<String>(self.name).map(String::as_str);
        match self.kind {
            Kind::Number(_) => matches.get_one(self.name).copied().map(Value::Number),
            Kind::Rate(_) => matches.get_one(self.name).copied().map(Value::Rate),
            Kind::Count(_) => matches.get_one(self.name).copied().map(Value::Count),
            Kind::Amount(_) => matches.get_one(self.name).cloned().map(Value::Amount),
            Kind::Rows(_) => matches.get_one(self.name).copied().map(Value::Rows),
            Kind::Switch => matches.get_flag(self.name).then_some(Value::Switch(true)),
            Kind::Init => word().and_then(|word| Init::ALL.into_iter().find(|of| of.name() == word)).map(Value::Init),
            Kind::Merge => word().map(|word| Value::Merge(if word == "sum" { Merge::Sum } else { Merge::Concat })),
            Kind::Activation => word().and_then(Activation::from_name).map(Value::Activation),
            Kind::GateActivation => word().and_then(GateActivation::from_name).map(Value::GateActivation),
            Kind::Reset => word().map(|word| Value::Reset(if word == "before" { Reset::Before } else { Reset::After })),
            Kind::Arithmetic => word().and_then(Arithmetic::from_name).map(Value::Arithmetic),
        }
    }

    /// What a file says of it: the value that is next.
    pub(super) fn read<'de, M: MapAccess<'de>>(&self, file: &mut M) -> Result<Value, M::Error> {
        Ok(match self.kind {
            Kind::Number(_) => Value::Number(file.next_value()?),
            Kind::Rate(_) => Value::Rate(file.next_value()?),
            Kind::Count(_) => Value::Count(file.next_value()?),
            Kind::Amount(_) => Value::Amount(file.next_value()?),
            Kind::Rows(_) => Value::Rows(file.next_value()?),
            Kind::Switch => Value::Switch(file.next_value()?),
            Kind::Init => Value::Init(file.next_value()?),
            Kind::Merge => Value::Merge(file.next_value()?),
            Kind::Activation => Value::Activation(file.next_value()?),
            Kind::GateActivation => Value::GateActivation(file.next_value()?),
            Kind::Reset => Value::Reset(file.next_value()?),
            Kind::Arithmetic => Value::Arithmetic(file.next_value()?),
        })
    }

    /// Some value of its kind.
    pub(crate) fn example(&self) -> Value {
        match self.kind {
            Kind::Number(_) => Value::Number(1.0),
            Kind::Rate(_) => Value::Rate(1.0),
            Kind::Count(_) => Value::Count(1),
            Kind::Amount(_) => Value::Amount(String::new()),
            Kind::Rows(_) => Value::Rows(BatchSize::Full),
            Kind::Switch => Value::Switch(true),
            Kind::Init => Value::Init(Init::default()),
            Kind::Merge => Value::Merge(Merge::default()),
            Kind::Activation => Value::Activation(Activation::default()),
            Kind::GateActivation => Value::GateActivation(GateActivation::HardSigmoid),
            Kind::Reset => Value::Reset(Reset::default()),
            Kind::Arithmetic => Value::Arithmetic(Arithmetic::Split3),
        }
    }

    /// The value that a `T` has in its place, if it has one.
    pub(crate) fn get(&self, of: &mut T) -> Option<Value> {
        (self.place)(of).and_then(|place| place.get())
    }

    /// Puts a value into its place, where the `T` has one.
    pub(crate) fn set(&self, of: &mut T, value: Value) {
        if let Some(place) = (self.place)(of) {
            place.set(value);
        }
    }
}
