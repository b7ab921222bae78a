//! What a panic says, for whoever called: the module itself cannot print.
#![allow(unsafe_code, reason = "exported names")]

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

thread_local! {
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
    static LEN: Cell<usize> = const { Cell::new(0) };
}

/// Keeps the words of the panic to come.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|info| {
            let words = info.to_string();
            LEN.set(words.len());
            SAID.set(words);
        }));
    });
}

/// Where they lie: UTF-8 of [`said_len`] bytes.
#[unsafe(no_mangle)]
pub extern "C" fn said() -> *const u8 {
    SAID.with_borrow(|said| said.as_ptr())
}

/// How many bytes they are; 0 without a panic.
#[unsafe(no_mangle)]
pub extern "C" fn said_len() -> usize {
    LEN.get()
}
