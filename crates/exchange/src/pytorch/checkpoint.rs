//! The model in a checkpoint: the one dict that holds a recurrent module.

use std::collections::BTreeSet;

use elman_formats::torch::{File, Group};

use super::modules::parse;

/// What of a file is the model.
pub(super) struct Chosen<'a> {
    /// Its tensors, in the file's order.
    pub(super) names: Vec<&'a str>,
    /// What else the file holds: an optimizer's state, an epoch.
    pub(super) others: Vec<String>,
}

/// The dict that holds a recurrent module. Where it holds nothing else, each part of the model may have a dict of its own:
/// then it is all dicts that hold weights.
///
/// # Errors
/// If several dicts hold a recurrent module: which, and why that cannot be.
pub(super) fn model(file: &File) -> Result<Chosen<'_>, (String, String)> {
    let holding: Vec<&Group> =
        file.groups.iter().filter(|group| group.tensors.iter().any(|name| parse(name).is_some())).collect();
    let groups: Vec<&Group> = match holding[..] {
        [] => file.groups.iter().collect(),
        [group] if group.tensors.iter().any(|name| parse(name).is_none()) => vec![group],
        [_] => file.groups.iter().filter(|group| group.tensors.iter().any(|name| is_weight(name))).collect(),
        _ => {
            let named = |group: &&Group| match group.path.as_str() {
                "" => "the outermost dict".to_owned(),
                path => path.to_owned(),
            };
            let paths: Vec<String> = holding.iter().map(named).collect();
            let why = "each holds a recurrent module; expected one model; save its state_dict alone";
            return Err((paths.join(" and "), why.into()));
        }
    };
    let names: Vec<&str> = groups.iter().flat_map(|group| &group.tensors).map(String::as_str).collect();
    Ok(Chosen { others: others(file, &groups, &names), names })
}

/// Whether a tensor has a name that a module gives its own, and no optimizer.
fn is_weight(name: &str) -> bool {
    parse(name).is_some() || ["weight", "bias"].contains(&name.rsplit('.').next().unwrap_or(name))
}

/// What holds nothing of the model: entries of the outermost dict, and what stands beside the model deeper inside.
fn others(file: &File, groups: &[&Group], names: &[&str]) -> Vec<String> {
    let is_in =
        |name: &str, entry: &str| name.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let mut others: Vec<String> = Vec::new();
    let (mut kept, own): (Vec<&str>, BTreeSet<&str>) = (Vec::new(), names.iter().copied().collect());
    for entry in &file.entries {
        // In a state dict each entry is a tensor of the model.
        match own.contains(entry.as_str()) || groups.iter().any(|group| is_in(&group.path, entry)) {
            true => kept.push(entry),
            // A counter of the model itself is no entry of a checkpoint.
            false if file.left_out.contains_key(entry) && groups.iter().any(|group| group.tensors.contains(entry)) => {}
            false => others.push(entry.clone()),
        }
    }
    for group in &file.groups {
        let is_beside = kept.iter().any(|entry| is_in(&group.path, entry));
        if !is_beside || groups.iter().any(|of| of.path == group.path) {
            continue;
        }
        // Up to where its path leaves that of the model: the optimizer, and not each of its dicts.
        let shared = |of: &&Group| of.path.split('.').zip(group.path.split('.')).take_while(|(a, b)| a == b).count();
        let shared = groups.iter().map(shared).max().unwrap_or(0);
        let path = group.path.split('.').take(shared + 1).collect::<Vec<_>>().join(".");
        if !others.contains(&path) {
            others.push(path);
        }
    }
    others
}
