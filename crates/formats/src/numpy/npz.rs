//! `.npz`: a zip archive of `.npy` files, whose names are those of the arrays.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::read::DeflateDecoder;
use rawzip::path::{EntryPath, ZipFilePath};
use rawzip::{
    CompressionMethod, ErrorKind, FileReader, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ZipArchive, ZipArchiveEntryWayfinder,
    ZipArchiveWriter,
};

use super::{Array, Error, Fault, npy};
use crate::atomic::write_atomic_with;

const SUFFIX: &str = ".npy";

/// More arrays than a model or a data set has.
const ARRAYS_MAX: usize = 1 << 16;

/// An array above [`LARGE`] bytes must not shrink by more than this: only made-up data does.
const RATIO_MAX: u64 = 200;
const LARGE: u64 = 256 << 20;

/// An open archive. Arrays are read one by one, when asked for.
pub struct Npz {
    path: PathBuf,
    archive: ZipArchive<FileReader>,
    entries: BTreeMap<String, Entry>,
}

/// Where an array lies in the archive.
struct Entry {
    place: ZipArchiveEntryWayfinder,
    deflated: bool,
}

impl Npz {
    /// Opens an archive and lists its arrays.
    ///
    /// # Errors
    /// If it cannot be read, is not a whole zip archive, holds anything but arrays, two of one name, arrays that lie
    /// over each other, or one that is packed more than 200 times tighter and is above 256 MiB.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let open = || {
            let file = File::open(path).map_err(Fault::Io)?;
            let size = file.metadata().map_err(Fault::Io)?.len();
            let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
            let archive = ZipArchive::from_file(file, &mut buffer).map_err(zip_fault)?;
            let entries = entries(&archive, size, &mut buffer)?;
            Ok(Self { path: path.to_owned(), archive, entries })
        };
        open().map_err(|fault| error("read", path, None, fault))
    }

    /// The names of the arrays, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Reads one array. Its memory is bounded as that of [`read_npy`](super::read_npy), by its size in the archive.
    ///
    /// # Errors
    /// If there is none of that name, if it is damaged, or of a type that is not read.
    pub fn read(&mut self, name: &str) -> Result<Array, Error> {
        let Some(entry) = self.entries.get(name) else {
            let found = self.names().map(str::to_owned).collect();
            return Err(error("read", &self.path, None, Fault::Missing { name: name.to_owned(), found }));
        };
        let read = || {
            let file = self.archive.get_entry(entry.place).map_err(zip_fault)?;
            // The verifying reader compares size and checksum at the end, to which an array is read.
            if entry.deflated {
                npy::decode(file.verifying_reader(DeflateDecoder::new(file.reader())))
            } else {
                npy::decode(file.verifying_reader(file.reader()))
            }
        };
        read().map_err(|fault| error("read", &self.path, Some(name), damage(fault)))
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
            let builder = zip.new_file(EntryPath::conformant(format!("{name}{SUFFIX}")));
            let (mut entry, config) =
                builder.compression_method(CompressionMethod::STORE).start().map_err(io::Error::other)?;
            // Checksums are taken of what is handed over: in large pieces.
            let mut buffer = BufWriter::with_capacity(1 << 16, config.wrap(&mut entry));
            npy::encode(array, header, &mut buffer)?;
            let (_, descriptor) = buffer.into_inner()?.finish().map_err(io::Error::other)?;
            entry.finish(descriptor).map_err(io::Error::other)?;
        }
        zip.finish().map_err(io::Error::other)?.flush()
    });
    written.map_err(|cause| error("write", path, None, Fault::Io(cause)))
}

fn entries(archive: &ZipArchive<FileReader>, size: u64, buffer: &mut [u8]) -> Result<BTreeMap<String, Entry>, Fault> {
    let mut entries = BTreeMap::new();
    let mut packed = 0_u64;
    let expected = archive.entries_hint();
    let mut listed = archive.entries(buffer);
    while let Some(entry) = listed.next_entry().map_err(zip_fault)? {
        let file = String::from_utf8_lossy(entry.file_path().as_ref()).into_owned();
        let Some(name) = file.strip_suffix(SUFFIX).map(str::to_owned) else {
            return Err(Fault::Entry { name: file });
        };
        let method = entry.compression_method();
        let packing = |found| Fault::Packing { name: name.clone(), found };
        if entry.flags().is_encrypted() {
            return Err(packing("encrypted".to_owned()));
        }
        if ![CompressionMethod::STORE, CompressionMethod::DEFLATE].contains(&method) {
            return Err(packing(format!("packed by method {method}")));
        }
        let (from, to) = (entry.compressed_size_hint(), entry.uncompressed_size_hint());
        if to > LARGE && to / RATIO_MAX > from {
            return Err(Fault::Bomb { name, packed: from, found: to, max: RATIO_MAX });
        }
        packed = packed.saturating_add(from);
        if packed > size {
            return Err(Fault::Overlap { expected: size, found: packed });
        }
        if entries.len() == ARRAYS_MAX {
            return Err(Fault::TooMany { max: ARRAYS_MAX });
        }
        let entry = Entry { place: entry.wayfinder(), deflated: method == CompressionMethod::DEFLATE };
        if entries.insert(name.clone(), entry).is_some() {
            return Err(Fault::Twice { name });
        }
    }
    if entries.len() as u64 != expected {
        let cause = format!("it lists {} arrays, expected {expected}", entries.len());
        return Err(Fault::Zip { cause });
    }
    Ok(entries)
}

/// The writer would change some names into paths that are safe to unpack, and the array would be found under another.
fn check_name(name: &str) -> Result<(), Fault> {
    let file = format!("{name}{SUFFIX}");
    let kept = ZipFilePath::from_str(&file).as_ref() == file && file.len() <= usize::from(u16::MAX);
    if kept && !name.contains('\0') { Ok(()) } else { Err(Fault::Name { name: name.to_owned() }) }
}

fn error(verb: &'static str, path: &Path, name: Option<&str>, fault: Fault) -> Error {
    let origin = match name {
        Some(name) => format!("the array {name} of {}", path.display()),
        None => path.display().to_string(),
    };
    Error { verb, origin, fault }
}

fn zip_fault(cause: rawzip::Error) -> Fault {
    match cause.into_kind() {
        ErrorKind::IO(cause) if cause.raw_os_error().is_some() => Fault::Io(cause),
        kind => Fault::Zip { cause: kind.to_string() },
    }
}

/// An error of the system carries its number; any other comes from unpacking.
fn damage(fault: Fault) -> Fault {
    match fault {
        Fault::Io(cause) if cause.raw_os_error().is_none() => Fault::Zip { cause: cause.to_string() },
        fault => fault,
    }
}
