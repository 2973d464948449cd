//! Photos: who waits for one, which one is taken, and how each of them ends.

use bifocal_protocol::permission::Permission;
use bifocal_session::AppPhase;

use super::{Model, UNNUMBERED};
use crate::cast::AppNo;
use crate::seen::{Asked, Frame};
use crate::step::Ending;

/// How long an app waits for its photo.
const PHOTO: u64 = 28_000;
/// A photo with so little of that left is not begun.
const TOO_LATE: u64 = 5_000;

/// A photo that an app waits for. All of the cast call theirs the same, so each has one at most.
#[derive(Debug, Clone)]
pub(super) struct Photo {
    app: AppNo,
    pub(super) until: u64,
    /// The call that waits for its upload.
    call: Option<u32>,
}

impl Model {
    /// An app asks for one.
    pub(super) fn photo(&mut self, app: AppNo, conn: u64, now: u64) {
        let granted = self.wearer.grants(app, Some(Permission::Camera));
        // The glasses of these stories are of a model without a camera; until one is named, they may have one.
        if !granted || !self.wearer.sensing || self.phone().is_none() || self.model_named {
            self.on(conn, Frame::AppError);
            return self.ask(Asked::NoPhoto(app));
        }
        if self.photos.iter().any(|photo| photo.app == app) {
            return self.on(conn, Frame::AppError);
        }
        self.photos.push(Photo { app, until: now + PHOTO, call: None });
    }

    /// What every step ends with.
    pub(super) fn photos_go_on(&mut self, now: u64) {
        let keeps = |model: &Self, app: AppNo| {
            let there = matches!(model.phase(app), Some(AppPhase::Running | AppPhase::Grace));
            there && model.wearer.grants(app, Some(Permission::Camera))
        };
        for photo in std::mem::take(&mut self.photos) {
            if !keeps(self, photo.app) {
                self.give_up(&photo);
            } else if !self.wearer.sensing {
                self.give_up(&photo);
                if let Some(conn) = self.app_conn(photo.app) {
                    self.on(conn, Frame::AppError);
                }
                self.ask(Asked::NoPhoto(photo.app));
            } else {
                self.photos.push(photo);
            }
        }
        let free = self.photos.iter().all(|photo| photo.call.is_none());
        if !free || self.phone().is_none() {
            return;
        }
        while self.photos.first().is_some_and(|first| first.until.saturating_sub(now) <= TOO_LATE) {
            let app = self.photos.remove(0).app;
            self.ask(Asked::NoPhoto(app));
        }
        if let Some(first) = self.photos.first_mut() {
            first.call = Some(UNNUMBERED);
            let app = first.app;
            self.ask(Asked::Photo(app));
        }
    }

    /// The time of the first that is over is over.
    pub(super) fn photo_expires(&mut self, now: u64) {
        for photo in std::mem::take(&mut self.photos) {
            if photo.until <= now {
                self.give_up(&photo);
                self.ask(Asked::NoPhoto(photo.app));
            } else {
                self.photos.push(photo);
            }
        }
    }

    /// Nobody waits for its upload any more.
    pub(super) fn give_up(&mut self, photo: &Photo) {
        if photo.call.is_some() {
            self.ask(Asked::Cancel);
        }
    }

    pub(super) fn learn_photo(&mut self, call: u32) {
        if let Some(photo) = self.photos.iter_mut().find(|photo| photo.call == Some(UNNUMBERED)) {
            photo.call = Some(call);
        }
    }

    pub(super) fn waits_for_photo(&self, call: u32) -> bool {
        self.photos.iter().any(|photo| photo.call == Some(call))
    }

    /// The upload came, or failed.
    pub(super) fn photo_ends(&mut self, call: u32, ending: Ending) {
        let Some(at) = self.photos.iter().position(|photo| photo.call == Some(call)) else { return };
        let photo = self.photos.remove(at);
        if ending != Ending::Photo {
            self.ask(Asked::NoPhoto(photo.app));
        }
    }
}
