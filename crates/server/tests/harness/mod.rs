//! A server of its own for each test, and everything around it: phones, app servers, REST calls.

#![allow(dead_code, unused_imports, unreachable_pub, reason = "each test binary uses its own part")]

pub mod app_server;
pub mod cloud;
pub mod http;
pub mod logs;
pub mod raw;
pub mod socket;
pub mod token;

use std::time::Duration;

pub use app_server::{AppServer, Manner};
pub use cloud::{ADMIN_KEY, ANN, App, Cloud, Running, SECRET, config, init, user_id};
pub use socket::{Got, Socket};

/// How long anything may take before a test gives up. Nothing waits this long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Asks again and again until the answer is yes.
#[track_caller]
pub fn eventually<F: Future<Output = bool>>(what: &'static str, ask: impl Fn() -> F) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let asking = async {
            while !ask().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let answer = tokio::time::timeout(PATIENCE, asking).await;
        assert!(answer.is_ok(), "{caller}: not within {PATIENCE:?}: {what}");
    }
}
