//! Where the managers meet: one function for each message and each event, read from top to bottom.

pub(crate) mod admission;
pub(crate) mod app;
pub(crate) mod asks;
pub(crate) mod calls;
pub(crate) mod display;
pub(crate) mod glasses;
pub(crate) mod lifecycle;
pub(crate) mod links;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod unserved;
