//! What a layer or a head reads, recognised by where the elements of its input come from.

use elman::Merge;

use super::head::Done;
use super::run::{Kind, Run};
use super::value::Element;

/// How deep sums may lie in each other: a residual layer of two added directions has two.
const SUMS_MAX: usize = 4;

/// A sequence that can be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Feed {
    /// The graph's own input.
    Input {
        input: usize,
        /// Whether its axes are rows, features, steps.
        features_first: bool,
    },
    /// The vectors of an embedding.
    Vectors(usize),
    /// What a layer without a state gives, as far as it has come.
    Front { front: usize, done: Done },
    /// The outputs of a layer: its tracks, the second one reversed.
    Layer { first: usize, second: Option<usize>, merge: Option<Merge>, residual: bool },
}

/// What a head reads.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Read {
    /// Every step of a layer.
    Steps(Feed),
    /// The final states of the tracks of a layer.
    States { first: usize, second: Option<usize> },
    /// The mean of every step of a layer, or the largest.
    Pooled { feed: Feed, largest: bool },
}

impl Run<'_> {
    /// What a tensor [T, B, F] holds, or why that is not known.
    pub(super) fn feed(&self, elements: &[Element], shape: [usize; 3], depth: usize) -> Result<Feed, String> {
        let [steps, rows, width] = shape;
        if elements.len() != steps * rows * width || elements.is_empty() {
            return Err("it is empty".into());
        }
        // Whether element (t, b, f) is that of one source, by its place there.
        let holds = |elements: &[Element], width: usize, source: u32, place: &dyn Fn(usize, usize, usize) -> usize| {
            elements.iter().enumerate().all(|(at, element)| {
                let (t, b, f) = (at / (rows * width), at / width % rows, at % width);
                *element == Element::Of { source, index: place(t, b, f) as u32 }
            })
        };
        let Element::Of { source, .. } = elements[0] else { return Err("it begins with a constant".into()) };
        match &self.kind(source) {
            kind @ (Kind::Input(_) | Kind::Vectors { .. }) => {
                let rows_first = holds(elements, width, source, &|t, b, f| (b * steps + t) * width + f);
                let known = rows_first || holds(elements, width, source, &|t, b, f| (t * rows + b) * width + f);
                let features_first = !known && holds(elements, width, source, &|t, b, f| (b * width + f) * steps + t);
                match kind {
                    _ if self.len(source) != elements.len() => {}
                    Kind::Input(input) if known || features_first => {
                        return Ok(Feed::Input { input: *input, features_first });
                    }
                    Kind::Vectors { .. } if known => return Ok(Feed::Vectors(source as usize)),
                    _ => {}
                }
                Err(format!("it is a part of {}, or that in another order", self.describe(source)))
            }
            Kind::Front { front, done } => {
                let own = &self.fronts[*front];
                let rows_first = || own.free && holds(elements, width, source, &|t, b, f| (b * steps + t) * width + f);
                let steps_first = holds(elements, width, source, &|t, b, f| (t * rows + b) * width + f);
                match self.len(source) == elements.len() && own.width == width && (steps_first || rows_first()) {
                    true => Ok(Feed::Front { front: *front, done: *done }),
                    false => Err(format!("it is a part of {}, or that in another order", self.describe(source))),
                }
            }
            Kind::Sequence(track) => {
                let own = self.len(source) / (steps * rows).max(1);
                if own == width && holds(elements, width, source, &|t, b, f| (t * rows + b) * width + f) {
                    return Ok(Feed::Layer { first: *track, second: None, merge: None, residual: false });
                }
                if width == 2 * own {
                    let half = |right: bool| -> Vec<Element> {
                        elements
                            .chunks_exact(width)
                            .flat_map(|row| if right { &row[own..] } else { &row[..own] })
                            .copied()
                            .collect()
                    };
                    let halves = [false, true].map(|right| self.feed(&half(right), [steps, rows, own], SUMS_MAX));
                    if let [
                        Ok(Feed::Layer { first, second: None, merge: None, residual: false }),
                        Ok(Feed::Layer { first: backward, second: None, merge: None, residual: false }),
                    ] = halves
                    {
                        return self.pair(first, backward, Merge::Concat);
                    }
                }
                Err(format!("it is a part of {}, or that in another order", self.describe(source)))
            }
            Kind::Sums(pairs) => {
                if depth >= SUMS_MAX {
                    return Err("it is a sum of sums".into());
                }
                let side = |right: bool| -> Option<Vec<Element>> {
                    let of = |element: &Element| match element {
                        Element::Of { source: own, index } if *own == source => {
                            let (a, b) = pairs[*index as usize];
                            Some(if right { b } else { a })
                        }
                        _ => None,
                    };
                    elements.iter().map(of).collect()
                };
                let (Some(a), Some(b)) = (side(false), side(true)) else {
                    return Err("only a part of it is a sum".into());
                };
                let (a, b) = (self.feed(&a, shape, depth + 1)?, self.feed(&b, shape, depth + 1)?);
                self.sum(a, b)
            }
            _ => Err(format!("it is {}, expected the outputs of a layer, or the graph's input", self.describe(source))),
        }
    }

    /// Two directions of one layer.
    fn pair(&self, first: usize, second: usize, merge: Merge) -> Result<Feed, String> {
        let (forward, backward) = (&self.tracks[first], &self.tracks[second]);
        if forward.reversed && !backward.reversed && merge == Merge::Sum {
            return self.pair(second, first, merge);
        }
        if !forward.pairs_with(backward) || self.feeds[first] != self.feeds[second] {
            return Err(format!(
                "it joins {} and {}, which are not the two directions of one layer, the forward one first",
                forward.name, backward.name
            ));
        }
        Ok(Feed::Layer { first, second: Some(second), merge: Some(merge), residual: false })
    }

    /// A sum of two sequences: two directions, or a layer's input and its outputs.
    fn sum(&self, a: Feed, b: Feed) -> Result<Feed, String> {
        if let (
            Feed::Layer { first, second: None, residual: false, .. },
            Feed::Layer { first: other, second: None, residual: false, .. },
        ) = (&a, &b)
            && let Ok(pair) = self.pair(*first, *other, Merge::Sum)
        {
            return Ok(pair);
        }
        for (input, outputs) in [(&a, &b), (&b, &a)] {
            if let Feed::Layer { first, second, merge, residual: false } = outputs
                && self.feeds[*first] == *input
            {
                return Ok(Feed::Layer { first: *first, second: *second, merge: *merge, residual: true });
            }
        }
        Err("it is a sum of two sequences that are neither the directions of a layer nor its input and outputs".into())
    }

    /// What a head reads of [.., F] of so many axes.
    pub(super) fn read(&self, elements: &[Element], width: usize, axes: usize) -> Result<Read, String> {
        let Some((steps, rows)) = self.sizes else { return Err("no recurrent operator comes before it".into()) };
        if let Some(&Element::Of { source, .. }) = elements.first()
            && let Kind::Pooled { feed, largest } = self.kind(source)
        {
            let in_order = |(at, element): (usize, &Element)| *element == Element::Of { source, index: at as u32 };
            if elements.len() != self.len(source) || !elements.iter().enumerate().all(in_order) {
                return Err(format!("it is a part of {}, or that in another order", self.describe(source)));
            }
            return Ok(Read::Pooled { feed: feed.clone(), largest: *largest });
        }
        let count = elements.len() / width.max(1);
        if axes == 2
            && count == rows
            && let Some(states) = self.states(elements, width, [steps, rows])?
        {
            return Ok(states);
        }
        if count != steps * rows {
            let what = match elements.first() {
                Some(&Element::Of { source, .. }) => self.describe(source),
                _ => "a constant".into(),
            };
            return Err(format!("it begins with a part of {what}, or that in another order"));
        }
        let as_it_is = self.feed(elements, [steps, rows, width], 0);
        let feed = match as_it_is {
            Ok(feed) => feed,
            Err(why) => {
                let by_step = |at: usize| {
                    let (t, b) = (at / rows, at % rows);
                    &elements[(b * steps + t) * width..][..width]
                };
                let turned: Vec<Element> = (0..count).flat_map(by_step).copied().collect();
                self.feed(&turned, [steps, rows, width], 0).map_err(|_| why)?
            }
        };
        match &feed {
            Feed::Layer { .. } => Ok(Read::Steps(self.whole(feed)?)),
            Feed::Front { .. } => {
                Err("it reads what stands behind the last recurrent layer and has no state, a convolution or \
                                       pooling, where a head here reads a recurrent one"
                    .into())
            }
            _ => Err("it reads no layer".into()),
        }
    }

    /// The final states side by side, none where they are something else.
    fn states(&self, elements: &[Element], width: usize, [steps, rows]: [usize; 2]) -> Result<Option<Read>, String> {
        let mut parts: Vec<usize> = Vec::new();
        let mut at = 0;
        while at < width {
            let Element::Of { source, .. } = elements[at] else { return Ok(None) };
            let (track, hidden, start) = match self.kind(source) {
                Kind::State(track) => (*track, self.len(source) / rows, 0),
                Kind::Sequence(track) => {
                    let hidden = self.len(source) / (steps * rows);
                    // The last step that the track reads.
                    let last = if self.tracks[*track].reversed { 0 } else { steps - 1 };
                    (*track, hidden, last * rows * hidden)
                }
                _ => return Ok(None),
            };
            let is_state = (0..rows).all(|b| {
                (0..hidden.min(width - at)).all(|j| {
                    elements[b * width + at + j] == Element::Of { source, index: (start + b * hidden + j) as u32 }
                })
            });
            if !is_state && self.tracks[track].reversed && steps > 1 {
                return Err(
                    "it reads the last step of a layer in both directions, where the reversed one has read one step alone; \
                     a head here reads final states: join h_n of both, or read every step"
                        .into(),
                );
            }
            if !is_state || hidden > width - at {
                return Ok(None);
            }
            parts.push(track);
            at += hidden;
        }
        match parts[..] {
            [first] if !self.tracks[first].reversed => Ok(Some(Read::States { first, second: None })),
            [first, second] => {
                self.pair(first, second, Merge::Concat)?;
                Ok(Some(Read::States { first, second: Some(second) }))
            }
            _ => Err(format!("it reads {} final states that are not those of one layer, forward first", parts.len())),
        }
    }

    /// Refuses a reversed track that stands alone.
    pub(super) fn whole(&self, feed: Feed) -> Result<Feed, String> {
        match &feed {
            Feed::Layer { first, second: None, .. } if self.tracks[*first].reversed => Err(format!(
                "it reads {}, which reads its input from its end; here that is one half of a layer in both directions",
                self.tracks[*first].name
            )),
            _ => Ok(feed),
        }
    }
}
