//! Which instruction set the kernels use.

use std::sync::OnceLock;

use elman_kernels::Isa;

use crate::Error;

/// The set that `ELMAN_ISA` names, or the widest of this processor.
///
/// # Errors
/// If the variable names a set that is unknown or that this processor does not have.
pub fn from_environment() -> Result<Isa, Error> {
    let Some(name) = std::env::var_os("ELMAN_ISA") else { return Ok(Isa::best()) };
    let name = name.to_string_lossy();
    Isa::from_name(&name).filter(|isa| isa.is_available()).ok_or_else(|| {
        let available: Vec<_> = Isa::available().map(Isa::name).collect();
        Error::setting(
            "ELMAN_ISA",
            format!("{name:?}"),
            format!("one that this processor has: {}", available.join(", ")),
        )
    })
}

/// The set that is used where none is named: what the environment says, asked once. A name that does not fit is
/// ignored here; a program that wants to refuse it calls [`from_environment`] at its start.
pub fn active() -> Isa {
    static ACTIVE: OnceLock<Isa> = OnceLock::new();
    *ACTIVE.get_or_init(|| from_environment().unwrap_or_else(|_| Isa::best()))
}
