//! What stands before and behind the recurrent layers, where names do not say which matrix is which: an embedding, and
//! the head's dense layer.

use elman::Embedding;

use super::arrays::zeros;
use super::report::Change;
use super::transfer::{Transfer, listed};
use crate::Error;

/// A matrix that belongs to no recurrent layer.
#[derive(Clone, Debug)]
pub(crate) struct Matrix<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// The bias that belongs to it, if there is one.
    pub(crate) bias: Option<String>,
    /// Floats that it reads, if it is a dense layer.
    pub(crate) input: usize,
    /// Floats of a vector, if it is an embedding.
    pub(crate) vector: usize,
    /// Length of each axis.
    pub(crate) shape: &'a [usize],
}

/// Which matrix is the embedding, if one is, and which the head.
///
/// `first` are the floats that the first layer reads, `reads` those that a head may read.
///
/// # Errors
/// If none can be the head, or several choices fit: why.
pub(crate) fn ends<'a>(
    matrices: &[Matrix<'a>],
    first: usize,
    reads: &[usize],
) -> Result<(Option<Matrix<'a>>, Matrix<'a>), String> {
    let found = || {
        let names: Vec<String> = matrices.iter().map(|matrix| format!("{} {:?}", matrix.name, matrix.shape)).collect();
        listed(&names.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let is_head = |at: usize| reads.contains(&matrices[at].input);
    let is_embedding = |at: usize| matrices[at].bias.is_none() && matrices[at].vector == first;
    let choices: Vec<(Option<usize>, usize)> = match matrices.len() {
        1 if is_head(0) => vec![(None, 0)],
        2 => [(0, 1), (1, 0)]
            .into_iter()
            .filter(|&(embedding, head)| is_embedding(embedding) && is_head(head))
            .map(|(embedding, head)| (Some(embedding), head))
            .collect(),
        _ => Vec::new(),
    };
    let named = |&&(embedding, _): &&(Option<usize>, usize)| {
        embedding.is_some_and(|at| matrices[at].name.to_ascii_lowercase().contains("emb"))
    };
    let choice = match choices[..] {
        [choice] => Some(choice),
        // Both fit both: a name may tell.
        [_, _] => Some(choices.iter().filter(named).collect::<Vec<_>>())
            .filter(|named| named.len() == 1)
            .map(|named| *named[0]),
        _ => None,
    };
    match choice {
        Some((embedding, head)) => Ok((embedding.map(|at| matrices[at].clone()), matrices[head].clone())),
        None if choices.is_empty() => {
            let reads: Vec<String> = reads.iter().map(usize::to_string).collect();
            Err(format!(
                "expected one dense layer that reads {} floats, the head, and at most one embedding of vectors of {first} \
                 floats; found {}",
                reads.join(" or "),
                found()
            ))
        }
        None => Err(format!(
            "each of {} could be the embedding and the other the head; name the embedding so, as embedding.weight",
            found()
        )),
    }
}

/// Takes the embedding, if there is one: [V, E], as here.
pub(crate) fn take_embedding(transfer: &mut Transfer<'_>, of: Option<&Matrix<'_>>) -> Result<Option<Embedding>, Error> {
    let Some(of) = of else { return Ok(None) };
    let array = transfer.matrix(of.name)?;
    transfer.moved(&[of.name], [("embedding.kernel".into(), array.clone())], &[]);
    Ok(Some(Embedding { tokens: array.shape[0], size: array.shape[1] }))
}

/// Takes the head's bias, zeros where there is none.
pub(crate) fn take_head_bias(
    transfer: &mut Transfer<'_>,
    head: &str,
    bias: Option<&str>,
    outputs: usize,
) -> Result<(), Error> {
    if let Some(name) = bias {
        let bias = transfer.array(name, &[outputs])?;
        transfer.moved(&[name], [("head.bias".into(), bias.clone())], &[]);
    } else {
        transfer.note(format!("{head} has no bias: zeros were taken"));
        transfer.moved(&[], [("head.bias".into(), zeros(&[outputs]))], &[Change::Zeros]);
    }
    Ok(())
}
