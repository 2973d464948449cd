//! The app's web server: webhooks, photos, settings, tools and pages; and the sessions that run.

mod builder;
mod host;
mod photos;
mod routes;
mod sessions;
mod signature;
mod webview;

pub use builder::{AppServer, AppServerBuilder, RunningServer, ServeError};
pub(crate) use host::{Host, Opening};
pub use sessions::Sessions;
pub use webview::Wearer;
