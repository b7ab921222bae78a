//! The embedded utterances and plays are the published ones, and all embedded data fit into one package.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::make::Folder;
use elman_datasets::sequences::{self, ColumnNames};
use elman_datasets::{japanese_vowels, shakespeare, text};
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

fn unzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

fn sha_256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_utterances_are_the_published_ones() {
    let expected = [
        "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
        "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
    ];
    assert_eq!(japanese_vowels::FILES.map(|(_, bytes)| sha_256(&unzip(bytes))), expected);

    let (train, test) = japanese_vowels::load().unwrap();
    for (set, utterances, longest) in [(&train, 270, 26), (&test, 370, 29)] {
        assert_eq!((set.len(), set.features(), set.missing()), (utterances, 12, 0));
        assert_eq!(set.classes, ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        assert_eq!((0..utterances).map(|row| set.length(row)).min(), Some(7));
        assert_eq!((0..utterances).map(|row| set.length(row)).max(), Some(longest));
        assert_eq!(set.values.len(), set.offsets[utterances] * 12);
    }
    let speakers = |labels: &[usize]| (0..9).map(|class| labels.iter().filter(|&&x| x == class).count()).collect();
    let (of_train, of_test): (Vec<_>, Vec<_>) =
        (speakers(train.labels.as_ref().unwrap()), speakers(test.labels.as_ref().unwrap()));
    assert_eq!(of_train, [30; 9]);
    assert_eq!(of_test, [31, 35, 88, 44, 29, 24, 40, 50, 29]);
    // The first two steps begin the first two values of each dimension in the file.
    assert_eq!(train.length(0), 20);
    assert_eq!(train.row(0)[..3], [1.860936, -0.207383, 0.261557]);
    assert_eq!(train.row(0)[12..15], [1.891651, -0.193249, 0.235363]);
    assert_eq!(test.row(0)[..2], [1.635533, 0.024848]);
}

#[test]
fn the_same_files_in_a_folder_give_the_same_sets() {
    let [(_, train), (_, test)] = japanese_vowels::FILES;
    let folder = Folder::new().with("train.ts", &unzip(train)).with("test.ts.gz", test);
    let settings = ColumnNames::default();
    let read = sequences::train_test(&folder.file("train.ts"), &folder.file("test.ts.gz"), &settings).unwrap();
    assert!(read == japanese_vowels::load().unwrap());
}

#[test]
fn the_plays_are_the_published_ones() {
    let (name, bytes) = shakespeare::FILE;
    let expected = "14821895e2da6439c4673ea1b6159b6ef8d712ba00cc0a0042cadb86a3352546";
    assert_eq!(sha_256(&unzip(bytes)), expected);
    let plays = shakespeare::load().unwrap();
    assert_eq!(plays.len(), 1_115_901);
    assert!(plays.is_ascii() && plays.starts_with("HAMLET, PRINCE OF DENMARK"));
    let folder = Folder::new().with(name, bytes);
    assert!(text::read(&folder.file(name)).unwrap() == plays);
}

#[test]
fn the_data_fit_into_a_package_of_the_registry() {
    fn size(folder: &Path) -> u64 {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() { size(&entry.path()) } else { entry.metadata().unwrap().len() }
            })
            .sum()
    }
    // It takes 10 MiB. The data are compressed already; half a MiB is left for the code.
    let found = size(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data"));
    assert!(found < 19 << 19, "{found} bytes");
}
