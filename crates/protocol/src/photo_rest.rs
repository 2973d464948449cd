//! Bodies of the routes for photos: uploads of phones, the wearer's gallery.

use serde::Serialize;

use crate::Timestamp;

/// A photo, or the word that there is none, was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhotoReceived {
    /// Always true.
    pub success: bool,
    /// The request that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Where it can be fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photo_url: Option<String>,
    /// For people.
    pub message: &'static str,
}

impl PhotoReceived {
    /// About a request.
    pub fn new(request_id: &str, message: &'static str) -> Self {
        Self { success: true, request_id: Some(request_id.to_owned()), photo_url: None, message }
    }

    /// With where it can be fetched.
    pub fn at(self, url: String) -> Self {
        Self { photo_url: Some(url), ..self }
    }

    /// A photo of the gallery is gone.
    pub fn deleted() -> Self {
        Self { success: true, request_id: None, photo_url: None, message: "Photo deleted successfully" }
    }
}

/// It was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhotoRefused {
    /// Always false.
    pub success: bool,
    /// Why, for people.
    pub error: String,
}

impl PhotoRefused {
    /// With the reason.
    pub fn new(error: &str) -> Self {
        Self { success: false, error: error.to_owned() }
    }
}

/// `GET /api/gallery`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gallery {
    /// Always true.
    pub success: bool,
    /// Newest first.
    pub photos: Vec<GalleryPhoto>,
}

impl Gallery {
    /// With these photos.
    pub fn new(photos: Vec<GalleryPhoto>) -> Self {
        Self { success: true, photos }
    }
}

/// A photo that the wearer keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GalleryPhoto {
    /// What `DELETE /api/gallery/{photo}` wants.
    #[serde(rename = "_id")]
    pub id: String,
    /// Signed; good for as long as the photo stays.
    pub photo_url: String,
    /// The request.
    pub request_id: String,
    /// Which app has asked for it.
    pub app_id: String,
    /// When it came.
    pub upload_date: Timestamp,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Of the file.
    pub bytes: u64,
}
