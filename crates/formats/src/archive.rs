//! Zip archives: the files inside by name, and the guards against archives that lie. Every format that comes in a zip
//! archive is read and written through here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use flate2::read::DeflateDecoder;
use rawzip::path::{EntryPath, ZipFilePath};
use rawzip::{
    CompressionMethod, ErrorKind, FileReader, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ReaderAt, ZipArchive,
    ZipArchiveEntryWayfinder, ZipArchiveWriter, ZipLocator,
};

/// More files than a model or a data set has.
const FILES_MAX: usize = 1 << 16;

/// A file above [`LARGE`] bytes must not shrink by more than this: only made-up data does.
const RATIO_MAX: u64 = 200;
const LARGE: u64 = 256 << 20;

/// The most bytes that a packed file of so many may hold: 256 MiB, or 200 times its size.
pub fn unpacked_max(packed: u64) -> u64 {
    LARGE.max(packed.saturating_mul(RATIO_MAX))
}

/// What is wrong with a zip archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveFault {
    /// The system cannot open or read it.
    #[error("{0}; check the path and the permissions")]
    Io(io::Error),

    /// Not a zip archive, or a damaged one.
    #[error("not a whole zip archive ({cause}); get the file again")]
    Damaged {
        /// What the archive's reader says.
        cause: String,
    },

    /// A file that is packed or locked in a way that no partner uses.
    #[error("{name} is {found}, expected stored or deflated; save the model again")]
    Packing {
        /// The file in the archive.
        name: String,
        /// The way it is packed.
        found: String,
    },

    /// Two files of one name.
    #[error("it holds two files {name}, expected one of each name")]
    Twice {
        /// The name.
        name: String,
    },

    /// More files than are listed.
    #[error("it holds more than {max} files, expected fewer")]
    TooMany {
        /// How many are listed at most.
        max: usize,
    },

    /// Files that lie over each other, or end after the archive.
    #[error("its files take {found} bytes, expected at most {expected}, the size of the archive; get it again")]
    Overlap {
        /// The size of the archive.
        expected: u64,
        /// The sizes of its files, packed.
        found: u64,
    },

    /// Packed more tightly than data is.
    #[error(
        "{name} unpacks to {found} bytes from {packed}, expected at most {max} times as many; do not trust the file"
    )]
    Bomb {
        /// The file in the archive.
        name: String,
        /// Its size packed.
        packed: u64,
        /// Its size.
        found: u64,
        /// How many times the packed size is read.
        max: u64,
    },

    /// No file of that name.
    #[error("it holds no file {name}, expected one")]
    Missing {
        /// The name asked for.
        name: String,
    },

    /// A file that is larger than any of its kind.
    #[error("{name} is {found} bytes, expected at most {max}")]
    TooLarge {
        /// The file in the archive.
        name: String,
        /// Its size.
        found: u64,
        /// The size up to which it is read.
        max: u64,
    },
}

/// An open archive whose directory has been checked. Its files are read one by one, when asked for.
pub(crate) struct Archive {
    zip: ZipArchive<Source>,
    entries: BTreeMap<String, Entry>,
    len: u64,
}

/// Where a file lies in the archive.
struct Entry {
    place: ZipArchiveEntryWayfinder,
    deflated: bool,
}

/// What the archive's bytes are read from.
enum Source {
    File(FileReader),
    Bytes(Vec<u8>),
}

impl ReaderAt for Source {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read_at(buffer, offset),
            Self::Bytes(bytes) => bytes.read_at(buffer, offset),
        }
    }
}

impl Archive {
    /// Opens the archive at `path` and lists its files.
    ///
    /// # Errors
    /// If it cannot be read, is not a whole zip archive, holds two files of one name, files that lie over each other,
    /// one that is neither stored nor deflated, or one above 256 MiB that is packed more than 200 times tighter.
    pub(crate) fn open(path: &Path) -> Result<Self, ArchiveFault> {
        let file = File::open(path).map_err(ArchiveFault::Io)?;
        let len = file.metadata().map_err(ArchiveFault::Io)?.len();
        Self::of(Source::File(file.into()), len)
    }

    /// The same for an archive in memory.
    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Result<Self, ArchiveFault> {
        let len = bytes.len() as u64;
        Self::of(Source::Bytes(bytes), len)
    }

    fn of(source: Source, len: u64) -> Result<Self, ArchiveFault> {
        let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let zip = ZipLocator::new().locate_in_reader(source, &mut buffer, len).map_err(|(_, cause)| fault(cause))?;
        let entries = entries(&zip, len, &mut buffer)?;
        Ok(Self { zip, entries, len })
    }

    /// The size of the archive itself, in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The names of the files, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Whether there is a file of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Opens a file, unpacked. Its size and checksum are compared at its end, so it must be read up to there.
    pub(crate) fn stream(&self, name: &str) -> Result<Box<dyn Read + '_>, ArchiveFault> {
        let entry = self.entries.get(name).ok_or_else(|| ArchiveFault::Missing { name: name.to_owned() })?;
        let file = self.zip.get_entry(entry.place).map_err(fault)?;
        Ok(if entry.deflated {
            Box::new(file.verifying_reader(DeflateDecoder::new(file.reader())))
        } else {
            Box::new(file.verifying_reader(file.reader()))
        })
    }

    /// Reads a whole file of at most `max` bytes. Memory grows as bytes arrive, whatever size is claimed.
    pub(crate) fn read(&self, name: &str, max: u64) -> Result<Vec<u8>, ArchiveFault> {
        let stream = self.stream(name)?;
        let found = self.entries[name].place.uncompressed_size_hint();
        if found > max {
            return Err(ArchiveFault::TooLarge { name: name.to_owned(), found, max });
        }
        let mut bytes = Vec::new();
        // One more than claimed, so that the reader that verifies sees the end.
        match stream.take(found.saturating_add(1)).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            // An error of the system carries its number; any other comes from unpacking.
            Err(cause) if cause.raw_os_error().is_some() => Err(ArchiveFault::Io(cause)),
            Err(cause) => Err(ArchiveFault::Damaged { cause: format!("{name}: {cause}") }),
        }
    }
}

/// A name as it is written, letter by letter. None where the writer would change it into a path that is safe to unpack, and
/// the entry would be found under another.
pub(crate) fn entry_path(name: &str) -> Option<EntryPath<'_>> {
    if ZipFilePath::from_str(name).as_ref() == name {
        return Some(EntryPath::conformant(name));
    }
    // A colon could be that of a drive, C:/. Before a digit it is none: TensorFlow's variables are called W:0. Names of
    // letters beyond ASCII are not written so, as the archive would not say how.
    let numbers = name.split(':').skip(1).all(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let plain = name.replace(':', "_");
    let kept = ZipFilePath::from_str(&plain).as_ref() == plain;
    (numbers && kept && name.is_ascii()).then(|| EntryPath::verbatim(name.as_bytes()))
}

/// Adds a file to an archive that is being written: stored, without a date, so that equal content gives equal bytes.
pub(crate) fn add<W: Write>(
    zip: &mut ZipArchiveWriter<W>,
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let builder = zip.new_file(entry_path(name).unwrap_or_else(|| EntryPath::conformant(name)));
    let (mut entry, config) = builder.compression_method(CompressionMethod::STORE).start().map_err(io::Error::other)?;
    // Checksums are taken of what is handed over: in large pieces.
    let mut buffer = BufWriter::with_capacity(1 << 16, config.wrap(&mut entry));
    write(&mut buffer)?;
    let (_, descriptor) = buffer.into_inner()?.finish().map_err(io::Error::other)?;
    entry.finish(descriptor).map_err(io::Error::other)?;
    Ok(())
}

fn entries(zip: &ZipArchive<Source>, len: u64, buffer: &mut [u8]) -> Result<BTreeMap<String, Entry>, ArchiveFault> {
    let mut entries = BTreeMap::new();
    let mut packed = 0_u64;
    let expected = zip.entries_hint();
    let mut listed = zip.entries(buffer);
    while let Some(entry) = listed.next_entry().map_err(fault)? {
        let name = String::from_utf8_lossy(entry.file_path().as_ref()).into_owned();
        let method = entry.compression_method();
        let packing = |found| ArchiveFault::Packing { name: name.clone(), found };
        if entry.flags().is_encrypted() {
            return Err(packing("encrypted".to_owned()));
        }
        if ![CompressionMethod::STORE, CompressionMethod::DEFLATE].contains(&method) {
            return Err(packing(format!("packed by method {method}")));
        }
        let (from, to) = (entry.compressed_size_hint(), entry.uncompressed_size_hint());
        if to > unpacked_max(from) {
            return Err(ArchiveFault::Bomb { name, packed: from, found: to, max: RATIO_MAX });
        }
        packed = packed.saturating_add(from);
        if packed > len {
            return Err(ArchiveFault::Overlap { expected: len, found: packed });
        }
        if entries.len() == FILES_MAX {
            return Err(ArchiveFault::TooMany { max: FILES_MAX });
        }
        let entry = Entry { place: entry.wayfinder(), deflated: method == CompressionMethod::DEFLATE };
        if entries.insert(name.clone(), entry).is_some() {
            return Err(ArchiveFault::Twice { name });
        }
    }
    if entries.len() as u64 != expected {
        let cause = format!("it lists {} files, expected {expected}", entries.len());
        return Err(ArchiveFault::Damaged { cause });
    }
    Ok(entries)
}

fn fault(cause: rawzip::Error) -> ArchiveFault {
    match cause.into_kind() {
        ErrorKind::IO(cause) if cause.raw_os_error().is_some() => ArchiveFault::Io(cause),
        kind => ArchiveFault::Damaged { cause: kind.to_string() },
    }
}
