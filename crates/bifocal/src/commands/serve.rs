//! `bifocal serve`: the server, until SIGTERM or Ctrl-C.

use std::process::ExitCode;

use anyhow::Result;
use bifocal_server::{Server, ServerConfig};
use bifocal_store::Store;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use crate::cli::Serve;
use crate::config::Settings;
use crate::data::{self, RunningFile};
use crate::logging;

/// Runs the server.
pub(crate) async fn serve(settings: &Settings, serve: &Serve) -> Result<ExitCode> {
    let networks = settings.networks(serve)?;
    let public_url = settings.public_url(serve)?;
    logging::begin(settings.log_format(serve));
    // Listened to from the beginning: a signal during the start must not be lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let store = Store::open(&settings.data).await?;
    info!(data = %settings.data.display(), "data folder");
    let config = ServerConfig {
        listen: settings.listen(serve),
        public_url,
        udp_listen: settings.udp_listen(serve),
        udp_address: settings.udp_address(serve),
        data: settings.data.clone(),
        jwt_secret: data::jwt_secret(settings)?,
        user_token_key: settings.user_token_key()?,
        admin_key: data::admin_key(&settings.data)?,
        timezone: settings.timezone()?,
        weather_url: settings.weather_url()?,
        speech: settings.speech(),
        translate: settings.translate(),
        voice: settings.voice(),
        direct_photos: settings.direct_photos(),
        photos: settings.photo_retention(),
        timings: settings.timings(),
        networks,
        limits: settings.limits(),
        events: settings.events()?,
        streams: settings.streams(serve)?,
    };
    let server = Server::start(config, store).await?;
    let running = RunningFile::write(&settings.data, server.address())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    // A second signal ends the process at once.
    let stopped = async {
        server.stop().await;
        ExitCode::SUCCESS
    };
    let code = tokio::select! {
        code = stopped => code,
        _ = terminate.recv() => ExitCode::FAILURE,
        _ = interrupt.recv() => ExitCode::FAILURE,
    };
    drop(running);
    Ok(code)
}
