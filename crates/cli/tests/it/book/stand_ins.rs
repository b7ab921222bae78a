//! The files that the pages speak of and do not show: the reader's own data, and some of what is in the repository.

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::sync::LazyLock;

use flate2::read::GzDecoder;

use crate::support::book::root;
use crate::support::{Place, idx, jobs};

/// Some of MNIST's digits: 1,300 for training and validation, 100 for the test.
const DIGITS: &str = "digits";

static FILES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let repository = |name: &str| fs::read(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let unpacked = |name: &str| {
        let mut bytes = Vec::new();
        GzDecoder::new(&*repository(name)).read_to_end(&mut bytes).unwrap();
        bytes
    };
    let mut files = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| files.push((name.to_owned(), bytes));
    for name in ["docs/seven.png", "docs/book.toml"] {
        add(name, repository(name));
    }
    // Pages of text: they have capitals, digits and stops.
    for name in ["text.txt", "book.txt"] {
        add(name, repository("LICENSE-APACHE"));
    }
    let sizes = [&[1300, 28, 28][..], &[1300], &[100, 28, 28], &[100]];
    for ((name, file), dims) in elman::datasets::mnist::files().unwrap().into_iter().zip(sizes) {
        let header = 4 + 4 * dims.len();
        let some = idx(dims, &file[header..header + dims.iter().product::<usize>()]);
        for folder in [DIGITS, "fashion"] {
            add(&format!("{folder}/{name}"), some.clone());
        }
    }
    add("walks.csv", jobs::walks().into_bytes());
    add("shifts.csv", jobs::tags().into_bytes());
    add("batches.csv", jobs::yields().into_bytes());
    let vowels = |part: &str| unpacked(&format!("crates/datasets/data/japanese_vowels/JapaneseVowels_{part}.ts.gz"));
    add("ECG_TRAIN.ts", vowels("TRAIN"));
    for name in ["ECG_TEST.ts", "new.ts"] {
        add(name, vowels("TEST"));
    }
    // From March 2024 on, as `docs/series.md` begins.
    let mut sales = "month,sales,price\n".to_owned();
    for month in 2..182 {
        let (year, sold) = (2024 + month / 12, 20 + [0, 1, 5, 9, 6, 2][month % 6] + month * 7 % 5);
        let days = [31, if year % 4 == 0 { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month % 12];
        writeln!(sales, "{year}-{:02}-{days},{sold},{}.5", month % 12 + 1, month % 3).unwrap();
    }
    add("sales.csv", sales.into_bytes());
    // As the page has its first two lines.
    let mut shops = "region,shop,kind,date,sales,promo\n".to_owned();
    for (shop, (region, kind)) in (1..).zip([("north", "kiosk"), ("north", "market"), ("south", "kiosk")]) {
        for day in (if shop == 1 { 2 } else { 0 })..200 {
            let (month, first) = [(1, 0), (2, 31), (3, 59), (4, 90), (5, 120), (6, 151), (7, 181)]
                .into_iter()
                .rfind(|&(_, first)| first <= day)
                .unwrap();
            let promo = (day * 5 + shop) % 11 / 10;
            let sold = 30 * shop + [1, 2, 3, 5, 9, 12, 4][day % 7] + day * 3 % 5 + 8 * promo;
            writeln!(shops, "{region},{shop},{kind},2023-{month:02}-{:02},{sold},{promo}", day - first + 1).unwrap();
        }
    }
    add("shops.csv", shops.into_bytes());
    add("newer.csv", repository("crates/datasets/data/series/sunspots-monthly.csv"));
    add("model.pt", repository("golden/pages/pytorch/sums.pt"));
    // Where records go, and what a shell calls home.
    for folder in ["docs/records", "home"] {
        add(&format!("{folder}/.keep"), Vec::new());
    }
    files
});

/// A folder with them.
pub(crate) fn place() -> Place {
    let place = Place::new();
    FILES.iter().for_each(|(name, bytes)| place.write(name, bytes));
    place
}

/// Puts the first lines of a table, as a page shows them, before those that are there. Both begin with the same names.
pub(crate) fn put_before(place: &Place, name: &str, first: &str) {
    let rest = place.text(name);
    let (names, rest) = rest.split_once('\n').unwrap();
    assert_eq!(first.lines().next(), Some(names), "{name}");
    place.write(name, format!("{first}{rest}").as_bytes());
}
