//! The settings of a server that serves nobody but this terminal.

use std::path::Path;

use anyhow::Result;
use bifocal_providers::SpeechConfig;
use bifocal_providers::translate::TranslateConfig;
use bifocal_providers::voice::VoiceConfig;
use bifocal_server::{EventSink, Limits, NetworkPolicy, PhotoRetention, ServerConfig, StreamsConfig};
use bifocal_session::Timings;

use crate::data::random_hex;

/// On a free port of this machine, with secrets of its own.
pub(crate) fn config(data: &Path) -> Result<ServerConfig> {
    Ok(ServerConfig {
        listen: "127.0.0.1:0".parse()?,
        public_url: None,
        udp_listen: None,
        udp_address: None,
        data: data.to_owned(),
        user_token_key: None,
        admin_key: random_hex()?,
        jwt_secret: random_hex()?.into_bytes(),
        weather_url: None,
        direct_photos: false,
        photos: PhotoRetention::default(),
        timezone: "UTC".to_owned(),
        speech: SpeechConfig::default(),
        translate: TranslateConfig::default(),
        voice: VoiceConfig::default(),
        timings: Timings::DEFAULT,
        networks: NetworkPolicy::loopback(),
        limits: Limits::default(),
        events: EventSink::Off,
        streams: StreamsConfig::Off,
    })
}
