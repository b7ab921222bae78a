//! `.npz`: a zip archive of `.npy` files, whose names are those of the arrays.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rawzip::ZipArchiveWriter;

use super::{Array, Error, Fault, npy};
use crate::archive::{self, Archive, ArchiveFault};
use crate::atomic::write_atomic_with;

const SUFFIX: &str = ".npy";

/// An open archive. Arrays are read one by one, when asked for.
pub struct Npz {
    path: PathBuf,
    archive: Archive,
}

impl Npz {
    /// Opens an archive and lists its arrays.
    ///
    /// # Errors
    /// If it cannot be read, is not a whole zip archive, holds anything but arrays, two of one name, arrays that lie
    /// over each other, or one that is packed more than 200 times tighter and is above 256 MiB.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::of(Archive::open(path), path)
    }

    /// The same for an archive in memory; errors call it `path`.
    ///
    /// # Errors
    /// As [`Npz::open`].
    pub fn of_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self, Error> {
        Self::of(Archive::of_bytes(bytes), path)
    }

    fn of(archive: Result<Archive, ArchiveFault>, path: &Path) -> Result<Self, Error> {
        let archive = archive.map_err(|cause| error("read", path, None, fault(cause)))?;
        if let Some(name) = archive.names().find(|name| !name.ends_with(SUFFIX)) {
            return Err(error("read", path, None, Fault::Entry { name: name.to_owned() }));
        }
        Ok(Self { path: path.to_owned(), archive })
    }

    /// The names of the arrays, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.archive.names().map(array_name)
    }

    /// Reads one array. Its memory is bounded as that of [`read_npy`](super::read_npy), by its size in the archive.
    ///
    /// # Errors
    /// If there is none of that name, if it is damaged, or of a type that is not read.
    pub fn read(&mut self, name: &str) -> Result<Array, Error> {
        let read = || match self.archive.stream(&format!("{name}{SUFFIX}")) {
            Ok(stream) => npy::decode(stream),
            Err(cause) => Err(fault(cause)),
        };
        match read() {
            Ok(array) => Ok(array),
            Err(Fault::Missing { name, .. }) => {
                let found = self.names().map(str::to_owned).collect();
                Err(error("read", &self.path, None, Fault::Missing { name, found }))
            }
            Err(fault) => Err(error("read", &self.path, Some(name), damage(fault))),
        }
    }
}

/// Reads all arrays of an archive.
///
/// # Errors
/// As [`Npz::open`] and [`Npz::read`].
pub fn read_npz(path: &Path) -> Result<BTreeMap<String, Array>, Error> {
    let mut file = Npz::open(path)?;
    let names: Vec<String> = file.names().map(str::to_owned).collect();
    names.into_iter().map(|name| file.read(&name).map(|array| (name, array))).collect()
}

/// Writes an archive as `numpy.savez` does, not packed; whole or not at all. Equal content gives equal bytes.
///
/// # Errors
/// As [`write_npy`](super::write_npy), and if a name cannot stand in an archive.
pub fn write_npz(path: &Path, arrays: &BTreeMap<String, Array>) -> Result<(), Error> {
    let mut headers = Vec::new();
    for (name, array) in arrays {
        let header = check_name(name).and_then(|()| npy::checked_header(array));
        headers.push(header.map_err(|fault| error("write", path, Some(name), fault))?);
    }
    let written = write_atomic_with(path, |file| {
        let mut zip = ZipArchiveWriter::new(BufWriter::new(file));
        for ((name, array), header) in arrays.iter().zip(&headers) {
            archive::add(&mut zip, &format!("{name}{SUFFIX}"), |mut to| npy::encode(array, header, &mut to))?;
        }
        zip.finish().map_err(io::Error::other)?.flush()
    });
    written.map_err(|cause| error("write", path, None, Fault::Io(cause)))
}

/// Refuses what an archive cannot have as a name.
fn check_name(name: &str) -> Result<(), Fault> {
    let file = format!("{name}{SUFFIX}");
    let kept = archive::entry_path(&file).is_some() && file.len() <= usize::from(u16::MAX);
    if kept && !name.contains('\0') { Ok(()) } else { Err(Fault::Name { name: name.to_owned() }) }
}

fn error(verb: &'static str, path: &Path, name: Option<&str>, fault: Fault) -> Error {
    let origin = match name {
        Some(name) => format!("the array {name} of {}", path.display()),
        None => path.display().to_string(),
    };
    Error { verb, origin, fault }
}

fn array_name(file: &str) -> &str {
    file.strip_suffix(SUFFIX).unwrap_or(file)
}

/// What is wrong with the archive, in the words for arrays.
fn fault(cause: ArchiveFault) -> Fault {
    let array = |file: String| array_name(&file).to_owned();
    match cause {
        ArchiveFault::Io(cause) => Fault::Io(cause),
        ArchiveFault::Packing { name, found } => Fault::Packing { name: array(name), found },
        ArchiveFault::Twice { name } => Fault::Twice { name: array(name) },
        ArchiveFault::TooMany { max } => Fault::TooMany { max },
        ArchiveFault::Overlap { expected, found } => Fault::Overlap { expected, found },
        ArchiveFault::Bomb { name, packed, found, max } => Fault::Bomb { name: array(name), packed, found, max },
        ArchiveFault::Missing { name } => Fault::Missing { name: array(name), found: vec![] },
        ArchiveFault::Damaged { cause } => Fault::Zip { cause },
        cause @ ArchiveFault::TooLarge { .. } => Fault::Zip { cause: cause.to_string() },
    }
}

/// An error of the system carries its number; any other comes from unpacking.
fn damage(fault: Fault) -> Fault {
    match fault {
        Fault::Io(cause) if cause.raw_os_error().is_none() => Fault::Zip { cause: cause.to_string() },
        fault => fault,
    }
}
