//! Where an output goes: the parts of an RTMP URL, and a socket to it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::config::Permits;
use crate::managed::ManagedError;

/// Longest URL of an output.
const MAX_URL: usize = 2_048;

/// The parts of an RTMP URL.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    tls: bool,
    host: String,
    port: u16,
    pub(crate) app: String,
    /// A secret.
    pub(crate) key: String,
}

/// A connection, with TLS or without.
pub(crate) type Socket = Pin<Box<dyn Duplex>>;

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("tls", &self.tls).finish_non_exhaustive()
    }
}

impl Target {
    /// Reads `rtmp[s]://host[:port]/app/key`; the application may have several parts, the key is the last one.
    pub(crate) fn parse(text: &str) -> Result<Self, ManagedError> {
        let bad = ManagedError::BadUrl;
        if text.len() > MAX_URL {
            return Err(bad("the URL is too long"));
        }
        let url = Url::parse(text).map_err(|_| bad("this is no URL"))?;
        let tls = match url.scheme() {
            "rtmp" => false,
            "rtmps" => true,
            _ => return Err(bad("the URL must begin with rtmp:// or rtmps://")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("the URL must not have a user name or a password in it"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(bad("the URL has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port().unwrap_or(if tls { 443 } else { 1935 });
        let path = url.path().trim_start_matches('/');
        let (app, key) = path
            .rsplit_once('/')
            .filter(|(app, key)| !app.is_empty() && !key.is_empty())
            .ok_or(bad("the URL must end with an application and a stream key, like rtmp://host/live/key"))?;
        let key = url.query().map_or_else(|| key.to_owned(), |query| format!("{key}?{query}"));
        Ok(Self { tls, host, port, app: app.to_owned(), key })
    }

    /// The URL without the key.
    pub(crate) fn tc_url(&self) -> String {
        let scheme = if self.tls { "rtmps" } else { "rtmp" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{scheme}://{host}:{}/{}", self.port, self.app)
    }

    /// Opens a connection, if one of the target's addresses may be reached. The error is fit for people.
    pub(crate) async fn connect(&self, permits: &Permits, tls: &Arc<rustls::ClientConfig>) -> Result<Socket, String> {
        let found = tokio::net::lookup_host((&*self.host, self.port)).await;
        let found: Vec<SocketAddr> = found.map_err(|_| "its name cannot be resolved".to_owned())?.collect();
        let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| (permits.0)(address.ip())).collect();
        if allowed.is_empty() {
            return Err("its address is not on the open Internet and not on the allow list".to_owned());
        }
        let socket =
            TcpStream::connect(&allowed[..]).await.map_err(|error| format!("cannot connect: {}", error.kind()))?;
        let _ = socket.set_nodelay(true);
        if !self.tls {
            return Ok(Box::pin(socket));
        }
        let name = ServerName::try_from(self.host.clone()).map_err(|_| "its name is not fit for TLS".to_owned())?;
        let secured = TlsConnector::from(tls.clone()).connect(name, socket).await;
        Ok(Box::pin(secured.map_err(|_| "TLS failed: its certificate is not good for its name".to_owned())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_may_have_parts_and_a_key_a_query() {
        let target = Target::parse("rtmps://a.example/app/part/key?x=1").expect("good");
        assert_eq!((target.app.as_str(), target.key.as_str(), target.port), ("app/part", "key?x=1", 443));
        assert_eq!(target.tc_url(), "rtmps://a.example:443/app/part");
        let local = Target::parse("rtmp://[::1]:7000/live/k").expect("good");
        assert_eq!((local.host.as_str(), local.tc_url().as_str()), ("::1", "rtmp://[::1]:7000/live"));
        assert!(!format!("{target:?}").contains("key"));
    }

    #[test]
    fn what_is_no_target_is_refused_with_a_reason() {
        for (url, why) in [
            ("nonsense", "no URL"),
            ("http://a.example/live/key", "rtmp://"),
            ("rtmp://u:p@a.example/live/key", "user name"),
            ("rtmp:///live/key", "host"),
            ("rtmp://a.example/key", "application"),
            ("rtmp://a.example/live/", "application"),
        ] {
            let Err(ManagedError::BadUrl(text)) = Target::parse(url) else { panic!("{url}") };
            assert!(text.contains(why), "{url}: {text}");
        }
        assert!(Target::parse(&format!("rtmp://a.example/live/{}", "k".repeat(MAX_URL))).is_err());
    }
}
