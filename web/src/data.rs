//! Digits and texts, which a page hands over when they are asked for.

use std::collections::BTreeMap;
use std::rc::Rc;

use elman::datasets::{ImageSet, idx, text};
use elman_datasets::mnist::{PART, Unpacker};

use crate::failure::Failure;

/// Of an image.
const SIDE: usize = 28;
/// The first training images are kept for validation, as by the command.
const VALIDATION: usize = 5_000;
/// The other ones are learned from.
pub(crate) const TRAIN: usize = 55_000;
const TEST: usize = 10_000;
/// The part with the test images.
const TEST_PART: usize = 6;

/// The digits' parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Train,
    Validation,
    Test,
}

impl Part {
    /// Of its name.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn of(name: &str) -> Result<Self, Failure> {
        match name {
            "train" => Ok(Part::Train),
            "validation" => Ok(Part::Validation),
            "test" => Ok(Part::Test),
            _ => Err(Failure::unfit(format!("there is no part {name:?}; expected train, validation or test"))),
        }
    }

    /// Its images.
    fn count(self) -> usize {
        match self {
            Part::Train => TRAIN,
            Part::Validation => VALIDATION,
            Part::Test => TEST,
        }
    }

    /// Its first image and its label's file; the training images are counted from those for validation on.
    fn place(self) -> (usize, &'static str) {
        match self {
            Part::Validation => (0, "train-labels.gz"),
            Part::Train => (VALIDATION, "train-labels.gz"),
            Part::Test => (TEST_PART * PART, "test-labels.gz"),
        }
    }
}

/// What was handed over, and what was made of it.
#[derive(Default)]
pub(crate) struct Data {
    files: BTreeMap<String, Vec<u8>>,
    /// The sets in use, by their part and number of images: another training has the same ones.
    sets: Vec<(Part, Rc<ImageSet>)>,
}

impl Data {
    pub(crate) fn put(&mut self, name: String, bytes: Vec<u8>) {
        self.files.insert(name, bytes);
    }

    fn files(&self, names: &[String]) -> Result<Vec<&[u8]>, Failure> {
        let missing: Vec<String> = names.iter().filter(|name| !self.files.contains_key(*name)).cloned().collect();
        match missing.is_empty() {
            true => Ok(names.iter().filter_map(|name| self.files.get(name)).map(Vec::as_slice).collect()),
            false => Err(Failure::Missing(missing)),
        }
    }

    /// The first images of a part.
    ///
    /// # Errors
    /// If there are not so many, or files are missing or damaged.
    pub(crate) fn images(&mut self, part: Part, count: Option<usize>) -> Result<Rc<ImageSet>, Failure> {
        let count = count.unwrap_or(part.count());
        let there = self.sets.iter().find(|(of, set)| *of == part && set.len() == count);
        if let Some((_, set)) = there {
            return Ok(set.clone());
        }
        let set = Rc::new(self.read(part, 0, count)?);
        // One that nobody uses any more makes room.
        self.sets.retain(|(of, set)| *of != part || Rc::strong_count(set) > 1);
        self.sets.push((part, set.clone()));
        Ok(set)
    }

    /// Some images of a part, of the files that hold them.
    ///
    /// # Errors
    /// As [`Data::images`].
    pub(crate) fn read(&self, part: Part, from: usize, count: usize) -> Result<ImageSet, Failure> {
        if count == 0 || from.checked_add(count).is_none_or(|end| end > part.count()) {
            let found = format!("images {from} to {}", from.saturating_add(count));
            return Err(Failure::unfit(format!("{found} are asked for; expected some of 0 to {}", part.count())));
        }
        let (first, labels) = part.place();
        let (begin, end) = (first + from, first + from + count);
        let parts = begin / PART..end.div_ceil(PART);
        let mut names = vec!["digits-head.bin".to_owned(), labels.to_owned()];
        names.extend(parts.clone().map(|part| format!("digits-{part}.bin")));
        let files = self.files(&names)?;
        let damaged = |name: &str| Failure::unfit(format!("data/{name} is damaged; load the page anew"));
        let unpacker = Unpacker::new(files[0]).ok_or_else(|| damaged(&names[0]))?;
        let mut images = Vec::with_capacity(count * SIDE * SIDE);
        for ((part, name), bytes) in parts.zip(&names[2..]).zip(&files[2..]) {
            let pixels = unpacker.unpack(bytes).ok_or_else(|| damaged(name))?;
            let within = |image: usize| image.clamp(part * PART, (part + 1) * PART) - part * PART;
            images.extend_from_slice(&pixels[within(begin) * SIDE * SIDE..within(end) * SIDE * SIDE]);
        }
        let labels = idx::parse(files[1])?.data;
        let begin = begin % (TEST_PART * PART);
        let labels = labels.get(begin..begin + count).ok_or_else(|| damaged(&names[1]))?.to_vec();
        Ok(ImageSet { images, labels, rows: SIDE, cols: SIDE })
    }

    /// The plays of the command.
    ///
    /// # Errors
    /// If the file is missing or damaged.
    pub(crate) fn plays(&self) -> Result<String, Failure> {
        let name = "shakespeare.txt.gz";
        Ok(text::parse(name, self.files(&[name.to_owned()])?[0])?)
    }
}
