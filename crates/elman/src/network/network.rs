//! A network: a stack of layers with its parameters.
//!
//! T steps, B rows, I input, O output. Arrays are batch first, as in TensorFlow.

use std::collections::BTreeMap;

use elman_formats::Array;
use elman_kernels::{Aligned, Isa};
use ndarray::{Array2, ArrayView2, ArrayView3, Axis};

use crate::network::dynamic_rnn::DynamicRnn;
use crate::network::init::{self, Init};
use crate::network::layer::{Layer, Stack};
use crate::network::parameters::Plan;
use crate::network::state::State;
use crate::network::stream::{Stream, Streams};
use crate::network::tile::View;
use crate::random::Random;
use crate::{Error, isa};

/// A cell, a layer or a stack that can be given initial values: `Rnn::new(28, 128).init(…)`.
pub trait Build: Into<Stack> {
    /// The network with initial values by a convention.
    ///
    /// # Errors
    /// If sizes do not fit each other, or a cell does not compute an option.
    fn init(self, init: Init, random: &mut Random) -> Result<Network, Error> {
        Network::new(self, init, random)
    }

    /// The network with given parameters, by the names and shapes of [`Network::arrays`].
    ///
    /// # Errors
    /// If sizes do not fit each other, or the arrays do not fit the network.
    fn with_arrays(self, arrays: &BTreeMap<String, Array>) -> Result<Network, Error> {
        let stack: Stack = self.into();
        stack.check()?;
        let plan = Plan::new(&stack, None);
        let parameters = plan.pack(arrays)?;
        Ok(Network { stack, plan, parameters })
    }
}

impl<S: Into<Stack>> Build for S {}

/// A stack of layers with its parameters.
#[derive(Clone, Debug)]
pub struct Network {
    stack: Stack,
    pub(crate) plan: Plan,
    /// In the kernels' order.
    pub(crate) parameters: Aligned,
}

impl Network {
    /// A network with initial values by a convention.
    ///
    /// # Errors
    /// If sizes do not fit each other, or a cell does not compute an option.
    pub fn new(stack: impl Into<Stack>, init: Init, random: &mut Random) -> Result<Self, Error> {
        let stack = stack.into();
        stack.check()?;
        let plan = Plan::new(&stack, None);
        let mut parameters = Aligned::zeros(plan.len);
        init::network(init, &stack, &plan, &mut parameters, random);
        Ok(Network { stack, plan, parameters })
    }

    pub(crate) fn from_parts(stack: Stack, parameters: &[f32]) -> Self {
        let plan = Plan::new(&stack, None);
        let mut own = Aligned::zeros(plan.len);
        own.copy_from_slice(&parameters[..plan.len]);
        Network { stack, plan, parameters: own }
    }

    /// Its layers.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Its layers, from the input on.
    pub fn layers(&self) -> &[Layer] {
        &self.stack.layers
    }

    /// The plain arrays by name, row-major: `layers.0.kernel [I, G H]`, `layers.0.recurrent_kernel [P, G H]`,
    /// `layers.0.bias [G H]` and others by the cell, `layers.0.forward.kernel` in two directions, `embedding.kernel`.
    pub fn arrays(&self) -> BTreeMap<String, Array> {
        self.plan.unpack(&self.parameters)
    }

    /// A state of zeros for `rows` rows.
    pub fn zero_state(&self, rows: usize) -> State {
        State::zeros(&self.stack, rows)
    }

    /// One step in time: `x [B, I]` and the state give the output [B, O] and the next state.
    ///
    /// # Errors
    /// If a shape does not fit the network, or a layer reads its rows from their ends.
    pub fn step(&self, x: ArrayView2<'_, f32>, state: &State) -> Result<(Array2<f32>, State), Error> {
        self.check_forward("a step")?;
        // One step is a sequence of one: the same kernel, hence the same bits.
        let (outputs, state) = self.dynamic_rnn(x.insert_axis(Axis(1))).initial_state(state).run()?;
        Ok((outputs.index_axis_move(Axis(1), 0), state))
    }

    /// All steps of `xs [B, T, I]`, as TensorFlow's `dynamic_rnn`:
    ///
    /// ```
    /// # use elman::{Build, Init, Random, Purpose, Rnn};
    /// # use ndarray::Array3;
    /// # fn main() -> Result<(), elman::Error> {
    /// let cell = Rnn::new(28, 128).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
    /// let xs = Array3::zeros((2, 5, 28));
    /// let (outputs, state) = cell.dynamic_rnn(xs.view()).sequence_length(&[5, 3]).run()?;
    /// assert_eq!((outputs.shape(), state.h().shape()), (&[2, 5, 128][..], &[2, 128][..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn dynamic_rnn<'a>(&'a self, xs: ArrayView3<'a, f32>) -> DynamicRnn<'a> {
        DynamicRnn::new(self, xs)
    }

    /// A stream: one row, one step a call, nothing allocated.
    ///
    /// # Errors
    /// If a layer reads its rows from their ends: its outputs are known only after the last step.
    pub fn stream(&self) -> Result<Stream<'_>, Error> {
        self.stream_on(isa::active())
    }

    /// The same on another instruction set.
    ///
    /// # Errors
    /// If a layer reads its rows from their ends.
    pub fn stream_on(&self, isa: Isa) -> Result<Stream<'_>, Error> {
        self.check_forward("a stream")?;
        Ok(Stream::new(self.view(), isa))
    }

    /// Several streams side by side, one step of each a call, nothing allocated: faster than each by itself, with the same
    /// bits.
    ///
    /// # Errors
    /// If there are no rows, or a layer reads its rows from their ends.
    pub fn streams(&self, rows: usize) -> Result<Streams<'_>, Error> {
        self.check_forward("a stream")?;
        match rows {
            0 => Err(Error::setting("rows", rows, "at least 1 stream")),
            _ => Ok(Streams::new(self.view(), rows, isa::active())),
        }
    }

    fn view(&self) -> View<'_> {
        View { stack: &self.stack, plan: &self.plan, parameters: &self.parameters }
    }

    fn check_forward(&self, what: &'static str) -> Result<(), Error> {
        self.stack.check_forward(what, "its outputs are known only after the last step; use dynamic_rnn")
    }
}
