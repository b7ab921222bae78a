//! Which model it is, in four bytes.

use crate::model::model::Model;
use crate::network::layer::Layer;

impl Model {
    /// The CRC-32 of its layers, its head and all its arrays: two models with the same one answer alike. What a job keeps
    /// beside them is left out.
    pub fn fingerprint(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        let text = |hasher: &mut crc32fast::Hasher, text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        // As in the model's file; a cell of one's own, which no file can name, by its name.
        let plain = |layer: &Layer| serde_json::to_string(layer).unwrap_or_else(|_| layer.cell.get().name().to_owned());
        self.stack().layers.iter().for_each(|layer| text(&mut hasher, &plain(layer)));
        if !self.stack().arithmetic.is_f32() {
            text(&mut hasher, self.stack().arithmetic.name());
        }
        text(&mut hasher, &serde_json::to_string(self.head()).unwrap_or_default());
        // The plain arrays, so that the order in which kernels read them is left out too.
        let mut values = Vec::new();
        for (name, entry, range) in self.plan.entries() {
            text(&mut hasher, name);
            entry.shape.iter().for_each(|&axis| hasher.update(&(axis as u64).to_le_bytes()));
            values.resize(entry.count(), 0.0);
            entry.unpack(&self.parameters[range], &mut values);
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            hasher.update(&bytes);
        }
        hasher.finalize()
    }
}
