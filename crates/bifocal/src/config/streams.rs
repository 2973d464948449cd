//! The table `[streams]` of the configuration file: who carries managed streams.
//!
//! | key | meaning |
//! |---|---|
//! | `rtmp_listen`, `rtmp_url` | as the options of the same names |
//! | `per_user` | streams of one wearer, 2 |
//! | `recordings`, `recording_days` | a folder, and how long recordings stay in it, 7; nothing is recorded without the first |
//! | `ffmpeg` | the program that makes thumbnails, or `off`; looked for in `PATH` when absent |
//! | `cloudflare_account`, `cloudflare_token` | Cloudflare carries them; the token may be in `BIFOCAL_CLOUDFLARE_TOKEN` |

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use bifocal_server::{EmbeddedStreams, StreamsConfig};
use serde::Deserialize;

use super::{Settings, WrongUsage};
use crate::cli::Serve;

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1935);
const PER_USER: usize = 2;
const RECORDING_DAYS: u64 = 7;
const DAY: u64 = 24 * 3600;

/// What the table may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StreamsFile {
    rtmp_listen: Option<SocketAddr>,
    rtmp_url: Option<String>,
    per_user: Option<usize>,
    recordings: Option<PathBuf>,
    recording_days: Option<u64>,
    ffmpeg: Option<PathBuf>,
    cloudflare_account: Option<String>,
    cloudflare_token: Option<String>,
}

impl Settings {
    /// Who carries managed streams.
    pub(crate) fn streams(&self, serve: &Serve) -> Result<StreamsConfig> {
        let token = std::env::var("BIFOCAL_CLOUDFLARE_TOKEN").ok().filter(|token| !token.is_empty());
        choose(&self.from_file.streams, serve.rtmp_listen, serve.rtmp_url.clone(), token)
    }
}

fn choose(
    file: &StreamsFile,
    listen: Option<SocketAddr>,
    url: Option<String>,
    token: Option<String>,
) -> Result<StreamsConfig> {
    let per_user = file.per_user.unwrap_or(PER_USER);
    let listen = listen.or(file.rtmp_listen);
    let token = token.or_else(|| file.cloudflare_token.clone());
    match (&file.cloudflare_account, token) {
        (Some(account), Some(token)) => {
            let good = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !good {
                return Err(WrongUsage("streams.cloudflare_account is letters and digits".to_owned()).into());
            }
            return Ok(StreamsConfig::Cloudflare { account: account.clone(), token, per_user });
        }
        (Some(_), None) => {
            let why = "streams.cloudflare_account needs a token: BIFOCAL_CLOUDFLARE_TOKEN, or streams.cloudflare_token";
            return Err(WrongUsage(why.to_owned()).into());
        }
        (None, _) => {}
    }
    let publish_base = url.or_else(|| file.rtmp_url.clone());
    if publish_base.as_ref().is_some_and(|url| !url.starts_with("rtmp://") && !url.starts_with("rtmps://")) {
        return Err(WrongUsage("the RTMP URL must begin with rtmp:// or rtmps://".to_owned()).into());
    }
    let at = listen.unwrap_or(LISTEN);
    if at.port() == 0 {
        return Ok(StreamsConfig::Off);
    }
    let days = file.recording_days.unwrap_or(RECORDING_DAYS);
    let recordings = file.recordings.clone().map(|folder| (folder, Duration::from_secs(days * DAY)));
    let ffmpeg = match &file.ffmpeg {
        Some(program) if program.as_os_str() == "off" => None,
        Some(program) => Some(program.clone()),
        None => in_path("ffmpeg"),
    };
    let required = listen.is_some();
    Ok(StreamsConfig::Embedded(EmbeddedStreams { listen: at, required, publish_base, recordings, ffmpeg, per_user }))
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> StreamsFile {
        toml::from_str(text).expect("a table")
    }

    #[test]
    fn the_media_server_is_on_unless_its_port_is_zero() {
        let chosen = |text, listen: Option<&str>| {
            choose(&file(text), listen.map(|at| at.parse().expect("an address")), None, None).expect("good")
        };
        let StreamsConfig::Embedded(default) = chosen("", None) else { panic!("embedded") };
        assert_eq!((default.listen, default.required, default.per_user), (LISTEN, false, 2));
        assert!(default.recordings.is_none(), "nothing is recorded unless it is asked for");
        let StreamsConfig::Embedded(given) = chosen("per_user = 5\nrecordings = 'r'", Some("0.0.0.0:7000")) else {
            panic!("embedded")
        };
        assert_eq!((given.listen.port(), given.required, given.per_user), (7000, true, 5));
        assert_eq!(given.recordings, Some(("r".into(), Duration::from_secs(7 * DAY))));
        assert!(matches!(chosen("rtmp_listen = '127.0.0.1:0'", None), StreamsConfig::Off));
    }

    #[test]
    fn cloudflare_needs_both_its_parts() {
        let token = || Some("t".to_owned());
        let account = file("cloudflare_account = 'abc'");
        assert!(matches!(choose(&account, None, None, token()), Ok(StreamsConfig::Cloudflare { .. })));
        assert!(choose(&account, None, None, None).is_err());
        assert!(choose(&file("cloudflare_account = '../x'"), None, None, token()).is_err());
        assert!(matches!(choose(&file(""), None, None, token()), Ok(StreamsConfig::Embedded(_))));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(choose(&file(""), None, Some("http://x".into()), None).is_err());
        assert!(toml::from_str::<StreamsFile>("rtmp_port = 1").is_err());
    }
}
