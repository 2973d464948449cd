//! Photos that stay for a while: a folder for each user, a file and a note beside it for each photo. Nothing of it is public: who
//! fetches one shows a signature that this server has made, or the wearer's token.
//!
//! ```text
//! <data>/photos/<owner>/<id>.jpg      owner: a hash of the address; id: 128 random bits
//! <data>/photos/<owner>/<id>.json     request, app, time, size
//! <data>/photos/incoming/             uploads that are being read
//! ```

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bifocal_protocol::Timestamp;
use bifocal_protocol::ids::{PackageName, UserId};
use ring::hmac;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::wall;
use crate::photos::incoming::random_name;
use crate::photos::{Incoming, PhotoRetention};

/// Most photos of one user; the oldest goes.
const MAX_PHOTOS: usize = 500;
/// An upload that is being read for so long is not read any more.
const STALE: Duration = Duration::from_secs(600);

/// What is kept.
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
    key: hmac::Key,
    keep: PhotoRetention,
}

/// A photo that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    pub(crate) owner: String,
    pub(crate) id: String,
    pub(crate) extension: String,
    pub(crate) mime: String,
    pub(crate) package: String,
    pub(crate) request_id: String,
    pub(crate) taken: Timestamp,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bytes: u64,
    /// The wearer keeps it; else it is there for its app, for a short while.
    pub(crate) gallery: bool,
}

impl Shelf {
    pub(super) fn new(folder: &Path, secret: &[u8], keep: PhotoRetention) -> Self {
        let secret = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"photos");
        Self { folder: folder.to_path_buf(), key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()), keep }
    }

    /// Where uploads are read to.
    pub(crate) fn incoming(&self) -> PathBuf {
        self.folder.join("incoming")
    }

    /// Keeps a copy of a photo.
    pub(crate) async fn keep(
        &self,
        user: &UserId,
        photo: &Incoming,
        package: &PackageName,
        request_id: &str,
        gallery: bool,
    ) -> io::Result<Option<Kept>> {
        let kept = Kept {
            owner: owner(user),
            id: random_name(),
            extension: photo.extension.to_owned(),
            mime: photo.mime.to_owned(),
            package: package.to_string(),
            request_id: request_id.to_owned(),
            taken: wall(),
            width: photo.width,
            height: photo.height,
            bytes: photo.bytes,
            gallery,
        };
        let folder = self.folder.join(&kept.owner);
        tokio::fs::create_dir_all(&folder).await?;
        let mut others = self.all(&kept.owner).await?;
        others.sort_by_key(|other| other.taken.0);
        for oldest in others.iter().take((others.len() + 1).saturating_sub(MAX_PHOTOS)) {
            self.remove(oldest).await?;
        }
        tokio::fs::copy(&photo.path, self.file(&kept)).await?;
        // The note comes last: a photo without one is not there.
        let note = serde_json::to_vec(&kept)?;
        tokio::fs::write(self.note(&kept.owner, &kept.id), note).await?;
        Ok(Some(kept))
    }

    /// The photos in a user's gallery, newest first.
    pub(crate) async fn gallery(&self, user: &UserId) -> io::Result<Vec<Kept>> {
        let mut photos = self.all(&owner(user)).await?;
        photos.retain(|photo| photo.gallery);
        photos.sort_by_key(|photo| std::cmp::Reverse(photo.taken.0));
        Ok(photos)
    }

    /// Removes a photo of a user; false when there is none.
    pub(crate) async fn delete(&self, user: &UserId, id: &str) -> io::Result<bool> {
        match self.look_up(&owner(user), id).await {
            Some(kept) => self.remove(&kept).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// A photo by its names, which come from outside.
    pub(crate) async fn look_up(&self, owner: &str, id: &str) -> Option<Kept> {
        let plain =
            |name: &str| name.len() == 32 && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !plain(owner) || !plain(id) {
            return None;
        }
        let note = tokio::fs::read(self.note(owner, id)).await.ok()?;
        serde_json::from_slice(&note).ok()
    }

    /// Where a photo can be fetched with its signature, until it is removed.
    pub(crate) fn url(&self, public_url: &str, kept: &Kept) -> String {
        let Kept { owner, id, extension, .. } = kept;
        let expires = self.expires(kept).0 / 1000;
        let signature = self.signature(owner, id, expires);
        format!("{public_url}/photos/{owner}/{id}.{extension}?expires={expires}&signature={signature}")
    }

    /// Whether a signature is good at this time.
    pub(crate) fn is_signed(&self, owner: &str, id: &str, expires: i64, signature: &str, now: Timestamp) -> bool {
        let Ok(signature) = hex::decode(signature) else { return false };
        let message = format!("{owner}/{id}/{expires}");
        expires > now.0 / 1000 && hmac::verify(&self.key, message.as_bytes(), &signature).is_ok()
    }

    fn signature(&self, owner: &str, id: &str, expires: i64) -> String {
        let message = format!("{owner}/{id}/{expires}");
        hex::encode(hmac::sign(&self.key, message.as_bytes()))
    }

    fn expires(&self, kept: &Kept) -> Timestamp {
        let keep = if kept.gallery { self.keep.gallery } else { self.keep.shared };
        Timestamp(kept.taken.0.saturating_add(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The file of a photo.
    pub(crate) fn file(&self, kept: &Kept) -> PathBuf {
        self.folder.join(&kept.owner).join(format!("{}.{}", kept.id, kept.extension))
    }

    fn note(&self, owner: &str, id: &str) -> PathBuf {
        self.folder.join(owner).join(format!("{id}.json"))
    }

    async fn remove(&self, kept: &Kept) -> io::Result<()> {
        remove(&self.note(&kept.owner, &kept.id)).await?;
        remove(&self.file(kept)).await
    }

    async fn all(&self, owner: &str) -> io::Result<Vec<Kept>> {
        let mut photos = Vec::new();
        let mut entries = match tokio::fs::read_dir(self.folder.join(owner)).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(photos),
            Err(error) => return Err(error),
        };
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name();
            if let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".json")) {
                photos.extend(self.look_up(owner, id).await);
            }
        }
        Ok(photos)
    }

    /// Removes everything whose time is over.
    pub(crate) async fn sweep(&self, now: Timestamp) -> io::Result<()> {
        let mut owners = match tokio::fs::read_dir(&self.folder).await {
            Ok(owners) => owners,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        while let Some(owner) = owners.next_entry().await? {
            let name = owner.file_name();
            match name.to_str() {
                Some("incoming") => sweep_stale(&owner.path(), |_| true).await?,
                Some(name) => {
                    let kept = self.all(name).await?;
                    for over in kept.iter().filter(|kept| self.expires(kept).0 <= now.0) {
                        self.remove(over).await?;
                    }
                    let known: HashSet<&str> = kept.iter().map(|kept| kept.id.as_str()).collect();
                    sweep_stale(&owner.path(), |id| !known.contains(id)).await?;
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// Removes what a crash has left: old files whose names before the dot belong to nobody.
async fn sweep_stale(folder: &Path, is_nobodys: impl Fn(&str) -> bool) -> io::Result<()> {
    let mut files = tokio::fs::read_dir(folder).await?;
    while let Some(file) = files.next_entry().await? {
        let name = file.file_name();
        let id = name.to_str().and_then(|name| name.split('.').next()).unwrap_or_default();
        let Ok(about) = file.metadata().await else { continue };
        let age = about.modified().map(|at| SystemTime::now().duration_since(at).unwrap_or_default())?;
        if age > STALE && is_nobodys(id) {
            remove(&file.path()).await?;
        }
    }
    Ok(())
}

/// A file that somebody else has removed is gone all the same.
async fn remove(file: &Path) -> io::Result<()> {
    match tokio::fs::remove_file(file).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A user as a folder: no address can be read from it.
fn owner(user: &UserId) -> String {
    hex::encode(&Sha256::digest(user.as_str().as_bytes())[..16])
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};

    use super::*;

    const HOUR: i64 = 3_600_000;

    struct Scene {
        _folder: tempfile::TempDir,
        shelf: Shelf,
        ann: UserId,
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let shelf = Shelf::new(folder.path(), b"secret", PhotoRetention::default());
            Self { _folder: folder, shelf, ann: UserId::new("ann@example.org").expect("good") }
        }

        async fn keep(&self, gallery: bool) -> Kept {
            let path = self.shelf.incoming().join("upload.part");
            std::fs::create_dir_all(self.shelf.incoming()).expect("made");
            std::fs::write(&path, b"photo").expect("written");
            let (mime, extension, name) = ("image/jpeg", "jpg", "photo.jpg".to_owned());
            let photo = Incoming { path, bytes: 5, mime, extension, name, width: 1, height: 1 };
            let package = PackageName::new("org.example.snap").expect("good");
            self.shelf.keep(&self.ann, &photo, &package, "p1", gallery).await.expect("kept").expect("there is room")
        }

        fn write(&self, kept: &Kept) {
            let note = serde_json::to_vec(kept).expect("JSON");
            std::fs::write(self.shelf.note(&kept.owner, &kept.id), note).expect("written");
            std::fs::write(self.shelf.file(kept), b"photo").expect("written");
        }

        fn files(&self) -> usize {
            std::fs::read_dir(self.shelf.folder.join(owner(&self.ann))).map_or(0, Iterator::count)
        }
    }

    fn in_hours(hours: i64) -> Timestamp {
        Timestamp(wall().0 + hours * HOUR)
    }

    #[tokio::test]
    async fn an_apps_photo_stays_for_an_hour_and_the_wearers_own_for_thirty_days() {
        let scene = Scene::new();
        let (shared, own) = (scene.keep(false).await, scene.keep(true).await);
        scene.shelf.sweep(in_hours(0)).await.expect("swept");
        assert_eq!(scene.files(), 4);
        scene.shelf.sweep(in_hours(2)).await.expect("swept");
        assert_eq!(scene.shelf.look_up(&shared.owner, &shared.id).await, None);
        assert_eq!(scene.shelf.gallery(&scene.ann).await.expect("read"), [own]);
        scene.shelf.sweep(in_hours(30 * 24 + 1)).await.expect("swept");
        assert_eq!(scene.files(), 0);
    }

    #[tokio::test]
    async fn what_a_crash_has_left_is_swept_away() {
        let scene = Scene::new();
        scene.keep(true).await;
        let old = SystemTime::now() - 2 * STALE;
        let half = scene.shelf.folder.join(owner(&scene.ann)).join(format!("{}.jpg", random_name()));
        let upload = scene.shelf.incoming().join("left.part");
        for path in [&half, &upload] {
            let file = File::create(path).expect("made");
            scene.shelf.sweep(in_hours(0)).await.expect("swept");
            assert!(path.exists(), "it is new, and may be in use");
            file.set_times(FileTimes::new().set_modified(old)).expect("set");
        }
        scene.shelf.sweep(in_hours(0)).await.expect("swept");
        assert!(!half.exists() && !upload.exists());
        assert_eq!(scene.files(), 2);
    }

    #[tokio::test]
    async fn the_oldest_goes_when_the_place_is_full() {
        let scene = Scene::new();
        let first = Kept { taken: in_hours(-1), ..scene.keep(true).await };
        scene.write(&first);
        for _ in 1..MAX_PHOTOS {
            scene.write(&Kept { id: random_name(), taken: wall(), ..first.clone() });
        }
        assert_eq!(scene.files(), 2 * MAX_PHOTOS);
        scene.keep(true).await;
        assert_eq!(scene.files(), 2 * MAX_PHOTOS);
        assert_eq!(scene.shelf.look_up(&first.owner, &first.id).await, None);
    }
}
