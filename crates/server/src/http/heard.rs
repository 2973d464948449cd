//! What was heard, for an app that runs for the wearer and has the microphone: what was said in the last half hour, and the
//! sound of the last ten seconds. Session ids and addresses can be guessed; it is the app's own key that opens this.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bifocal_protocol::Timestamp;
use bifocal_protocol::app_rest::{AppRefusal, TranscriptSegment, Transcripts};
use bifocal_protocol::ids::{PackageName, UserId, user_of_session_id};
use bifocal_session::{Answer, Ask, Transcript};
use bifocal_store::key_hash;
use serde::Deserialize;

use crate::auth::bearer::app_credentials;
use crate::clock::wall;
use crate::http::answer;
use crate::http::sdk::{app, refusal};
use crate::service;
use crate::shared::Shared;

const NO_SESSION: AppRefusal = AppRefusal::NotFound("Session not found");
const NO_SOUND: AppRefusal = AppRefusal::NotFound("No audio available");
/// The language that is meant when none is named, and what stands for all of them.
const USUAL: &str = "en-US";
const ALL: &str = "all";

/// Which part of what was said. Times are ISO, or milliseconds as `Date.now()` gives them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part {
    /// The last seconds; wins over the times.
    duration: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    /// `en-US` when it is missing; `all` for every language.
    language: Option<String>,
}

/// `GET /api/transcripts/{app session id}?duration=…|startTime=…&endTime=…&language=…`.
pub(crate) async fn transcripts(
    State(shared): State<Arc<Shared>>,
    Path(session_id): Path<String>,
    Query(part): Query<Part>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let package = caller(&shared, &headers).await?;
        let (from, until) = part.times(wall())?;
        let by_id = user_of_session_id(&session_id, &package).or_else(|| shared.sessions.user_of_uuid(&session_id));
        let user = by_id.ok_or(NO_SESSION)?;
        let named = part.language.filter(|language| !language.is_empty()).unwrap_or_else(|| USUAL.to_owned());
        let language = (named != ALL).then(|| named.clone().into_boxed_str());
        match service::ask(&shared, &user, Ask::Transcripts { package, language, from, until }).await {
            Some(Answer::Transcripts(said)) => {
                Ok(Transcripts { language: named, segments: said.into_iter().map(segment).collect() })
            }
            Some(Answer::NotPermitted) => Err(AppRefusal::NotPermitted),
            _ => Err(NO_SESSION),
        }
    };
    match found.await {
        Ok(transcripts) => answer(StatusCode::OK, &transcripts),
        Err(refused) => refusal(refused),
    }
}

/// `GET /api/audio/{user}`: signed 16 bit, little-endian, 16 kHz, mono.
pub(crate) async fn recent_sound(
    State(shared): State<Arc<Shared>>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let package = caller(&shared, &headers).await?;
        let user = UserId::new(&user).map_err(|_| NO_SOUND)?;
        match service::ask(&shared, &user, Ask::RecentSound(package)).await {
            Some(Answer::RecentSound(sound)) if !sound.is_empty() => Ok(sound),
            Some(Answer::NotPermitted) => Err(AppRefusal::NotPermitted),
            _ => Err(NO_SOUND),
        }
    };
    match found.await {
        Ok(sound) => {
            let octets = HeaderValue::from_static("application/octet-stream");
            let never = HeaderValue::from_static("no-store");
            ([(CONTENT_TYPE, octets), (CACHE_CONTROL, never)], Body::from(sound)).into_response()
        }
        Err(refused) => refusal(refused),
    }
}

/// Which app asks; it has shown its key.
async fn caller(shared: &Shared, headers: &HeaderMap) -> Result<PackageName, AppRefusal> {
    let (package, key) = app_credentials(headers).ok_or(AppRefusal::BadKey)?;
    let record = app(shared, package).await?.filter(|app| app.key_hash == key_hash(key));
    Ok(record.ok_or(AppRefusal::BadKey)?.package)
}

impl Part {
    fn times(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), AppRefusal> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (duration, start, end) = (given(&self.duration), given(&self.start_time), given(&self.end_time));
        if let Some(duration) = duration {
            let seconds: Option<f64> = duration.parse().ok().filter(|seconds: &f64| *seconds >= 0.0);
            let seconds = seconds.ok_or(AppRefusal::BadRequest("duration is no number of seconds"))?;
            // A float becomes the largest number there is when it is larger.
            return Ok((Timestamp(now.0.saturating_sub((seconds * 1000.0) as i64)), now));
        }
        if start.is_none() && end.is_none() {
            return Err(AppRefusal::BadRequest("duration, startTime, or endTime is required"));
        }
        let time = |text: Option<String>, default: Timestamp| match text {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| AppRefusal::BadRequest("startTime or endTime is no time")),
        };
        Ok((time(start, Timestamp(0))?, time(end, now)?))
    }
}

fn segment(said: Transcript) -> TranscriptSegment {
    let Transcript { utterance, language, speaker, text, at, is_final } = said;
    let language = language.into_string();
    TranscriptSegment { result_id: utterance, speaker_id: speaker, text, timestamp: at, is_final, language }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(duration: Option<&str>, start: Option<&str>, end: Option<&str>) -> Option<(i64, i64)> {
        let [duration, start_time, end_time] = [duration, start, end].map(|text| text.map(str::to_owned));
        let part = Part { duration, start_time, end_time, language: None };
        part.times(Timestamp(100_000)).ok().map(|(from, until)| (from.0, until.0))
    }

    #[test]
    fn the_last_seconds_or_two_times() {
        assert_eq!(part(Some("1.5"), Some("7"), None), Some((98_500, 100_000)));
        assert_eq!(part(Some("1e99"), None, None).map(|times| times.1), Some(100_000));
        assert_eq!(part(None, Some("7"), None), Some((7, 100_000)));
        assert_eq!(part(None, None, Some("1970-01-01T00:00:01.000Z")), Some((0, 1_000)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for duration in ["-1", "NaN", "long"] {
            assert_eq!(part(Some(duration), None, None), None, "{duration}");
        }
        assert_eq!(part(None, None, None), None);
        assert_eq!(part(Some(""), Some(""), None), None);
        assert_eq!(part(None, Some("yesterday"), None), None);
    }
}
