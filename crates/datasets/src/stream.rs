//! A stream of bytes, unzipped on the way if it is gzipped.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use crate::Fault;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

pub(crate) enum Stream<'a> {
    Plain(Ahead<'a>),
    Gzip(Members<'a>),
}

/// Gzip is a chain of members, read as one (RFC 1952, 2.2): `cat a.gz b.gz`, pigz and bgzip make such files.
pub(crate) enum Members<'a> {
    /// One that is read.
    Within(Box<GzDecoder<Ahead<'a>>>),
    /// The last has ended: what is left is no member.
    Ended(Ahead<'a>),
    /// One was cut: the decoder says so once, and this again.
    Cut,
    /// While one follows the other.
    Between,
}

/// Bytes of which the first two were looked at.
pub(crate) struct Ahead<'a> {
    /// Those that were, and how many of them were read since.
    seen: Vec<u8>,
    read: usize,
    raw: Box<dyn BufRead + 'a>,
}

impl Ahead<'_> {
    /// Whether what follows begins as gzip does.
    fn is_gzip(&mut self) -> io::Result<bool> {
        self.seen.drain(..self.read);
        self.read = 0;
        let missing = GZIP_MAGIC.len().saturating_sub(self.seen.len()) as u64;
        self.raw.by_ref().take(missing).read_to_end(&mut self.seen)?;
        Ok(self.seen == GZIP_MAGIC)
    }

    fn is_empty(&mut self) -> io::Result<bool> {
        Ok(self.fill_buf()?.is_empty())
    }
}

impl Read for Ahead<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let seen = &self.seen[self.read..];
        if seen.is_empty() {
            return self.raw.read(buf);
        }
        let count = seen.len().min(buf.len());
        buf[..count].copy_from_slice(&seen[..count]);
        self.read += count;
        Ok(count)
    }
}

impl BufRead for Ahead<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read < self.seen.len() { Ok(&self.seen[self.read..]) } else { self.raw.fill_buf() }
    }

    fn consume(&mut self, count: usize) {
        let seen = count.min(self.seen.len() - self.read);
        self.read += seen;
        if count > seen {
            self.raw.consume(count - seen);
        }
    }
}

impl Read for Members<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let decoder = match self {
                Self::Within(decoder) => decoder,
                Self::Cut => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected end of file")),
                Self::Ended(_) | Self::Between => return Ok(0),
            };
            let count = match decoder.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    *self = Self::Cut;
                    return Err(error);
                }
                read => read?,
            };
            if count > 0 || buf.is_empty() {
                return Ok(count);
            }
            let Self::Within(decoder) = std::mem::replace(self, Self::Between) else { return Ok(0) };
            let mut rest = decoder.into_inner();
            *self = match rest.is_gzip()? {
                true => Self::Within(Box::new(GzDecoder::new(rest))),
                false => Self::Ended(rest),
            };
        }
    }
}

impl<'a> Stream<'a> {
    /// Looks at the first two bytes of `raw`, whatever its file is called.
    pub(crate) fn open(raw: impl BufRead + 'a) -> Result<Self, Fault> {
        let mut ahead = Ahead { seen: Vec::with_capacity(GZIP_MAGIC.len()), read: 0, raw: Box::new(raw) };
        Ok(match ahead.is_gzip().map_err(Fault::Io)? {
            true => Self::Gzip(Members::Within(Box::new(GzDecoder::new(ahead)))),
            false => Self::Plain(ahead),
        })
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

    /// True if nothing follows. Reads on to the end of the last gzip member, so that its checksum is compared.
    pub(crate) fn ends(&mut self) -> Result<bool, Fault> {
        let mut next = Vec::new();
        if let Err(cause) = self.take(1).read_to_end(&mut next) {
            return Err(self.fault(cause));
        }
        if let Self::Gzip(Members::Ended(rest)) = self
            && !rest.is_empty().map_err(Fault::Io)?
        {
            return Err(Fault::GzipExcess);
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
            Self::Gzip(members) => members.read(buf),
        }
    }
}
