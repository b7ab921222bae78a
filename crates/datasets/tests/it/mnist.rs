//! The embedded digits are the published ones, split as TensorFlow's `read_data_sets` splits them.

use crate::make::Folder;
use elman_datasets::{idx, images, mnist};
use sha2::{Digest, Sha256};

/// Of the published files, unzipped; in the order of `mnist::files`.
const SHA_256: [(&str, &str); 4] = [
    ("train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    ("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    ("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    ("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
];

#[test]
fn the_files_are_the_published_ones() {
    for ((name, bytes), (expected_name, expected)) in mnist::files().unwrap().into_iter().zip(SHA_256) {
        let found: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((name, found.as_str()), (expected_name, expected));
    }
}

#[test]
fn the_split_is_that_of_tensorflow() {
    let split = mnist::load().unwrap();
    let [train_images, train_labels, test_images, test_labels] = mnist::files().unwrap().map(|(_, bytes)| bytes);
    let (train_images, train_labels) = (&train_images[16..], &train_labels[8..]);

    assert_eq!(train_labels[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!((split.validation.len(), split.train.len(), split.test.len()), (5_000, 55_000, 10_000));
    assert_eq!(split.validation.labels, train_labels[..5_000]);
    assert_eq!(split.train.labels, train_labels[5_000..]);
    assert_eq!(split.train.labels[..10], [7, 3, 4, 6, 1, 8, 1, 0, 9, 8]);
    assert_eq!(split.test.labels, test_labels[8..]);
    assert_eq!(split.test.labels[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);

    // Compared with `==`: a failing `assert_eq` would print 47 million numbers.
    assert_eq!(split.train.image(0), &train_images[5_000 * 784..][..784]);
    assert!(split.validation.images == train_images[..5_000 * 784]);
    assert!(split.train.images == train_images[5_000 * 784..]);
    assert!(split.test.images == test_images[16..]);
    for set in [&split.train, &split.validation, &split.test] {
        assert_eq!((set.rows, set.cols, set.classes()), (28, 28, 10));
    }
}

#[test]
fn the_test_set_alone_is_that_of_the_split() {
    assert!(mnist::load_test().unwrap() == mnist::load().unwrap().test);
}

#[test]
fn the_same_files_in_a_folder_give_the_same_set() {
    let files = mnist::files().unwrap();
    let folder = files.iter().fold(Folder::new(), |folder, (name, bytes)| folder.with(name, bytes));
    assert!(images::load_dir(folder.path()).unwrap() == mnist::load().unwrap());

    let test_images = images::read_images(&folder.file("t10k-images-idx3-ubyte")).unwrap();
    assert_eq!((test_images.len(), test_images.rows, test_images.cols), (10_000, 28, 28));
    assert_eq!(idx::parse(&files[3].1).unwrap().dims, [10_000]);
}
