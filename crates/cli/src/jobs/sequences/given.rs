//! Which settings somebody chose: a flag, or a file.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::reading::ReadingArgs;
use crate::flags::training::CommonArgs;
use crate::settings::names_in;

/// The names of the settings that flags or a file give, as `config.toml` has them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Given(BTreeSet<String>);

impl Given {
    /// Those of the flags that all jobs share, of how sequences are read, and of the file that the flags name.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn of(common: &CommonArgs, reading: &ReadingArgs) -> anyhow::Result<Self> {
        let mut names = common.config.as_deref().map_or(Ok(BTreeSet::new()), names_in)?;
        let single = [
            ("hidden_size", common.hidden_size.is_some()),
            ("cell", common.network.cell.is_some()),
            ("optimizer", common.optimization.optimizer.is_some()),
            ("schedule", common.optimization.schedule.is_some()),
        ];
        let single = single.into_iter().filter(|(_, given)| *given).map(|(name, _)| name);
        let options = [&common.network.options, &common.optimization.options, &common.training.options];
        let options = options.into_iter().flat_map(|options| options.names());
        names.extend(single.chain(options).chain(reading.given()).map(str::to_owned));
        Ok(Given(names))
    }

    /// With another one, where it is given.
    pub(crate) fn and(mut self, name: &str, given: bool) -> Self {
        if given {
            self.0.insert(name.to_owned());
        }
        self
    }

    /// Whether somebody chose this one.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}
