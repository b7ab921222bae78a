//! Layers and heads in a line.

use elman::{AnyCell, Head, IndRnn, Layer, Merge, Nonlinearity, Padding, Reset, Rnn, Stack, Window};

/// The layers in a line, and the arithmetic, where it is another than f32: `lstm 28 → 128 (peepholes), lstm 128 → 128, in split3`.
pub(crate) fn describe(stack: &Stack) -> String {
    let mut parts: Vec<String> = stack.layers.iter().map(describe_layer).collect();
    parts.extend((!stack.arithmetic.is_f32()).then(|| format!("in {}", stack.arithmetic)));
    parts.join(", ")
}

/// What a head predicts, and where it is more than a dense layer on the last state or every step, what it reads and
/// through what.
pub(crate) fn describe_head(head: &Head) -> String {
    let mut text = head.describe();
    if head.reads.pools() {
        text += &format!(" on {}", head.reads.describe());
    }
    if !head.hidden.is_empty() {
        let layers = head.hidden.iter().map(|layer| match describe_phi(layer.activation) {
            Some(phi) => format!("{} {phi}", layer.size),
            None => layer.size.to_string(),
        });
        text += &format!(" through hidden layers of {}", layers.collect::<Vec<_>>().join(", "));
    }
    text
}

/// None: there is none.
fn describe_phi(phi: Nonlinearity) -> Option<String> {
    match (phi, phi.constant()) {
        (Nonlinearity::Identity, _) => None,
        (_, Some(constant)) => Some(format!("{} {constant}", phi.name())),
        (_, None) => Some(phi.name().into()),
    }
}

/// The windows that a layer reads: `windows of 5, every 2, same padding`.
fn describe_window(window: Window) -> String {
    let mut text = format!("windows of {}", window.size);
    if window.stride > 1 {
        text += &format!(", every {}", window.stride);
    }
    if window.dilation > 1 {
        text += &format!(", dilation {}", window.dilation);
    }
    text += &match window.padding {
        Padding::Valid => String::new(),
        Padding::Same => ", same padding".into(),
        Padding::Causal => ", causal padding".into(),
        Padding::Ends { before, after } => format!(", {before} and {after} padded"),
    };
    text
}

fn describe_layer(layer: &Layer) -> String {
    let cell = layer.cell.get();
    let mut options: Vec<String> = Vec::new();
    match &layer.cell {
        AnyCell::Rnn(Rnn { activation, .. }) | AnyCell::IndRnn(IndRnn { activation, .. }) => {
            options.push(activation.name().into());
            if let AnyCell::IndRnn(IndRnn { recurrent_bound: Some(bound), .. }) = &layer.cell {
                options.push(format!("|u| within {bound}"));
            }
        }
        AnyCell::Lstm(lstm) => {
            let on = [
                (!lstm.activation.is_default(), lstm.activation.name().to_owned()),
                (!lstm.recurrent_activation.is_default(), format!("gates {}", lstm.recurrent_activation.name())),
                (lstm.peepholes, "peepholes".to_owned()),
                (lstm.coupled, "coupled".to_owned()),
                (lstm.layer_norm, "layer norm".to_owned()),
                (lstm.projection.is_some(), format!("memory {}", lstm.hidden)),
                (lstm.cell_clip.is_some(), format!("cell clip {}", lstm.cell_clip.unwrap_or_default())),
                (
                    lstm.projection_clip.is_some(),
                    format!("projection clip {}", lstm.projection_clip.unwrap_or_default()),
                ),
            ];
            options.extend(on.into_iter().filter(|(on, _)| *on).map(|(_, text)| text));
        }
        AnyCell::Gru(gru) => {
            options.push(if gru.reset == Reset::After { "reset after" } else { "reset before" }.into());
            options.extend((!gru.activation.is_default()).then(|| gru.activation.name().into()));
            let gates = gru.recurrent_activation;
            options.extend((!gates.is_default()).then(|| format!("gates {}", gates.name())));
            options.extend(gru.layer_norm.then(|| "layer norm".into()));
        }
        AnyCell::Dense(dense) => options.extend(describe_phi(dense.activation)),
        AnyCell::LayerNorm(norm) => options.push(format!("epsilon {}", norm.epsilon)),
        AnyCell::Pool(pool) => options.push(format!("{} steps", pool.steps)),
        AnyCell::Scale(_) | AnyCell::Custom(_) => {}
    }
    if let Some(window) = layer.window {
        options.push(describe_window(window));
    }
    let noise = cell.noise();
    for (rate, name) in [
        (noise.recurrent_dropout, "recurrent dropout"),
        (noise.candidate_dropout, "candidate dropout"),
        (noise.zoneout, "zoneout"),
        (noise.memory_zoneout, "memory zoneout"),
        (layer.dropout, "dropout"),
    ] {
        if rate > 0.0 {
            options.push(format!("{name} {rate}"));
        }
    }
    match layer.bidirectional {
        Some(Merge::Concat) => options.push("both directions, side by side".into()),
        Some(Merge::Sum) => options.push("both directions, added".into()),
        Some(Merge::Average) => options.push("both directions, their mean".into()),
        Some(Merge::Multiply) => options.push("both directions, multiplied".into()),
        None => {}
    }
    if layer.residual {
        options.push("residual".into());
    }
    let options = if options.is_empty() { String::new() } else { format!(" ({})", options.join(", ")) };
    format!("{} {} → {}{options}", cell.name(), layer.input(), layer.output())
}
