//! Log lines on stderr, for people or as JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;

/// Begins to log. `BIFOCAL_LOG` chooses what, in the form of `tracing` filters; `info` by default.
pub(crate) fn begin(format: LogFormat) {
    let filter = EnvFilter::try_from_env("BIFOCAL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // Colours are for terminals, not for files.
    let colours = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // An error means that something logs already, which only happens in tests.
    let _ = match format {
        LogFormat::Human => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    };
}
