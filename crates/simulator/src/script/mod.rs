//! A small language that plays a wearer: one statement a line.
//!
//! ```text
//! # speak, and read the answer
//! start org.example.captions
//! say hello glasses
//! expect "hello glasses" within 5
//! head up
//! cut 2                             # the phone loses its connection for two seconds
//! expect-not "error" within 1
//! ```
//!
//! [`parse`] reads it, [`run`] plays it on a [`Phone`](crate::Phone).

mod outcome;
mod parse;
mod run;
mod seen;
mod statement;

pub use outcome::Outcome;
pub use parse::parse;
pub use run::{Progress, run};
pub use statement::{Line, Script, ScriptError, Statement};
