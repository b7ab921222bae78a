//! The constants, against the headers of this machine.

use std::ffi::c_int;
use std::path::{Path, PathBuf};

use crate::calls::{Constant, Constants, Kind};

/// The headers of this machine, with the kind of library that each is of.
fn headers() -> Vec<(PathBuf, Kind)> {
    let mut headers = Vec::new();
    for library in ["x86_64-linux-gnu", "aarch64-linux-gnu", "riscv64-linux-gnu"] {
        headers.push((format!("/usr/lib/{library}/openmpi/include/mpi.h").into(), Kind::OpenMpi));
        headers.push((format!("/usr/include/{library}/mpich/mpi.h").into(), Kind::Mpich));
    }
    // Folders of others, each with its kind: `ELMAN_MPI_HEADERS=mpich=/opt/mpich/include`.
    for named in std::env::var("ELMAN_MPI_HEADERS").unwrap_or_default().split(':').filter(|part| !part.is_empty()) {
        let (kind, folder) = named.split_once('=').expect("KIND=FOLDER");
        let (kind, file) = match kind {
            "openmpi" => (Kind::OpenMpi, "mpi.h"),
            "mpich" => (Kind::Mpich, "mpi.h"),
            "abi" => (Kind::Standard, "mpi_abi.h"),
            _ => panic!("{kind} is none of openmpi, mpich and abi"),
        };
        headers.push((Path::new(folder).join(file), kind));
    }
    headers.retain(|(path, _)| path.exists());
    headers
}

/// What a header defines a name as: the rest of its last `#define`, or of its line in an `enum`.
fn defined<'h>(header: &'h str, name: &str) -> &'h str {
    let of_line = |line: &'h str| {
        let line = line.trim_start();
        let rest = line.strip_prefix("#define").unwrap_or(line).trim_start().strip_prefix(name)?;
        let ends = rest.starts_with([' ', '\t', '=']);
        ends.then(|| rest.trim_start_matches([' ', '\t', '=']).trim_end_matches([',', ' ']))
    };
    header.lines().filter_map(of_line).next_back().unwrap_or_else(|| panic!("no {name} in the header"))
}

/// The last number of a definition, as `((MPI_Comm)0x44000000)` has it.
fn number(definition: &str) -> usize {
    let last = definition.rsplit(|c: char| !c.is_ascii_alphanumeric()).find(|word| !word.is_empty()).unwrap();
    match last.strip_prefix("0x") {
        Some(digits) => usize::from_str_radix(digits, 16).unwrap(),
        None => last.parse().unwrap(),
    }
}

#[test]
fn constants_are_those_of_the_headers() {
    let headers = headers();
    if headers.is_empty() {
        eprintln!("skipped: no mpi.h here (on Debian: libopenmpi-dev, libmpich-dev)");
    }
    for (path, kind) in headers {
        let header = std::fs::read_to_string(&path).unwrap();
        let Constants { world, byte, status_ignore, serialized } = kind.constants();
        for (name, constant) in [("MPI_COMM_WORLD", world), ("MPI_BYTE", byte)] {
            let definition = defined(&header, name);
            match constant {
                Constant::Number(expected) => {
                    assert_eq!(number(definition), expected, "{name} of {}", path.display());
                }
                Constant::AddressOf(variable) => {
                    assert!(definition.contains(variable), "{name} of {}: {definition}", path.display());
                }
            }
        }
        assert_eq!(number(defined(&header, "MPI_STATUS_IGNORE")), status_ignore, "{}", path.display());
        // Open MPI's levels are an enum whose members have no number; its order is that of the standard.
        let level = match defined_level(&header) {
            Some(level) => level,
            None => number(defined(&header, "MPI_THREAD_SERIALIZED")),
        };
        assert_eq!(level as c_int, serialized, "{}", path.display());
        let handle = defined_handle(&header);
        assert_eq!(handle, matches!(kind, Kind::OpenMpi | Kind::Standard), "{}", path.display());
    }
}

/// The place of `MPI_THREAD_SERIALIZED` in an enum without numbers.
fn defined_level(header: &str) -> Option<usize> {
    let levels = ["MPI_THREAD_SINGLE", "MPI_THREAD_FUNNELED", "MPI_THREAD_SERIALIZED"];
    let bare = |line: &str| line.trim().trim_end_matches(',').to_owned();
    let lines: Vec<String> = header.lines().map(bare).collect();
    let first = lines.iter().position(|line| line == levels[0])?;
    (0..3).all(|level| lines[first + level] == levels[level]).then_some(2)
}

/// Whether `MPI_Comm` is a pointer.
fn defined_handle(header: &str) -> bool {
    let line = header.lines().find(|line| line.starts_with("typedef") && line.trim_end().ends_with("MPI_Comm;"));
    line.expect("a type for MPI_Comm").contains('*')
}
