//! The calls. All `unsafe` code of this crate is here.
//!
//! A function of a C library is trusted to have the type that the MPI standard gives it, with handles as its [`Kind`] has
//! them. Everything else is checked or owned: buffers of calls that are under way belong to their [`Pending`], one thread
//! at a time calls, and the library is never unloaded.

#![allow(unsafe_code, reason = "calls of a C library")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use libloading::Library;

use crate::{Error, World};

/// Which constants and handles a library has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Open MPI 4 and 5: handles are pointers, constants the addresses of its variables.
    OpenMpi,
    /// MPICH 4 and what shares its ABI: handles are integers.
    Mpich,
    /// The ABI of MPI 5: handles are pointers, constants small numbers in their place.
    Standard,
}

/// The constants of a kind of library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Constants {
    /// `MPI_COMM_WORLD`: a number, or the name of the variable at whose address it is.
    pub(crate) world: Constant,
    /// `MPI_BYTE`
    pub(crate) byte: Constant,
    /// `MPI_STATUS_IGNORE`
    pub(crate) status_ignore: usize,
    /// `MPI_THREAD_SERIALIZED`
    pub(crate) serialized: c_int,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constant {
    Number(usize),
    AddressOf(&'static str),
}

impl Kind {
    pub(crate) fn constants(self) -> Constants {
        use Constant::{AddressOf, Number};
        match self {
            Kind::OpenMpi => Constants {
                world: AddressOf("ompi_mpi_comm_world"),
                byte: AddressOf("ompi_mpi_byte"),
                status_ignore: 0,
                serialized: 2,
            },
            Kind::Mpich => {
                Constants { world: Number(0x4400_0000), byte: Number(0x4c00_010d), status_ignore: 1, serialized: 2 }
            }
            Kind::Standard => {
                Constants { world: Number(0x101), byte: Number(0x247), status_ignore: 0, serialized: 2048 }
            }
        }
    }
}

/// Numbers of any bits: what a rank sends another.
pub trait Plain: Copy + Default + sealed::Sealed + Send + 'static {}

impl Plain for u8 {}
impl Plain for f32 {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for f32 {}
}

/// A handle: a pointer or an integer, as the kind of library has it.
trait Handle: Copy + 'static {
    fn of(number: usize) -> Self;
    fn number(self) -> usize;
}

impl Handle for *mut c_void {
    fn of(number: usize) -> Self {
        number as *mut c_void
    }

    fn number(self) -> usize {
        self as usize
    }
}

impl Handle for c_int {
    fn of(number: usize) -> Self {
        number as c_int
    }

    fn number(self) -> usize {
        self as u32 as usize
    }
}

type InitThread = unsafe extern "C" fn(*mut c_int, *mut *mut *mut c_char, c_int, *mut c_int) -> c_int;
type OfWorld<H> = unsafe extern "C" fn(H, *mut c_int) -> c_int;
type Isend<H> = unsafe extern "C" fn(*const c_void, c_int, H, c_int, c_int, H, *mut H) -> c_int;
type Irecv<H> = unsafe extern "C" fn(*mut c_void, c_int, H, c_int, c_int, H, *mut H) -> c_int;
type Test<H> = unsafe extern "C" fn(*mut H, *mut c_int, *mut c_void) -> c_int;
type Name = unsafe extern "C" fn(*mut c_char, *mut c_int) -> c_int;

/// The functions of a library whose handles are `H`.
struct Functions<H> {
    init_thread: InitThread,
    comm_rank: OfWorld<H>,
    comm_size: OfWorld<H>,
    isend: Isend<H>,
    irecv: Irecv<H>,
    test: Test<H>,
    abort: unsafe extern "C" fn(H, c_int) -> c_int,
    finalize: unsafe extern "C" fn() -> c_int,
    processor_name: Name,
    world: H,
    byte: H,
    status_ignore: *mut c_void,
    serialized: c_int,
}

// SAFETY: the pointers are the constants of the library, which every thread may name.
unsafe impl<H> Send for Functions<H> {}

/// A library, opened: one thread at a time calls it.
pub(crate) struct Calls {
    functions: Mutex<Box<dyn Call + Send>>,
    /// Whether MPI is over: nothing may be called then.
    over: AtomicBool,
    pub(crate) kind: Kind,
    /// What it says of itself, in one line.
    pub(crate) version: String,
}

/// The functions, whatever the handles are. Requests are numbers.
trait Call {
    fn init(&self) -> Result<(), (&'static str, c_int)>;
    fn rank_and_size(&self) -> Result<(usize, usize), (&'static str, c_int)>;
    /// # Safety
    /// `len` bytes from `from` on stay as they are until the request is done.
    unsafe fn isend(&self, from: *const c_void, len: c_int, to: c_int, tag: c_int) -> Result<usize, c_int>;
    /// # Safety
    /// Nobody else touches the `len` bytes from `into` on until the request is done.
    unsafe fn irecv(&self, into: *mut c_void, len: c_int, from: c_int, tag: c_int) -> Result<usize, c_int>;
    /// Whether a request that is under way is done; it then is no more.
    fn test(&self, request: &mut usize) -> Result<bool, c_int>;
    fn abort(&self, code: c_int);
    fn finalize(&self) -> c_int;
    fn processor_name(&self) -> String;
}

/// Longest names and versions of all libraries: MPICH's version is the longest, with 8,192.
const TEXT_MAX: usize = 1 << 14;

/// Calls what writes a text and its length.
fn text(name: Name) -> String {
    let (mut text, mut len) = (vec![0u8; TEXT_MAX], 0);
    // SAFETY: there is room for longer texts than any library has; each ends in a zero.
    let code = unsafe { name(text.as_mut_ptr().cast(), &mut len) };
    text.truncate(TEXT_MAX - 1);
    text.push(0);
    match CStr::from_bytes_until_nul(&text) {
        Ok(text) if code == 0 => text.to_string_lossy().into_owned(),
        _ => String::new(),
    }
}

impl Calls {
    /// Opens a library.
    ///
    /// # Errors
    /// If it cannot be opened, in words; or a second time [`Error`] if it is none that is known.
    pub(crate) fn open(path: &Path) -> Result<Result<Self, Error>, String> {
        // SAFETY: the library's constructors run. It is the MPI library that the user named or the system has.
        let library = unsafe { load(path) };
        // Never unloaded: MPI cannot be begun twice, and its threads may outlive `MPI_Finalize`.
        let library = ManuallyDrop::new(library.map_err(|error| because(path, &error))?);
        Ok(Self::of(&library, path))
    }

    fn of(library: &Library, path: &Path) -> Result<Self, Error> {
        let unknown = |why: String| Error::Unknown { library: path.display().to_string(), why };
        // SAFETY: the type that the standard gives this function, which may be called before `MPI_Init`.
        let version = unsafe { symbol::<Name>(library, "MPI_Get_library_version") }.map_err(&unknown)?;
        let version = text(version);
        let version = short(&version);
        // SAFETY: only whether it is there is asked.
        let is_open_mpi = unsafe { library.get::<*mut c_void>("ompi_mpi_comm_world") }.is_ok();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let of_mpich = ["MPICH", "Intel", "MVAPICH"];
        let kind = if is_open_mpi {
            Kind::OpenMpi
        } else if file.contains("mpi_abi") {
            Kind::Standard
        } else if of_mpich.iter().any(|name| version.contains(name)) {
            Kind::Mpich
        } else {
            return Err(unknown(format!("it calls itself {version:?}")));
        };
        let functions: Box<dyn Call + Send> = match kind {
            Kind::OpenMpi | Kind::Standard => {
                // SAFETY: handles of these kinds are pointers.
                let functions = unsafe { Functions::<*mut c_void>::of(library, kind) };
                Box::new(functions.map_err(unknown)?)
            }
            Kind::Mpich => {
                // SAFETY: handles of this kind are integers.
                let functions = unsafe { Functions::<c_int>::of(library, kind) };
                Box::new(functions.map_err(unknown)?)
            }
        };
        Ok(Calls { functions: Mutex::new(functions), over: AtomicBool::new(false), kind, version })
    }

    /// # Panics
    /// If MPI is over.
    fn with<R>(&self, call: impl FnOnce(&dyn Call) -> R) -> R {
        assert!(!self.over.load(Ordering::Relaxed), "MPI was called after the last call");
        call(&**self.functions.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn failed(&self, call: &'static str, code: c_int) -> Error {
        Error::Call { call, library: self.version.clone(), code }
    }

    pub(crate) fn init(&self) -> Result<(), Error> {
        self.with(|calls| calls.init()).map_err(|(call, code)| self.failed(call, code))
    }

    pub(crate) fn rank_and_size(&self) -> Result<(usize, usize), Error> {
        self.with(|calls| calls.rank_and_size()).map_err(|(call, code)| self.failed(call, code))
    }

    pub(crate) fn abort(&self, code: c_int) {
        self.with(|calls| calls.abort(code));
    }

    pub(crate) fn finalize(&self) -> Result<(), Error> {
        let code = self.with(|calls| calls.finalize());
        self.over.store(true, Ordering::Relaxed);
        match code {
            0 => Ok(()),
            code => Err(self.failed("MPI_Finalize", code)),
        }
    }

    pub(crate) fn processor_name(&self) -> String {
        self.with(|calls| calls.processor_name())
    }
}

/// Why a library could not be opened, in the system's words.
fn because(path: &Path, error: &dyn std::error::Error) -> String {
    let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let path = path.display().to_string();
    if why.contains(&path) { why } else { format!("{path}: {why}") }
}

/// The name and the number of a library's version: `Open MPI v4.1.4`, `MPICH 4.0.2`.
fn short(version: &str) -> String {
    let line = version.lines().next().unwrap_or_default();
    let line = line.split(',').next().unwrap_or_default();
    let words = line.split_whitespace().filter(|word| !word.eq_ignore_ascii_case("version:"));
    words.collect::<Vec<_>>().join(" ")
}

/// # Safety
/// What runs when the library is loaded does no harm.
unsafe fn load(path: &Path) -> Result<Library, libloading::Error> {
    #[cfg(unix)]
    {
        use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
        // Open MPI's own plugins look for its symbols among those of the process.
        // SAFETY: as above.
        unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }.map(Into::into)
    }
    #[cfg(not(unix))]
    // SAFETY: as above.
    unsafe {
        Library::new(path)
    }
}

/// # Safety
/// `T` is the type of a pointer to a function that has this name in the library.
unsafe fn symbol<T: Copy>(library: &Library, name: &str) -> Result<T, String> {
    // SAFETY: as above.
    unsafe { library.get::<T>(name) }.map(|symbol| *symbol).map_err(|_| format!("it has no {name}"))
}

impl<H: Handle> Functions<H> {
    /// # Safety
    /// The library is of this kind, whose handles are `H`.
    unsafe fn of(library: &Library, kind: Kind) -> Result<Self, String> {
        let Constants { world, byte, status_ignore, serialized } = kind.constants();
        let constant = |constant| match constant {
            Constant::Number(number) => Ok(H::of(number)),
            // SAFETY: the address of a variable is asked for, which is not read.
            Constant::AddressOf(name) => match unsafe { library.get::<*mut c_void>(name) } {
                Ok(variable) => Ok(H::of(*variable as usize)),
                Err(_) => Err(format!("it has no {name}")),
            },
        };
        // SAFETY: the types that the standard gives these functions.
        unsafe {
            Ok(Functions {
                init_thread: symbol(library, "MPI_Init_thread")?,
                comm_rank: symbol(library, "MPI_Comm_rank")?,
                comm_size: symbol(library, "MPI_Comm_size")?,
                isend: symbol(library, "MPI_Isend")?,
                irecv: symbol(library, "MPI_Irecv")?,
                test: symbol(library, "MPI_Test")?,
                abort: symbol(library, "MPI_Abort")?,
                finalize: symbol(library, "MPI_Finalize")?,
                processor_name: symbol(library, "MPI_Get_processor_name")?,
                world: constant(world)?,
                byte: constant(byte)?,
                status_ignore: status_ignore as *mut c_void,
                serialized,
            })
        }
    }
}

impl<H: Handle> Call for Functions<H> {
    fn init(&self) -> Result<(), (&'static str, c_int)> {
        let mut provided = -1;
        // SAFETY: no arguments are passed on, which the standard allows.
        let code =
            unsafe { (self.init_thread)(std::ptr::null_mut(), std::ptr::null_mut(), self.serialized, &mut provided) };
        // In all libraries the levels rise.
        if code != 0 || provided < self.serialized {
            return Err(("MPI_Init_thread with MPI_THREAD_SERIALIZED", code));
        }
        Ok(())
    }

    fn rank_and_size(&self) -> Result<(usize, usize), (&'static str, c_int)> {
        let ask = |of: OfWorld<H>, call| {
            let mut number = 0;
            // SAFETY: MPI has begun, and there is a place for the answer.
            match unsafe { of(self.world, &mut number) } {
                0 => Ok(number as usize),
                code => Err((call, code)),
            }
        };
        Ok((ask(self.comm_rank, "MPI_Comm_rank")?, ask(self.comm_size, "MPI_Comm_size")?))
    }

    unsafe fn isend(&self, from: *const c_void, len: c_int, to: c_int, tag: c_int) -> Result<usize, c_int> {
        let mut request = H::of(0);
        // SAFETY: the caller keeps the buffer.
        match unsafe { (self.isend)(from, len, self.byte, to, tag, self.world, &mut request) } {
            0 => Ok(request.number()),
            code => Err(code),
        }
    }

    unsafe fn irecv(&self, into: *mut c_void, len: c_int, from: c_int, tag: c_int) -> Result<usize, c_int> {
        let mut request = H::of(0);
        // SAFETY: the caller keeps the buffer.
        match unsafe { (self.irecv)(into, len, self.byte, from, tag, self.world, &mut request) } {
            0 => Ok(request.number()),
            code => Err(code),
        }
    }

    fn test(&self, request: &mut usize) -> Result<bool, c_int> {
        let (mut handle, mut done) = (H::of(*request), 0);
        // SAFETY: the request is under way: who holds it asks no more once it is done.
        let code = unsafe { (self.test)(&mut handle, &mut done, self.status_ignore) };
        *request = handle.number();
        if code == 0 { Ok(done != 0) } else { Err(code) }
    }

    fn abort(&self, code: c_int) {
        // SAFETY: MPI has begun. It does not return.
        unsafe { (self.abort)(self.world, code) };
    }

    fn finalize(&self) -> c_int {
        // SAFETY: MPI has begun, and whoever calls this has no request under way.
        unsafe { (self.finalize)() }
    }

    fn processor_name(&self) -> String {
        text(self.processor_name)
    }
}

/// What a rank sends or takes, under way. Its buffer is nobody else's until it is done; given up before, the buffer is never
/// freed.
#[derive(Debug)]
pub struct Pending<T: Plain> {
    world: &'static World,
    request: usize,
    done: bool,
    buffer: ManuallyDrop<Vec<T>>,
}

/// One that is given up is still under way.
impl<T: Plain> Drop for Pending<T> {
    fn drop(&mut self) {
        if self.done {
            // SAFETY: the request is done, so nobody else has the buffer, and it was not taken: that forgets `self`.
            unsafe { ManuallyDrop::drop(&mut self.buffer) };
        }
    }
}

impl<T: Plain> Pending<T> {
    /// Sends a buffer to a rank, under a tag.
    pub(crate) fn send(world: &'static World, buffer: Vec<T>, to: usize, tag: i32) -> Result<Self, Error> {
        let (len, to) = (bytes(&buffer), to as c_int);
        let calls = &world.calls;
        // SAFETY: the buffer is kept below until the request is done, or for ever.
        let request = calls.with(|calls| unsafe { calls.isend(buffer.as_ptr().cast(), len, to, tag) });
        let buffer = ManuallyDrop::new(buffer);
        let request = request.map_err(|code| calls.failed("MPI_Isend", code))?;
        world.under_way.fetch_add(1, Ordering::Relaxed);
        Ok(Pending { world, request, done: false, buffer })
    }

    /// Takes what a rank sends under a tag, of just this length.
    pub(crate) fn receive(world: &'static World, mut buffer: Vec<T>, from: usize, tag: i32) -> Result<Self, Error> {
        let (len, from) = (bytes(&buffer), from as c_int);
        let calls = &world.calls;
        // SAFETY: as above; any bits are a number.
        let request = calls.with(|calls| unsafe { calls.irecv(buffer.as_mut_ptr().cast(), len, from, tag) });
        let buffer = ManuallyDrop::new(buffer);
        let request = request.map_err(|code| calls.failed("MPI_Irecv", code))?;
        world.under_way.fetch_add(1, Ordering::Relaxed);
        Ok(Pending { world, request, done: false, buffer })
    }

    /// Whether it is done.
    ///
    /// # Errors
    /// If the call fails.
    pub fn is_done(&mut self) -> Result<bool, Error> {
        if !self.done {
            let calls = &self.world.calls;
            let done = calls.with(|calls| calls.test(&mut self.request));
            self.done = done.map_err(|code| calls.failed("MPI_Test", code))?;
            if self.done {
                self.world.under_way.fetch_sub(1, Ordering::Relaxed);
            }
        }
        Ok(self.done)
    }

    /// The buffer, once it is done; None before.
    pub fn take(mut self) -> Option<Vec<T>> {
        if !self.done {
            return None;
        }
        // SAFETY: the request is done, so nobody else has the buffer; it is taken once, for `self` is forgotten.
        let buffer = unsafe { ManuallyDrop::take(&mut self.buffer) };
        std::mem::forget(self);
        Some(buffer)
    }
}

/// The size of a buffer.
///
/// # Panics
/// If it has 2 GiB or more.
fn bytes<T>(buffer: &[T]) -> c_int {
    c_int::try_from(size_of_val(buffer)).expect("messages are smaller than 2 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_short() {
        let open = "Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, repo rev: v4.1.4, May 26, 2022";
        assert_eq!(short(open), "Open MPI v4.1.4");
        assert_eq!(short("MPICH Version:\t4.0.2\nMPICH Release date:\tThu Apr  7"), "MPICH 4.0.2");
        assert_eq!(short("Intel(R) MPI Library 2021.10 for Linux* OS\n"), "Intel(R) MPI Library 2021.10 for Linux* OS");
        assert_eq!(short(""), "");
    }
}
