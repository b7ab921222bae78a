//! Convolutions and pooling over the steps, by the names that the field has for them: layers that read windows.

use elman_kernels::{Nonlinearity, StepDense, StepPool};

use crate::network::layer::Layer;
use crate::network::window::{Padding, Window};

/// A convolution over the steps: a dense layer on windows.
///
/// y_t = φ(Σ_k x_{t S + k D − p} W_k + b), W [K, I, O], p the steps that are padded in front
///
/// Keras's `Conv1D`, PyTorch's `nn.Conv1d`. As its array `kernel [K I, O]`, W is that of Keras with its first two axes as one.
///
/// ```
/// use elman::{Build, Conv1d, Init, Lstm, Nonlinearity, Padding, Purpose, Random, Stack, max_pool_1d};
/// use ndarray::Array3;
///
/// # fn main() -> Result<(), elman::Error> {
/// // 400 steps of 3 features; the LSTM has a hundred left.
/// let conv = Conv1d::new(3, 16, 5).padding(Padding::Same).activation(Nonlinearity::Relu);
/// let stack = Stack::new(conv).then(max_pool_1d(16, 4)).then(Lstm::new(16, 32));
/// assert_eq!(stack.steps_left(400), 100);
///
/// let network = stack.init(Init::Keras, &mut Random::new(111, Purpose::Cell))?;
/// let (outputs, _) = network.dynamic_rnn(Array3::zeros((2, 400, 3)).view()).run()?;
/// assert_eq!(outputs.shape(), [2, 100, 32]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv1d {
    /// I, the features of a step.
    pub input: usize,
    /// O, the features of its outputs.
    pub filters: usize,
    /// K, S, D and the padding.
    pub window: Window,
    /// φ, none by default.
    pub activation: Nonlinearity,
}

impl Conv1d {
    /// From `input` features to `filters`, with a kernel of `kernel_size` steps, at every step, without padding.
    pub fn new(input: usize, filters: usize, kernel_size: usize) -> Self {
        Conv1d { input, filters, window: Window::new(kernel_size), activation: Nonlinearity::Identity }
    }

    /// With so many steps from one output to the next.
    pub fn stride(self, stride: usize) -> Self {
        Conv1d { window: self.window.stride(stride), ..self }
    }

    /// With so many steps from one step of the kernel to the next.
    pub fn dilation(self, dilation: usize) -> Self {
        Conv1d { window: self.window.dilation(dilation), ..self }
    }

    /// With padding.
    pub fn padding(self, padding: Padding) -> Self {
        Conv1d { window: self.window.padding(padding), ..self }
    }

    /// With a φ.
    pub fn activation(self, activation: Nonlinearity) -> Self {
        Conv1d { activation, ..self }
    }
}

impl From<Conv1d> for Layer {
    fn from(conv: Conv1d) -> Self {
        let dense = StepDense::new(conv.input.saturating_mul(conv.window.size), conv.filters);
        Layer::new(dense.activation(conv.activation)).window(conv.window)
    }
}

/// The largest of every `size` steps, feature by feature, without overlap: Keras's `MaxPooling1D`, PyTorch's `nn.MaxPool1d`.
/// Steps at the end that are too few for a window are not read. Other strides and paddings: [`Layer::window`].
pub fn max_pool_1d(features: usize, size: usize) -> Layer {
    Layer::new(StepPool::max(features, size)).window(Window::new(size).stride(size))
}

/// Their mean: `AveragePooling1D`, `nn.AvgPool1d`.
pub fn mean_pool_1d(features: usize, size: usize) -> Layer {
    Layer::new(StepPool::mean(features, size)).window(Window::new(size).stride(size))
}
