//! The machine's MPI library, found when a program runs: a few of its calls, behind safe functions.
//!
//! MPI has no ABI that all libraries share, short of version 5: constants are addresses in Open MPI and numbers in MPICH,
//! handles are pointers or integers. So which library it is, is asked first ([`Kind`]), and what differs stands in one
//! table, which a test compares with the headers of this machine. Nothing of MPI is needed to build.
//!
//! [`Place::of_process`] says by the environment whether a launcher (`mpirun`, `srun`) started this process as one of
//! several; [`World::join`] then loads the library and joins the others. Buffers of calls that are under way belong to
//! them ([`Pending`]), so no caller can free or change one too soon.

mod calls;
mod find;
#[cfg(test)]
mod headers;
mod place;
mod world;

pub use calls::{Kind, Pending, Plain};
pub use place::Place;
pub use world::World;

/// Why ranks cannot come together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No library is there.
    #[error(
        "this process is one of several that a launcher started, and no MPI library was found: {tried}. ELMAN_MPI=PATH names \
         one; ELMAN_MPI=none makes it a process of its own"
    )]
    NotFound {
        /// What was looked for, and why it was not taken.
        tried: String,
    },
    /// A library that is not known.
    #[error("{library} is no MPI library that is known here: {why}. Known are Open MPI, MPICH's ABI and that of MPI 5")]
    Unknown {
        /// Its path or name.
        library: String,
        /// What is missing in it, or what it says of itself.
        why: String,
    },
    /// A call that failed. MPI libraries end the job themselves at most errors.
    #[error("{call} of {library} failed with code {code}")]
    Call {
        /// The function.
        call: &'static str,
        /// The library's version.
        library: String,
        /// What it returned.
        code: i32,
    },
    /// Processes that a launcher started without MPI, or with another MPI than the one that was loaded.
    #[error("{0}")]
    Launcher(String),
}
