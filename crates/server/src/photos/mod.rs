//! Photos that phones upload here: awaited under a secret URL, written to disk, looked at, passed on unchanged, kept where
//! somebody wants them, and swept away.
//!
//! ```text
//! Call::Photo ─► tickets ◄─ POST /photos/<token> ─► incoming (a file) ─► deliver: the app's server, its own URL
//!                                                                     └► shelf: a signed URL, the wearer's gallery
//! ```

mod deliver;
mod incoming;
mod shelf;
mod tickets;

use std::path::Path;
use std::time::Duration;

use bifocal_protocol::ids::UserId;
use bifocal_session::{Outcome, PhotoFailure, PhotoGoes, PhotoTaken, PhotoUpload};
use tokio::time::{Instant, timeout};
use tracing::warn;

pub(crate) use deliver::Delivery;
pub(crate) use incoming::{FIELD_BYTES, Incoming, MAX_PHOTO, NotTaken, receive};
pub(crate) use shelf::{Kept, Shelf};
pub(crate) use tickets::{Arrived, Holder, Tickets, Waiting};

use crate::shared::Shared;

/// The session gives an upload up earlier; this is for one that has failed.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How often old photos are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(300);

/// Everything about photos that outlives a request.
#[derive(Debug)]
pub(crate) struct Photos {
    pub(crate) tickets: Tickets,
    pub(crate) shelf: Shelf,
    delivery: Delivery,
}

impl Photos {
    pub(crate) fn begin(folder: &Path, secret: &[u8], delivery: Delivery, keep: PhotoRetention) -> Self {
        Self { tickets: Tickets::default(), shelf: Shelf::new(&folder.join("photos"), secret, keep), delivery }
    }

    /// Tells an app's server that there is no photo.
    pub(crate) async fn no_photo(&self, failure: &PhotoFailure) -> Outcome {
        self.delivery.no_photo(failure).await
    }
}

/// How long photos stay on this server.
#[derive(Debug, Clone, Copy)]
pub struct PhotoRetention {
    /// Those that an app fetches by a signed URL, which is good for as long.
    pub shared: Duration,
    /// Those in the wearer's gallery.
    pub gallery: Duration,
}

impl Default for PhotoRetention {
    fn default() -> Self {
        Self { shared: Duration::from_secs(60 * 60), gallery: Duration::from_secs(30 * 24 * 60 * 60) }
    }
}

/// Waits for an upload and brings it where it should be.
pub(crate) async fn take(shared: &Shared, user: &UserId, upload: PhotoUpload, waiting: Waiting) -> Outcome {
    let failed = |why: String| Outcome::Failed { why };
    if let PhotoGoes::ToUrl { url, .. } = &upload.goes
        && let Err(why) = shared.photos.delivery.check(url)
    {
        return failed(why);
    }
    let asked = Instant::now();
    let Ok(Some(Arrived { photo, began })) = timeout(LONGEST_WAIT, waiting.arrives()).await else {
        return failed("no photo came".to_owned());
    };
    let metrics = &shared.metrics;
    metrics.photo_stage("taking", began - asked);
    metrics.photo_stage("transfer", began.elapsed());
    let passing = Instant::now();
    let (width, height) = (photo.width, photo.height);
    let saved = match upload.save_to_gallery {
        true => shared.photos.shelf.keep(user, &photo, &upload.app.package, &upload.request_id, true).await,
        false => Ok(None),
    };
    let saved = saved.unwrap_or_else(|error| {
        warn!(%error, "a photo could not be put into the gallery");
        None
    });
    let url = match &upload.goes {
        PhotoGoes::ToApp => shared.photos.delivery.to_app(&upload.app, &upload.request_id, &photo).await.map(|()| None),
        PhotoGoes::ToUrl { url, auth_token } => {
            let delivery = &shared.photos.delivery;
            delivery.to_url(url, auth_token.as_deref(), &upload.request_id, &photo).await.map(|()| None)
        }
        PhotoGoes::Stays => {
            let kept = match &saved {
                Some(kept) => Ok(Some(kept.clone())),
                None => shared.photos.shelf.keep(user, &photo, &upload.app.package, &upload.request_id, false).await,
            };
            match kept {
                Ok(Some(kept)) => Ok(Some(shared.photos.shelf.url(&shared.public_url, &kept))),
                Ok(None) => Err("the photos of this user fill their place".to_owned()),
                Err(error) => Err(format!("the photo could not be kept: {}", error.kind())),
            }
        }
    };
    metrics.photo_stage("delivery", passing.elapsed());
    match url {
        Ok(url) => Outcome::Photo(PhotoTaken { url, width, height, saved: saved.is_some() }),
        Err(why) => failed(why),
    }
}

/// Removes photos whose time is over, until the server stops.
pub(crate) async fn sweep(shared: std::sync::Arc<Shared>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = shared.photos.shelf.sweep(crate::clock::wall()).await {
            warn!(%error, "old photos could not be removed");
        }
    }
}
