//! What apps ask for, and the pictures that an animation is made of.
//!
//! Phones do not play animations. Here one is a frame like any other, and [`Throttle`](super::throttle::Throttle) sends its
//! pictures one after the other for as long as the frame is the visible one.

use std::sync::Arc;

use bifocal_protocol::app::AppKind;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::layout::{Layout, View};

use super::reports::ReportTo;
use crate::now::Timings;

/// Most pictures of one animation.
const MAX_PICTURES: usize = 100;
/// Most bytes of all its pictures: as much as one bitmap of an SDK may have.
const MAX_PICTURE_BYTES: usize = 1024 * 1024;

/// One picture of one app, or several in a row.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) package: PackageName,
    pub(crate) session_id: Arc<str>,
    pub(crate) layout: Layout,
    pub(crate) duration_ms: Option<u64>,
}

/// A request of an app.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) kind: AppKind,
    pub(crate) view: View,
    pub(crate) force: bool,
    /// Whether the app wants to know what becomes of it.
    pub(crate) report: Option<ReportTo>,
    pub(crate) frame: Frame,
}

/// Why a request changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is for a view that is not for apps.
    NotTheDashboard,
    /// It has too many pictures, or too large ones.
    TooLarge,
    /// Too many other apps wait.
    TooManyWait,
}

impl Refused {
    /// Every reason.
    pub const EVERY: [Refused; 3] = [Refused::NotTheDashboard, Refused::TooLarge, Refused::TooManyWait];

    /// A name for metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Refused::NotTheDashboard => "view",
            Refused::TooLarge => "size",
            Refused::TooManyWait => "waiting",
        }
    }

    /// For a developer.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Refused::NotTheDashboard => "Only the system dashboard draws on the view `dashboard`; use `main`",
            Refused::TooLarge => "An animation has at most 100 pictures and 1 MiB in all",
            Refused::TooManyWait => "Too many apps wait for the display; try again later",
        }
    }
}

impl Frame {
    /// Whether it draws nothing: a clear, or a picture that lasts no time.
    pub(crate) fn is_empty(&self) -> bool {
        self.layout.is_empty() || self.duration_ms == Some(0)
    }

    /// Whether it is larger than what is kept.
    pub(crate) fn is_too_large(&self) -> bool {
        let Layout::BitmapAnimation { frames, .. } = &self.layout else { return false };
        frames.len() > MAX_PICTURES || frames.iter().map(String::len).sum::<usize>() > MAX_PICTURE_BYTES
    }

    /// What comes after this picture of an animation, and after how long; `None` when it stays.
    pub(crate) fn next_picture(&self, picture: usize, timings: &Timings) -> Option<(usize, u64)> {
        let Layout::BitmapAnimation { frames, interval, repeat } = &self.layout else { return None };
        let interval = (*interval).max(timings.display_gap);
        match picture + 1 {
            next if next < frames.len() => Some((next, interval)),
            _ if *repeat && frames.len() > 1 => Some((0, interval)),
            _ => None,
        }
    }

    /// Whether two pictures look the same.
    pub(crate) fn same_pictures(&self, one: usize, other: usize) -> bool {
        match &self.layout {
            Layout::BitmapAnimation { frames, .. } => frames.get(one) == frames.get(other),
            _ => true,
        }
    }

    /// This picture of it, as phones draw it.
    pub(crate) fn layout_of(&self, picture: usize) -> Layout {
        match &self.layout {
            Layout::BitmapAnimation { frames, .. } => {
                Layout::BitmapView { data: frames.get(picture).cloned().unwrap_or_default() }
            }
            other => other.clone(),
        }
    }
}
