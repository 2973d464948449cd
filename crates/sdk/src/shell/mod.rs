//! What waits: sockets and the one task that owns the connection of a session.

mod io;
mod task;

pub(crate) use io::{Dial, Network, Socket, in_memory};
pub(crate) use task::Task;
