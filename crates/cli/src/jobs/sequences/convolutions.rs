//! Convolutions over the steps before the recurrent layers, each with pooling behind it: their settings.

use clap::Args;
use clap::builder::PossibleValuesParser;
use elman::{Conv1d, Error, Layer, Nonlinearity, Padding, Pooling, StepPool, Window};
use serde::{Deserialize, Serialize};

/// Most convolutions.
const LAYERS_MAX: usize = 8;

/// Most filters of one.
const FILTERS_MAX: usize = 4096;

/// Steps of a kernel that nobody gives.
const KERNEL_SIZE: usize = 5;

/// Flags of convolutions.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ConvolutionArgs {
    /// Filters of convolutions over the steps before the recurrent layers, with relu, one after the other: 64 or 32,64; 0: none
    #[arg(long, value_name = "FILTERS", value_delimiter = ',', alias = "filters", help_heading = "Model")]
    pub(crate) conv: Option<Vec<usize>>,
    /// Steps of their kernels, one for all or one each
    #[arg(long, value_name = "STEPS", value_delimiter = ',', help_heading = "Model")]
    pub(crate) kernel_size: Option<Vec<usize>>,
    /// Steps that are pooled into one behind each of them, one for all or one each; 1: none
    #[arg(long, value_name = "STEPS", value_delimiter = ',', alias = "pool-size", help_heading = "Model")]
    pub(crate) pool: Option<Vec<usize>>,
    /// What becomes of pooled steps: their maximum or their mean
    #[arg(long, value_parser = PossibleValuesParser::new(["max", "mean"]), help_heading = "Model")]
    pub(crate) pooling: Option<String>,
}

impl ConvolutionArgs {
    /// The settings that they have, and whether they give them.
    pub(super) fn given(&self) -> [(&'static str, bool); 4] {
        [
            ("conv", self.conv.is_some()),
            ("kernel_size", self.kernel_size.is_some()),
            ("pool", self.pool.is_some()),
            ("pooling", self.pooling.is_some()),
        ]
    }
}

/// As in `config.toml`, which names none of it where there is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Convolutions {
    /// Filters of each, from the input on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conv: Vec<usize>,
    /// Steps of the kernel of each, or of all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kernel_size: Vec<usize>,
    /// Steps that are pooled into one behind each, or behind all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pool: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pooling: Option<Pooling>,
}

impl Convolutions {
    /// With every setting that a file may leave out.
    pub(super) fn full() -> Self {
        let any = || vec![1];
        Convolutions { conv: any(), kernel_size: any(), pool: any(), pooling: Some(Pooling::Max) }
    }

    /// Puts flags before the settings.
    pub(super) fn set(&mut self, args: &ConvolutionArgs) {
        let lists =
            [(&mut self.conv, &args.conv), (&mut self.kernel_size, &args.kernel_size), (&mut self.pool, &args.pool)];
        for (own, given) in lists {
            if let Some(given) = given {
                own.clone_from(given);
            }
        }
        match args.pooling.as_deref() {
            Some("max") => self.pooling = Some(Pooling::Max),
            Some(_) => self.pooling = Some(Pooling::Mean),
            None => {}
        }
        // None, whatever a file says of them.
        if self.conv == [0] {
            *self = Convolutions::default();
        }
    }

    /// Whether there are none.
    pub(crate) fn is_none(&self) -> bool {
        self.conv.is_empty()
    }

    /// The value of layer `index` of a list for all or for each.
    fn of(list: &[usize], index: usize, default: usize) -> usize {
        list.get(index).or(list.last()).copied().unwrap_or(default)
    }

    /// Refuses values out of range, and values for layers that there are not.
    ///
    /// # Errors
    /// The first of them.
    pub(super) fn check(&self) -> Result<(), Error> {
        let setting =
            |what: &'static str, found: String, expected: String| Err(Error::Setting { what, found, expected });
        if self.conv.len() > LAYERS_MAX {
            return setting("conv", format!("{} layers", self.conv.len()), format!("at most {LAYERS_MAX}"));
        }
        if let Some(filters) = self.conv.iter().find(|&&filters| !(1..=FILTERS_MAX).contains(&filters)) {
            return setting(
                "conv",
                filters.to_string(),
                format!("1 to {FILTERS_MAX} filters for each layer, or 0 for none"),
            );
        }
        for (what, list) in [("kernel_size", &self.kernel_size), ("pool", &self.pool)] {
            if self.conv.is_empty() && !list.is_empty() {
                return setting(what, Self::shown(list), "convolutions that have it: --conv 64".into());
            }
            if list.len() > 1 && list.len() != self.conv.len() {
                let expected = format!("one number for all, or {}, one for each layer of --conv", self.conv.len());
                return setting(what, Self::shown(list), expected);
            }
            if let Some(&size) = list.iter().find(|&&size| Window::new(size).check().is_err()) {
                return setting(what, size.to_string(), "1 to 4096 steps".into());
            }
        }
        if self.pooling.is_some() && self.pool.is_empty() {
            return setting("pooling", "given".into(), "steps to pool behind convolutions: --conv 64 --pool 2".into());
        }
        Ok(())
    }

    fn shown(list: &[usize]) -> String {
        list.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
    }

    /// Adds their layers, which read `width` floats of a step. Floats of what the last of them gives.
    ///
    /// Every step counts: a kernel reads zeros beyond the ends, and the last steps are pooled though they be too few.
    pub(super) fn add(&self, mut width: usize, layers: &mut Vec<Layer>) -> usize {
        for (index, &filters) in self.conv.iter().enumerate() {
            let conv = Conv1d::new(width, filters, Self::of(&self.kernel_size, index, KERNEL_SIZE));
            layers.push(conv.padding(Padding::Same).activation(Nonlinearity::Relu).into());
            let steps = Self::of(&self.pool, index, 1);
            if steps > 1 {
                let pooling = self.pooling.unwrap_or(Pooling::Max);
                let window = Window::new(steps).stride(steps).padding(Padding::Same);
                layers.push(Layer::new(StepPool { size: filters, steps, pooling }).window(window));
            }
            width = filters;
        }
        width
    }

    /// What there is, in words; the steps that are left of `steps`.
    pub(crate) fn line(&self, steps: usize) -> String {
        let each = |(index, filters): (usize, &usize)| {
            let pool = match Self::of(&self.pool, index, 1) {
                1 => String::new(),
                steps => format!(", {steps} pooled into one"),
            };
            format!("{filters} filters of {}{pool}", Self::of(&self.kernel_size, index, KERNEL_SIZE))
        };
        let layers: Vec<String> = self.conv.iter().enumerate().map(each).collect();
        let left = (0..self.conv.len()).fold(steps, |steps, index| steps.div_ceil(Self::of(&self.pool, index, 1)));
        format!("convolutions of {} ({left} steps left)", layers.join(", then "))
    }
}
