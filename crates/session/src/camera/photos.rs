//! PhotoManager: one photo at a time, the others wait. A photo is known by its app and the app's own name for it.
//!
//! | from | what happens | to |
//! |---|---|---|
//! | – | asked, and every check is passed | Waits |
//! | – | asked, with four waiting or a stream running | refused: `CAMERA_BUSY` |
//! | Waits | its turn comes with 5 s left or less | failed: `CAMERA_TIMEOUT` |
//! | Waits | it is the first, and the phone is there | Taken: the phone is asked, the upload awaited |
//! | Taken | the phone says that the photo is where it should be (it did not come through this server) | done |
//! | Taken | the phone says why there is none | failed, with that reason |
//! | Taken | its upload is here | Here: the camera is free |
//! | Taken, Here | the upload is where it should be; it cannot be passed on | done; failed, with that reason |
//! | Waits, Taken, Here | 28 s after it was asked for | failed: `CAMERA_TIMEOUT`, `PHONE_TIMEOUT`, `UPLOAD_FAILED` |
//! | Taken | the phone is back, with more than 5 s left | Taken: asked again |
//! | Waits, Taken, Here | its app is stopped, or may not any more | gone without a word |
//! | – | an answer to a photo that is over | counted |

use std::collections::VecDeque;
use std::sync::Arc;

use bifocal_protocol::app::AppRecord;
use bifocal_protocol::apps::PhotoRequest;
use bifocal_protocol::ids::PackageName;

use crate::input::CallId;
use crate::now::{Millis, Timings};

/// Most photos of one wearer: one that is taken, four that wait.
const MAX_PHOTOS: usize = 5;

#[derive(Debug, Default)]
pub(crate) struct PhotoManager {
    photos: VecDeque<Photo>,
}

/// A photo that was asked for.
#[derive(Debug)]
pub(crate) struct Photo {
    pub(crate) app: Arc<AppRecord>,
    pub(crate) v3: bool,
    pub(crate) request: PhotoRequest,
    pub(crate) asked: Millis,
    until: Millis,
    pub(crate) taken: Option<Taken>,
}

/// The phone has been asked for it.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// The call that waits for the upload; none when it does not come through this server.
    pub(crate) upload: Option<CallId>,
    /// Where the phone uploads it.
    pub(crate) url: String,
    /// What it shows there.
    pub(crate) auth_token: Option<String>,
    /// Since when.
    since: Millis,
    /// The upload is here; what is left is no business of the camera.
    pub(crate) here: bool,
}

/// Why a photo is not even tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAsked {
    TooMany,
    /// The app waits for one of this name.
    Twice,
}

impl Photo {
    pub(crate) fn new(app: Arc<AppRecord>, v3: bool, request: PhotoRequest, now: Millis, timings: &Timings) -> Self {
        Self { app, v3, request, asked: now, until: now + timings.photo, taken: None }
    }

    /// The phone is asked now.
    pub(crate) fn take(&mut self, upload: Option<CallId>, url: String, auth_token: Option<String>, now: Millis) {
        self.taken = Some(Taken { upload, url, auth_token, since: now, here: false });
    }

    /// How long it may still take.
    pub(crate) fn left(&self, now: Millis) -> u64 {
        self.until - now
    }

    fn is_of(&self, app: &PackageName, request: &str) -> bool {
        self.app.package == *app && self.request.request_id == request
    }
}

impl PhotoManager {
    /// An app wants one.
    pub(crate) fn ask(&mut self, photo: Photo) -> Result<(), NotAsked> {
        if self.photos.iter().any(|other| other.is_of(&photo.app.package, &photo.request.request_id)) {
            return Err(NotAsked::Twice);
        }
        if self.photos.len() == MAX_PHOTOS {
            return Err(NotAsked::TooMany);
        }
        self.photos.push_back(photo);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.photos.is_empty()
    }

    /// Some have the camera, or wait for it.
    pub(crate) fn need_camera(&self) -> bool {
        self.photos.iter().any(|photo| photo.taken.as_ref().is_none_or(|taken| !taken.here))
    }

    /// The upload of the one that the phone was asked for under this name is here.
    pub(crate) fn came(&mut self, request: &str) {
        let named = |photo: &&mut Photo| photo.request.request_id == request;
        let mut taken = self.photos.iter_mut().filter(named).filter_map(|photo| photo.taken.as_mut());
        if let Some(taken) = taken.find(|taken| taken.upload.is_some() && !taken.here) {
            taken.here = true;
        }
    }

    /// The one that is to be taken next, when none is being taken. A phone that has got a photo of which it never speaks
    /// again (it went straight to the app) keeps the next one waiting for a moment only.
    pub(crate) fn turn(&mut self, now: Millis, timings: &Timings) -> Option<&mut Photo> {
        self.turn_at(timings).filter(|at| *at <= now)?;
        self.photos.iter_mut().find(|photo| photo.taken.is_none())
    }

    fn turn_at(&self, timings: &Timings) -> Option<Millis> {
        if !self.photos.iter().any(|photo| photo.taken.is_none()) {
            return None;
        }
        let busy_until = |photo: &Photo| match photo.taken.as_ref()? {
            Taken { here: true, .. } => None,
            Taken { upload: Some(_), .. } => Some(Millis(u64::MAX)),
            Taken { since, .. } => Some(*since + timings.photo_direct),
        };
        Some(self.photos.iter().filter_map(busy_until).max().unwrap_or_default())
    }

    /// Those that the phone was asked for and has more than a moment for: it is back, and may have lost the question.
    pub(crate) fn again(&self, now: Millis, timings: &Timings) -> Vec<&Photo> {
        let asked = |photo: &Photo| photo.taken.as_ref().is_some_and(|taken| !taken.here);
        let worth = |photo: &&Photo| asked(photo) && photo.left(now) > timings.photo_again;
        self.photos.iter().filter(worth).collect()
    }

    /// The phone speaks of a photo: the one it was asked for under this name, and has not sent yet.
    pub(crate) fn named(&self, request: &str) -> Option<&Photo> {
        let asked = |photo: &&Photo| photo.taken.as_ref().is_some_and(|taken| !taken.here);
        self.photos.iter().filter(asked).find(|photo| photo.request.request_id == request)
    }

    /// It is over.
    pub(crate) fn remove(&mut self, app: &PackageName, request: &str) -> Option<Photo> {
        let at = self.photos.iter().position(|photo| photo.is_of(app, request))?;
        self.photos.remove(at)
    }

    /// The call that waits for its upload has ended: so is it.
    pub(crate) fn uploaded(&mut self, call: CallId) -> Option<Photo> {
        let waits = |photo: &Photo| photo.taken.as_ref().is_some_and(|taken| taken.upload == Some(call));
        let at = self.photos.iter().position(waits)?;
        self.photos.remove(at)
    }

    /// Those whose time is over.
    pub(crate) fn expire(&mut self, now: Millis) -> Vec<Photo> {
        self.take_out(|photo| photo.until <= now)
    }

    /// Those of apps that have none to expect any more.
    pub(crate) fn take_out(&mut self, gone: impl Fn(&Photo) -> bool) -> Vec<Photo> {
        let (gone, kept): (Vec<Photo>, Vec<Photo>) = std::mem::take(&mut self.photos).into_iter().partition(gone);
        self.photos = kept.into();
        gone
    }

    /// When the first one's time is over.
    pub(crate) fn ends(&self) -> Option<Millis> {
        self.photos.iter().map(|photo| photo.until).min()
    }

    /// When the next one's turn comes by itself.
    pub(crate) fn next_turn(&self, timings: &Timings) -> Option<Millis> {
        self.turn_at(timings).filter(|at| *at < Millis(u64::MAX))
    }

    pub(crate) fn apps(&self) -> impl Iterator<Item = &PackageName> {
        self.photos.iter().map(|photo| &photo.app.package)
    }
}

/// The codes of the glasses that are in use, for counters: what a phone writes is outside text.
pub(crate) fn known_code(code: &str) -> &'static str {
    const CODES: [&str; 24] = [
        "CAMERA_INIT_FAILED",
        "CAMERA_CAPTURE_FAILED",
        "CAMERA_TIMEOUT",
        "CAMERA_BUSY",
        "UPLOAD_FAILED",
        "UPLOAD_TIMEOUT",
        "BLE_TRANSFER_FAILED",
        "BLE_TRANSFER_BUSY",
        "BLE_TRANSFER_FAILED_TO_START",
        "BLE_TRANSFER_TIMEOUT",
        "COMPRESSION_FAILED",
        "PERMISSION_DENIED",
        "STORAGE_FULL",
        "NETWORK_ERROR",
        "PHONE_DISCONNECTED",
        "PHONE_GLASSES_NOT_CONNECTED",
        "PHONE_BLE_TRANSFER_FAILED",
        "PHONE_UPLOAD_FAILED",
        "PHONE_TIMEOUT",
        "WIFI_NOT_CONNECTED",
        "STREAM_CONFLICT",
        "BAD_REQUEST",
        "permission_denied",
        "UNKNOWN_ERROR",
    ];
    CODES.into_iter().find(|known| *known == code).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use bifocal_protocol::app::AppKind;

    use super::*;

    const T: Timings = Timings::DEFAULT;

    fn photo(package: &str, request: &str, at: u64) -> Photo {
        let app = AppRecord {
            package: PackageName::new(package).expect("good"),
            name: String::new(),
            kind: AppKind::Background,
            public_url: String::new(),
            permissions: vec![],
            key_hash: [0; 32],
            uuid_sessions: false,
            hardware: vec![],
            settings: vec![],
        };
        let text = format!(r#"{{"requestId":"{request}"}}"#);
        let request = serde_json::from_str(&text).expect("a request");
        Photo::new(Arc::new(app), false, request, Millis(at), &T)
    }

    #[test]
    fn one_is_taken_and_four_wait() {
        let mut photos = PhotoManager::default();
        for n in 0..5 {
            assert_eq!(photos.ask(photo("org.a", &n.to_string(), 0)), Ok(()));
        }
        assert_eq!(photos.ask(photo("org.a", "0", 0)), Err(NotAsked::Twice));
        assert_eq!(photos.ask(photo("org.b", "0", 0)), Err(NotAsked::TooMany));
        let first = photos.turn(Millis(0), &T).expect("its turn");
        first.take(Some(CallId(7)), String::new(), None, Millis(0));
        assert!(photos.turn(Millis(20_000), &T).is_none());
        assert_eq!(photos.next_turn(&T), None);
        assert!(photos.uploaded(CallId(8)).is_none());
        assert_eq!(photos.uploaded(CallId(7)).map(|photo| photo.request.request_id), Some("0".to_owned()));
        assert_eq!(photos.turn(Millis(1), &T).map(|photo| photo.request.request_id.clone()), Some("1".to_owned()));
        assert_eq!(photos.expire(Millis(28_000)).len(), 4);
    }

    #[test]
    fn a_name_is_that_of_one_app() {
        let mut photos = PhotoManager::default();
        photos.ask(photo("org.a", "x", 0)).expect("asked");
        photos.ask(photo("org.b", "x", 0)).expect("asked");
        assert!(photos.remove(&PackageName::new("org.c").expect("good"), "x").is_none());
        assert!(photos.remove(&PackageName::new("org.b").expect("good"), "x").is_some());
        assert_eq!(photos.apps().map(PackageName::as_str).collect::<Vec<_>>(), ["org.a"]);
    }

    #[test]
    fn a_photo_that_goes_straight_to_the_app_keeps_the_next_one_waiting_for_a_moment() {
        let mut photos = PhotoManager::default();
        photos.ask(photo("org.a", "1", 0)).expect("asked");
        photos.ask(photo("org.a", "2", 0)).expect("asked");
        photos.turn(Millis(0), &T).expect("its turn").take(None, String::new(), None, Millis(0));
        assert!(photos.turn(Millis(1), &T).is_none());
        assert_eq!(photos.next_turn(&T), Some(Millis(T.photo_direct)));
        assert!(photos.turn(Millis(T.photo_direct), &T).is_some());
        assert_eq!(photos.again(Millis(22_999), &T).len(), 1);
        assert_eq!(photos.again(Millis(23_000), &T).len(), 0);
    }
}
