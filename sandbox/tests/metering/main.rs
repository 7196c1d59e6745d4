//! Metering against an independent count: instrumented modules in the engine, the same modules as they were in a plain
//! interpreter, and everything that can be seen of both.

mod cases;
mod compare;
mod every_operation;
mod examples;
mod generated;
mod host;
mod interp;
mod nans;
mod native;
mod programs;
mod seen;
mod wide_products;
