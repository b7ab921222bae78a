//! Files of the wrong kind, given to each command: what they are, what stands in the way, and what to do, which is tried.

use std::path::{Path, PathBuf};

use crate::support::Place;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden").join(name)
}

fn copy(place: &Place, from: &str, to: &str) {
    place.write(to, &std::fs::read(golden(from)).unwrap());
}

/// The command that a message ends with.
fn remedy(message: &str) -> String {
    let at = message.rfind("elman convert ").unwrap_or_else(|| panic!("no command in {message:?}"));
    message[at + "elman ".len()..].lines().next().unwrap().trim().to_owned()
}

/// A small classifier of PyTorch, as a model of elman that reads sequences.
fn model(place: &Place) {
    copy(place, "heads/f16.pt", "half.pt");
    place.elman("convert half.pt model.safetensors --classes a,b,c,d").succeeded();
}

/// Commands that take a model, with the word FILE for it.
const COMMANDS: [&str; 6] = [
    "inspect FILE",
    "eval FILE",
    "predict FILE x.npz",
    "sample FILE",
    "forecast FILE",
    "convert run.pt o.safetensors --like FILE",
];

/// What a converter makes a model of is named, and the command in the message makes one.
#[test]
fn a_model_of_another_program_is_converted_by_the_command_that_is_named() {
    let place = Place::new();
    copy(&place, "heads/f16.pt", "run.pt");
    for (from, file, says) in [
        ("heads/f16.pt", "m.pt", "a file of PyTorch (a zip archive with a pickle of tensors)"),
        ("heads/bf16.safetensors", "m2.safetensors", "a safetensors file of another program"),
        ("models/keras_lstm.keras", "m.keras", "a model of Keras 3"),
        ("files/keras_reader.weights.h5", "m.weights.h5", "an HDF5 file"),
        ("models/tensorflow_gru.npz", "m.npz", "NumPy's arrays in a zip archive"),
        ("models/flax_linen_gru.npz", "flax.npz", "NumPy's arrays in a zip archive"),
        ("onnx/keras2_lstm_2layers_last_step.onnx", "m.onnx", "a graph of ONNX"),
        ("checkpoints/graph.ckpt-7.index", "ck.index", "the table of a TensorFlow checkpoint"),
    ] {
        if !golden(from).exists() {
            panic!("{from} is missing");
        }
        copy(&place, from, file);
        if file == "ck.index" {
            copy(&place, "checkpoints/graph.ckpt-7.data-00000-of-00001", "ck.data-00000-of-00001");
        }
        for command in COMMANDS {
            let outcome = place.elman(&command.replace("FILE", file));
            outcome.refused(1, &[file, says, "elman convert"]);
        }
        let message = place.elman(&format!("inspect {file}")).stderr;
        let convert = remedy(&message);
        place.elman(&convert).succeeded();
        place.elman("inspect model.safetensors").succeeded();
        std::fs::remove_file(place.path("model.safetensors")).unwrap();
    }
    // A name says less than what is in the file.
    for (from, file) in [("models/keras_lstm.keras", "x.pt"), ("heads/f16.pt", "x.onnx"), ("heads/f16.pt", "x.npz")] {
        copy(&place, from, file);
        place.elman(&format!("convert {file} {file}.safetensors")).succeeded();
    }
    place
        .elman("convert x.pt y.safetensors --from pytorch")
        .refused(1, &["x.pt", "it is a model of Keras 3", "--from"]);
}

/// What no model is made of says so, with what to do instead.
#[test]
fn what_no_model_is_made_of_is_named() {
    let place = Place::new();
    copy(&place, "heads/f16.pt", "run.pt");
    let long = "0".repeat(60);
    for (file, bytes, says) in [
        (
            "legacy.pt",
            std::fs::read(golden("files/pytorch_legacy.pt")).unwrap(),
            vec!["before 1.6", "torch.save(model.state_dict()"],
        ),
        (
            "script.pt",
            std::fs::read(golden("files/pytorch_script.pt")).unwrap(),
            vec!["TorchScript", "torch.save(model.state_dict()"],
        ),
        ("a.pkl", b"\x80\x04\x95\x05\0\0\0\0\0\0\0}.".to_vec(), vec!["a pickle of Python", "not run here"]),
        ("a.png", b"\x89PNG\r\n\x1a\n....".to_vec(), vec!["a PNG picture", "elman predict MODEL a.png"]),
        ("a.jpg", b"\xff\xd8\xff\xe0....".to_vec(), vec!["a JPEG picture", "as PNG"]),
        ("a.npy", b"\x93NUMPY\x01\0".to_vec(), vec!["an array of NumPy", "elman predict MODEL a.npy"]),
        ("a.csv", b"x,y\n1,2\n".to_vec(), vec!["it is text", "elman eval MODEL --data a.csv"]),
        ("a.json", b"{\"layers\": []}".to_vec(), vec!["it is JSON"]),
        ("a.gz", b"\x1f\x8b\x08\0".to_vec(), vec!["packed by gzip", "gunzip a.gz"]),
        ("a.xz", b"\xfd7zXZ\0..".to_vec(), vec!["packed by xz", "unpack"]),
        ("a.html", b"<!DOCTYPE html><html>".to_vec(), vec!["a page of HTML", "download"]),
        (
            "lfs.pt",
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{long}\n").into_bytes(),
            vec!["Git LFS", "git lfs pull"],
        ),
        ("a.tflite", b"\x1c\0\0\0TFL3....".to_vec(), vec!["TensorFlow Lite", ".keras, .pt or .onnx"]),
        ("a.gguf", b"GGUF\x03\0\0\0".to_vec(), vec!["GGUF"]),
        ("a.bpk", b"NRUB\x01\0\0\0".to_vec(), vec!["weights of Burn", "SafetensorsStore"]),
        ("empty.pt", Vec::new(), vec!["it is empty", "get the file again"]),
        ("idx", [&b"\0\0\x08\x03"[..], &[0; 12]].concat(), vec!["an IDX file", "elman predict MODEL idx"]),
        (
            "checkpoint",
            b"model_checkpoint_path: \"graph\"\n".to_vec(),
            vec!["the list of a folder's TensorFlow checkpoints", "PREFIX.index"],
        ),
    ] {
        place.write(file, &bytes);
        for command in [
            "inspect FILE",
            "predict FILE x.npz",
            "convert FILE o.safetensors",
            "convert run.pt o.safetensors --like FILE",
        ] {
            let outcome = place.elman(&command.replace("FILE", file));
            let words: Vec<&str> = std::iter::once(file).chain(says.iter().copied()).collect();
            outcome.refused(1, &words);
        }
    }
    assert!(!place.path("o.safetensors").exists());
}

/// Folders: what they are, and the file in them that is meant.
#[test]
fn a_folder_is_named_with_the_file_in_it() {
    let place = Place::new();
    for file in
        ["sharded-00001-of-00002.safetensors", "sharded-00002-of-00002.safetensors", "sharded.safetensors.index.json"]
    {
        copy(&place, &format!("heads/{file}"), &format!("shards/{file}"));
    }
    for file in ["graph.ckpt-7.index", "graph.ckpt-7.data-00000-of-00001"] {
        copy(&place, &format!("checkpoints/{file}"), &format!("tf/{file}"));
    }
    for (folder, says) in
        [("shards", "a folder with safetensors files"), ("tf", "a folder with a TensorFlow checkpoint")]
    {
        for command in ["inspect FILE", "convert FILE o.safetensors"] {
            let outcome = place.elman(&command.replace("FILE", folder));
            outcome.refused(1, &[folder, says, "elman convert"]);
            place.elman(&remedy(&outcome.stderr)).succeeded();
            std::fs::remove_file(place.path("model.safetensors")).unwrap();
        }
    }
    for (file, says) in [
        ("saved/saved_model.pb", "save_weights(\"weights\")"),
        ("dcp/__0_0.distcp", "dcp_to_torch dcp model.pt"),
        ("orbax/_METADATA", "numpy.savez(\"params.npz\""),
    ] {
        place.write(file, b"x");
        let folder = file.split('/').next().unwrap();
        place.elman(&format!("inspect {folder}")).refused(1, &[folder, says]);
        place.elman(&format!("convert {folder} o.safetensors")).refused(1, &[folder, says]);
    }
    // A checkpoint by its prefix, as TensorFlow names it, and by its other file.
    place.elman("convert tf/graph.ckpt-7 a.safetensors").succeeded();
    place.elman("convert tf/graph.ckpt-7.data-00000-of-00001 b.safetensors").succeeded();
    assert_eq!(place.bytes("a.safetensors"), place.bytes("b.safetensors"));
    place.elman("inspect tf/graph.ckpt-7.data-00000-of-00001").refused(1, &["elman convert tf/graph.ckpt-7.data"]);
    copy(&place, "checkpoints/first_format.ckpt", "old.ckpt");
    place.elman("convert old.ckpt c.safetensors").refused(1, &["old.ckpt", "save it again"]);
    place.write("graph.meta", b"\x0a\x05\x01\x02\x03");
    place.elman("inspect graph.meta").refused(1, &["elman convert graph.index model.safetensors"]);
}

/// A model, given where data is asked for.
#[test]
fn a_model_in_the_place_of_data_is_named() {
    let place = Place::with_run();
    for (from, file, says) in [
        ("heads/f16.pt", "m.pt", "a file of PyTorch"),
        ("models/keras_lstm.keras", "m.keras", "a model of Keras 3"),
        ("onnx/keras2_lstm_2layers_last_step.onnx", "m.onnx", "a graph of ONNX"),
    ] {
        copy(&place, from, file);
        place.elman(&format!("predict run {file}")).refused(1, &[file, says, "expected a PNG file"]);
    }
    place.write("a.jpg", b"\xff\xd8\xff\xe0");
    place.elman("predict run a.jpg").refused(1, &["a JPEG picture", "PNG"]);
}

/// Weights that are no numbers: said by inspect, refused by what answers, taken where that is allowed.
#[test]
fn weights_that_are_no_numbers_are_refused_unless_allowed() {
    let place = Place::with_run();
    let path = place.path("run/model.safetensors");
    let mut file = crate::support::model(&path);
    let name = "layers.0.recurrent_kernel";
    file.arrays.get_mut(name).unwrap().data[5] = f32::NAN;
    elman::formats::write(&place.path("nan.safetensors"), &file).unwrap();
    let says = format!("{name} has 1 of 256 numbers that are NaN or infinite, the first NaN at [0, 5]");
    let inspected = place.elman("inspect nan.safetensors");
    assert!(inspected.succeeded().iter().any(|line| line.contains(&says)), "{}", inspected.stdout);
    for command in [
        "eval nan.safetensors --data set",
        "predict nan.safetensors set/t10k-images-idx3-ubyte",
        "convert nan.safetensors n.onnx",
    ] {
        place.elman(command).refused(1, &["nan.safetensors", &says, "--allow-nonfinite"]);
    }
    place.elman("convert nan.safetensors n.safetensors --allow-nonfinite").succeeded();
    place.elman("eval nan.safetensors --data set --allow-nonfinite").failed(1, &["the test loss is NaN", "damaged"]);
    // Still no class is made up of what is no number.
    let outcome = place.elman("predict nan.safetensors set/t10k-images-idx3-ubyte --allow-nonfinite");
    outcome.refused(1, &["is not a number"]);
    place.elman("convert n.safetensors again.safetensors").refused(1, &["NaN", "--allow-nonfinite"]);
    place.elman("convert n.safetensors again.safetensors --allow-nonfinite").succeeded();
}

/// What a conversion assumes is in its verdict, in words and as JSON.
#[test]
fn a_verdict_says_what_is_assumed() {
    let place = Place::new();
    copy(&place, "heads/mlp.pt", "mlp.pt");
    let refused = place.elman("convert mlp.pt m.safetensors");
    refused.refused(1, &["fc1, fc2", "--hidden-activation relu"]);
    let outcome = place.elman("convert mlp.pt m.safetensors --hidden-activation relu");
    let said = outcome.succeeded().into_iter().find(|line| line.starts_with("verdict: ")).unwrap().to_owned();
    for part in
        ["what is done with them is assumed: ", "the head is fc1, fc2, with relu between them", "states start at zero"]
    {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("the same function"), "{said}");
    assert!(
        outcome.stdout.contains("\nnot compared: arrays alone hold nothing to compute; --sample FILE"),
        "{}",
        outcome.stdout
    );
    // Half precision too.
    copy(&place, "heads/bf16.pt", "bf16.pt");
    let widened = place.elman("convert bf16.pt b.safetensors");
    let said = widened.succeeded().into_iter().find(|line| line.starts_with("verdict: ")).unwrap().to_owned();
    assert!(
        said.contains(" arrays of bfloat16 were widened to float32, which changes no number; what is done"),
        "{said}"
    );
    let json = place.elman("convert mlp.pt j.safetensors --hidden-activation relu --json");
    let object: serde_json::Value = serde_json::from_str(json.succeeded()[0]).unwrap();
    assert!(object["steps"][0]["assumed"].as_array().unwrap().len() >= 4);
    copy(&place, "heads/value.pt", "value.pt");
    let value = place.elman("convert value.pt v.safetensors --values sigmoid");
    value.succeeded();
    let inspected = place.elman("inspect v.safetensors");
    assert!(inspected.stdout.contains("1 value from 0 to 1"), "{}", inspected.stdout);
    // What elman says itself is not assumed.
    model(&place);
    place.elman("convert model.safetensors for-torch.safetensors --to pytorch").succeeded();
    let back = place.elman("convert for-torch.safetensors back.safetensors");
    assert!(!back.stdout.contains("assumed"), "{}", back.stdout);
}
