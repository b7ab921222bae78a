//! All cells, with each of their options alone and with all that go together.

use std::sync::Arc;

use elman_kernels::reference::Reference;
use elman_kernels::{
    Activation, GateActivation, Gru, IndRnn, Lstm, Noise, Nonlinearity, Reset, Rnn, StepDense, StepNorm, StepPool,
    StepScale,
};

use crate::laws::own::Own;

pub(crate) const DROPOUT: Noise =
    Noise { recurrent_dropout: 0.3, candidate_dropout: 0.0, zoneout: 0.0, memory_zoneout: 0.0 };
pub(crate) const CANDIDATE: Noise =
    Noise { recurrent_dropout: 0.0, candidate_dropout: 0.25, zoneout: 0.0, memory_zoneout: 0.0 };
pub(crate) const ZONEOUT: Noise =
    Noise { recurrent_dropout: 0.0, candidate_dropout: 0.0, zoneout: 0.4, memory_zoneout: 0.0 };
pub(crate) const MEMORY_ZONEOUT: Noise =
    Noise { recurrent_dropout: 0.0, candidate_dropout: 0.0, zoneout: 0.0, memory_zoneout: 0.2 };
/// Of cells without a memory.
const STATE_NOISE: Noise = Noise { candidate_dropout: 0.25, ..STATE_MASKS };
/// Of cells without a candidate, too.
const STATE_MASKS: Noise = Noise { recurrent_dropout: 0.3, candidate_dropout: 0.0, zoneout: 0.4, memory_zoneout: 0.0 };
const EVERY_NOISE: Noise = Noise { memory_zoneout: 0.2, ..STATE_NOISE };

/// Some of the values are beyond these limits, and some are not.
pub(crate) const CELL_CLIP: f32 = 0.4;
pub(crate) const PROJECTION_CLIP: f32 = 0.08;

/// P of a projection: below H, and no whole number of vectors.
fn projected(hidden: usize) -> usize {
    hidden.div_ceil(2)
}

/// Each cell without options.
pub(crate) fn plain(input: usize, hidden: usize) -> Vec<Arc<dyn Reference>> {
    let rnn = Rnn::new(input, hidden);
    let gru = Gru::new(input, hidden);
    vec![
        Arc::new(rnn),
        Arc::new(rnn.activation(Activation::Relu)),
        Arc::new(Lstm::new(input, hidden)),
        Arc::new(gru.reset(Reset::After)),
        Arc::new(gru.reset(Reset::Before)),
        Arc::new(IndRnn::new(input, hidden)),
        Arc::new(IndRnn::new(input, hidden).activation(Activation::Relu)),
        Arc::new(Own::new(input, hidden)),
        Arc::new(StepDense::new(input, hidden).activation(Nonlinearity::Tanh)),
        Arc::new(StepNorm::new(hidden).epsilon(1e-3)),
        Arc::new(StepScale::new(hidden)),
    ]
}

/// Each option of each cell alone, and all that go together.
pub(crate) fn with_options(input: usize, hidden: usize) -> Vec<Arc<dyn Reference>> {
    let mut cells: Vec<Arc<dyn Reference>> = Vec::new();
    for noise in [DROPOUT, ZONEOUT, STATE_MASKS] {
        for activation in [Activation::Tanh, Activation::Relu] {
            cells.push(Arc::new(Rnn::new(input, hidden).activation(activation).noise(noise)));
            cells.push(Arc::new(IndRnn::new(input, hidden).activation(activation).noise(noise)));
        }
    }
    let hard = [GateActivation::HardSigmoid, GateActivation::HardSigmoidKeras2];
    for activation in Activation::ALL.into_iter().skip(2) {
        cells.push(Arc::new(Rnn::new(input, hidden).activation(activation)));
        cells.push(Arc::new(IndRnn::new(input, hidden).activation(activation)));
    }
    let lstm = Lstm::new(input, hidden);
    let projection = lstm.projection(projected(hidden));
    let clipped = projection.projection_clip(PROJECTION_CLIP);
    let all = clipped.peepholes(true).cell_clip(CELL_CLIP);
    for lstm in [
        lstm.peepholes(true),
        lstm.coupled(true),
        lstm.coupled(true).peepholes(true),
        lstm.cell_clip(CELL_CLIP),
        lstm.layer_norm(true),
        lstm.layer_norm(true).cell_clip(CELL_CLIP),
        projection,
        clipped,
        clipped.noise(ZONEOUT),
        all,
        all.coupled(true),
        lstm.activation(Activation::Relu).recurrent_activation(hard[0]),
        lstm.recurrent_activation(hard[1]).activation(Activation::Sigmoid).peepholes(true),
        all.coupled(true).recurrent_activation(hard[0]).activation(Activation::Relu),
        all.layer_norm(true).recurrent_activation(hard[1]).activation(Activation::Linear).noise(EVERY_NOISE),
        all.layer_norm(true).noise(EVERY_NOISE),
        all.layer_norm(true).coupled(true).noise(EVERY_NOISE),
    ] {
        cells.push(Arc::new(lstm));
    }
    for noise in [DROPOUT, CANDIDATE, ZONEOUT, MEMORY_ZONEOUT, EVERY_NOISE] {
        cells.push(Arc::new(lstm.noise(noise)));
    }
    for reset in [Reset::After, Reset::Before] {
        let gru = Gru::new(input, hidden).reset(reset);
        cells.push(Arc::new(gru.layer_norm(true)));
        cells.push(Arc::new(gru.activation(Activation::Relu).recurrent_activation(hard[0])));
        cells.push(Arc::new(gru.activation(Activation::Sigmoid).recurrent_activation(hard[1])));
        let linear = gru.activation(Activation::Linear).layer_norm(true);
        cells.push(Arc::new(linear.recurrent_activation(hard[0]).noise(STATE_NOISE)));
        for noise in [DROPOUT, CANDIDATE, ZONEOUT, STATE_NOISE] {
            cells.push(Arc::new(gru.noise(noise)));
        }
        cells.push(Arc::new(gru.layer_norm(true).noise(STATE_NOISE)));
    }
    for noise in [DROPOUT, ZONEOUT, MEMORY_ZONEOUT] {
        cells.push(Arc::new(Own::new(input, hidden).noise(noise)));
    }
    for activation in Nonlinearity::ALL {
        cells.push(Arc::new(StepDense::new(input, hidden).activation(activation)));
    }
    cells
}

/// What takes steps together, of so many features. Shapes of these come behind all others, whose draws are by their places.
pub(crate) fn pools(hidden: usize) -> Vec<Arc<dyn Reference>> {
    vec![Arc::new(StepPool::max(hidden, 3)), Arc::new(StepPool::mean(hidden, 2))]
}
