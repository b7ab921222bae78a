//! The sunspot numbers, embedded: the series that forecasts are first tried on, with a cycle of about eleven years.
//!
//! Their source and terms are in `data/series/README.md`.

use crate::Error;
use crate::series::{Reader, SeriesSet};

/// The two files, unchanged: their names, and their bytes.
pub static FILES: [(&str, &[u8]); 2] = [
    ("sunspots-monthly.csv", include_bytes!("../data/series/sunspots-monthly.csv")),
    ("sunspots-yearly.csv", include_bytes!("../data/series/sunspots-yearly.csv")),
];

/// The mean number of each month from January 1749 to June 2009, 3,126 of them.
///
/// # Errors
/// None in practice: the file is read by the tests.
pub fn monthly() -> Result<SeriesSet, Error> {
    let (name, bytes) = FILES[0];
    Reader::new("sunspots").parse(name, bytes)
}

/// The mean number of each year from 1700 to 2008, 309 of them.
///
/// # Errors
/// None in practice: the file is read by the tests.
pub fn yearly() -> Result<SeriesSet, Error> {
    let (name, bytes) = FILES[1];
    Reader::new("SUNACTIVITY").parse(name, bytes)
}
