//! What an exported model reads and answers is in the units of its data: on a table's own values it gives what elman gives.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::exchange::{assert_same, refusal};
use crate::support::graph::Plain;
use crate::support::models::model;
use elman::formats::{self, numpy};
use elman::{
    Conv1d, Gru, Head, Layer, Lstm, Meaning, Merge, Model, Nonlinearity, Padding, Predicts, Random, Rnn, Stack,
    StepDense, Window,
};
use elman_exchange::{Hints, Units, keras, onnx, onnx::OnnxOptions, pytorch, tensorflow};
use ndarray::{Array3, ArrayD, Axis, IxDyn};
use serde_json::{Value, json};

const ROWS: usize = 5;
const STEPS: usize = 4;

/// Scaled inputs are the nearest floats to the true ones or their neighbours.
const SCALED: f32 = 1e-6;

/// A scaling of (mean, deviation), or of a feature that training never saw.
fn classify(scalings: &[Option<(f64, f64)>], mask: bool) -> Value {
    let one = |of: &Option<(f64, f64)>| of.map_or(Value::Null, |(mean, scale)| json!({"mean": mean, "scale": scale}));
    let features: Vec<String> = (0..scalings.len()).map(|n| format!("feature {n}")).collect();
    json!({
        "job": "classify", "classes": ["a", "b", "c"], "features": features,
        "standardizer": {"scalings": scalings.iter().map(one).collect::<Vec<_>>(), "mask": mask},
        "id_column": null, "time_column": null, "label_column": null,
    })
}

/// The same for each step.
fn tag(scalings: &[Option<(f64, f64)>], mask: bool) -> Value {
    let mut job = classify(scalings, mask);
    job["label_per_step"] = true.into();
    job
}

/// Series of one covariate and a calendar of two numbers; (mean, deviation) of the target and the covariate of each.
fn series(scalings: &[[(f64, f64); 2]]) -> Value {
    let of = |(mean, scale): (f64, f64)| json!({"mean": mean, "scale": scale});
    let one = |(n, [target, covariate]): (usize, &[(f64, f64); 2])| json!({"id": format!("shop {n}"), "target": of(*target), "covariates": [of(*covariate)]});
    json!({
        "job": "series", "target": "sales", "time": ["day"], "covariates": ["price"], "frequency": "daily",
        "format": "YYYY-MM-DD", "calendar": ["weekday sin", "weekday cos"], "season": 7, "test": "2020-01-01",
        "test_time": 0, "scalings": scalings.iter().enumerate().map(one).collect::<Vec<_>>(),
    })
}

fn quantiles() -> Head {
    Head::quantiles(&[0.1, 0.5, 0.9], 2)
}

/// Models whose jobs scale, each with values that are missing, far from 0, tiny or never seen.
fn cases() -> Vec<(&'static str, Model)> {
    let plain = [Some((3.0, 2.0)), Some((1013.25, 5.0)), Some((-2e-9, 3e-4))];
    let offsets = [Some((1e6 + 1.0 / 3.0, 0.5)), Some((-7e5, 1.0)), Some((0.1, 0.3))];
    let never = [Some((0.5, 2.0)), None, Some((2000.5, 10.0))];
    let shops = [[(100.0, 15.0), (3.0, 0.5)], [(2e5, 3e4), (30.0, 4.0)], [(-0.5, 0.01), (0.0, 1.0)]];
    let residual = Stack::new(Layer::new(Gru::new(6, 6)).residual(true)).then(Gru::new(6, 4));
    let both = Stack::from(Layer::new(Lstm::new(3, 4)).bidirectional(Merge::Concat));
    let layer = |input| Layer::new(Gru::new(input, 4)).bidirectional(Merge::Concat);
    let tagger = Stack::new(layer(3)).then(layer(8));
    // What `train classify` puts before its layers: a dense layer, patches of steps, convolutions.
    let dense = Stack::new(StepDense::new(3, 6).activation(Nonlinearity::Relu)).then(Gru::new(6, 4));
    let patch = StepDense::new(12, 5).activation(Nonlinearity::Relu);
    let patches = Stack::new(Layer::new(patch).window(Window::new(2).stride(2))).then(Lstm::new(5, 4));
    let conv = Conv1d::new(6, 5, 3).padding(Padding::Causal).activation(Nonlinearity::Relu);
    let conv = Stack::new(conv).then(Gru::new(5, 4));
    [
        ("classes", Stack::from(Lstm::new(3, 5)), Head::last_state(3), classify(&plain, false)),
        ("both", both, Head::last_state(3), classify(&plain, false)),
        ("marks", Lstm::new(6, 5).into(), Head::last_state(3), classify(&plain, true)),
        ("residual", residual, Head::last_state(3), classify(&never, true)),
        ("normalised", Lstm::new(3, 5).layer_norm(true).into(), Head::last_state(3), classify(&plain, false)),
        ("never", Rnn::new(3, 5).into(), Head::last_state(3), classify(&never, false)),
        ("offsets", Lstm::new(3, 5).into(), Head::last_state(3), classify(&offsets, false)),
        ("tags", Gru::new(6, 5).into(), Head::every_step(3), tag(&never, true)),
        ("tags both", tagger, Head::every_step(3), tag(&plain, false)),
        ("dense front", dense, Head::last_state(3), classify(&plain, false)),
        ("patches", patches, Head::last_state(3), classify(&never, true)),
        ("conv front", conv, Head::last_state(3), classify(&plain, true)),
        ("series", Lstm::new(6, 5).into(), quantiles(), series(&shops[..1])),
        ("shops", Lstm::new(6, 5).into(), quantiles(), series(&shops)),
        ("alike", Lstm::new(6, 5).into(), quantiles(), series(&[shops[0], shops[0]])),
    ]
    .into_iter()
    .map(|(name, stack, head, job)| {
        let mut model = model(stack, head);
        model.steps = Some(STEPS);
        model.meaning = Some(job.into());
        (name, model)
    })
    .collect()
}

/// Values of a table for a model, about one in seven of them missing: [N, T, V + K], and the rows' series.
fn raw(model: &Model) -> (Array3<f32>, Vec<usize>) {
    let units = Units::of(model).unwrap().unwrap();
    let mut random = Random::new(5, elman::Purpose::Data);
    let series: Vec<usize> = (0..ROWS).map(|row| row % units.series().len().max(1)).collect();
    let job = model.meaning.as_ref().unwrap().to_json();
    let scaling = |row: usize, column: usize| match job["job"].as_str() {
        Some("classify") => job["standardizer"]["scalings"][column].clone(),
        _ if column == 0 => job["scalings"][series[row]]["target"].clone(),
        _ if column == 1 => job["scalings"][series[row]]["covariates"][0].clone(),
        _ => json!({"mean": 0.0, "scale": 1.0}),
    };
    let values = Array3::from_shape_fn((ROWS, STEPS, units.columns()), |(row, step, column)| {
        let (z, of) = (f64::from(random.uniform(2.0)), scaling(row, column));
        let beside = job["job"] == "series" && column > 1;
        if (row * 7 + step * 3 + column) % 7 == 0 && !beside {
            return f32::NAN;
        }
        (z * of["scale"].as_f64().unwrap_or(1.0) + of["mean"].as_f64().unwrap_or(0.0)) as f32
    });
    (values, series)
}

/// elman's answers in the units of the data: probabilities [N, C], or quantiles [N, F × Q].
fn expected(model: &Model, values: &Array3<f32>, series: &[usize]) -> Array3<f32> {
    let units = Units::of(model).unwrap().unwrap();
    let mut answers = model.logits(units.read(values.view(), series).unwrap().view(), None).unwrap();
    for (row, mut answer) in answers.axis_iter_mut(Axis(0)).enumerate() {
        let mut row_of = answer.row_mut(0);
        match &model.head().predicts {
            Predicts::Classes(_) => {
                for mut of_step in answer.rows_mut() {
                    let sum: f32 = of_step.iter().map(|z| z.exp()).sum();
                    of_step.mapv_inplace(|z| z.exp() / sum);
                }
            }
            Predicts::Values(_) => unreachable!("no case predicts values"),
            Predicts::Quantiles(of) => {
                let mut all = row_of.to_vec();
                all.chunks_mut(of.levels.len()).for_each(|levels| levels.sort_by(f32::total_cmp));
                for (to, z) in row_of.iter_mut().zip(all) {
                    *to = units.answer(z, series, row).unwrap();
                }
            }
        }
    }
    answers
}

/// What a network reads of values in their own units, by the rule in a report's notes: a missing value is its mean, and
/// marks stand beside.
fn given(model: &Model, values: &Array3<f32>, series: &[usize], mean: &formats::Array) -> Array3<f32> {
    let units = Units::of(model).unwrap().unwrap();
    let (input, job) = (units.input(), model.meaning.as_ref().unwrap().to_json());
    let mut all = Array3::zeros((ROWS, STEPS, input));
    let is_series = job["job"] == "series";
    let count = if is_series { 2 } else { values.dim().2 };
    let never = |column: usize| !is_series && job["standardizer"]["scalings"][column].is_null();
    for ((row, step, column), &value) in values.indexed_iter() {
        if column >= count {
            all[(row, step, count + column)] = value;
            continue;
        }
        let at = if is_series { 2 * column } else { column };
        let of = if mean.shape.len() == 2 { mean.data[series[row] * input + at] } else { mean.data[at] };
        let missing = value.is_nan() || never(column);
        all[(row, step, at)] = if value.is_nan() { of } else { value };
        if is_series {
            all[(row, step, at + 1)] = f32::from(u8::from(!missing));
        } else if input > count {
            all[(row, step, count + column)] = f32::from(u8::from(missing));
        }
    }
    all
}

fn assert_near(what: &str, found: impl IntoIterator<Item = f32>, expected: &Array3<f32>, tolerance: f32) {
    let mut count = 0;
    for (found, &expected) in found.into_iter().zip(expected) {
        let difference = (found - expected).abs() / expected.abs().max(1.0);
        assert!(difference <= tolerance, "{what}: {found}, expected {expected}");
        count += 1;
    }
    assert_eq!(count, expected.len(), "{what}");
}

/// The nodes before the network, run plainly on a table's values, give what the network reads; those behind it, what a
/// forecast prints. That the nodes between are the network, the import says: it compares all of them.
#[test]
fn a_graph_makes_the_networks_inputs_of_raw_values_and_answers_in_their_units() {
    for (name, model) in cases() {
        let units = Units::of(&model).unwrap().unwrap();
        let (values, series) = raw(&model);
        let graph = onnx::export(&model, &OnnxOptions::default()).unwrap().0.graph.unwrap();
        let mut run = Plain::new(&graph);
        run.set("input", values.clone().into_dyn());
        let numbers: Vec<f32> = series.iter().map(|&n| n as f32).collect();
        run.set("series", ArrayD::from_shape_vec(IxDyn(&[ROWS]), numbers).unwrap());
        let steps = graph.node.iter().position(|node| node.name == "steps").unwrap();
        run.run(&graph.node[..steps]);
        let read = run.get(&graph.node[steps].input[0]);
        let network = units.read(values.view(), &series).unwrap();
        assert_eq!(read.shape(), network.shape(), "{name}");
        assert_near(name, read.iter().copied(), &network, SCALED);

        if units.input() > 3 && model.head().classes().is_none() {
            let logits = model.logits(network.view(), None).unwrap();
            let mut z = logits.to_shape((ROWS, 2, 3)).unwrap().to_owned();
            for mut levels in z.rows_mut() {
                let mut sorted = levels.to_vec();
                sorted.sort_by(f32::total_cmp);
                levels.iter_mut().zip(sorted).for_each(|(to, z)| *to = z);
            }
            run.set("quantiles.scaled", z.into_dyn());
            let last = graph.node.iter().position(|node| node.op_type == "TopK").unwrap();
            run.run(&graph.node[last + 1..]);
            let found = run.get("quantiles").iter().copied();
            assert_near(name, found, &expected(&model, &values, &series), SCALED);
            assert_eq!(graph.output.last().unwrap().name, "quantiles");
        }
    }
}

#[test]
fn a_graph_of_every_form_comes_back_as_it_was() {
    for (name, model) in cases() {
        for options in [
            OnnxOptions::default(),
            OnnxOptions::default().lengths(false).native(false),
            OnnxOptions::default().initial_states(true),
            OnnxOptions::default().units(false),
        ] {
            if options.initial_states && model.stack().layers.iter().any(|layer| !layer.cell.has_state()) {
                assert!(refusal(onnx::export(&model, &options)).contains("leave out the states"), "{name}");
                continue;
            }
            let (graph, report) = onnx::export(&model, &options).unwrap();
            let back = onnx::import_bytes(&formats::onnx::to_bytes(&graph), &Hints::default()).unwrap();
            assert_same(name, &back.model, &model);
            let raw = report.notes.iter().any(|note| note.contains("in their own units"));
            let alone = report.notes.iter().any(|note| note.contains("the network alone"));
            assert_eq!((raw, alone), (options.units, !options.units), "{name}: {:?}", report.notes);
        }
    }
}

/// A graph without the scaling is that of an elman before it had one: the same bytes but for texts.
#[test]
fn a_changed_mean_is_no_longer_our_graph() {
    let (_, model) = cases().remove(0);
    let (mut file, _) = onnx::export(&model, &OnnxOptions::default()).unwrap();
    let graph = file.graph.as_mut().unwrap();
    let mean = graph.initializer.iter_mut().find(|tensor| tensor.name == "input.mean").unwrap();
    *mean = formats::onnx::Tensor::floats("input.mean", &[3], &[3.0, 1013.0, 0.0]);
    let message = onnx::import_bytes(&formats::onnx::to_bytes(&file), &Hints::default()).unwrap_err().to_string();
    assert!(message.contains("its constant \"input.mean\" has another value"), "{message}");
}

#[test]
fn arrays_for_other_programs_scale_as_their_notes_say() {
    for (name, model) in cases() {
        let (values, series) = raw(&model);
        let network = Units::of(&model).unwrap().unwrap().read(values.view(), &series).unwrap();
        let arrays = match pytorch::export(&model) {
            Ok((file, report)) => {
                assert!(report.notes.iter().any(|note| note.contains("x = (x - self.input_mean")), "{name}");
                file.arrays
            }
            Err(_) if ["residual", "normalised"].contains(&name) => continue,
            Err(error) if name == "offsets" => {
                // 32-bit floats do not hold the mean beside its deviation.
                let message = error.to_string();
                assert!(message.contains("\"feature 0\"") && message.contains("--standardized"), "{message}");
                continue;
            }
            Err(error) => panic!("{name}: {error}"),
        };
        let [mean, deviation] = ["input_mean", "input_deviation"].map(|name| arrays[name].clone());
        let x = given(&model, &values, &series, &mean);
        let scaled = x.indexed_iter().map(|((row, _, at), x)| {
            let at = if mean.shape.len() == 2 { series[row] * mean.shape[1] + at } else { at };
            (x - mean.data[at]) / deviation.data[at]
        });
        // Means in one float: 1013.25 over 5 is held to the last bit, 2000.5 over 10 too.
        assert_near(name, scaled, &network, 1e-5);
        if model.head().classes().is_none() {
            assert_eq!(arrays["output_mean"].data.len(), mean.data.len() / network.dim().2, "{name}");
        }
    }
}

#[test]
fn files_for_other_programs_come_back_as_they_were() {
    for (name, model) in cases() {
        if let Ok((file, _)) = pytorch::export(&model) {
            let back = pytorch::import(&file, &Hints::default()).unwrap();
            assert_same(name, &back.model, &model);
            // What a program wrote that knows no metadata, with the run it was made of.
            let alone = formats::File { metadata: BTreeMap::new(), ..file };
            let like = Hints { like: Some(model.config()), ..Hints::default() };
            assert_same(name, &pytorch::import(&alone, &like).unwrap().model, &model);
            let message = refusal(pytorch::import(&alone, &Hints::default()));
            assert!(message.contains("input_mean") && message.contains("--like"), "{message}");
        }
        if let Ok((file, _)) = tensorflow::export(&model) {
            assert_same(name, &tensorflow::import(&file, &Hints::default()).unwrap().model, &model);
        }
        if let Ok((archive, _)) = keras::export(&model) {
            assert_same(name, &keras::import(&archive, &Hints::default()).unwrap().model, &model);
        }
        for (network, archive) in [(true, keras::export_network(&model)), (false, keras::export(&model))] {
            let Ok((archive, _)) = archive else { continue };
            let classes: Vec<&str> = archive.config["config"]["layers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|of| of["class_name"].as_str().unwrap())
                .collect();
            assert_eq!(classes.contains(&"Normalization"), !network, "{name}");
            assert_same(name, &keras::import(&archive, &Hints::default()).unwrap().model, &model);
        }
        if let Ok((file, _)) = pytorch::export_network(&model) {
            assert!(!file.arrays.contains_key("input_mean"));
            assert_same(name, &pytorch::import(&file, &Hints::default()).unwrap().model, &model);
        }
    }
}

/// Another scaling than the job's is a file that was changed, for every partner.
#[test]
fn a_scaling_that_is_not_the_jobs_is_refused() {
    let (_, model) = cases().remove(0);
    let (mut file, _) = pytorch::export(&model).unwrap();
    file.arrays.get_mut("input_mean").unwrap().data[1] += 1.0;
    let message = refusal(pytorch::import(&file, &Hints::default()));
    assert!(message.contains("input_mean") && message.contains("1014.25"), "{message}");

    let (mut variables, _) = tensorflow::export(&model).unwrap();
    variables.insert("inputs/mean:0".into(), numpy::Array { shape: vec![3], values: numpy::Values::F32(vec![0.0; 3]) });
    let message = refusal(tensorflow::import(&variables, &Hints::default()));
    assert!(message.contains("inputs/mean:0"), "{message}");

    let (mut archive, _) = keras::export(&model).unwrap();
    archive.config["config"]["layers"][1]["config"]["variance"][0] = json!(5.0);
    let message = refusal(keras::import(&archive, &Hints::default()));
    assert!(message.contains("variance is not that of the model's job"), "{message}");
}

/// Keras has no layer for series that each have a scaling, nor for deviations below its smallest.
#[test]
fn what_keras_does_not_scale_is_refused_by_name() {
    let shops = cases().into_iter().find(|(name, _)| *name == "shops").unwrap().1;
    let message = refusal(keras::export(&shops));
    assert!(message.contains("3 series") && message.contains("--standardized"), "{message}");
    let mut tiny = model(Lstm::new(1, 3), Head::last_state(3));
    tiny.meaning = Some(classify(&[Some((2e-9, 3e-9))], false).into());
    let message = refusal(keras::export(&tiny));
    assert!(message.contains("3e-9") && message.contains("ONNX"), "{message}");
    assert!(onnx::export(&tiny, &OnnxOptions::default()).is_ok());
}

/// Values that 32-bit floats do not tell apart are not for another program, whatever it scales; integers may be exact.
#[test]
fn values_that_floats_do_not_hold_are_refused_or_noted() {
    let mut far = model(Lstm::new(1, 3), Head::last_state(3));
    for (mean, scale, refused, noted) in
        [(1.6e9, 1.0, true, false), (1e6, 1e-3, true, false), (1e5, 1.0, false, true), (20.0, 5.0, false, false)]
    {
        far.meaning = Some(classify(&[Some((mean, scale))], false).into());
        match onnx::export(&far, &OnnxOptions::default()) {
            Err(error) => {
                assert!(refused && error.to_string().contains("could not tell them apart"), "{error}");
                assert!(refusal(keras::export(&far)).contains("--standardized"));
                assert!(refusal(pytorch::export(&far)).contains("--standardized"));
                assert!(onnx::export(&far, &OnnxOptions::default().units(false)).is_ok());
            }
            Ok((_, report)) => {
                let found = report.notes.iter().any(|note| note.contains("32-bit floats hold values of \"feature 0\""));
                assert_eq!((refused, found), (false, noted), "{mean}: {:?}", report.notes);
            }
        }
    }
}

#[test]
fn a_damaged_job_is_refused_and_others_scale_nothing() {
    let mut broken = model(Lstm::new(3, 5), Head::last_state(3));
    for (job, says) in [
        (classify(&[Some((0.0, 0.0)); 3], false), "deviation above 0"),
        (classify(&[Some((1.0, 2.0)); 2], false), "of 2 inputs; expected 3"),
        (json!({"job": "classify", "features": 3}), "the model's job is"),
    ] {
        broken.meaning = Some(job.into());
        let message = onnx::export(&broken, &OnnxOptions::default()).unwrap_err().to_string();
        assert!(message.contains(says), "{message}");
    }
    for job in [None, Some(json!({"job": "echo"})), Some(classify(&[Some((0.0, 1.0)); 3], false))] {
        broken.meaning = job.map(Meaning::from);
        assert_eq!(Units::of(&broken).unwrap(), None);
        let graph = onnx::export(&broken, &OnnxOptions::default()).unwrap().0.graph.unwrap();
        assert!(!graph.node.iter().any(|node| node.op_type == "IsNaN"));
    }
}

/// The meaning of inputs and answers stands in a graph's metadata.
#[test]
fn metadata_say_what_goes_in_and_comes_out() {
    for (name, model) in cases() {
        let (file, _) = onnx::export(&model, &OnnxOptions::default()).unwrap();
        let value = |key: &str| -> Value {
            let found = file.metadata_props.iter().find(|property| property.key == key).unwrap();
            serde_json::from_str(&found.value).unwrap()
        };
        let (inputs, outputs) = (value("elman.inputs"), value("elman.outputs"));
        let first = &inputs["units"]["values"][0];
        assert!(!first["mean"].is_null() && !first["deviation"].is_null(), "{name}: {inputs}");
        match model.head().classes() {
            Some(_) => assert_eq!(outputs["classes"], json!(["a", "b", "c"])),
            None => {
                assert_eq!(outputs["units"], "those of the target");
                assert_eq!((&inputs["target"], &inputs["season"]), (&json!("sales"), &json!(7)));
            }
        }
        assert!(file.doc_string.contains("in their own units"), "{}", file.doc_string);
    }
}

/// Writes every case for every partner, with values in their own units and our answers, for `golden/check_units.py`.
#[test]
#[ignore = "writes into the folder that ELMAN_UNITS_FOLDER names, for other programs to run"]
fn write_units_for_other_programs() {
    let folder = std::env::var("ELMAN_UNITS_FOLDER").expect("ELMAN_UNITS_FOLDER");
    for (name, model) in cases() {
        let path = |ending: &str| Path::new(&folder).join(format!("{name}.{ending}"));
        let (values, series) = raw(&model);
        let answers = expected(&model, &values, &series);
        // Of a head on every step all of them, one after the other.
        let rows = answers.to_shape((ROWS, answers.len() / ROWS)).unwrap();
        onnx::write(&model, &path("onnx"), &OnnxOptions::default()).unwrap();
        let mut arrays = BTreeMap::new();
        let mut put = |name: &str, shape: &[usize], values: Vec<f32>| {
            arrays.insert(name.to_owned(), numpy::Array { shape: shape.to_vec(), values: numpy::Values::F32(values) });
        };
        put("values", values.shape(), values.iter().copied().collect());
        put("series", &[ROWS], series.iter().map(|&n| n as f32).collect());
        put("answers", rows.shape(), rows.iter().copied().collect());
        if let Ok((file, _)) = pytorch::export(&model) {
            let x = given(&model, &values, &series, &file.arrays["input_mean"]);
            put("x", x.shape(), x.iter().copied().collect());
            formats::write(&path("pytorch.safetensors"), &file).unwrap();
        }
        if let Ok((archive, _)) = keras::export(&model) {
            formats::keras::write(&path("keras"), &archive).unwrap();
        }
        if let Ok((file, _)) = tensorflow::export(&model) {
            numpy::write_npz(&path("tensorflow.npz"), &file).unwrap();
        }
        numpy::write_npz(&path("answers.npz"), &arrays).unwrap();
    }
}
