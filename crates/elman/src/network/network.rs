//! A network: a stack of layers with its parameters.
//!
//! P state of a cell, G its gates, H hidden, I input.

use std::collections::BTreeMap;
use std::sync::Arc;

use elman_formats::Array;
use elman_kernels::Aligned;

use crate::Error;
use crate::network::init::{self, Init};
use crate::network::layer::{Layer, Stack};
use crate::network::parameters::Plan;
use crate::network::passage::View;
use crate::network::state::State;
use crate::random::Random;

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
        let plan = Plan::new(&stack, None, &[]);
        let parameters = plan.pack(arrays)?;
        Ok(Network { stack: stack.into(), plan, parameters })
    }
}

impl<S: Into<Stack>> Build for S {}

/// A stack of layers with its parameters.
#[derive(Clone, Debug)]
pub struct Network {
    /// Shared by its clones, which have the same plan.
    pub(super) stack: Arc<Stack>,
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
        let plan = Plan::new(&stack, None, &[]);
        let mut parameters = Aligned::zeros(plan.len);
        init::network(init, &stack, &plan, &mut parameters, random);
        Ok(Network { stack: stack.into(), plan, parameters })
    }

    pub(crate) fn from_parts(stack: Stack, parameters: &[f32]) -> Self {
        let plan = Plan::new(&stack, None, &[]);
        let mut own = Aligned::zeros(plan.len);
        own.copy_from_slice(&parameters[..plan.len]);
        Network { stack: stack.into(), plan, parameters: own }
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

    /// Replaces all parameters by plain arrays of the names and shapes of [`Network::arrays`].
    ///
    /// # Errors
    /// If a name is missing or unknown, or a shape differs. The network is then as it was.
    pub fn set_arrays(&mut self, arrays: &BTreeMap<String, Array>) -> Result<(), Error> {
        self.plan.pack_into(arrays, &mut self.parameters)
    }

    /// Parameters, without padding.
    pub fn parameter_count(&self) -> usize {
        self.plan.count()
    }

    /// A state of zeros for `rows` rows.
    pub fn zero_state(&self, rows: usize) -> State {
        State::zeros(&self.stack, rows)
    }

    pub(crate) fn view(&self) -> View<'_> {
        View { stack: &self.stack, plan: &self.plan, parameters: &self.parameters }
    }

    pub(crate) fn check_forward(&self, what: &'static str) -> Result<(), Error> {
        self.stack.check_forward(what, "its outputs are known only after the last step; use dynamic_rnn")
    }
}
