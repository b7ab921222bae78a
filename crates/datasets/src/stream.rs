//! A stream of bytes, unzipped on the way if it is gzipped.

use std::io::{self, BufRead, Cursor, Read};

use flate2::bufread::GzDecoder;

use crate::Fault;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

pub(crate) enum Stream<'a> {
    Plain(Box<dyn BufRead + 'a>),
    Gzip(GzDecoder<Box<dyn BufRead + 'a>>),
}

impl<'a> Stream<'a> {
    /// Looks at the first two bytes of `raw`, whatever its file is called.
    pub(crate) fn open(mut raw: impl BufRead + 'a) -> Result<Self, Fault> {
        let mut start = Vec::with_capacity(2);
        raw.by_ref().take(2).read_to_end(&mut start).map_err(Fault::Io)?;
        let gzipped = start == GZIP_MAGIC;
        let whole: Box<dyn BufRead + 'a> = Box::new(Cursor::new(start).chain(raw));
        Ok(if gzipped { Self::Gzip(GzDecoder::new(whole)) } else { Self::Plain(whole) })
    }

    /// Appends up to `count` bytes to `out`, fewer only where the stream ends, also where a gzip stream is cut.
    /// Returns how many.
    pub(crate) fn fill(&mut self, count: u64, out: &mut Vec<u8>) -> Result<u64, Fault> {
        let before = out.len();
        match self.take(count).read_to_end(out) {
            Err(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => Err(self.fault(cause)),
            _ => Ok((out.len() - before) as u64),
        }
    }

    /// True if nothing follows. Reads on to the end of a gzip stream, so that its checksum is compared.
    pub(crate) fn ends(&mut self) -> Result<bool, Fault> {
        let mut next = Vec::new();
        if let Err(cause) = self.take(1).read_to_end(&mut next) {
            return Err(self.fault(cause));
        }
        if let Self::Gzip(decoder) = self {
            let after = decoder.get_mut().fill_buf().map_err(Fault::Io)?;
            if next.is_empty() && !after.is_empty() {
                return Err(Fault::GzipExcess);
            }
        }
        Ok(next.is_empty())
    }

    /// An error of the system carries its number; any other comes from the decoder.
    fn fault(&self, cause: io::Error) -> Fault {
        match self {
            Self::Gzip(_) if cause.raw_os_error().is_none() => Fault::Gzip { cause },
            _ => Fault::Io(cause),
        }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(raw) => raw.read(buf),
            Self::Gzip(decoder) => decoder.read(buf),
        }
    }
}
