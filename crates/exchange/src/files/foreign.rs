//! What is given in place of a model of elman: what it is, what stands in the way, and what to do.

use std::path::Path;

use elman_formats::FileKind;
use elman_formats::tensorflow::is_checkpoint;

/// Why a file or folder is no model of elman, if it clearly is none: a sentence for a message that starts with its name.
pub fn no_model(path: &Path, kind: FileKind) -> Option<String> {
    let way = remedy(path, kind)?;
    Some(format!("it is {kind}; expected a run's folder or a model file of elman; {way}"))
}

/// Why a file or folder is nothing that a model can be made of, if it clearly is not.
pub fn not_converted(path: &Path, kind: FileKind) -> Option<String> {
    match kind {
        FileKind::Folder | FileKind::RunFolder | FileKind::Safetensors => None,
        kind if is_converted(kind) => None,
        kind => {
            let way = remedy(path, kind)?;
            Some(format!("it is {kind}, which no model is made of; {way}"))
        }
    }
}

/// Whether `elman convert` reads what has this form.
fn is_converted(kind: FileKind) -> bool {
    matches!(
        kind,
        FileKind::Torch
            | FileKind::Keras
            | FileKind::Hdf5
            | FileKind::Onnx
            | FileKind::Npz
            | FileKind::SafetensorsIndex
            | FileKind::TensorflowTable
    )
}

/// What to do with a file of this form. Nothing for a model of elman, and what could be one.
fn remedy(path: &Path, kind: FileKind) -> Option<String> {
    let file = shell_word(path);
    let convert = |from: &str| format!("elman convert {from} model.safetensors");
    Some(match kind {
        FileKind::Safetensors | FileKind::RunFolder | FileKind::Special => return None,
        kind if is_converted(kind) => format!("make a model of it: {}", convert(&file)),
        FileKind::Checkpoint => {
            let run = path.parent().filter(|of| !of.as_os_str().is_empty()).unwrap_or(Path::new("."));
            format!(
                "go on with the training, elman resume {}, or take the model beside it: {}",
                shell_word(run),
                shell_word(&run.join("model.safetensors"))
            )
        }
        FileKind::Empty => "get the file again".into(),
        FileKind::TorchLegacy => format!(
            "load it with PyTorch, save it again, torch.save(model.state_dict(), \"model.pt\"), and make a model of that: {}",
            convert("model.pt")
        ),
        FileKind::TorchProgram | FileKind::Pickle => format!(
            "it is a program, which is not run here; load it with Python, save the weights, torch.save(model.state_dict(), \
             \"model.pt\"), and make a model of that: {}",
            convert("model.pt")
        ),
        FileKind::TorchDistributed => format!(
            "make one file of its parts, python -m torch.distributed.checkpoint.format_utils dcp_to_torch {file} model.pt, and \
             a model of that: {}",
            convert("model.pt")
        ),
        FileKind::Orbax => format!(
            "load it with Python, save its arrays, numpy.savez(\"params.npz\", **flatten_dict(params, sep=\"/\")), and make a \
             model of that: {}",
            convert("params.npz")
        ),
        FileKind::SavedModel => format!(
            "load it with Keras, save its weights, model.save_weights(\"weights\"), and make a model of those: {}",
            convert("weights.index")
        ),
        FileKind::TensorflowList => {
            let folder = path.parent().filter(|of| !of.as_os_str().is_empty()).unwrap_or(Path::new("."));
            format!("name the checkpoint itself: {}", convert(&within(folder, &[".index"], "PREFIX.index")))
        }
        FileKind::Unknown if is_checkpoint(path) => format!("make a model of it: {}", convert(&file)),
        FileKind::Unknown if path.extension().is_some_and(|of| of == "meta") => format!(
            "if it is the graph of a TensorFlow checkpoint, name the variables beside it: {}",
            convert(&shell_word(&path.with_extension("index")))
        ),
        FileKind::TensorflowFolder => {
            format!("name the checkpoint in it: {}", convert(&within(path, &[".index"], "PREFIX.index")))
        }
        FileKind::SafetensorsFolder => {
            let endings = [elman_formats::INDEX_ENDING, ".safetensors"];
            format!("name the file in it: {}", convert(&within(path, &endings, "NAME.safetensors")))
        }
        FileKind::Burn => format!(
            "save it with burn-store's SafetensorsStore, and make a model of that: {}",
            convert("burn.safetensors")
        ),
        FileKind::Tflite | FileKind::Gguf => "give the model that it was made of, as .keras, .pt or .onnx".into(),
        FileKind::LfsPointer => format!("fetch the file itself: git lfs pull --include {file}"),
        FileKind::Html => "download the file again, and look at what comes in a browser".into(),
        FileKind::Gzip => format!("if a model is in it, unpack it first: gunzip {file}"),
        FileKind::Packed(_) | FileKind::Zip => "if a model is in it, unpack it first, and give that".into(),
        FileKind::Npy => format!("data comes after the model: elman predict MODEL {file}"),
        FileKind::Png | FileKind::Idx => format!("pictures come after the model: elman predict MODEL {file}"),
        FileKind::Jpeg => "pictures come after the model, as PNG: elman predict MODEL picture.png".into(),
        FileKind::Text | FileKind::Json => {
            format!("data comes after the model: elman predict MODEL {file}, or elman eval MODEL --data {file}")
        }
        _ => return None,
    })
}

/// The first file of a folder, by name, with the first of these endings that one has.
fn within(folder: &Path, endings: &[&str], otherwise: &str) -> String {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
        .unwrap_or_default();
    names.sort();
    let named = endings.iter().find_map(|ending| names.iter().find(|name| name.ends_with(ending)));
    shell_word(&folder.join(named.map_or(otherwise, String::as_str)))
}

/// A path as a word of a shell's line, to be copied out of a message.
pub fn shell_word(path: &Path) -> String {
    // A name that begins as a flag does is one all the same behind its folder.
    let here =
        if path.as_os_str().as_encoded_bytes().starts_with(b"-") { Path::new(".").join(path) } else { path.into() };
    let word = here.display().to_string();
    let separator = std::path::MAIN_SEPARATOR;
    if word.chars().all(|c| c.is_alphanumeric() || c == separator || "/._-+:,@%".contains(c)) && !word.is_empty() {
        return word;
    }
    if cfg!(windows) { format!("\"{word}\"") } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_path_is_one_word_of_a_shell() {
        let words = ["runs/mnist-rnn-1", "läufe/1", "my run", "it's", "a;b", "=a", "-x", ""];
        let shown = ["runs/mnist-rnn-1", "läufe/1", "'my run'", r"'it'\''s'", "'a;b'", "'=a'", "./-x", "''"];
        assert_eq!(words.map(|word| shell_word(Path::new(word))), shown);
    }
}
