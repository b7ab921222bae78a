//! What belongs to the process that made it: threads do not outlive a fork.

/// A value with threads. In a process that was forked off they are gone: what is left of the value works on the calling
/// thread alone, and is never dropped, which would wait for them.
pub(crate) struct Own<T> {
    process: u32,
    value: Option<T>,
}

impl<T> Own<T> {
    pub(crate) fn new(value: T) -> Self {
        Own { process: std::process::id(), value: Some(value) }
    }

    /// Whether its threads are there.
    pub(crate) fn is_here(&self) -> bool {
        self.process == std::process::id()
    }

    /// The value, where its threads are there.
    pub(crate) fn get(&mut self) -> Option<&mut T> {
        let here = self.is_here();
        self.value.as_mut().filter(|_| here)
    }
}

impl<T> Drop for Own<T> {
    fn drop(&mut self) {
        if !self.is_here() {
            std::mem::forget(self.value.take());
        }
    }
}
