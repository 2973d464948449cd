//! One socket with small buffers: the driver's side of a phone or an app, and both sides of the control relay.
//!
//! Reading goes through one buffer for each thread, so an idle socket holds none. Writing tries the socket at once; what it
//! does not take waits in the link, so that no two writers ever mix their frames.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// What may wait for one socket. A peer that takes less than it is sent is overloaded; the measurement ends there.
const MAX_PENDING: usize = 4 << 20;

const READ: usize = 64 << 10;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// The writing side of a socket. Frames of several tasks and threads may go out over it.
#[derive(Debug)]
pub(crate) struct Link {
    write: OwnedWriteHalf,
    pending: Mutex<Vec<u8>>,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The system has it.
    Done,
    /// It waits in the link; somebody must call [`Link::flush`].
    Waits,
    /// The peer is gone, or takes nothing any more.
    Lost,
}

impl Link {
    /// Cuts a socket in two.
    pub(crate) fn split(stream: TcpStream) -> (OwnedReadHalf, Link) {
        let (read, write) = stream.into_split();
        (read, Link { write, pending: Mutex::default() })
    }

    /// Writes whole frames.
    pub(crate) fn send(&self, frames: &[u8]) -> Sent {
        let mut pending = self.pending.lock();
        if !pending.is_empty() {
            if pending.len() > MAX_PENDING {
                return Sent::Lost;
            }
            pending.extend_from_slice(frames);
            return self.push(&mut pending);
        }
        match self.write.try_write(frames) {
            Ok(written) if written == frames.len() => Sent::Done,
            Ok(written) => {
                pending.extend_from_slice(&frames[written..]);
                Sent::Waits
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                pending.extend_from_slice(frames);
                Sent::Waits
            }
            Err(_) => Sent::Lost,
        }
    }

    /// Tries again to write what waits.
    pub(crate) fn flush(&self) -> Sent {
        self.push(&mut self.pending.lock())
    }

    fn push(&self, pending: &mut Vec<u8>) -> Sent {
        while !pending.is_empty() {
            match self.write.try_write(pending) {
                Ok(written) => {
                    pending.drain(..written);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sent::Waits,
                Err(_) => return Sent::Lost,
            }
        }
        *pending = Vec::new();
        Sent::Done
    }

    /// Waits until nothing waits. False when the peer is gone.
    pub(crate) async fn drained(&self) -> bool {
        loop {
            match self.flush() {
                Sent::Done => return true,
                Sent::Lost => return false,
                Sent::Waits => {}
            }
            if self.write.writable().await.is_err() {
                return false;
            }
        }
    }
}

/// Waits for bytes and shows them; `None` when the peer has ended the connection.
pub(crate) async fn read<T>(half: &mut OwnedReadHalf, mut seen: impl FnMut(&[u8]) -> T) -> io::Result<Option<T>> {
    std::future::poll_fn(|context| {
        BUFFER.with_borrow_mut(|buffer| {
            let mut into = ReadBuf::new(buffer);
            ready!(Pin::new(&mut *half).poll_read(context, &mut into))?;
            let filled = into.filled();
            Poll::Ready(Ok(if filled.is_empty() { None } else { Some(seen(filled)) }))
        })
    })
    .await
}
