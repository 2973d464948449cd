//! [`AppServer`]: where an app listens, and how it ends.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::host::Host;
use super::routes::{Trust, cloud_of, routes};
use super::sessions::Sessions;
use super::webview::WebView;
use crate::app::App;
use crate::rest::Rest;
use crate::shell::{Dial, Network};

/// Where apps listen when nobody says otherwise.
const PORT: u16 = 7010;
/// Until sessions have said goodbye and requests that are under way are answered when the process stops.
const LAST_REQUESTS: Duration = Duration::from_secs(6);

/// The server of an app; see [`AppServer::builder`].
#[derive(Debug)]
pub struct AppServer;

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {at}: {source}")]
    Listen {
        /// Where.
        at: String,
        /// Why.
        source: io::Error,
    },
    /// Something in the builder is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Serve(#[from] io::Error),
}

impl AppServer {
    /// A server for the app with this package name and API key, both as the cloud has them.
    pub fn builder(package_name: impl Into<String>, api_key: impl Into<String>) -> AppServerBuilder {
        AppServerBuilder {
            package: package_name.into(),
            api_key: api_key.into(),
            listen: Listen::On(SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT))),
            webhook_path: "/webhook".to_owned(),
            trust: Trust::default(),
            json_ping: false,
            max_sessions: 100_000,
            pages: None,
            cookie_secret: None,
            user_token_key: None,
        }
    }

    /// The same from the environment: `PACKAGE_NAME`, `MENTRAOS_API_KEY`, and `PORT` if it is there. `bifocal dev` sets them.
    ///
    /// # Errors
    /// [`ServeError::Invalid`] names the variable that is missing or wrong.
    pub fn from_env() -> Result<AppServerBuilder, ServeError> {
        let missing = |name: &str| ServeError::Invalid(format!("the environment has no {name}"));
        let variable = |name: &str| std::env::var(name).map_err(|_| missing(name));
        let builder = Self::builder(variable("PACKAGE_NAME")?, variable("MENTRAOS_API_KEY")?);
        match variable("PORT") {
            Ok(port) => {
                let port = port.parse().map_err(|_| ServeError::Invalid("PORT is no port".to_owned()))?;
                Ok(builder.listen(port))
            }
            Err(_) => Ok(builder),
        }
    }
}

enum Listen {
    On(SocketAddr),
    With(TcpListener),
}

/// What a server is to be.
#[must_use]
pub struct AppServerBuilder {
    package: String,
    api_key: String,
    listen: Listen,
    webhook_path: String,
    trust: Trust,
    json_ping: bool,
    max_sessions: usize,
    pages: Option<Router>,
    cookie_secret: Option<String>,
    user_token_key: Option<String>,
}

impl std::fmt::Debug for AppServerBuilder {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppServerBuilder").field("package", &self.package).finish_non_exhaustive()
    }
}

impl AppServerBuilder {
    /// Listen on this port of every address; 7010 otherwise.
    pub fn listen(self, port: u16) -> Self {
        self.listen_on(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
    }

    /// Listen on this address; port 0 takes a free one.
    pub fn listen_on(mut self, address: SocketAddr) -> Self {
        self.listen = Listen::On(address);
        self
    }

    /// Listen with this listener.
    pub fn listener(mut self, listener: TcpListener) -> Self {
        self.listen = Listen::With(listener);
        self
    }

    /// Take webhooks on another path than `/webhook`, which is the one that clouds use.
    pub fn webhook_path(mut self, path: impl Into<String>) -> Self {
        self.webhook_path = path.into();
        self
    }

    /// Refuse webhooks that are not signed. Bifocal signs all of them, other clouds none; a signature that is wrong is refused in
    /// any case. Without this, whoever reaches the webhook can name a socket of theirs and gets the API key in the first message.
    pub fn require_signature(mut self) -> Self {
        self.trust.signed_only = true;
        self
    }

    /// Open sockets to this cloud only, like `https://cloud.example.org`; may be said several times.
    pub fn cloud(mut self, url: &str) -> Self {
        // A URL that is none matches no cloud, so that a slip of the pen does not open the door.
        self.trust.clouds.push(cloud_of(url).unwrap_or_else(|| format!("invalid {url}")));
        self
    }

    /// Send `{"type":"ping"}` every 15 s beside ping frames, for clouds or proxies that want to see messages.
    pub fn json_ping(mut self) -> Self {
        self.json_ping = true;
        self
    }

    /// Take so many sessions at most; 100,000 otherwise.
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.max_sessions = sessions;
        self
    }

    /// Pages of the app's own. In their handlers [`Wearer`](crate::Wearer) is who looks at them in the phone's web view.
    pub fn pages(mut self, pages: Router) -> Self {
        self.pages = Some(pages);
        self
    }

    /// What cookies of web views are signed with; made of the API key otherwise.
    pub fn cookie_secret(mut self, secret: impl Into<String>) -> Self {
        self.cookie_secret = Some(secret.into());
        self
    }

    /// The public key (PEM) of the cloud's signed user tokens; from `MENTRAOS_CLOUD_USER_TOKEN_PUBLIC_KEY` otherwise. Without a key
    /// web views are known by the other ways, which clouds offer as well.
    pub fn user_token_key(mut self, pem: impl Into<String>) -> Self {
        self.user_token_key = Some(pem.into());
        self
    }

    /// Serves the app until SIGTERM or Ctrl-C, then says goodbye to every session and returns.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn serve(self, app: impl App) -> Result<(), ServeError> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let server = self.start(app).await?;
        tracing::info!(address = %server.address(), "listening");
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        server.stop().await
    }

    /// Serves the app, and returns as soon as it listens.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn start(self, app: impl App) -> Result<RunningServer, ServeError> {
        self.start_with(app, Rest::new(), Arc::new(Network)).await
    }

    async fn start_with(self, app: impl App, rest: Rest, dial: Arc<dyn Dial>) -> Result<RunningServer, ServeError> {
        let Self { package, api_key, trust, json_ping, max_sessions, pages, cookie_secret, user_token_key, .. } = self;
        if package.is_empty() || api_key.is_empty() {
            return Err(ServeError::Invalid("a server needs a package name and an API key".to_owned()));
        }
        if !self.webhook_path.starts_with('/') || self.webhook_path.contains(['{', '}', '*']) {
            return Err(ServeError::Invalid("the path of the webhook is not a plain path".to_owned()));
        }
        let listener = match self.listen {
            Listen::With(listener) => listener,
            Listen::On(at) => {
                let failed = |source| ServeError::Listen { at: at.to_string(), source };
                TcpListener::bind(at).await.map_err(failed)?
            }
        };
        let address = listener.local_addr()?;
        let key = user_token_key.or_else(|| std::env::var("MENTRAOS_CLOUD_USER_TOKEN_PUBLIC_KEY").ok());
        let view = WebView::new(&package, &api_key, cookie_secret, key.as_deref(), rest.clone())?;
        let sessions = Sessions::default();
        let host =
            Arc::new(Host { app, package, api_key, json_ping, max_sessions, sessions: sessions.clone(), rest, dial });
        let mut router = routes(host.clone(), trust, &self.webhook_path);
        if let Some(pages) = pages {
            router = router.merge(view.guard(pages));
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let until = async move {
                // Dropped is the same as told.
                let _ = stopped.await;
                host.shut_down().await;
            };
            axum::serve(listener, router).with_graceful_shutdown(until).await
        });
        Ok(RunningServer { address, sessions, stop, serving })
    }
}

/// A server that runs; dropping it stops it.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    sessions: Sessions,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

impl RunningServer {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The sessions that run.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Says goodbye to every session (`ownership_release` with `clean_shutdown`, close 1000), answers the requests that are under
    /// way, and ends. At most 6 s.
    ///
    /// # Errors
    /// [`ServeError::Serve`] when the listener had failed.
    pub async fn stop(self) -> Result<(), ServeError> {
        let Self { stop, mut serving, .. } = self;
        drop(stop);
        match timeout(LAST_REQUESTS, &mut serving).await {
            Ok(served) => Ok(served.map_err(io::Error::other)??),
            Err(_) => {
                serving.abort();
                Ok(())
            }
        }
    }
}
