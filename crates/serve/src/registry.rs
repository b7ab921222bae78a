//! Models by their names, and others in their place when their files change.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::failure::Failure;
use crate::figures::Figures;
use crate::served::{Load, Served, Stamp};
use crate::settings::Settings;

/// Models by their names. Sessions keep the one that they began with.
pub(crate) struct Models {
    by_name: RwLock<BTreeMap<String, Arc<Served>>>,
    load: Load,
}

impl Models {
    /// Loads all that the settings name.
    ///
    /// # Errors
    /// If one cannot be loaded: which, and why.
    pub(crate) fn load(settings: &Settings, load: Load, figures: &Arc<Figures>) -> Result<Self, (String, String)> {
        let mut by_name = BTreeMap::new();
        for (name, path) in &settings.models {
            let served = Served::load(name, path, &load, settings, figures).map_err(|why| (name.clone(), why))?;
            by_name.insert(name.clone(), Arc::new(served));
        }
        Ok(Models { by_name: RwLock::new(by_name), load })
    }

    /// The model of this name.
    ///
    /// # Errors
    /// If there is none: which there are.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<Served>, Failure> {
        let models = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        models.get(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = models.keys().map(String::as_str).collect();
            Failure::unknown(format!("there is no model {name:?}; there are: {}", names.join(", ")))
        })
    }

    /// All, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Served>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Loads anew whatever has another file than before, or with `force` all. Whoever cannot be loaded stays as it is. Returns
    /// a line for each.
    pub(crate) fn reload(&self, settings: &Settings, figures: &Arc<Figures>, force: bool) -> Vec<String> {
        let mut said = Vec::new();
        for old in self.all() {
            let stamp = Stamp::of(&old.path);
            // A file that is not there is about to be written.
            if stamp.is_none() || (stamp == old.stamp && !force) {
                continue;
            }
            match Served::load(&old.name, &old.path, &self.load, settings, figures) {
                Ok(served) => {
                    said.push(format!("{}: loaded anew, fingerprint {:08x}", old.name, served.model.fingerprint()));
                    let mut models = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
                    models.insert(old.name.clone(), Arc::new(served));
                }
                Err(why) => {
                    said.push(format!("{}: the new file cannot be loaded, the old model goes on: {why}", old.name));
                }
            }
        }
        said
    }
}
