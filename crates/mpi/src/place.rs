//! Whether this process is one of several, by its environment: so that a process alone never loads MPI.

use crate::Error;

/// Which of several processes this one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 0.
    pub rank: usize,
    /// How many there are, where the environment says so.
    pub ranks: Option<usize>,
    /// Who started it.
    pub(crate) launcher: Launcher,
}

/// Whose libraries a launcher is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Launcher {
    /// Open MPI's own.
    OpenMpi,
    /// MPICH's own, and others that speak PMI, as `srun --mpi=pmi2` does.
    Pmi,
    /// One that speaks PMIx, as `srun --mpi=pmix` does: Open MPI's library understands it always, MPICH's sometimes.
    Pmix,
}

/// A launcher, and its variables: the rank, and how many there are.
const LAUNCHERS: [(Launcher, &str, &str); 3] = [
    (Launcher::OpenMpi, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    (Launcher::Pmi, "PMI_RANK", "PMI_SIZE"),
    (Launcher::Pmix, "PMIX_RANK", "SLURM_STEP_NUM_TASKS"),
];

impl Place {
    /// Of this process. None for one that is alone, also where a launcher started just one, or `ELMAN_MPI` is `none`.
    ///
    /// # Errors
    /// If `srun` started several processes without MPI: each would train by itself.
    pub fn of_process() -> Result<Option<Self>, Error> {
        Self::of(&|name| std::env::var(name).ok())
    }

    fn of(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Error> {
        if variable("ELMAN_MPI").as_deref() == Some("none") {
            return Ok(None);
        }
        let number = |name: &str| variable(name).and_then(|text| text.trim().parse::<usize>().ok());
        for (launcher, rank, ranks) in LAUNCHERS {
            if let Some(rank) = number(rank) {
                let place = Place { rank, ranks: number(ranks), launcher };
                return Ok(Some(place).filter(|place| place.ranks != Some(1)));
            }
        }
        match number("SLURM_STEP_NUM_TASKS") {
            Some(tasks @ 2..) if variable("SLURM_PROCID").is_some() => Err(Error::Launcher(format!(
                "srun started {tasks} processes without MPI, of which each would train by itself: take srun --mpi=pmix or \
                 --mpi=pmi2 (srun --mpi=list shows what there is), or ELMAN_MPI=none if that is what you want"
            ))),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Option<Place>, Error> {
        Place::of(&|name| variables.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn launchers_are_known_by_their_variables() {
        let place = |rank, ranks, launcher| Some(Place { rank, ranks, launcher });
        let openmpi = [("OMPI_COMM_WORLD_RANK", "2"), ("OMPI_COMM_WORLD_SIZE", "4"), ("PMIX_RANK", "2")];
        assert_eq!(of(&openmpi).unwrap(), place(2, Some(4), Launcher::OpenMpi));
        assert_eq!(of(&[("PMI_RANK", "0"), ("PMI_SIZE", "2")]).unwrap(), place(0, Some(2), Launcher::Pmi));
        let srun = [("PMIX_RANK", "1"), ("SLURM_STEP_NUM_TASKS", "2")];
        assert_eq!(of(&srun).unwrap(), place(1, Some(2), Launcher::Pmix));
        assert_eq!(of(&srun[..1]).unwrap(), place(1, None, Launcher::Pmix));
        assert_eq!(of(&[]).unwrap(), None);
        assert_eq!(of(&[("PMI_RANK", "0"), ("PMI_SIZE", "1")]).unwrap(), None, "one process needs no MPI");
        assert_eq!(of(&[("PMI_RANK", "0"), ("PMI_SIZE", "2"), ("ELMAN_MPI", "none")]).unwrap(), None);
    }

    #[test]
    fn processes_of_srun_without_mpi_are_refused() {
        let srun = [("SLURM_STEP_NUM_TASKS", "3"), ("SLURM_PROCID", "0")];
        let message = of(&srun).unwrap_err().to_string();
        assert!(message.contains("srun started 3 processes without MPI"), "{message}");
        let alone = [srun[0], srun[1], ("ELMAN_MPI", "none")];
        assert_eq!(of(&alone).unwrap(), None);
        assert_eq!(of(&[("SLURM_STEP_NUM_TASKS", "1"), ("SLURM_PROCID", "0")]).unwrap(), None);
        // In the script of a batch job, outside of srun.
        assert_eq!(of(&[("SLURM_NTASKS", "4"), ("SLURM_PROCID", "0")]).unwrap(), None);
    }
}
