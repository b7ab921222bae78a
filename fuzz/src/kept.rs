//! Models of Keras as text, which a fuzzer can change: the configuration, and behind a NUL the shape and path of each array,
//! one a line. The arrays' numbers are made up, so that changed shapes still have their floats.

use elman_formats::Array;
use elman_formats::keras::Archive;

/// Floats of all arrays together: the larger, the slower is each try.
const FLOATS_MAX: usize = 1 << 13;

/// The model that a text keeps; none if it is not JSON, or too large.
pub fn archive(bytes: &[u8]) -> Option<Archive> {
    let at = bytes.iter().position(|&byte| byte == 0)?;
    let config: serde_json::Value = serde_json::from_slice(&bytes[..at]).ok()?;
    let mut floats = 0_usize;
    let mut arrays = std::collections::BTreeMap::new();
    for line in std::str::from_utf8(&bytes[at + 1..]).ok()?.lines() {
        let mut words = line.split(' ');
        let path = words.next()?;
        let shape: Vec<usize> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let count = shape.iter().try_fold(1_usize, |count, &length| count.checked_mul(length))?;
        floats = floats.checked_add(count).filter(|&floats| floats <= FLOATS_MAX)?;
        // Between −0.4 and 0.6, and never the same beside each other.
        let data = (0..count).map(|index| ((index * 7 + arrays.len() * 3) % 11) as f32 / 10.0 - 0.4).collect();
        arrays.insert(path.to_owned(), Array { shape, data });
    }
    // Keras 2 has other functions by the same names.
    let version = if config.get("keras_version").is_some() { "2.15.0" } else { "3.15.1" };
    let metadata = serde_json::json!({ "keras_version": version });
    Some(Archive { config, metadata, arrays, attributes: Default::default() })
}

/// The text of a model.
pub fn text(config: &str, arrays: &std::collections::BTreeMap<String, Array>) -> String {
    let shape = |array: &Array| array.shape.iter().map(|length| format!(" {length}")).collect::<String>();
    let lines = arrays.iter().map(|(path, array)| format!("{path}{}\n", shape(array)));
    format!("{config}\0{}", lines.collect::<String>())
}
