//! How many messages a file holds, before any is built: an empty one has two bytes in a file and some two hundred in
//! memory.

use super::{DEPTH_MAX, Fault, MESSAGES_MAX};

/// The messages whose fields hold others, or texts.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    /// What holds only a few values of its own.
    Leaf,
}

/// The message in a field that holds one, or the text that costs as much.
fn inner(kind: Kind, field: u64) -> Option<Kind> {
    Some(match (kind, field) {
        (Kind::Model, 7) => Kind::Graph,
        (Kind::Model, 8 | 14) => Kind::Leaf,
        (Kind::Graph, 1) => Kind::Node,
        (Kind::Graph, 5) => Kind::Tensor,
        (Kind::Graph, 11 | 12) => Kind::ValueInfo,
        (Kind::Node, 1 | 2) => Kind::Leaf,
        (Kind::Node, 5) => Kind::Attribute,
        (Kind::Attribute, 5) => Kind::Tensor,
        (Kind::Attribute, 6) => Kind::Graph,
        (Kind::Attribute, 9) => Kind::Leaf,
        (Kind::Tensor, 13) => Kind::Leaf,
        (Kind::ValueInfo, 2) => Kind::Type,
        (Kind::Type, 1) => Kind::TensorType,
        (Kind::TensorType, 2) => Kind::Shape,
        (Kind::Shape, 1) => Kind::Leaf,
        _ => return None,
    })
}

/// Refuses a model of too many messages, or of messages too deep in each other. What is no protocol buffer passes: the
/// parser says more about it.
pub(super) fn check(bytes: &[u8]) -> Result<(), Fault> {
    let mut count = 0;
    // Without recursion: the depth is the file's.
    let mut open = vec![(Kind::Model, bytes)];
    while let Some((kind, rest)) = open.last_mut() {
        let Some((field, value)) = field(rest) else {
            open.pop();
            continue;
        };
        if let (Some(kind), Some(value)) = (inner(*kind, field), value) {
            count += 1;
            if count > MESSAGES_MAX {
                return Err(Fault::Messages);
            }
            if open.len() >= DEPTH_MAX {
                return Err(Fault::Depth);
            }
            if !matches!(kind, Kind::Leaf) {
                open.push((kind, value));
            }
        }
    }
    Ok(())
}

/// Takes a field off the front: its number, and its bytes where it has a length. None at the end, or where the bytes are no
/// field.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => {
            varint(rest)?;
            None
        }
        1 => {
            take(rest, 8)?;
            None
        }
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Some(take(rest, length)?)
        }
        5 => {
            take(rest, 4)?;
            None
        }
        _ => return None,
    };
    Some((key >> 3, value))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (front, back) = rest.split_at_checked(length)?;
    *rest = back;
    Some(front)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, back) = rest.split_first()?;
        *rest = back;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
