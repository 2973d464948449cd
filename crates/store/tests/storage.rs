//! What apps keep for their users: kept apart, flat, within limits, all or nothing.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use bifocal_protocol::app::AppKind;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_store::{NewApp, StorageLimit, Store, StoreError};
use tempfile::TempDir;
use tokio::task::JoinSet;

fn demo() -> PackageName {
    PackageName::new("org.example.demo").unwrap()
}

fn other() -> PackageName {
    PackageName::new("org.example.other").unwrap()
}

fn ann() -> UserId {
    UserId::new("ann@example.org").unwrap()
}

fn ben() -> UserId {
    UserId::new("ben@example.org").unwrap()
}

async fn open(folder: &Path) -> Store {
    Store::open(folder).await.unwrap()
}

/// A store with two apps.
async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for package in [demo(), other()] {
        let app = NewApp {
            package,
            name: None,
            kind: AppKind::Standard,
            public_url: "http://localhost:3000".to_owned(),
            permissions: Vec::new(),
            hardware: Vec::new(),
            api_key: None,
            uuid_sessions: false,
            settings: Vec::new(),
        };
        store.add_app(app).await.unwrap();
    }
    (folder, store)
}

fn entries<K: Into<String>, V: Into<String>>(given: impl IntoIterator<Item = (K, V)>) -> BTreeMap<String, String> {
    given.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}

async fn all(store: &Store) -> BTreeMap<String, String> {
    store.storage(&ann(), &demo()).await.unwrap()
}

async fn put(store: &Store, given: &BTreeMap<String, String>) -> Result<(), StorageLimit> {
    match store.put_storage(&ann(), &demo(), given).await {
        Ok(()) => Ok(()),
        Err(StoreError::Storage(limit)) => Err(limit),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn what_is_kept_reads_back_and_is_merged() {
    let (_folder, store) = store().await;
    assert_eq!(all(&store).await, entries::<&str, &str>([]));
    put(&store, &entries([("a", "1"), ("b", "2")])).await.unwrap();
    put(&store, &entries([("b", "two"), ("c", "")])).await.unwrap();
    put(&store, &entries::<&str, &str>([])).await.unwrap();
    assert_eq!(all(&store).await, entries([("a", "1"), ("b", "two"), ("c", "")]));
    let one = |key| {
        let store = store.clone();
        async move { store.storage_value(&ann(), &demo(), key).await.unwrap() }
    };
    assert_eq!(one("b").await.as_deref(), Some("two"));
    assert_eq!(one("c").await.as_deref(), Some(""));
    assert_eq!(one("d").await, None);
}

#[tokio::test]
async fn users_and_apps_see_nothing_of_each_other() {
    let (_folder, store) = store().await;
    let owners = [(ann(), demo()), (ann(), other()), (ben(), demo())];
    for (number, (user, package)) in owners.iter().enumerate() {
        store.put_storage(user, package, &entries([("k", number.to_string())])).await.unwrap();
    }
    for (number, (user, package)) in owners.iter().enumerate() {
        assert_eq!(store.storage(user, package).await.unwrap(), entries([("k", number.to_string())]));
    }
    assert!(store.storage(&ben(), &other()).await.unwrap().is_empty());
    assert!(!store.delete_storage(&ben(), &other(), "k").await.unwrap());
    assert!(!store.clear_storage(&ben(), &other()).await.unwrap());
    assert!(store.clear_storage(&ann(), &demo()).await.unwrap());
    assert_eq!(store.storage_value(&ann(), &other(), "k").await.unwrap().as_deref(), Some("1"));
    assert_eq!(store.storage_value(&ben(), &demo(), "k").await.unwrap().as_deref(), Some("2"));
}

#[tokio::test]
async fn a_key_is_any_text_and_makes_no_tree() {
    let (_folder, store) = store().await;
    let keys = [
        "a",
        "a.b",
        "a.b.c",
        ".",
        "..",
        "$set",
        "a/b",
        "/",
        "%2F",
        "__proto__",
        "Ä",
        "ä",
        "a\u{308}",
        "🕶",
        " ",
        "a ",
        "\u{0}",
        "a\u{0}b",
        "'; DROP TABLE storage; --",
        "a\nb",
    ];
    let given = entries(keys.map(|key| (key, format!("value of {key}"))));
    put(&store, &given).await.unwrap();
    assert_eq!(all(&store).await, given);
    for key in keys {
        let value = store.storage_value(&ann(), &demo(), key).await.unwrap();
        assert_eq!(value, Some(format!("value of {key}")), "{key:?}");
    }
    // The parent goes, its children stay.
    assert!(store.delete_storage(&ann(), &demo(), "a").await.unwrap());
    assert_eq!(all(&store).await.len(), keys.len() - 1);
    assert!(store.storage_value(&ann(), &demo(), "a.b").await.unwrap().is_some());
}

#[tokio::test]
async fn deleting_and_clearing_say_whether_there_was_a_storage() {
    let (_folder, store) = store().await;
    assert!(!store.delete_storage(&ann(), &demo(), "a").await.unwrap());
    assert!(!store.clear_storage(&ann(), &demo()).await.unwrap());
    put(&store, &entries([("a", "1"), ("b", "2")])).await.unwrap();
    assert!(store.delete_storage(&ann(), &demo(), "unknown").await.unwrap());
    assert!(store.delete_storage(&ann(), &demo(), "a").await.unwrap());
    assert_eq!(all(&store).await, entries([("b", "2")]));
    assert!(store.clear_storage(&ann(), &demo()).await.unwrap());
    assert!(!store.clear_storage(&ann(), &demo()).await.unwrap());
}

#[tokio::test]
async fn a_key_has_1_to_256_bytes() {
    let (_folder, store) = store().await;
    assert_eq!(put(&store, &entries([("", "x")])).await, Err(StorageLimit::EmptyKey));
    for longest in ["k".repeat(256), "ä".repeat(128)] {
        put(&store, &entries([(longest.clone(), "x")])).await.unwrap();
        assert_eq!(put(&store, &entries([(longest + "k", "x")])).await, Err(StorageLimit::Key));
    }
    assert_eq!(all(&store).await.len(), 2);
}

#[tokio::test]
async fn a_value_has_100_000_characters_as_javascript_counts_them() {
    let (_folder, store) = store().await;
    for longest in ["v".repeat(100_000), "ä".repeat(100_000), "🕶".repeat(50_000)] {
        put(&store, &entries([("k", longest.clone())])).await.unwrap();
        assert_eq!(put(&store, &entries([("k", longest.clone() + "v")])).await, Err(StorageLimit::Value));
        assert_eq!(all(&store).await, entries([("k", longest)]));
    }
}

#[tokio::test]
async fn the_total_is_1_000_000_bytes_of_keys_and_values() {
    let (_folder, store) = store().await;
    // Ten times one byte of key; the last value fills it up.
    let mut full = entries((0..10).map(|number| (number.to_string(), "v".repeat(99_999))));
    put(&store, &full).await.unwrap();
    assert_eq!(put(&store, &entries([("x", "")])).await, Err(StorageLimit::Total));
    assert_eq!(put(&store, &entries([("0", "v".repeat(100_000))])).await, Err(StorageLimit::Total));
    assert_eq!(all(&store).await, full, "a refused change left something behind");
    // What is replaced counts no longer.
    put(&store, &entries([("0", "v".repeat(99_998)), ("x", String::new())])).await.unwrap();
    store.delete_storage(&ann(), &demo(), "x").await.unwrap();
    put(&store, &entries([("0", "w".repeat(99_999))])).await.unwrap();
    // Others have their own.
    store.put_storage(&ben(), &demo(), &full).await.unwrap();
    store.put_storage(&ann(), &other(), &full).await.unwrap();
    // Too much in one request, whatever is there.
    store.clear_storage(&ann(), &demo()).await.unwrap();
    full.insert("x".to_owned(), String::new());
    assert_eq!(put(&store, &full).await, Err(StorageLimit::Total));
    assert!(all(&store).await.is_empty());
}

#[tokio::test]
async fn the_keys_are_counted() {
    let (_folder, store) = store().await;
    let mut many = entries((0..10_000).map(|number| (number.to_string(), "")));
    put(&store, &many).await.unwrap();
    assert_eq!(put(&store, &entries([("one more", "")])).await, Err(StorageLimit::Keys));
    put(&store, &entries([("0", "changed")])).await.unwrap();
    many.insert("one more".to_owned(), String::new());
    assert_eq!(put(&store, &many).await, Err(StorageLimit::Keys));
    assert_eq!(all(&store).await.len(), 10_000);
}

#[tokio::test]
async fn many_are_put_completely_or_not_at_all() {
    let (_folder, store) = store().await;
    put(&store, &entries([("a", "1")])).await.unwrap();
    let bad =
        [("z".repeat(257), "x".to_owned()), ("z".to_owned(), "x".repeat(100_001)), (String::new(), String::new())];
    for (key, value) in bad {
        assert!(put(&store, &entries([("a".to_owned(), "2".to_owned()), (key, value)])).await.is_err());
        assert_eq!(all(&store).await, entries([("a", "1")]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_writers_at_once_lose_nothing_and_keep_the_limit() {
    let (folder, one) = store().await;
    let two = open(folder.path()).await;
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let store = if number % 2 == 0 { one.clone() } else { two.clone() };
        tasks.spawn(async move { put(&store, &entries([(number.to_string(), "x"), ("same".to_owned(), "y")])).await });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    assert_eq!((all(&one).await.len(), all(&one).await), (41, all(&two).await));

    one.clear_storage(&ann(), &demo()).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let store = if number % 2 == 0 { one.clone() } else { two.clone() };
        tasks.spawn(async move { put(&store, &entries([(format!("{number:02}"), "v".repeat(99_998))])).await });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 10);
    assert!(results.iter().all(|result| matches!(result, Ok(()) | Err(StorageLimit::Total))));
    assert_eq!(all(&one).await.len(), 10);
}

#[tokio::test]
async fn it_survives_reopening_and_uninstalling_and_goes_with_the_app() {
    let (folder, store) = store().await;
    store.install(&ann(), &demo()).await.unwrap();
    assert!(store.is_installed(&ann(), &demo()).await.unwrap());
    put(&store, &entries([("a.b", "ä")])).await.unwrap();
    store.close().await;
    let store = open(folder.path()).await;
    store.uninstall(&ann(), &demo()).await.unwrap();
    assert!(!store.is_installed(&ann(), &demo()).await.unwrap());
    assert_eq!(all(&store).await, entries([("a.b", "ä")]));
    store.remove_app(&demo()).await.unwrap();
    assert!(all(&store).await.is_empty());
    let refused = store.put_storage(&ann(), &demo(), &entries([("a", "1")])).await;
    assert!(matches!(refused, Err(StoreError::NoSuchApp(_))), "{refused:?}");
}

#[tokio::test]
async fn writing_is_no_change_of_the_catalogue() {
    let (_folder, store) = store().await;
    let before = store.catalogue_version().await.unwrap();
    put(&store, &entries([("a", "1")])).await.unwrap();
    store.clear_storage(&ann(), &demo()).await.unwrap();
    assert_eq!(store.catalogue_version().await.unwrap(), before);
}
