//! Settings from the command line and environment, then the configuration file, then defaults.
//!
//! Keys of `bifocal.toml`: `listen`, `data`, `public_url`, `udp_listen`, `udp_address`, `jwt_secret`, `user_token_key`, `allow_networks`, `log_format`,
//! `glasses_grace_seconds`, `app_grace_seconds`, `app_start_seconds`, `display_gap_ms`, `max_sessions`, `events_file`,
//! `posthog_key`, `posthog_url`, `timezone`, `weather_url`, `direct_photos`, `photo_hours`, `gallery_days`; the tables `speech`,
//! `translate` and `voice` (docs/speech.md), and the table
//! `[streams]`, whose keys are in `config/streams.rs`.

mod streams;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use bifocal_providers::SpeechConfig;
use bifocal_providers::translate::TranslateConfig;
use bifocal_providers::voice::VoiceConfig;
use bifocal_server::{EventSink, Limits, NetworkPolicy, PhotoRetention};
use bifocal_session::Timings;
use serde::Deserialize;
use url::Url;

use crate::cli::{LogFormat, Place, Serve};

/// Where the data folder is when nobody says otherwise.
const DATA: &str = "./bifocal-data";
/// The configuration file when nobody names one.
const FILE: &str = "bifocal.toml";
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8002);

/// The command was used in a wrong way: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(pub(crate) String);

/// What the file may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfigFile {
    listen: Option<SocketAddr>,
    data: Option<PathBuf>,
    public_url: Option<String>,
    udp_listen: Option<SocketAddr>,
    udp_address: Option<String>,
    jwt_secret: Option<String>,
    user_token_key: Option<PathBuf>,
    allow_networks: Option<Vec<String>>,
    log_format: Option<LogFormat>,
    glasses_grace_seconds: Option<u64>,
    app_grace_seconds: Option<u64>,
    app_start_seconds: Option<u64>,
    display_gap_ms: Option<u64>,
    max_sessions: Option<usize>,
    events_file: Option<PathBuf>,
    posthog_key: Option<String>,
    posthog_url: Option<String>,
    timezone: Option<String>,
    weather_url: Option<String>,
    direct_photos: Option<bool>,
    photo_hours: Option<u64>,
    gallery_days: Option<u64>,
    speech: SpeechConfig,
    streams: streams::StreamsFile,
    translate: TranslateConfig,
    voice: VoiceConfig,
}

const KEYS: [&str; 26] = [
    "listen",
    "data",
    "public_url",
    "udp_listen",
    "udp_address",
    "jwt_secret",
    "user_token_key",
    "allow_networks",
    "log_format",
    "glasses_grace_seconds",
    "app_grace_seconds",
    "app_start_seconds",
    "display_gap_ms",
    "max_sessions",
    "events_file",
    "posthog_key",
    "posthog_url",
    "timezone",
    "weather_url",
    "direct_photos",
    "photo_hours",
    "gallery_days",
    "speech",
    "streams",
    "translate",
    "voice",
];

/// The settings of every command.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    /// The file that was read, if there was one.
    pub(crate) file: Option<PathBuf>,
    /// From the environment or the file; else there is one in the data folder.
    pub(crate) jwt_secret: Option<Vec<u8>>,
    from_file: ConfigFile,
}

impl Settings {
    /// Reads the file and the environment.
    pub(crate) fn load(place: &Place) -> Result<Settings> {
        let path = place.config.clone().unwrap_or_else(|| PathBuf::from(FILE));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && place.config.is_none() => None,
            Err(error) => {
                return Err(WrongUsage(format!("cannot read the configuration {}: {error}", path.display())).into());
            }
        };
        let from_file = match &text {
            Some(text) => parse(text, &path)?,
            None => ConfigFile::default(),
        };
        let secret = |name| std::env::var(name).ok().filter(|secret| !secret.is_empty());
        let secret = secret("BIFOCAL_JWT_SECRET").or_else(|| secret("AUGMENTOS_AUTH_JWT_SECRET"));
        let jwt_secret = secret.or_else(|| from_file.jwt_secret.clone()).map(String::into_bytes);
        let data = place.data.clone().or_else(|| from_file.data.clone()).unwrap_or_else(|| PathBuf::from(DATA));
        Ok(Settings { data, file: text.map(|_| path), jwt_secret, from_file })
    }

    pub(crate) fn listen(&self, serve: &Serve) -> SocketAddr {
        serve.listen.or(self.from_file.listen).unwrap_or(LISTEN)
    }

    pub(crate) fn public_url(&self, serve: &Serve) -> Result<Option<String>> {
        let url = serve.public_url.clone().or_else(|| self.from_file.public_url.clone());
        let good = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        match url {
            Some(url) if !good(&url) => {
                Err(WrongUsage("the public URL must begin with http:// or https://".into()).into())
            }
            url => Ok(url),
        }
    }

    /// Where sound over UDP is taken.
    pub(crate) fn udp_listen(&self, serve: &Serve) -> Option<SocketAddr> {
        serve.udp_listen.or(self.from_file.udp_listen)
    }

    /// How phones reach that.
    pub(crate) fn udp_address(&self, serve: &Serve) -> Option<String> {
        serve.udp_address.clone().or_else(|| self.from_file.udp_address.clone())
    }

    pub(crate) fn log_format(&self, serve: &Serve) -> LogFormat {
        serve.log_format.or(self.from_file.log_format).unwrap_or(LogFormat::Human)
    }

    /// The private key of user tokens: the content of the file that the configuration names.
    pub(crate) fn user_token_key(&self) -> Result<Option<String>> {
        self.from_file.user_token_key.as_deref().map(read).transpose()
    }

    /// Which private networks webhooks may go to.
    pub(crate) fn networks(&self, serve: &Serve) -> Result<NetworkPolicy> {
        let given = match &serve.allow_networks[..] {
            [] => self.from_file.allow_networks.clone(),
            networks => Some(networks.to_vec()),
        };
        let Some(given) = given else { return Ok(NetworkPolicy::loopback()) };
        let parse = |text: &String| {
            let network = text.parse().or_else(|_| text.parse::<std::net::IpAddr>().map(Into::into));
            network.map_err(|_| WrongUsage(format!("`{}` is no network, like 192.168.1.0/24", text.escape_debug())))
        };
        let networks = given.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        Ok(NetworkPolicy::allowing(networks))
    }

    /// What translates.
    pub(crate) fn translate(&self) -> TranslateConfig {
        self.from_file.translate.clone()
    }

    /// What speaks.
    pub(crate) fn voice(&self) -> VoiceConfig {
        self.from_file.voice.clone()
    }

    /// What recognises speech.
    pub(crate) fn speech(&self) -> SpeechConfig {
        self.from_file.speech.clone()
    }

    pub(crate) fn timings(&self) -> Timings {
        let file = &self.from_file;
        let mut timings = Timings::DEFAULT;
        let seconds = |value: Option<u64>, default: u64| value.map_or(default, |seconds| seconds * 1000);
        timings.glasses_grace = seconds(file.glasses_grace_seconds, timings.glasses_grace);
        timings.app_grace = seconds(file.app_grace_seconds, timings.app_grace);
        timings.app_start = seconds(file.app_start_seconds, timings.app_start);
        timings.display_gap = file.display_gap_ms.unwrap_or(timings.display_gap);
        timings
    }

    /// The time zone of wearers of whom nothing else is known: the configured one, else that of this machine.
    pub(crate) fn timezone(&self) -> Result<String> {
        let odd = |c: char| !(c.is_ascii_alphanumeric() || "/_+-".contains(c));
        match self.from_file.timezone.clone() {
            Some(zone) if zone.is_empty() || zone.contains(odd) => {
                Err(WrongUsage(format!("timezone `{}` is no name like Europe/Berlin", zone.escape_debug())).into())
            }
            Some(zone) => Ok(zone),
            None => Ok(iana_time_zone::get_timezone().unwrap_or_else(|_| "UTC".to_owned())),
        }
    }

    /// Where to ask for the weather; nobody is asked unless the file says whom.
    pub(crate) fn weather_url(&self) -> Result<Option<Url>> {
        let Some(text) = &self.from_file.weather_url else { return Ok(None) };
        let wrong = || WrongUsage("weather_url must be an http:// or https:// URL".to_owned());
        let url = Url::parse(text).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong().into());
        }
        Ok(Some(url))
    }

    /// Whether photos go from the phone straight to where SDK v2 and apps want them.
    pub(crate) fn direct_photos(&self) -> bool {
        self.from_file.direct_photos.unwrap_or_default()
    }

    /// How long photos stay on this server.
    pub(crate) fn photo_retention(&self) -> PhotoRetention {
        let default = PhotoRetention::default();
        let hours = |hours: Option<u64>, one: u64| hours.map(|n| Duration::from_secs(n.saturating_mul(one)));
        PhotoRetention {
            shared: hours(self.from_file.photo_hours, 3_600).unwrap_or(default.shared),
            gallery: hours(self.from_file.gallery_days, 86_400).unwrap_or(default.gallery),
        }
    }

    /// Where product events go: nowhere, unless a file or a PostHog key is given.
    pub(crate) fn events(&self) -> Result<EventSink> {
        let file = &self.from_file;
        let key = std::env::var("BIFOCAL_POSTHOG_KEY").ok().or_else(|| file.posthog_key.clone());
        match (&file.events_file, key) {
            (Some(_), Some(_)) => Err(WrongUsage("events_file or posthog_key, not both".to_owned()).into()),
            (Some(path), None) => Ok(EventSink::JsonLines(path.clone())),
            (None, Some(key)) => {
                let url = file.posthog_url.clone().unwrap_or_else(|| "https://us.i.posthog.com".to_owned());
                Ok(EventSink::PostHog { url, key })
            }
            (None, None) => Ok(EventSink::Off),
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        let default = Limits::default();
        Limits { sessions: self.from_file.max_sessions.unwrap_or(default.sessions), ..default }
    }
}

/// Reads the file; an unknown key is refused with the one that was probably meant.
fn parse(text: &str, path: &Path) -> Result<ConfigFile> {
    let wrong = |why: String| WrongUsage(format!("{}: {why}", path.display()));
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(one_line(&error)))?;
    for key in table.keys() {
        if !KEYS.contains(&key.as_str()) {
            let likely = KEYS.iter().map(|known| (strsim::jaro_winkler(key, known), known));
            let likely = likely.filter(|(score, _)| *score > 0.7).max_by(|a, b| a.0.total_cmp(&b.0));
            let key = key.escape_debug();
            let hint = match likely {
                Some((_, known)) => format!("unknown key `{key}`; did you mean `{known}`?"),
                None => format!("unknown key `{key}`; known are {}", KEYS.join(", ")),
            };
            return Err(wrong(hint).into());
        }
    }
    let config: ConfigFile = table.try_into().map_err(|error| wrong(one_line(&error)))?;
    if config.display_gap_ms.is_some_and(|gap| gap < 200) {
        return Err(wrong("display_gap_ms is at least 200: glasses cannot draw faster".to_owned()).into());
    }
    Ok(config)
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', " ")
}

/// Reads a file that the user named.
pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text, Path::new("bifocal.toml")).expect_err("refused").to_string()
    }

    #[test]
    fn an_unknown_key_is_refused_with_a_suggestion() {
        assert_eq!(error("public_ur = 'x'"), "bifocal.toml: unknown key `public_ur`; did you mean `public_url`?");
        assert!(error("zzz = 1").contains("known are listen"));
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused() {
        assert!(error("listen = 'nowhere'").contains("bifocal.toml"));
        assert!(error("display_gap_ms = 10").contains("at least 200"));
        assert!(error("listen = ").starts_with("bifocal.toml: "));
    }

    #[test]
    fn every_key_is_known_to_both_lists() {
        let text = "listen='127.0.0.1:1'\ndata='d'\npublic_url='http://x'\nudp_listen='127.0.0.1:2'\nudp_address='h:3'\njwt_secret='s'\nuser_token_key='f'\nallow_networks=[]\n\
                    log_format='json'\nglasses_grace_seconds=1\napp_grace_seconds=1\napp_start_seconds=1\n\
                    display_gap_ms=200\nmax_sessions=1\nevents_file='f'\nposthog_key='k'\nposthog_url='u'\ntimezone='Europe/Berlin'\n\
                    weather_url='https://w'\ndirect_photos=false\nphoto_hours=1\ngallery_days=30\nstreams={per_user=1}\n[speech]\n[translate]\n[voice]\n";
        assert_eq!(text.lines().count(), KEYS.len());
        let config = parse(text, Path::new("bifocal.toml")).expect("reads");
        assert_eq!((config.log_format, config.max_sessions), (Some(LogFormat::Json), Some(1)));
    }
}
