//! What rows are made of: a future, and the word for what it has shown.

use std::fmt::Debug;
use std::time::Duration;

use bifocal_sdk::Result;
use serde_json::json;
use tokio::time::timeout;

use super::stage::Stage;

/// How long a row may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A part of the SDK, by the name that the npm SDK has for it.
pub(super) struct Module<'a> {
    name: &'static str,
    x: &'a Stage,
}

impl<'a> Module<'a> {
    pub(super) fn new(name: &'static str, x: &'a Stage) -> Self {
        Self { name, x }
    }

    /// An answer came, with what it should have in it.
    pub(super) async fn settled<T>(&self, method: &str, row: impl Future<Output = Result<T>>) {
        self.run(method, "settled", row).await;
    }

    /// An event came.
    pub(super) async fn fired<T>(&self, method: &str, row: impl Future<Output = Result<T>>) {
        self.run(method, "fired", row).await;
    }

    /// Nothing comes back; somebody got it.
    pub(super) async fn sent<T>(&self, method: &str, row: impl Future<Output = Result<T>>) {
        self.run(method, "sent", row).await;
    }

    /// Answered by the SDK.
    pub(super) async fn local<T>(&self, method: &str, row: impl Future<Output = Result<T>>) {
        self.run(method, "local", row).await;
    }

    async fn run<T>(&self, method: &str, word: &str, row: impl Future<Output = Result<T>>) {
        let outcome = timeout(PATIENCE, Box::pin(row)).await.unwrap_or_else(|_| Err("the row is not settled".into()));
        let mut line = json!({"event": "row", "module": self.name, "method": method, "result": word});
        if let Err(error) = outcome {
            line["result"] = "FAILED".into();
            line["detail"] = error.to_string().into();
        }
        self.x.ran(self.name, method);
        self.x.wire.print(line);
    }
}

/// An error that says what it is, unless it is so.
pub(super) fn check(is_good: bool, message: impl Into<String>) -> Result {
    if is_good { Ok(()) } else { Err(message.into().into()) }
}

pub(super) fn equal<T: Debug + PartialEq<U>, U: Debug>(found: T, expected: U) -> Result {
    check(found == expected, format!("it is {found:?}, not {expected:?}"))
}
