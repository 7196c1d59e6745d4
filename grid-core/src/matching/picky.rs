//! Picky units.
