//! A file of arrays and texts.

use std::collections::BTreeMap;

use hdf5_pure::{AttrValue, FileBuilder, GroupBuilder};

use super::{DEPTH_MAX, Fault, PATH_MAX, Text};
use crate::Array;

/// What hangs under one name.
#[derive(Default)]
struct Node<'a> {
    array: Option<&'a Array>,
    texts: Option<&'a BTreeMap<String, Text>>,
    children: BTreeMap<&'a str, Node<'a>>,
}

/// The bytes of a file. The crate writes no dates, and objects in the order in which they are given: by name.
pub(crate) fn bytes(
    arrays: &BTreeMap<String, Array>,
    attributes: &BTreeMap<String, BTreeMap<String, Text>>,
) -> Result<Vec<u8>, Fault> {
    let mut root = Node::default();
    for (path, array) in arrays {
        let count = array.shape.iter().try_fold(1_usize, |product, &axis| product.checked_mul(axis));
        if count != Some(array.data.len()) {
            return Err(Fault::Shape { path: path.clone(), shape: array.shape.clone(), found: array.data.len() });
        }
        node(&mut root, path)?.array = Some(array);
    }
    for (path, texts) in attributes {
        let node = if path.is_empty() { &mut root } else { node(&mut root, path)? };
        node.texts = Some(texts);
    }

    let mut builder = FileBuilder::new();
    for (name, text) in root.texts.into_iter().flatten() {
        builder.set_attr(name, value(text));
    }
    for (name, node) in &root.children {
        if let Some(array) = node.array {
            dataset(builder.create_dataset(name), name, node, array)?;
        } else {
            let finished = group(builder.create_group(name), name, node)?.finish();
            builder.add_group(finished);
        }
    }
    builder.finish().map_err(|cause| Fault::Layout { cause: cause.to_string() })
}

/// The node at a path, made where there is none.
fn node<'a, 'n>(root: &'n mut Node<'a>, path: &'a str) -> Result<&'n mut Node<'a>, Fault> {
    let wrong = || Fault::Path { path: path.chars().take(80).collect(), max: PATH_MAX };
    if path.len() > PATH_MAX || path.split('/').count() > DEPTH_MAX {
        return Err(wrong());
    }
    path.split('/').try_fold(root, |node, name| match name {
        "" | "." | ".." => Err(wrong()),
        name if name.contains('\0') => Err(wrong()),
        name => Ok(node.children.entry(name).or_default()),
    })
}

fn group(mut builder: GroupBuilder, path: &str, node: &Node) -> Result<GroupBuilder, Fault> {
    for (name, text) in node.texts.into_iter().flatten() {
        builder.set_attr(name, value(text));
    }
    for (name, child) in &node.children {
        let path = format!("{path}/{name}");
        if let Some(array) = child.array {
            dataset(builder.create_dataset(name), &path, child, array)?;
        } else {
            let finished = group(builder.create_group(name), &path, child)?.finish();
            builder.add_group(finished);
        }
    }
    Ok(builder)
}

fn dataset(builder: &mut hdf5_pure::DatasetBuilder, path: &str, node: &Node, array: &Array) -> Result<(), Fault> {
    if !node.children.is_empty() {
        return Err(Fault::Both { path: path.to_owned() });
    }
    let shape: Vec<u64> = array.shape.iter().map(|&axis| axis as u64).collect();
    builder.with_f32_data(&array.data).with_shape(&shape);
    for (name, text) in node.texts.into_iter().flatten() {
        builder.set_attr(name, value(text));
    }
    Ok(())
}

/// Of any length, as h5py writes text.
fn value(text: &Text) -> AttrValue {
    match text {
        Text::One(text) => AttrValue::VarLenString(text.clone()),
        Text::Many(texts) => AttrValue::VarLenStringArray(texts.clone()),
    }
}
