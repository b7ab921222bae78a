//! Cells, layers and their options: the same settings for every job.

use std::fmt;

use elman::{AnyCell, Arithmetic, Error, Gru, IndRnn, Layer, Lstm, Rnn, Stack};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::precedence::set;
use crate::flags::network::NetworkArgs;
use crate::options::network::{Blueprint, CELLS, NETWORK};
use crate::options::{Owners, Value, Values};

/// A network's settings, as in `config.toml`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NetworkConfig {
    pub(crate) cell: String,
    pub(crate) hidden_size: usize,
    /// Those of [`NETWORK`].
    options: Values,
    /// Options that a flag gave, though perhaps their defaults: a cell that has no such option refuses them too.
    given: Vec<&'static str>,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        NetworkConfig::new("rnn", 128)
    }
}

impl NetworkConfig {
    /// A cell and its size.
    pub(crate) fn new(cell: &str, hidden_size: usize) -> Self {
        NetworkConfig { cell: cell.into(), hidden_size, options: Values::default(), given: Vec::new() }
    }

    /// With an option of [`NETWORK`].
    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.options.insert(name, value);
        self
    }

    /// Gives an option of [`NETWORK`] a value.
    pub(crate) fn insert(&mut self, name: &'static str, value: Value) {
        self.options.insert(name, value);
    }

    /// With a value for everything that may be absent: the names of all settings.
    pub(crate) fn full() -> Self {
        NetworkConfig { options: Values::full(&NETWORK), ..NetworkConfig::default() }
    }

    /// Puts flags before the settings.
    pub(crate) fn set(&mut self, args: &NetworkArgs) {
        set(&mut self.cell, args.cell.as_ref());
        self.options.extend(&args.options);
        self.given.extend(args.options.names());
    }

    /// The layers of a cell, with the options that it has.
    fn blueprint(&self, cell: AnyCell) -> Blueprint {
        let (bidirectional, arithmetic) = (None, Arithmetic::F32);
        let mut of = Blueprint { cell, layers: 1, bidirectional, residual: false, dropout: 0.0, arithmetic };
        self.options.set(&NETWORK, &mut of);
        of
    }

    /// The cell for inputs of `input` floats.
    fn cell(&self, input: usize) -> Result<AnyCell, Error> {
        let hidden = self.hidden_size;
        let cell = match self.cell.as_str() {
            "rnn" => AnyCell::Rnn(Rnn::new(input, hidden)),
            "lstm" => AnyCell::Lstm(Lstm::new(input, hidden)),
            "gru" => AnyCell::Gru(Gru::new(input, hidden)),
            "indrnn" => AnyCell::IndRnn(IndRnn::new(input, hidden)),
            _ => {
                let expected = format!("one of: {}", CELLS.join(", "));
                return Err(Error::Setting { what: "cell", found: format!("{:?}", self.cell), expected });
            }
        };
        let name = cell.get().name();
        let mut blueprint = self.blueprint(cell);
        // What another cell has. An option whose default is a value may have been given as that.
        for of in &NETWORK {
            let Owners::Cells(whose) = of.owners else { continue };
            let is_set = self.given.contains(&of.name)
                || ((of.place)(&mut blueprint).is_none() && self.options.get(of) != of.default);
            if is_set && !whose.contains(&self.cell.as_str()) {
                let why = format!("it is an option of {}", whose.join(" and "));
                return Err(Error::Unsupported { what: of.name, of: name, why });
            }
        }
        Ok(blueprint.cell)
    }

    /// The layers, for inputs of `input` floats.
    ///
    /// # Errors
    /// If a cell does not compute an option, or a size is out of range.
    pub(crate) fn stack(&self, input: usize) -> Result<Stack, Error> {
        let Blueprint { layers: count, bidirectional, residual, dropout, arithmetic, .. } =
            self.blueprint(AnyCell::Rnn(Rnn::new(input, self.hidden_size)));
        if !(1..=Stack::LAYERS_MAX).contains(&count) {
            let expected = format!("1 to {}", Stack::LAYERS_MAX);
            return Err(Error::Setting { what: "layers", found: count.to_string(), expected });
        }
        if residual && count == 1 {
            let expected = "2 or more for residual connections, which lead past the layers above the first".into();
            return Err(Error::Setting { what: "layers", found: "1".into(), expected });
        }
        let mut layers: Vec<Layer> = Vec::new();
        for index in 0..count {
            let input = layers.last().map_or(input, Layer::output);
            let mut layer = Layer::new(self.cell(input)?).residual(residual && index > 0);
            layer.bidirectional = bidirectional;
            // A dropout with nothing to lead to is refused by the check.
            if index + 1 < count || count == 1 {
                layer.dropout = dropout;
            }
            layers.push(layer);
        }
        let stack = Stack::of(None, layers).arithmetic(arithmetic);
        stack.check()?;
        Ok(stack)
    }
}

impl Serialize for NetworkConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut file = serializer.serialize_map(None)?;
        file.serialize_entry("cell", &self.cell)?;
        file.serialize_entry("hidden_size", &self.hidden_size)?;
        self.options.write(&NETWORK, &mut file)?;
        file.end()
    }
}

impl<'de> Deserialize<'de> for NetworkConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lines;

        impl<'de> Visitor<'de> for Lines {
            type Value = NetworkConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the settings of a network")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut file: M) -> Result<NetworkConfig, M::Error> {
                let mut config = NetworkConfig::default();
                while let Some(name) = file.next_key::<String>()? {
                    match name.as_str() {
                        "cell" => config.cell = file.next_value()?,
                        "hidden_size" => config.hidden_size = file.next_value()?,
                        name if config.options.read(&NETWORK, name, &mut file)? => {}
                        _ => {
                            file.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(config)
            }
        }

        deserializer.deserialize_map(Lines)
    }
}
