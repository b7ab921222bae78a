//! What goes before what: a flag before a setting.

/// Puts a flag before a setting, where it was given.
pub(crate) fn set<T: Clone>(setting: &mut T, flag: Option<&T>) {
    if let Some(value) = flag {
        setting.clone_from(value);
    }
}

/// The same for a setting that may be absent.
pub(crate) fn set_option<T: Clone>(setting: &mut Option<T>, flag: &Option<T>) {
    if flag.is_some() {
        setting.clone_from(flag);
    }
}
