//! Japanese Vowels, embedded: Kudo, Toyama, Shimbo, <https://archive.ics.uci.edu/ml/datasets/Japanese+Vowels>.
//!
//! 640 utterances of the vowels /ae/ by nine speakers, 7 to 29 steps of 12 cepstral coefficients; the class is the
//! speaker. The terms are in `data/japanese_vowels/README.md`.

use crate::idx::Source;
use crate::sequences::{SequenceSet, parse_ts};
use crate::{Error, text};

/// The two files, unchanged but gzipped: their names, and their bytes.
pub static FILES: [(&str, &[u8]); 2] = [
    ("JapaneseVowels_TRAIN.ts.gz", include_bytes!("../data/japanese_vowels/JapaneseVowels_TRAIN.ts.gz")),
    ("JapaneseVowels_TEST.ts.gz", include_bytes!("../data/japanese_vowels/JapaneseVowels_TEST.ts.gz")),
];

/// The 270 utterances to learn from, 30 by each speaker, and the 370 to test with.
///
/// # Errors
/// [`Error`] if there is no memory for them. The files themselves are checked by the tests.
pub fn load() -> Result<(SequenceSet, SequenceSet), Error> {
    let [train, test] =
        FILES.map(|(name, bytes)| text::load(&Source::Bytes { name, bytes }).and_then(|text| parse_ts(name, &text)));
    let train = train?;
    let test = test?.matched(FILES[1].0, &train.names, &train.classes)?;
    Ok((train, test))
}
