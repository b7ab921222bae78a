//! A folder of four files: how they are found, split, and checked against each other.

use std::fs;

use crate::make::{Folder, assert_says, cycle, gz};
use elman_datasets::{Error, images};

/// The folder is refused with a message that holds `parts`.
#[track_caller]
fn refused(folder: &Folder, parts: &[&str]) -> Error {
    let error = images::load_dir(folder.path()).expect_err("the folder must be refused");
    assert_says(&error.to_string(), parts);
    error
}

#[test]
fn images_that_are_not_square_are_split_in_order() {
    let split = images::load_dir(Folder::good().path()).unwrap();
    assert_eq!((split.validation.len(), split.train.len(), split.test.len()), (2, 22, 3));
    for set in [&split.train, &split.validation, &split.test] {
        assert_eq!((set.rows, set.cols, set.classes() <= 3), (4, 6, true));
        assert_eq!(set.images.len(), set.len() * 24);
    }
    let raw = &crate::make::images(24, 4, 6)[16..];
    assert_eq!(split.validation.images, raw[..2 * 24]);
    assert_eq!(split.train.images, raw[2 * 24..]);
    assert_eq!((&split.validation.labels[..], &split.train.labels[..4]), (&[0, 1][..], &[2, 0, 1, 2][..]));
    assert_eq!(split.train.classes(), 3);
}

#[test]
fn a_large_set_keeps_5000_for_validation() {
    let folder = Folder::good()
        .with("train-images-idx3-ubyte", &gz(&crate::make::images(10_000, 4, 6)))
        .with("train-labels-idx1-ubyte", &crate::make::labels(&cycle(10_000, 3)));
    let split = images::load_dir(folder.path()).unwrap();
    assert_eq!((split.validation.len(), split.train.len()), (5_000, 5_000));
}

#[test]
fn all_256_classes() {
    let every: Vec<u8> = (0..=255).chain(0..=255).collect();
    let folder = Folder::good()
        .with("train-images-idx3-ubyte", &crate::make::images(512, 4, 6))
        .with("train-labels-idx1-ubyte", &crate::make::labels(&every))
        .with("t10k-labels-idx1-ubyte", &crate::make::labels(&[255, 0, 255]));
    assert_eq!(images::load_dir(folder.path()).unwrap().train.classes(), 256);
}

/// MNIST and Fashion-MNIST, EMNIST, and archives that write a dot; gzipped or not; other files beside them.
#[test]
fn file_names_in_use() {
    let expected = images::load_dir(Folder::good().path()).unwrap();
    let names = [
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
        [
            "emnist-letters-train-images-idx3-ubyte",
            "emnist-letters-train-labels-idx1-ubyte",
            "emnist-letters-test-images-idx3-ubyte",
            "emnist-letters-test-labels-idx1-ubyte",
        ],
        ["train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"],
        ["train-images.idx3-ubyte", "train-labels.idx1-ubyte", "test-images.idx3-ubyte", "test-labels.idx1-ubyte"],
    ];
    let good = Folder::good();
    let files = names[0].map(|name| fs::read(good.file(name)).unwrap());
    for names in names {
        for zipped in [false, true] {
            let folder = Folder::new().with("README.md", b"about").with("emnist-letters-mapping.txt", b"1 65 97");
            fs::create_dir(folder.file("old-train-images-idx3-ubyte")).unwrap();
            let folder = names.iter().zip(&files).fold(folder, |folder, (name, bytes)| {
                if zipped { folder.with(&format!("{name}.gz"), &gz(bytes)) } else { folder.with(name, bytes) }
            });
            assert_eq!(images::load_dir(folder.path()).unwrap(), expected, "{names:?}, zipped: {zipped}");
        }
    }
}

#[test]
fn missing_folder() {
    let folder = Folder::new();
    let error = images::load_dir(&folder.file("none")).unwrap_err().to_string();
    assert_says(&error, &["cannot read the folder ", "none: ", "os error 2", "train-images-idx3-ubyte"]);
    assert_says(&error, &["train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "test-labels.idx1-ubyte"]);
}

#[test]
fn missing_files_are_all_named() {
    let folder = Folder::good().without("train-labels-idx1-ubyte").without("t10k-images-idx3-ubyte");
    let Error::Missing { looked_for, found, .. } = refused(
        &folder,
        &[
            folder.path().to_str().unwrap(),
            "train-labels-idx1-ubyte or train-labels.idx1-ubyte (training labels)",
            "test-images.idx3-ubyte (test images)",
            "with or without .gz",
            "found t10k-labels-idx1-ubyte, train-images-idx3-ubyte",
        ],
    ) else {
        panic!("not the error for missing files")
    };
    assert_eq!((looked_for.len(), found.len()), (2, 2));
    refused(&Folder::new(), &["(training images)", "(test labels)", "found no files"]);
}

#[test]
fn a_long_folder_is_not_listed_whole() {
    let folder = (0..30).fold(Folder::new(), |folder, i| folder.with(&format!("{i:02}.txt"), b""));
    refused(&folder, &["11.txt and 18 more"]);
}

/// Two sets in one folder, or one file both zipped and unzipped: which is meant cannot be known.
#[test]
fn several_files_of_one_kind_are_listed() {
    for other in ["emnist-digits-train-images-idx3-ubyte.gz", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte"] {
        let folder = Folder::good().with(other, b"");
        let says = ["holds 2 files of training images, expected one", "train-images-idx3-ubyte", other, "leave one"];
        let error = refused(&folder, &says);
        assert!(matches!(error, Error::Several { found, .. } if found.len() == 2));
    }
}

#[test]
fn more_or_fewer_labels_than_images() {
    for (file, images, labels) in [("train", 24, 23), ("train", 24, 25), ("t10k", 3, 4)] {
        let (images_name, labels_name) = (format!("{file}-images-idx3-ubyte"), format!("{file}-labels-idx1-ubyte"));
        let folder = Folder::good().with(&labels_name, &crate::make::labels(&cycle(labels, 3)));
        let counts = format!("holds {labels} labels, expected {images}, one for each image of ");
        refused(&folder, &[&counts, &images_name, &labels_name, "one set"]);
    }
}

#[test]
fn test_images_of_another_size() {
    let folder = Folder::good().with("t10k-images-idx3-ubyte", &crate::make::images(3, 6, 4));
    let says = ["t10k-images-idx3-ubyte are 6×4", "expected 4×6 as in ", "train-images-idx3-ubyte", "one set"];
    refused(&folder, &says);
}

#[test]
fn a_test_label_unseen_in_training() {
    let folder = Folder::good().with("t10k-labels-idx1-ubyte", &crate::make::labels(&[0, 3, 1]));
    let says = ["t10k-labels-idx1-ubyte: image 1, in the test set, has label 3, expected less than 3", "one set"];
    refused(&folder, &says);
}

#[test]
fn a_validation_label_unseen_in_training() {
    let mut labels = cycle(24, 3);
    labels[1] = 7;
    let folder = Folder::good().with("train-labels-idx1-ubyte", &crate::make::labels(&labels));
    let says = ["train-labels-idx1-ubyte: image 1, in the validation set, has label 7", "less than 3", "random order"];
    refused(&folder, &says);
}

#[test]
fn one_training_image_is_too_few() {
    let folder = Folder::good()
        .with("train-images-idx3-ubyte", &crate::make::images(1, 4, 6))
        .with("train-labels-idx1-ubyte", &crate::make::labels(&[0]));
    refused(&folder, &["train-images-idx3-ubyte holds 1 image, expected at least 2"]);
}

#[test]
fn no_images_and_no_labels() {
    let folder = Folder::good().with("t10k-images-idx3-ubyte", &crate::make::idx(&[0, 4, 6], &[]));
    refused(&folder, &["t10k-images-idx3-ubyte: it is empty: its header says 0×4×6"]);
    let folder = Folder::good().with("t10k-labels-idx1-ubyte", &crate::make::labels(&[]));
    refused(&folder, &["t10k-labels-idx1-ubyte: it is empty: its header says 0,"]);
}

#[test]
fn images_and_labels_swapped() {
    let good = Folder::good();
    let labels = fs::read(good.file("train-labels-idx1-ubyte")).unwrap();
    let images = fs::read(good.file("train-images-idx3-ubyte")).unwrap();
    let folder = Folder::good().with("train-images-idx3-ubyte", &labels);
    refused(
        &folder,
        &["train-images-idx3-ubyte: ", "dimensions is 1", "expected 3 (images, rows, columns)", "swapped"],
    );
    let folder = Folder::good().with("train-labels-idx1-ubyte", &images);
    refused(&folder, &["train-labels-idx1-ubyte: ", "dimensions is 3", "expected 1 (labels)", "swapped"]);
}

/// The message of a file inside a folder names that file.
#[test]
fn one_broken_file_of_the_four() {
    let folder = Folder::good().with("t10k-labels-idx1-ubyte", &gz(&crate::make::labels(&[0, 1, 2]))[..20]);
    refused(&folder, &["cannot read ", "t10k-labels-idx1-ubyte: "]);
}
