//! Fair sharing.
