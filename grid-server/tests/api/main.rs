//! The HTTP API as its clients see it: the real router on a free port, SQLite in a temporary folder.

mod backup;
mod blobs;
mod bodies;
mod credits;
mod devices;
mod grid;
mod groups;
mod modules;
mod nodes;
mod openapi;
mod operators;
mod people;
mod tls;
mod tokens;
