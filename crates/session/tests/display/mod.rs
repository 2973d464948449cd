//! What the test of the display is made of.

pub(crate) mod model;
pub(crate) mod wearer;
