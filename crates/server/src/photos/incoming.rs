//! A photo on its way in: the parts of a form, the file streamed to disk, and what it really is, told by its content.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use axum::extract::multipart::{Field, Multipart};
use axum::http::StatusCode;
use image::{ImageFormat, ImageReader, Limits};
use tokio::io::AsyncWriteExt;

/// Largest photo, in bytes: what SDKs take.
pub(crate) const MAX_PHOTO: u64 = 10 << 20;
/// Largest other field of the form, in bytes.
pub(crate) const FIELD_BYTES: usize = 4 << 10;
/// Most fields of a form.
const MAX_FIELDS: usize = 16;
/// Largest side of a picture, in pixels.
const MAX_SIDE: u32 = 16_384;
/// Longest name of a file that is passed on, in bytes.
const MAX_NAME: usize = 128;

/// A photo on disk. The file is gone with the value.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) mime: &'static str,
    pub(crate) extension: &'static str,
    /// As the phone called it, or after the request.
    pub(crate) name: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // It may have been moved to where it stays.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// What a form said.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pub(crate) request_id: Option<String>,
    /// It is a report that there is no photo, with its code and message.
    pub(crate) failure: Option<(String, String)>,
    pub(crate) photo: Option<Incoming>,
}

/// Why an upload is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTaken {
    #[error("the form cannot be read: it must be multipart/form-data")]
    Form,
    #[error("a field of the form is larger than 4 KiB, or there are more than 16")]
    Field,
    #[error("the photo is larger than 10 MiB")]
    TooLarge,
    #[error("the file is not a JPEG, PNG or WebP picture of at most 16384 pixels a side")]
    NotAPicture,
    #[error("the server cannot write it down")]
    Disk(#[from] std::io::Error),
}

impl NotTaken {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            NotTaken::Form | NotTaken::Field => StatusCode::BAD_REQUEST,
            NotTaken::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            NotTaken::NotAPicture => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            NotTaken::Disk(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Reads a form; its file is written into `folder`.
///
/// # Errors
/// [`NotTaken`]; nothing of it stays then.
pub(crate) async fn receive(mut form: Multipart, folder: &Path) -> Result<Form, NotTaken> {
    let mut read = Form::default();
    let (mut kind, mut success, mut code, mut message, mut metadata) = (None, None, None, None, None);
    let mut fields = 0;
    while let Some(field) = form.next_field().await.map_err(|error| refusal(&error))? {
        fields += 1;
        if fields > MAX_FIELDS {
            return Err(NotTaken::Field);
        }
        let slot = match field.name().unwrap_or_default() {
            "photo" | "file" if read.photo.is_none() => {
                read.photo = Some(file(field, folder).await?);
                continue;
            }
            "requestId" => &mut read.request_id,
            "type" => &mut kind,
            "success" => &mut success,
            "errorCode" => &mut code,
            "errorMessage" => &mut message,
            "metadata" => &mut metadata,
            _ => &mut None,
        };
        *slot = Some(text(field).await?);
    }
    if read.request_id.is_none()
        && let Some(metadata) = metadata
    {
        let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap_or_default();
        read.request_id = metadata["requestId"].as_str().map(str::to_owned);
    }
    let failed = kind.as_deref() == Some("photo_error") || success.as_deref() == Some("false");
    if failed && read.photo.is_none() {
        read.failure = Some((code.unwrap_or_default(), message.unwrap_or_default()));
    }
    Ok(read)
}

async fn text(mut field: Field<'_>) -> Result<String, NotTaken> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| refusal(&error))? {
        if bytes.len() + chunk.len() > FIELD_BYTES {
            return Err(NotTaken::Field);
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| NotTaken::Form)
}

async fn file(mut field: Field<'_>, folder: &Path) -> Result<Incoming, NotTaken> {
    let name = plain_name(field.file_name().unwrap_or_default());
    tokio::fs::create_dir_all(folder).await?;
    let path = folder.join(format!("{}.part", random_name()));
    // From here on the file is gone when anything fails.
    let mut photo = Incoming { path, bytes: 0, mime: "", extension: "", name, width: 0, height: 0 };
    let mut written = tokio::fs::File::create(&photo.path).await?;
    while let Some(chunk) = field.chunk().await.map_err(|error| refusal(&error))? {
        photo.bytes += chunk.len() as u64;
        if photo.bytes > MAX_PHOTO {
            return Err(NotTaken::TooLarge);
        }
        written.write_all(&chunk).await?;
    }
    written.flush().await?;
    drop(written);
    let path = photo.path.clone();
    let looked = tokio::task::spawn_blocking(move || look(&path)).await;
    let (format, width, height) = looked.ok().flatten().ok_or(NotTaken::NotAPicture)?;
    (photo.mime, photo.extension) = match format {
        ImageFormat::Png => ("image/png", "png"),
        ImageFormat::WebP => ("image/webp", "webp"),
        _ => ("image/jpeg", "jpg"),
    };
    (photo.width, photo.height) = (width, height);
    photo.name = with_extension(&photo.name, photo.extension);
    Ok(photo)
}

/// What the content says that it is. Nothing of the picture itself is decoded.
fn look(path: &Path) -> Option<(ImageFormat, u32, u32)> {
    let file = BufReader::new(std::fs::File::open(path).ok()?);
    let mut reader = ImageReader::new(file).with_guessed_format().ok()?;
    let format = reader.format()?;
    if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP) {
        return None;
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(16 << 20);
    reader.limits(limits);
    let (width, height) = reader.into_dimensions().ok()?;
    let fits = (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height);
    fits.then_some((format, width, height))
}

/// A form that is too large as a whole, or none.
fn refusal(error: &axum::extract::multipart::MultipartError) -> NotTaken {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE { NotTaken::TooLarge } else { NotTaken::Form }
}

/// The name of a file without anything that could mean something to anybody.
fn plain_name(name: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = name.rsplit(['/', '\\']).next().unwrap_or_default().chars().filter(plain).collect();
    name.trim_start_matches('.').chars().take(MAX_NAME).collect()
}

/// The name with the extension of what it really is: some SDKs believe that more than the type beside it.
fn with_extension(name: &str, extension: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, known)) if known == extension || (known, extension) == ("jpeg", "jpg") => name.to_owned(),
        Some((stem, _)) if !stem.is_empty() => format!("{stem}.{extension}"),
        _ if name.is_empty() => format!("photo.{extension}"),
        _ => format!("{name}.{extension}"),
    }
}

/// 128 bits that nobody can guess, in hex.
pub(super) fn random_name() -> String {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut bytes = [0u8; 16];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_name_and_no_path() {
        assert_eq!(plain_name("../../etc/passwd"), "passwd");
        assert_eq!(plain_name("C:\\a\\photo 1.jpg\r\n"), "photo1.jpg");
        assert_eq!(plain_name("..\u{202e}.hidden"), "hidden");
        assert_eq!(plain_name("\"x\"; filename=y"), "xfilenamey");
    }

    #[test]
    fn a_name_says_what_the_file_is() {
        let named = [("p.jpg", "p.png"), ("p.png", "p.png"), ("", "photo.png"), ("p", "p.png"), ("a.b.c", "a.b.png")];
        for (name, expected) in named {
            assert_eq!(with_extension(name, "png"), expected);
        }
        assert_eq!(with_extension("p.jpeg", "jpg"), "p.jpeg");
    }

    #[test]
    fn what_a_file_is_says_its_content() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |bytes: &[u8]| {
            let path = folder.path().join("f");
            std::fs::write(&path, bytes).expect("written");
            look(&path)
        };
        let mut png = Vec::new();
        image::RgbImage::new(3, 2).write_to(&mut std::io::Cursor::new(&mut png), ImageFormat::Png).expect("encodes");
        assert_eq!(at(&png), Some((ImageFormat::Png, 3, 2)));
        assert_eq!(at(b"a photo"), None);
        assert_eq!(at(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), None);
        assert_eq!(at(&png[..20]), None);
        // A side of 2^31 pixels.
        png[16..20].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
        assert_eq!(at(&png), None);
    }
}
