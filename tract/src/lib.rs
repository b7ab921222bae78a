//! Nothing: the tests of this crate run elman's graphs in tract.
