//! The canonical ABI's allocator for programs without one: libc's.
//!
//! `malloc` of wasi-libc before 2023 takes everything between the end of the data and the end of memory when it is
//! called first. The adapter of preview 1 needs pages of its own before that. Where a module exports no
//! `cabi_realloc` it grows memory for them, and the heap later runs over them; so we give every module one.

#![no_std]
#![feature(linkage)]

unsafe extern "C" {
    fn realloc(old: *mut u8, len: usize) -> *mut u8;
}

/// The most that the canonical ABI asks for; libc aligns every block to that.
const ALIGN_MAX: usize = 8;

/// Weak, so that one of a bindings generator goes first.
///
/// # Safety
/// `old` is null or came from here.
#[unsafe(no_mangle)]
#[linkage = "weak"]
pub unsafe extern "C" fn cabi_realloc(old: *mut u8, _old_len: usize, align: usize, len: usize) -> *mut u8 {
    if len == 0 {
        return core::ptr::without_provenance_mut(align);
    }
    // SAFETY: as the caller promises; both functions have libc's contract.
    let new = unsafe { realloc(old, len) };
    if new.is_null() || align > ALIGN_MAX {
        core::arch::wasm32::unreachable();
    }
    new
}
