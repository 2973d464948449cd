//! The model test: a session lives through a random life beside a second, small implementation of its rules.
//!
//! ```text
//! generate.rs ──► Step ──► run.rs ──► bifocal_session::UserSession ──► effects ──► seen.rs ─┐
//!                            │                                                              ├─ the same?
//!                            └──────► model/ (the rules once more, small) ──────────────────┘
//!                                     watch/ (what must hold after every step, whatever the rules are)
//! ```
//!
//! A life that breaks something is made as short as possible (`shrink.rs`) and printed in the language of the session's
//! own scenarios (`scenario.rs`).

pub mod cast;
pub mod counts;
pub mod explore;
pub mod generate;
pub mod model;
pub mod rng;
pub mod run;
pub mod scenario;
pub mod seen;
pub mod shrink;
pub mod step;
pub mod watch;
