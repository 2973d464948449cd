//! Text from one language into another. The engines that do it are one file each.

use futures_util::future::BoxFuture;

use crate::failure::Failure;

/// Translates text.
pub trait Translator: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &str;

    /// Translates one sentence. `from` and `to` are language tags (`en`, `en-US`); `from` is `auto` if it is not known.
    ///
    /// Whoever asks sets a deadline and drops the future when it has passed.
    fn translate<'a>(&'a self, text: &'a str, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<String, Failure>>;
}
