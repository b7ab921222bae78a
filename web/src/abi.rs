//! The border to JavaScript: four exports. Addresses are those of the module's memory.
//!
//! JavaScript takes memory with [`elman_alloc`], writes a request and its bytes into two such pieces, and hands both over to
//! [`elman_call`], which frees them. The answer lies in memory until the next call.

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

use crate::failure::Failure;
use crate::state::State;

/// Where an answer lies.
#[repr(C)]
pub struct Reply {
    json: *const u8,
    json_len: usize,
    bytes: *const u8,
    bytes_len: usize,
}

/// What the last call answered, and where it lies.
struct Answer {
    json: String,
    bytes: Vec<u8>,
    reply: Reply,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
    static ANSWER: RefCell<Option<Box<Answer>>> = const { RefCell::new(None) };
    /// What the last panic said. The module cannot be used after it, but its memory can be read.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
    static PANIC_LEN: Cell<usize> = const { Cell::new(0) };
}

/// `len` bytes of memory, for [`elman_call`].
#[unsafe(no_mangle)]
pub extern "C" fn elman_alloc(len: usize) -> *mut u8 {
    Box::into_raw(vec![0_u8; len].into_boxed_slice()).cast()
}

/// Answers a request in JSON with some bytes. `{"ok": …}`, `{"missing": ["name", …]}` or `{"error": "…", "status": 422}`.
///
/// # Safety
/// Both pieces are of [`elman_alloc`], of just these lengths, and nobody uses them afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_call(json: *mut u8, json_len: usize, bytes: *mut u8, bytes_len: usize) -> *const Reply {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        panic::set_hook(Box::new(|info| {
            let said = info.to_string();
            PANIC_LEN.set(said.len());
            PANIC.set(said);
        }));
    });
    // SAFETY: the caller's promise: such a box was made by `elman_alloc`.
    let take = |at: *mut u8, len: usize| unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(at, len)) };
    let (json, bytes) = (take(json, json_len), take(bytes, bytes_len).into_vec());
    ANSWER.set(None);
    let (json, bytes) = match STATE.with_borrow_mut(|state| state.answer(&json, bytes)) {
        Ok(answer) => (format!("{{\"ok\":{}}}", answer.json), answer.bytes),
        Err(failure) => (Failure::json(&failure), Vec::new()),
    };
    ANSWER.with_borrow_mut(|answer| {
        let reply = Reply { json: json.as_ptr(), json_len: json.len(), bytes: bytes.as_ptr(), bytes_len: bytes.len() };
        // What the strings hold does not move when they do.
        &raw const answer.insert(Box::new(Answer { json, bytes, reply })).reply
    })
}

/// Where the words of the last panic lie: UTF-8 of [`elman_panic_len`] bytes.
#[unsafe(no_mangle)]
pub extern "C" fn elman_panic() -> *const u8 {
    PANIC.with_borrow(|said| said.as_ptr())
}

/// How many bytes they are; 0 without one.
#[unsafe(no_mangle)]
pub extern "C" fn elman_panic_len() -> usize {
    PANIC_LEN.get()
}

/// The sets that this module was compiled for: 1 with SIMD128.
#[unsafe(no_mangle)]
pub extern "C" fn elman_simd() -> u32 {
    u32::from(elman::active_isa() != elman::Isa::Portable)
}

impl Drop for Answer {
    /// The fields are only held: `reply` points into them.
    fn drop(&mut self) {
        debug_assert!(self.reply.json == self.json.as_ptr() && self.reply.bytes == self.bytes.as_ptr());
    }
}
