//! The recurrent modules of a file, and their order.

use std::collections::{BTreeMap, BTreeSet};

use super::import::EXPECTED;
use super::suffix;
use crate::Error;
use crate::assembly;
use crate::order::{is_numbered, only_order, pieces};
use crate::transfer::{Transfer, listed};

/// A recurrent module: an `nn.LSTM` and its kin, or an `nn.LSTMCell` and its.
pub(super) struct Module<'a> {
    /// What its arrays' names start with: `encoder.lstm.`
    pub(super) prefix: &'a str,
    /// Whether the names have no `_l0`.
    pub(super) is_cell: bool,
    /// By layer and whether it is reversed.
    pub(super) cells: BTreeSet<(usize, bool)>,
}

/// The module, layer and direction of a recurrent module's array; no layer in the names of a cell.
pub(super) fn parse(name: &str) -> Option<(&str, Option<usize>, bool)> {
    let (prefix, last) = name.split_at(name.rfind('.').map_or(0, |dot| dot + 1));
    let kinds = ["weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias_hh"];
    let rest = kinds.iter().find_map(|kind| last.strip_prefix(kind))?;
    if rest.is_empty() {
        return Some((prefix, None, false));
    }
    let rest = rest.strip_prefix("_l")?;
    let (number, reversed) = match rest.strip_suffix("_reverse") {
        Some(number) => (number, true),
        None => (rest, false),
    };
    let layer: usize = number.parse().ok()?;
    (suffix(layer, reversed).strip_prefix("_l") == Some(rest)).then_some((prefix, Some(layer), reversed))
}

/// The recurrent modules in the order in which they follow each other, which a note names where there are several: that of
/// the names in `order` or, where a file has none, the one that names or sizes tell.
///
/// # Errors
/// If there is none, there are too many layers, or nothing tells an order.
pub(super) fn modules<'a>(transfer: &mut Transfer<'a>, order: Option<&[&str]>) -> Result<Vec<Module<'a>>, Error> {
    let mut modules: BTreeMap<&str, Module<'_>> = BTreeMap::new();
    for name in transfer.left() {
        let Some((prefix, layer, reversed)) = parse(name) else { continue };
        let is_cell = layer.is_none();
        let module = modules.entry(prefix).or_insert(Module { prefix, is_cell, cells: BTreeSet::new() });
        if module.is_cell != is_cell {
            return Err(transfer.refused(name, "its module has names with a layer, as _l0, and names without"));
        }
        module.cells.insert((layer.unwrap_or(0), reversed));
    }
    if modules.is_empty() {
        let names: Vec<&str> = transfer.left().collect();
        let why = format!("it has no recurrent module; expected {EXPECTED}; found {}", listed(&names));
        return Err(transfer.refused("the file", why));
    }
    let mut modules: Vec<Module<'_>> = modules.into_values().collect();
    let layers_of = |module: &Module<'_>| module.cells.iter().filter(|(_, reversed)| !reversed).count();
    assembly::check_depth(transfer, modules.iter().map(layers_of).sum())?;
    modules.sort_by_key(|module| pieces(module.prefix));
    if modules.len() == 1 {
        return Ok(modules);
    }
    let how = match order {
        Some(names) => {
            let mut places: BTreeMap<&str, usize> = BTreeMap::new();
            for (place, (prefix, ..)) in names.iter().enumerate().filter_map(|(at, name)| Some((at, parse(name)?))) {
                places.entry(prefix).or_insert(place);
            }
            modules.sort_by_key(|module| places.get(module.prefix).copied());
            "the order in which the file has them"
        }
        None if modules.windows(2).all(|pair| is_numbered(pair[0].prefix, pair[1].prefix)) => {
            "the order of their names"
        }
        None => {
            modules = by_sizes(transfer, modules)?;
            "the only order that their sizes allow"
        }
    };
    let names: Vec<&str> = modules.iter().map(Module::name).collect();
    transfer.note(format!("modules were taken to follow each other in {how}: {}", names.join(", ")));
    Ok(modules)
}

impl Module<'_> {
    /// Without the dot at its end.
    fn name(&self) -> &str {
        self.prefix.trim_end_matches('.')
    }

    /// Floats that its first layer reads and its last gives. None if the arrays are not there: taking them says which.
    pub(super) fn sizes(&self, transfer: &Transfer<'_>) -> Option<(usize, usize)> {
        let last = self.cells.iter().map(|(layer, _)| *layer).max()?;
        let array = |kind: &str, layer: usize| {
            let end = if self.is_cell { String::new() } else { suffix(layer, false) };
            transfer.get(&format!("{}{kind}{end}", self.prefix))
        };
        let input = *array("weight_ih", 0)?.shape.get(1)?;
        let output = match array("weight_hr", last) {
            Some(projection) => *projection.shape.first()?,
            None => *array("weight_hh", last)?.shape.get(1)?,
        };
        let directions = 1 + usize::from(self.cells.iter().any(|(_, reversed)| *reversed));
        Some((input, output.saturating_mul(directions)))
    }
}

/// The only order in which each module reads what the one before gives, and another matrix what the last one gives.
fn by_sizes<'a>(transfer: &Transfer<'_>, modules: Vec<Module<'a>>) -> Result<Vec<Module<'a>>, Error> {
    let Some(sizes) = modules.iter().map(|module| module.sizes(transfer)).collect::<Option<Vec<_>>>() else {
        return Ok(modules);
    };
    let others = transfer.left().filter(|name| parse(name).is_none()).filter_map(|name| transfer.get(name));
    let heads: BTreeSet<usize> = others.filter_map(|array| array.shape.get(1).copied()).collect();
    let several = match only_order(&sizes, &heads) {
        Ok(order) => {
            let mut modules: Vec<Option<Module<'_>>> = modules.into_iter().map(Some).collect();
            return Ok(order.into_iter().filter_map(|at| modules[at].take()).collect());
        }
        Err(several) => several,
    };
    let names: Vec<&str> = modules.iter().map(Module::name).collect();
    let fits = if several { "fit in several orders" } else { "fit in none" };
    let why = format!(
        "the file has no order, the names have no numbers that tell one, and the sizes {fits}; save the state_dict with \
         torch.save, as .pt, which keeps the order of the modules, or name them with numbers, as rnn1 and rnn2"
    );
    Err(transfer.refused(listed(&names), why))
}
