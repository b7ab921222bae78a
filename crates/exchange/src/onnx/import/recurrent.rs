//! The recurrent operators of a graph.

use super::node::Call;
use super::run::{Kind, Run};
use super::track::{directions, tracks};
use super::value::{Data, Element, Value, small_count};

impl Run<'_> {
    /// Y, Y_h and Y_c of an operator that reads a known sequence.
    pub(super) fn recurrent(&mut self, call: &Call<'_>, name: &str) -> Result<Vec<Value>, String> {
        let rows_first = call.int("layout", 0) != 0;
        let mut xs = call.input(0)?.clone();
        let [_, _, input] = xs.shape[..] else { return Err(format!("its input has shape {:?}", xs.shape)) };
        if rows_first {
            xs = xs.transposed(&[1, 0, 2]);
        }
        let (steps, rows) = (xs.shape[0], xs.shape[1]);
        if self.sizes.is_some_and(|sizes| sizes != (steps, rows)) || steps == 0 || rows == 0 {
            return Err(format!("its input has {steps} steps of {rows} rows, other than the layer before"));
        }
        self.sizes = Some((steps, rows));
        let hidden = call.input(2)?.shape.last().copied().unwrap_or(0);
        let count = directions(call)?.len();
        self.lengths(call, steps, rows)?;
        self.initial(call, name, if rows_first { [rows, count, hidden] } else { [count, rows, hidden] })?;
        let elements = xs.elements();
        let as_it_is = self.feed(&elements, [steps, rows, input], 0);
        // A graph may turn its input round instead of saying "reverse".
        let (feed, turned) = match as_it_is {
            Ok(feed) => (feed, false),
            Err(why) => {
                let from_end = (0..steps).rev().flat_map(|t| &elements[t * rows * input..][..rows * input]);
                let turned: Vec<Element> = from_end.copied().collect();
                let feed = self.feed(&turned, [steps, rows, input], 0);
                (feed.map_err(|_| format!("its input cannot be told: {why}"))?, true)
            }
        };
        let feed = self.whole(feed)?;
        let first = self.tracks.len();
        for mut track in tracks(call, name, input)? {
            track.reversed ^= turned;
            self.tracks.push(track);
            self.feeds.push(feed.clone());
        }
        let mut outputs = Vec::new();
        let mut sequences = Vec::new();
        let (mut states, mut memories) = (Vec::new(), Vec::new());
        small_count(&[steps, rows, hidden, 2])?;
        for track in first..first + count {
            sequences.push(self.source(Kind::Sequence(track), vec![steps, rows, hidden])?.elements());
            states.extend(self.source(Kind::State(track), vec![rows, hidden])?.elements().iter().copied());
            if call.node.op_type == "LSTM" {
                memories.extend(self.source(Kind::Memory(track), vec![rows, hidden])?.elements().iter().copied());
            }
        }
        let width = rows * hidden;
        // Y [T, D, B, H]: what was turned round comes out so.
        let at = |t: usize| if turned { steps - 1 - t } else { t };
        let row = |t: usize| sequences.iter().flat_map(move |sequence| &sequence[at(t) * width..][..width]);
        let y = Value::flow(vec![steps, count, rows, hidden], (0..steps).flat_map(row).copied().collect());
        outputs.push(if rows_first { y.transposed(&[2, 0, 1, 3]) } else { y });
        for state in [states, memories].into_iter().filter(|state| !state.is_empty()) {
            let state = Value::flow(vec![count, rows, hidden], state);
            outputs.push(if rows_first { state.transposed(&[1, 0, 2]) } else { state });
        }
        Ok(outputs)
    }

    /// Whether a value is given when the graph runs, all of it.
    fn is_given(&self, elements: &[Element]) -> bool {
        elements.iter().all(|element| match element {
            Element::Of { source, .. } => matches!(self.kind(*source), Kind::Input(_) | Kind::Whole(..)),
            Element::Number(_) => false,
        })
    }

    /// Refuses a shape that the operator does not take: runtimes refuse the graph too.
    fn check_shape(&self, value: &Value, what: &str, expected: &[usize], axes: &str) -> Result<(), String> {
        // The rows of an input without sizes are as many as they must be.
        let open = matches!(value.elements().first(), Some(&Element::Of { source, .. })
            if matches!(self.kind(source), &Kind::Input(index) if self.has_open_axes(index)));
        let fits = |(&found, &expected): (&usize, &usize)| found == expected || open && found == self.open;
        match value.shape.len() == expected.len() && value.shape.iter().zip(expected).all(fits) {
            true => Ok(()),
            false => Err(format!("its {what} has shape {:?}; expected {expected:?}: {axes}", value.shape)),
        }
    }

    /// Refuses lengths that are neither given when the graph runs nor those of whole sequences.
    fn lengths(&mut self, call: &Call<'_>, steps: usize, rows: usize) -> Result<(), String> {
        let Some(value) = call.given(4) else { return Ok(()) };
        self.check_shape(value, "sequence_lens", &[rows], "a length of each row")?;
        match &value.data {
            Data::Ints(lengths) if lengths.iter().all(|&length| length == steps as i64) => Ok(()),
            Data::Flow(lengths) if self.is_given(lengths) => {
                if let Some(&Element::Of { source, .. }) = lengths.first() {
                    self.lengths.push(source);
                }
                Ok(())
            }
            Data::Flow(_) => Err("its sequence_lens are computed while it runs".into()),
            _ => Err("its sequence_lens are fixed in the graph, and not those of whole sequences".into()),
        }
    }

    /// Refuses an initial state that is not zero; one that is an input of the graph is left out, with a note.
    fn initial(&mut self, call: &Call<'_>, name: &str, shape: [usize; 3]) -> Result<(), String> {
        for (at, what) in [(5, "initial_h"), (6, "initial_c")] {
            if at == 6 && call.node.op_type != "LSTM" {
                continue;
            }
            let Some(value) = call.given(at) else { continue };
            self.check_shape(value, what, &shape, "directions, rows and hidden_size, or rows first by its layout")?;
            match &value.data {
                Data::Floats(data) if data.iter().all(|&x| x == 0.0) => {}
                Data::Flow(data) if self.is_given(data) => {
                    let why =
                        "is given when the graph runs; here states are given to dynamic_rnn, and are zero otherwise";
                    self.notes.push(format!("{name}: its {what} {why}"));
                }
                Data::Flow(_) => {
                    return Err(format!("its {what} is computed by the graph; a model here starts from zeros"));
                }
                _ => return Err(format!("its {what} is not zero; a model here starts from zeros")),
            }
        }
        Ok(())
    }
}
