//! What is being played, and for whom: so that the phone's answer finds its app, a stop stops what is the app's own, and
//! nobody waits for ever.
//!
//! | a request | ends with |
//! |---|---|
//! | asked | the phone's answer, told to the app |
//! | … and not answered in time | a failure, told to the app |
//! | … and stopped by its app, or silenced by another | a failure, told to the app |
//! | … and its app is gone | nothing: nobody waits |
//!
//! A request for a stream of the app lasts as long as the stream.

use std::sync::Arc;

use bifocal_protocol::ids::PackageName;

use crate::now::{Millis, Timings};

/// Most requests of which the phone has not said yet what became.
const MAX_REQUESTS: usize = 64;
/// Most of them of one app.
const MAX_OF_AN_APP: usize = 16;
/// Most open streams of one app; SDKs have one.
const MAX_STREAMS: usize = 4;

/// PlaybackManager: sound out.
#[derive(Debug, Default)]
pub(crate) struct Playback {
    requests: Vec<Request>,
    streams: Vec<Stream>,
}

/// Something that an app wants played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) id: Box<str>,
    pub(crate) app: PackageName,
    pub(crate) track: u64,
    /// When nobody waits any more.
    pub(crate) until: Option<Millis>,
}

/// Sound that an app sends while it is heard.
#[derive(Debug)]
struct Stream {
    app: PackageName,
    /// The app's own name for it: a UUID.
    id: Box<str>,
    /// The part of its address that nobody can guess.
    secret: Arc<str>,
}

/// Why something is not played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotPlayed {
    /// Another request has this id.
    SameId,
    /// Too many wait.
    TooMany,
}

impl NotPlayed {
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            NotPlayed::SameId => "a request with this requestId is being played",
            NotPlayed::TooMany => "too many requests wait for the phone",
        }
    }
}

impl Playback {
    /// An app wants something played; `stream` when that is one of its streams.
    pub(crate) fn ask(
        &mut self,
        id: &str,
        app: &PackageName,
        track: u64,
        stream: bool,
        now: Millis,
        timings: &Timings,
    ) -> Result<(), NotPlayed> {
        if self.requests.iter().any(|request| *request.id == *id) {
            return Err(NotPlayed::SameId);
        }
        let own = self.requests.iter().filter(|request| request.app == *app).count();
        if self.requests.len() >= MAX_REQUESTS || own >= MAX_OF_AN_APP {
            return Err(NotPlayed::TooMany);
        }
        let until = (!stream).then_some(now + timings.audio_play);
        self.requests.push(Request { id: id.into(), app: app.clone(), track, until });
        Ok(())
    }

    /// The phone has answered: whose request it was. Once.
    pub(crate) fn answered(&mut self, id: &str) -> Option<PackageName> {
        let at = self.requests.iter().position(|request| *request.id == *id)?;
        Some(self.requests.remove(at).app)
    }

    /// When the next request is too old.
    pub(crate) fn ends(&self) -> Option<Millis> {
        self.requests.iter().filter_map(|request| request.until).min()
    }

    /// Requests that are too old.
    pub(crate) fn expire(&mut self, now: Millis) -> Vec<Request> {
        self.take(|request| request.until.is_some_and(|until| until <= now))
    }

    /// Requests of an app, on one track or on all.
    pub(crate) fn stop(&mut self, app: &PackageName, track: Option<u64>) -> Vec<Request> {
        self.take(|request| request.app == *app && track.is_none_or(|track| request.track == track))
    }

    /// Every request but this one, of an app or of all.
    pub(crate) fn silence(&mut self, of: Option<&PackageName>, but: &str) -> Vec<Request> {
        self.take(|request| *request.id != *but && of.is_none_or(|app| request.app == *app))
    }

    /// An app begins a stream; false when it has too many, or one of this name.
    pub(crate) fn begin_stream(&mut self, app: &PackageName, id: &str, secret: &Arc<str>) -> bool {
        let own = || self.streams.iter().filter(|stream| stream.app == *app);
        if own().count() >= MAX_STREAMS || own().any(|stream| *stream.id == *id) {
            return false;
        }
        self.streams.push(Stream { app: app.clone(), id: id.into(), secret: secret.clone() });
        true
    }

    /// The stream of an app under this name.
    pub(crate) fn stream(&self, app: &PackageName, id: &str) -> Option<&Arc<str>> {
        let known = |stream: &&Stream| stream.app == *app && *stream.id == *id;
        self.streams.iter().find(known).map(|stream| &stream.secret)
    }

    /// Whether an address ends with the secret of a stream of this app.
    pub(crate) fn is_stream(&self, app: &PackageName, url: &str) -> bool {
        self.streams.iter().any(|stream| stream.app == *app && url.ends_with(&*stream.secret))
    }

    /// A stream is over.
    pub(crate) fn end_stream(&mut self, app: &PackageName, id: &str) -> Option<Arc<str>> {
        let at = self.streams.iter().position(|stream| stream.app == *app && *stream.id == *id)?;
        Some(self.streams.swap_remove(at).secret)
    }

    /// An app is gone: its requests are forgotten; gives its streams, and whether something was being played.
    pub(crate) fn app_gone(&mut self, app: &PackageName) -> (bool, Vec<Arc<str>>) {
        let played = !self.stop(app, None).is_empty();
        let (gone, left) = std::mem::take(&mut self.streams).into_iter().partition(|stream| stream.app == *app);
        self.streams = left;
        let gone: Vec<Stream> = gone;
        (played, gone.into_iter().map(|stream| stream.secret).collect())
    }

    fn take(&mut self, which: impl Fn(&Request) -> bool) -> Vec<Request> {
        let (taken, left) = std::mem::take(&mut self.requests).into_iter().partition(|request| which(request));
        self.requests = left;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(name: &str) -> PackageName {
        PackageName::new(&format!("org.example.{name}")).expect("good")
    }

    #[test]
    fn requests_have_caps_and_ids_are_used_once() {
        let (mut playback, timings) = (Playback::default(), Timings::DEFAULT);
        let mut ask = |id: String, of: &str| playback.ask(&id, &app(of), 0, false, Millis(0), &timings);
        for n in 0..MAX_OF_AN_APP {
            assert_eq!(ask(format!("a{n}"), "a"), Ok(()));
        }
        assert_eq!(ask("more".into(), "a"), Err(NotPlayed::TooMany));
        assert_eq!(ask("a0".into(), "b"), Err(NotPlayed::SameId));
        for n in 0..48 {
            assert_eq!(ask(format!("b{n}"), ["b", "c", "d"][n / 16]), Ok(()));
        }
        assert_eq!(ask("more".into(), "e"), Err(NotPlayed::TooMany));
        assert_eq!((playback.answered("a0"), playback.answered("a0")), (Some(app("a")), None));
    }

    #[test]
    fn a_stream_is_the_apps_own() {
        let (mut playback, timings) = (Playback::default(), Timings::DEFAULT);
        let secret: Arc<str> = "s3cret".into();
        assert!(playback.begin_stream(&app("a"), "one", &secret));
        assert!(!playback.begin_stream(&app("a"), "one", &secret));
        assert!(playback.is_stream(&app("a"), "http://h/s3cret") && !playback.is_stream(&app("b"), "http://h/s3cret"));
        assert_eq!(playback.end_stream(&app("b"), "one"), None);
        assert_eq!(playback.ask("r", &app("a"), 1, true, Millis(0), &timings), Ok(()));
        assert_eq!(playback.ends(), None);
        assert_eq!(playback.app_gone(&app("a")), (true, vec![secret]));
        assert!(playback.requests.is_empty() && playback.streams.is_empty());
    }
}
