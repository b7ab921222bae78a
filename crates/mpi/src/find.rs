//! Where the MPI library may be.

use std::path::{Path, PathBuf};

use crate::Place;
use crate::place::Launcher;

/// Open MPI 4 and 5.
const OPEN_MPI: [&str; 1] = ["libmpi.so.40"];
/// MPICH 4 and what shares its ABI: Intel MPI, MVAPICH, Cray MPICH.
const MPICH: [&str; 3] = ["libmpi.so.12", "libmpich.so.12", "libmpi_cray.so.12"];
/// The ABI of MPI 5.
const STANDARD: [&str; 2] = ["libmpi_abi.so.1", "libmpi_abi.so.0"];

/// The libraries to try, in this order, for a process that a launcher started.
///
/// What `ELMAN_MPI` names, and nothing else; or the libraries of the launcher's kind, those beside the launcher first: a
/// process must not meet its launcher with the library of another installation.
pub(crate) fn candidates(place: &Place) -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os("ELMAN_MPI") {
        return vec![named.into()];
    }
    let (open, mpich) = (OPEN_MPI.as_slice(), MPICH.as_slice());
    let names = match place.launcher {
        Launcher::OpenMpi => [open, &STANDARD, &[]],
        Launcher::Pmi => [mpich, &STANDARD, &[]],
        Launcher::Pmix => [open, mpich, &STANDARD],
    };
    let names = names.concat();
    let beside = beside_launcher();
    let beside = beside.iter().flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    let beside: Vec<PathBuf> = beside.filter(|path| path.exists()).collect();
    beside.into_iter().chain(names.iter().map(PathBuf::from)).collect()
}

/// `../lib` of the program that started this one.
#[cfg(target_os = "linux")]
fn beside_launcher() -> Option<PathBuf> {
    let parent = std::fs::read_link(format!("/proc/{}/exe", std::os::unix::process::parent_id())).ok()?;
    lib_of(&parent)
}

#[cfg(not(target_os = "linux"))]
fn beside_launcher() -> Option<PathBuf> {
    None
}

#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "the launcher is known by /proc"))]
fn lib_of(program: &Path) -> Option<PathBuf> {
    Some(program.parent()?.parent()?.join("lib"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launchers_own_library_comes_first() {
        let place = |launcher| Place { rank: 0, ranks: Some(2), launcher };
        let names = |place| candidates(&place).iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        // The launcher of a test is cargo or a shell, with no MPI beside it.
        assert_eq!(names(place(Launcher::OpenMpi)).first().map(String::as_str), Some("libmpi.so.40"));
        assert_eq!(names(place(Launcher::Pmi)).first().map(String::as_str), Some("libmpi.so.12"));
        assert!(
            !names(place(Launcher::OpenMpi)).contains(&"libmpi.so.12".to_owned()),
            "Open MPI's launcher has no use for MPICH"
        );
        assert_eq!(lib_of(Path::new("/opt/mpi/bin/prterun")), Some("/opt/mpi/lib".into()));
    }
}
