//! Sound that apps want to be heard: the phone fetches it, and says whether it could.

use std::time::Duration;

use serde::Deserialize;
use tokio::task::{AbortHandle, JoinSet};
use url::Url;

use super::error::chain;
use super::rest::Http;

/// Recordings that are fetched at a time; a phone has one loudspeaker.
const MAX_PLAYS: usize = 8;
/// Longest recording, and longest time for it.
const MAX_BYTES: u64 = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// `audio_play_request`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PlayRequest {
    pub(super) request_id: String,
    package_name: String,
    app_id: String,
    audio_url: String,
    /// Silence everything else; true when absent.
    stop_other_audio: Option<bool>,
    track_id: u64,
}

/// `audio_stop_request`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StopRequest {
    app_id: String,
    track_id: Option<u64>,
}

/// What became of a request: how many bytes were heard, or why not all.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) request_id: String,
    pub(super) package: String,
    pub(super) outcome: Result<u64, String>,
}

/// What is being heard.
#[derive(Debug, Default)]
pub(super) struct Plays {
    tasks: JoinSet<Played>,
    /// Whose it is, on which track, and how to end it.
    now: Vec<(PlayRequest, AbortHandle)>,
}

impl PlayRequest {
    /// Whose it is, as later phones read it.
    fn app(&self) -> &str {
        if self.app_id.is_empty() { &self.package_name } else { &self.app_id }
    }
}

impl Plays {
    /// Begins to play. What is silenced for it, or is too much, is told at once.
    pub(super) fn begin(&mut self, request: PlayRequest, http: &std::sync::Arc<Http>) -> Vec<Played> {
        let mut over = Vec::new();
        if request.stop_other_audio.unwrap_or(true) {
            over = self.end(|_| true, "something else is played");
        }
        if self.now.len() >= MAX_PLAYS {
            over.push(ended(&request, "too much is played at a time"));
            return over;
        }
        let (http, asked) = (http.clone(), request.clone());
        let task = self.tasks.spawn(async move {
            let outcome = hear(&http, &asked.audio_url).await;
            Played { request_id: asked.request_id.clone(), package: asked.app().to_owned(), outcome }
        });
        self.now.push((request, task));
        over
    }

    /// Stops what an app plays, on a track or on all.
    pub(super) fn stop(&mut self, stop: &StopRequest) -> Vec<Played> {
        let fits = |request: &PlayRequest| {
            request.app() == stop.app_id && stop.track_id.is_none_or(|track| track == request.track_id)
        };
        self.end(fits, "stopped")
    }

    /// Waits for something to end; never returns while nothing is played.
    pub(super) async fn next(&mut self) -> Option<Played> {
        loop {
            let played = match self.tasks.join_next().await? {
                Ok(played) => played,
                // Stopped, and told already.
                Err(_) => continue,
            };
            self.now.retain(|(request, _)| request.request_id != played.request_id);
            return Some(played);
        }
    }

    fn end(&mut self, which: impl Fn(&PlayRequest) -> bool, why: &str) -> Vec<Played> {
        let (gone, left) = std::mem::take(&mut self.now).into_iter().partition(|(request, _)| which(request));
        self.now = left;
        let gone: Vec<(PlayRequest, AbortHandle)> = gone;
        gone.iter()
            .map(|(request, task)| {
                task.abort();
                ended(request, why)
            })
            .collect()
    }
}

fn ended(request: &PlayRequest, why: &str) -> Played {
    let (request_id, package) = (request.request_id.clone(), request.app().to_owned());
    Played { request_id, package, outcome: Err(why.to_owned()) }
}

/// Fetches all of it, as a player does.
async fn hear(http: &Http, url: &str) -> Result<u64, String> {
    let url = Url::parse(url).map_err(|error| format!("the audioUrl is wrong: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("the audioUrl is not http".to_owned());
    }
    let asked = http.client()?.get(url).timeout(PATIENCE).send().await;
    let mut answer = asked.map_err(|error| chain(&error.without_url()))?;
    if !answer.status().is_success() {
        return Err(format!("HTTP {}", answer.status().as_u16()));
    }
    let mut bytes = 0;
    while let Some(chunk) = answer.chunk().await.map_err(|error| chain(&error.without_url()))? {
        bytes += chunk.len() as u64;
        if bytes > MAX_BYTES {
            return Err("longer than a phone would play".to_owned());
        }
    }
    Ok(bytes)
}
