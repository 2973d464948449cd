//! What all engines that speak HTTP share: one client, and what its errors mean.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, redirect};

use crate::failure::{Failure, FailureKind, plain};

/// For TCP and TLS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest part of an answer that is quoted in a failure.
const MAX_QUOTED: usize = 160;
/// A wait that an engine asks for is not believed beyond this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Makes ring the TLS provider of this process. Calling it again does nothing.
pub fn install_tls() {
    // An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The client for engines: no redirect (a key would go along), the operator's own addresses, no guard.
///
/// # Errors
/// The certificates of the system cannot be read.
pub fn client() -> Result<Client, reqwest::Error> {
    install_tls();
    Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(4)
        .pool_idle_timeout(Duration::from_secs(30))
        .user_agent(concat!("Bifocal/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// What an HTTP status of an engine means. `body` is quoted in the explanation.
pub fn status_failure(engine: &Arc<str>, status: u16, retry_after: Option<&str>, body: &str) -> Failure {
    let kind = match status {
        // Redirects, too: the address in the configuration is not the engine's.
        300..=399 | 401..=407 => FailureKind::Refused,
        429 => FailureKind::Busy { retry_after: retry_after.and_then(parse_retry_after) },
        // Something in this one request, most likely the language. It says nothing about the others.
        400..=499 if status != 408 => FailureKind::Unsupported { suggestions: Vec::new() },
        _ => FailureKind::Lost,
    };
    let what = match status {
        401 | 403 => "it does not accept the key",
        402 => "the account has no credit",
        404 => "nothing is at its address; check url and model",
        429 => "it has too much to do, or the quota is used up",
        500..=599 => "it is out of order",
        _ => "it refuses the request",
    };
    let quote = plain(body.trim(), MAX_QUOTED);
    let quote = if quote.is_empty() { quote } else { format!(": {quote}") };
    Failure::new(engine, kind, format!("{what} (HTTP {status}){quote}"))
}

/// What an error of the client means.
pub fn request_failure(engine: &Arc<str>, error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::stalled(engine, "it did not answer in time");
    }
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return Failure::lost(engine, format!("the connection failed: {}", io.kind()));
        }
        cause = inner.source();
    }
    // The error's own text would name the address, and with it what is in its query.
    Failure::lost(engine, if error.is_connect() { "it cannot be reached" } else { "the connection was lost" })
}

/// Seconds; the other form of the header, a date, is rare and not read.
pub fn parse_retry_after(header: &str) -> Option<Duration> {
    header.trim().parse().ok().map(Duration::from_secs).map(|wait| wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_to_do_next() {
        let kind = |status, retry| status_failure(&Arc::from("x"), status, retry, "").kind;
        assert_eq!(kind(401, None), FailureKind::Refused);
        assert_eq!(kind(402, None), FailureKind::Refused);
        assert_eq!(kind(301, None), FailureKind::Refused);
        assert_eq!(kind(429, Some("7")), FailureKind::Busy { retry_after: Some(Duration::from_secs(7)) });
        assert_eq!(kind(429, Some("Wed, 21 Oct 2026 07:28:00 GMT")), FailureKind::Busy { retry_after: None });
        assert_eq!(kind(429, Some("99999999")), FailureKind::Busy { retry_after: Some(MAX_RETRY_AFTER) });
        assert_eq!(kind(422, None), FailureKind::Unsupported { suggestions: vec![] });
        assert_eq!(kind(408, None), FailureKind::Lost);
        assert_eq!(kind(503, None), FailureKind::Lost);
    }

    #[test]
    fn an_answer_is_quoted_harmlessly() {
        let why = status_failure(&Arc::from("x"), 400, None, "no\u{1b}[2Jway\n").why;
        assert_eq!(why, "it refuses the request (HTTP 400): no [2Jway");
    }
}
