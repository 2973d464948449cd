//! What the wearer sees. Nothing answers a picture: a call returns when it is sent, or waits for the connection, where a newer
//! picture of the same view takes its place.

use std::sync::Arc;
use std::time::Duration;

use bifocal_pictures::{Rendering, render};
use bifocal_protocol::apps::{DisplayOutcome, DisplayRequest, FromApp};
use bifocal_protocol::layout::{Layout, View};
use bytes::Bytes;

use crate::core::{Awaited, Lane, Reply};
use crate::error::Error;
use crate::random;
use crate::session::Bitmap;
use crate::shared::Shared;

/// Longer pictures are refused, as by other SDKs.
const MAX_PICTURE: usize = 1_000_000;
/// Until a picture has been shown, replaced or refused.
const REPORT: Duration = Duration::from_secs(30);

/// The display (`display_event`). Every method gives [`Error::Ended`] when the session is over and [`Error::Full`] when too much
/// waits for the connection.
#[derive(Debug, Clone)]
pub struct Layouts {
    pub(crate) shared: Arc<Shared>,
}

/// How to show something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Show {
    /// Which of the two views; the main one otherwise.
    pub view: View,
    /// How long; until something else comes otherwise.
    pub duration: Option<Duration>,
    /// Ask the cloud to skip its throttle.
    pub force: bool,
}

impl Show {
    /// In the dashboard's view, which only the system dashboard may draw.
    pub fn on_dashboard() -> Self {
        Self { view: View::Dashboard, ..Self::default() }
    }

    /// For so long.
    pub fn lasting(duration: Duration) -> Self {
        Self { duration: Some(duration), ..Self::default() }
    }
}

impl Layouts {
    /// One block of text. More than 1,000 characters fit on no glasses.
    ///
    /// # Errors
    /// See [`Layouts`].
    pub async fn show_text_wall(&self, text: impl Into<String>) -> Result<(), Error> {
        self.show(Layout::TextWall { text: text.into() }, Show::default()).await
    }

    /// Two blocks of text.
    ///
    /// # Errors
    /// See [`Layouts`].
    pub async fn show_double_text_wall(&self, top: impl Into<String>, bottom: impl Into<String>) -> Result<(), Error> {
        let layout = Layout::DoubleTextWall { top_text: top.into(), bottom_text: bottom.into() };
        self.show(layout, Show::default()).await
    }

    /// A title and a text.
    ///
    /// # Errors
    /// See [`Layouts`].
    pub async fn show_reference_card(&self, title: impl Into<String>, text: impl Into<String>) -> Result<(), Error> {
        self.show(Layout::ReferenceCard { title: title.into(), text: text.into() }, Show::default()).await
    }

    /// Two short texts, left and right. Its place is the dashboard, so that is where it goes by itself; with [`show`](Self::show)
    /// it may be anywhere.
    ///
    /// # Errors
    /// See [`Layouts`].
    pub async fn show_dashboard_card(&self, left: impl Into<String>, right: impl Into<String>) -> Result<(), Error> {
        let layout = Layout::DashboardCard { left_text: left.into(), right_text: right.into() };
        self.show(layout, Show::on_dashboard()).await
    }

    /// A picture of one bit per pixel.
    ///
    /// # Errors
    /// See [`Layouts`]; [`Error::Invalid`] for a picture that is too large.
    pub async fn show_bitmap(&self, bitmap: &Bitmap) -> Result<(), Error> {
        self.show(Layout::BitmapView { data: bitmap.to_base64() }, Show::default()).await
    }

    /// A JPEG, PNG or WebP file, made into one bit per pixel: as large as the display of a G1, dithered, unless `rendering` says
    /// otherwise. It is drawn here, not in the cloud.
    ///
    /// # Errors
    /// See [`Layouts`]; [`Error::Invalid`] when it is no picture, or a too large one.
    pub async fn show_image(&self, file: impl Into<Bytes>, rendering: Rendering) -> Result<(), Error> {
        let file = file.into();
        // Pixels are work: not on a thread that sessions share.
        let drawn = tokio::task::spawn_blocking(move || render(&file, &rendering)).await;
        let bitmap = match drawn {
            Ok(drawn) => drawn.map_err(|error| Error::Invalid(error.to_string()))?,
            Err(error) => return Err(Error::Invalid(format!("the picture could not be drawn: {error}"))),
        };
        self.show_bitmap(&bitmap).await
    }

    /// Pictures one after the other, `interval` apart; the cloud plays them.
    ///
    /// # Errors
    /// See [`Layouts`]; [`Error::Invalid`] for no pictures, or too large ones.
    pub async fn show_bitmap_animation(
        &self,
        frames: &[Bitmap],
        interval: Duration,
        repeat: bool,
    ) -> Result<Animation, Error> {
        let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        let frames = frames.iter().map(Bitmap::to_base64).collect();
        self.show(Layout::BitmapAnimation { frames, interval, repeat }, Show::default()).await?;
        Ok(Animation { layouts: self.clone() })
    }

    /// Nothing at all.
    ///
    /// # Errors
    /// See [`Layouts`].
    pub async fn clear(&self) -> Result<(), Error> {
        self.show(Layout::ClearView {}, Show::default()).await
    }

    /// Any layout, with options.
    ///
    /// # Errors
    /// See [`Layouts`]; [`Error::Invalid`] for a layout that glasses cannot draw.
    pub async fn show(&self, layout: Layout, show: Show) -> Result<(), Error> {
        let request = request(layout, show, None)?;
        self.shared.send(Lane::Picture(show.view), &FromApp::Display(request)).await
    }

    /// The same, and waits for what becomes of it. Only Bifocal tells (`display_report`); other clouds do not answer.
    ///
    /// # Errors
    /// See [`show`](Self::show); [`Error::Timeout`] after 30 s.
    pub async fn show_reported(&self, layout: Layout, show: Show) -> Result<DisplayOutcome, Error> {
        let id = random::id("display_");
        let request = request(layout, show, Some(id.clone()))?;
        match self.shared.request(Awaited::Display(id), &FromApp::Display(request), REPORT).await? {
            Reply::Display(report) => Ok(report.outcome),
            _ => Ok(DisplayOutcome::Replaced),
        }
    }
}

/// Pictures that are being played.
#[derive(Debug)]
pub struct Animation {
    layouts: Layouts,
}

impl Animation {
    /// Ends it and clears the view. Something else that is shown ends it, too.
    ///
    /// # Errors
    /// See [`Layouts`].
    pub async fn stop(self) -> Result<(), Error> {
        self.layouts.clear().await
    }
}

fn request(layout: Layout, show: Show, report: Option<String>) -> Result<DisplayRequest, Error> {
    let too_long = match &layout {
        Layout::BitmapView { data } => data.len() > MAX_PICTURE,
        Layout::BitmapAnimation { frames, .. } => frames.iter().map(String::len).sum::<usize>() > MAX_PICTURE,
        _ => false,
    };
    if too_long {
        return Err(Error::Invalid(format!("a picture of more than {MAX_PICTURE} characters")));
    }
    if matches!(&layout, Layout::BitmapAnimation { frames, .. } if frames.is_empty()) {
        return Err(Error::Invalid("an animation without pictures".to_owned()));
    }
    Ok(DisplayRequest {
        view: show.view,
        layout,
        duration_ms: show.duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        force_display: show.force,
        report: report.is_some(),
        request_id: report,
    })
}
