//! Simple storage: what `session.simpleStorage` of the SDK calls. The SDK holds a copy of everything and writes behind it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::storage_rest::{
    StorageData, StorageDone, StorageItem, StorageRefusal, StorageRefused, read_data, read_value,
};
use bifocal_store::{StorageLimit, StoreError, key_hash};
use futures_util::StreamExt;

use crate::auth::bearer::package_and_key;
use crate::http::answer;
use crate::http::writes::WINDOW;
use crate::shared::Shared;

/// What a body may have, with every escape that JSON has for the text in it.
const BODY_BYTES: usize = 2 << 20;
/// How much of a body is read to its end although it is too large.
const PATIENCE_BYTES: usize = 8 * BODY_BYTES;

/// What every failed route says when the store fails.
const GET: StorageRefusal = StorageRefusal::Failed("Failed to get storage");
const PUT: StorageRefusal = StorageRefusal::Failed("Failed to update storage");
const DELETE: StorageRefusal = StorageRefusal::Failed("Failed to delete storage");

/// `GET …/{email}`: everything.
pub(crate) async fn all(State(shared): State<Arc<Shared>>, Path(email): Path<String>, headers: HeaderMap) -> Response {
    let found = async {
        let Owner { user, package } = owner(&shared, &headers, &email).await?;
        let data = shared.store.storage(&user, &package).await.map_err(|error| refusal(error, GET))?;
        Ok(StorageData::new(data))
    };
    or_refused(found.await)
}

/// `GET …/{email}/{key}`.
pub(crate) async fn one(
    State(shared): State<Arc<Shared>>,
    Path((email, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let Owner { user, package } = owner(&shared, &headers, &email).await?;
        let value = shared.store.storage_value(&user, &package, &key).await.map_err(|error| refusal(error, GET))?;
        value.map(StorageItem::new).ok_or(StorageRefusal::NoKey)
    };
    or_refused(found.await)
}

/// `PUT …/{email}`: all of these keys or none; the others stay.
pub(crate) async fn put_all(
    State(shared): State<Arc<Shared>>,
    Path(email): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let kept = async {
        let body = read(body).await;
        let owner = writer(&shared, &headers, &email).await?;
        put(&shared, &owner, &read_data(&body?)?).await?;
        Ok(StorageDone::updated())
    };
    or_refused(kept.await)
}

/// `PUT …/{email}/{key}`.
pub(crate) async fn put_one(
    State(shared): State<Arc<Shared>>,
    Path((email, key)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let kept = async {
        let body = read(body).await;
        let owner = writer(&shared, &headers, &email).await?;
        let done = StorageDone::set(&key);
        put(&shared, &owner, &BTreeMap::from([(key, read_value(&body?)?)])).await?;
        Ok(done)
    };
    or_refused(kept.await)
}

/// `DELETE …/{email}`: everything.
pub(crate) async fn clear(
    State(shared): State<Arc<Shared>>,
    Path(email): Path<String>,
    headers: HeaderMap,
) -> Response {
    let deleted = async {
        let Owner { user, package } = writer(&shared, &headers, &email).await?;
        let there = shared.store.clear_storage(&user, &package).await.map_err(|error| refusal(error, DELETE))?;
        if there { Ok(StorageDone::cleared()) } else { Err(StorageRefusal::NoStorage) }
    };
    or_refused(deleted.await)
}

/// `DELETE …/{email}/{key}`: a success also when only other keys were there.
pub(crate) async fn delete_one(
    State(shared): State<Arc<Shared>>,
    Path((email, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let deleted = async {
        let Owner { user, package } = writer(&shared, &headers, &email).await?;
        let there = shared.store.delete_storage(&user, &package, &key).await.map_err(|error| refusal(error, DELETE))?;
        if there { Ok(StorageDone::deleted(&key)) } else { Err(StorageRefusal::NoStorage) }
    };
    or_refused(deleted.await)
}

/// Whose storage it is.
struct Owner {
    user: UserId,
    package: PackageName,
}

/// Who asks, and for whom. A key opens the storage of those who installed its app, and of nobody else.
async fn owner(shared: &Shared, headers: &HeaderMap, email: &str) -> Result<Owner, StorageRefusal> {
    let failed = |error| refusal(error, GET);
    let (package, key) = package_and_key(headers)?;
    let package = PackageName::new(package).map_err(|_| StorageRefusal::BadKey)?;
    let app = shared.store.app(&package).await.map_err(failed)?;
    // Hashes, so that the time says nothing about the key.
    if app.map(|app| app.key_hash) != Some(key_hash(key)) {
        return Err(StorageRefusal::BadKey);
    }
    let user = UserId::new(email).map_err(|_| StorageRefusal::NotInstalled)?;
    let installed = shared.store.is_installed(&user, &package).await.map_err(failed)?;
    if installed { Ok(Owner { user, package }) } else { Err(StorageRefusal::NotInstalled) }
}

/// The same, for something that counts as a write.
async fn writer(shared: &Shared, headers: &HeaderMap, email: &str) -> Result<Owner, StorageRefusal> {
    let owner = owner(shared, headers, email).await?;
    if shared.writes.count(&owner.user, &owner.package) { Ok(owner) } else { Err(StorageRefusal::TooManyWrites) }
}

async fn put(shared: &Shared, owner: &Owner, entries: &BTreeMap<String, String>) -> Result<(), StorageRefusal> {
    shared.store.put_storage(&owner.user, &owner.package, entries).await.map_err(|error| refusal(error, PUT))
}

/// Reads a body to its end before anything is answered: who is refused in the middle of sending may see a broken connection
/// in place of the reason. What is too large is read and thrown away.
async fn read(body: Body) -> Result<String, StorageRefusal> {
    let mut kept = Vec::new();
    let mut length = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| StorageRefusal::BadBody("Invalid body: it has no end"))?;
        length += chunk.len();
        if length <= BODY_BYTES {
            kept.extend_from_slice(&chunk);
        } else if length <= PATIENCE_BYTES {
            kept = Vec::new();
        } else {
            break;
        }
    }
    if length > BODY_BYTES {
        return Err(StorageRefusal::BodyTooLarge);
    }
    String::from_utf8(kept).map_err(|_| StorageRefusal::BadBody("Invalid body: it is not UTF-8"))
}

/// What the client is told when the store did not do it.
fn refusal(error: StoreError, failed: StorageRefusal) -> StorageRefusal {
    match error {
        StoreError::Storage(StorageLimit::EmptyKey) => StorageRefusal::EmptyKey,
        StoreError::Storage(limit) => StorageRefusal::OverLimit(limit.to_string()),
        // Removed since its key was looked at.
        StoreError::NoSuchApp(_) => StorageRefusal::BadKey,
        error => {
            tracing::warn!(%error, "simple storage failed");
            failed
        }
    }
}

fn or_refused(result: Result<impl serde::Serialize, StorageRefusal>) -> Response {
    let refusal = match result {
        Ok(body) => return answer(StatusCode::OK, &body),
        Err(refusal) => refusal,
    };
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let body: StorageRefused = refusal.body();
    let mut response = answer(status, &body);
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, WINDOW.as_secs().into());
    }
    response
}
