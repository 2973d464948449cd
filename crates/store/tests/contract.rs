//! What every store promises, one behaviour per test, through the public interface only.
//!
//! `sharing.rs` has what several handles and processes promise each other, `file.rs` what is about the file itself.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use bifocal_protocol::app::{AppKind, AppRecord};
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::permission::Permission;
use bifocal_protocol::settings::{AppSetting, SystemSettings};
use bifocal_store::{NewApp, Store, StoreError, UserRecord, key_hash};
use serde_json::json;
use tempfile::TempDir;

async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    (folder, store)
}

fn package(name: &str) -> PackageName {
    PackageName::new(&format!("org.example.{name}")).unwrap()
}

fn ann() -> UserId {
    UserId::new("ann@example.org").unwrap()
}

fn ben() -> UserId {
    UserId::new("ben@example.org").unwrap()
}

fn app(name: &str) -> NewApp {
    NewApp {
        package: package(name),
        name: None,
        kind: AppKind::Background,
        public_url: "http://localhost:3000/".to_owned(),
        permissions: Vec::new(),
        api_key: None,
        uuid_sessions: false,
        hardware: vec![],
        settings: Vec::new(),
    }
}

fn setting(json: serde_json::Value) -> AppSetting {
    serde_json::from_value(json).unwrap()
}

fn names(record: &UserRecord) -> Vec<&str> {
    record.installed.iter().map(|app| app.package.as_str()).collect()
}

#[tokio::test]
async fn an_added_app_reads_back_as_it_was() {
    let (_folder, store) = store().await;
    let settings = vec![
        setting(json!({"type": "group", "title": "Language"})),
        setting(json!({"key": "lang", "type": "select", "value": "de", "options": [{"label": "ä", "value": "de"}]})),
    ];
    let new = NewApp {
        name: Some(" Captions ".to_owned()),
        kind: AppKind::Standard,
        public_url: "https://captions.example.org/app//".to_owned(),
        permissions: vec![Permission::Microphone, Permission::ReadNotifications],
        api_key: Some("a-key-of-my-own-choice".to_owned()),
        uuid_sessions: true,
        hardware: vec![],
        settings: settings.clone(),
        ..app("captions")
    };
    let key = store.add_app(new).await.unwrap();
    assert_eq!(key.to_string(), "a-key-of-my-own-choice");
    let expected = AppRecord {
        package: package("captions"),
        name: "Captions".to_owned(),
        kind: AppKind::Standard,
        public_url: "https://captions.example.org/app".to_owned(),
        permissions: vec![Permission::Microphone, Permission::ReadNotifications],
        key_hash: key_hash("a-key-of-my-own-choice"),
        uuid_sessions: true,
        hardware: vec![],
        settings,
    };
    assert_eq!(store.app(&package("captions")).await.unwrap(), Some(expected.clone()));
    assert_eq!(store.apps().await.unwrap(), [expected]);
}

#[tokio::test]
async fn every_kind_and_permission_reads_back() {
    let (_folder, store) = store().await;
    for kind in [AppKind::Standard, AppKind::Background, AppKind::SystemDashboard] {
        let name = kind.name();
        store.add_app(NewApp { kind, permissions: Permission::EVERY.to_vec(), ..app(name) }).await.unwrap();
        let read = store.app(&package(name)).await.unwrap().unwrap();
        assert_eq!((read.kind, read.permissions), (kind, Permission::EVERY.to_vec()));
    }
}

#[tokio::test]
async fn an_app_without_name_and_key_gets_its_package_and_a_random_key() {
    let (_folder, store) = store().await;
    let key = store.add_app(app("plain")).await.unwrap();
    store.add_app(NewApp { name: Some("  ".to_owned()), ..app("blank") }).await.unwrap();
    let plain = store.app(&package("plain")).await.unwrap().unwrap();
    assert_eq!(plain.name, "org.example.plain");
    assert_eq!(plain.key_hash, key.hash());
    assert_eq!(key.to_string().len(), 64);
    assert_eq!(store.app(&package("blank")).await.unwrap().unwrap().name, "org.example.blank");
}

#[tokio::test]
async fn a_package_can_be_added_once() {
    let (_folder, store) = store().await;
    let key = store.add_app(app("demo")).await.unwrap();
    let again = store.add_app(NewApp { name: Some("Other".to_owned()), ..app("demo") }).await;
    assert!(matches!(again, Err(StoreError::AppExists(name)) if name == package("demo")));
    let kept = store.app(&package("demo")).await.unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.key_hash), ("org.example.demo", key.hash()));
}

#[tokio::test]
async fn an_app_with_a_bad_url_or_key_is_not_added() {
    let (_folder, store) = store().await;
    let bad_url = store.add_app(NewApp { public_url: "https://ann:pw@example.org".to_owned(), ..app("demo") }).await;
    assert!(matches!(bad_url, Err(StoreError::BadUrl(_))));
    let bad_key = store.add_app(NewApp { api_key: Some("too short".to_owned()), ..app("demo") }).await.unwrap_err();
    assert!(matches!(bad_key, StoreError::BadKey));
    assert!(!bad_key.to_string().contains("too short"));
    assert_eq!(store.apps().await.unwrap(), []);
}

#[tokio::test]
async fn apps_are_sorted_by_package() {
    let (_folder, store) = store().await;
    for name in ["b", "c", "a", "B"] {
        store.add_app(app(name)).await.unwrap();
    }
    let sorted: Vec<_> = store.apps().await.unwrap().into_iter().map(|app| app.package).collect();
    assert_eq!(sorted, ["B", "a", "b", "c"].map(package));
}

#[tokio::test]
async fn an_unknown_app_is_none_or_an_error() {
    let (_folder, store) = store().await;
    let missing = package("missing");
    assert_eq!(store.app(&missing).await.unwrap(), None);
    assert!(matches!(store.remove_app(&missing).await, Err(StoreError::NoSuchApp(name)) if name == missing));
    assert!(matches!(store.rotate_key(&missing).await, Err(StoreError::NoSuchApp(name)) if name == missing));
}

#[tokio::test]
async fn a_rotated_key_replaces_the_old_one_of_that_app_only() {
    let (_folder, store) = store().await;
    let old = store.add_app(app("demo")).await.unwrap();
    let other = store.add_app(app("other")).await.unwrap();
    let new = store.rotate_key(&package("demo")).await.unwrap();
    assert_ne!(old.to_string(), new.to_string());
    assert_eq!(store.app(&package("demo")).await.unwrap().unwrap().key_hash, new.hash());
    assert_eq!(store.app(&package("other")).await.unwrap().unwrap().key_hash, other.hash());
}

#[tokio::test]
async fn a_removed_app_disappears_everywhere() {
    let (_folder, store) = store().await;
    for name in ["goes", "stays"] {
        store.add_app(app(name)).await.unwrap();
        for user in [ann(), ben()] {
            store.install(&user, &package(name)).await.unwrap();
            store.set_running(&user, &package(name), true).await.unwrap();
            let chosen = [setting(json!({"key": "a", "value": 1}))];
            store.save_app_settings(&user, &package(name), &chosen).await.unwrap();
        }
    }
    store.remove_app(&package("goes")).await.unwrap();
    // Added again, it starts with nothing.
    store.add_app(app("goes")).await.unwrap();
    for user in [ann(), ben()] {
        let record = store.load_user(&user).await.unwrap();
        assert_eq!(names(&record), ["org.example.stays"]);
        assert_eq!(record.running, [package("stays")]);
        assert_eq!(record.app_settings.into_keys().collect::<Vec<_>>(), [package("stays")]);
    }
}

#[tokio::test]
async fn ensure_user_tells_whether_it_was_created() {
    let (_folder, store) = store().await;
    assert!(store.ensure_user(&ann()).await.unwrap());
    assert!(!store.ensure_user(&ann()).await.unwrap());
    assert_eq!(store.users().await.unwrap(), [ann()]);
}

#[tokio::test]
async fn a_user_can_be_added_once() {
    let (_folder, store) = store().await;
    store.add_user(&ann()).await.unwrap();
    assert!(matches!(store.add_user(&ann()).await, Err(StoreError::UserExists(user)) if user == ann()));
}

#[tokio::test]
async fn users_are_sorted() {
    let (_folder, store) = store().await;
    assert_eq!(store.users().await.unwrap(), []);
    store.add_user(&ben()).await.unwrap();
    store.add_user(&ann()).await.unwrap();
    assert_eq!(store.users().await.unwrap(), [ann(), ben()]);
}

#[tokio::test]
async fn an_unknown_user_is_created_by_loading_it() {
    let (_folder, store) = store().await;
    assert_eq!(store.load_user(&ann()).await.unwrap(), UserRecord::default());
    assert_eq!(store.users().await.unwrap(), [ann()]);
}

#[tokio::test]
async fn installing_creates_the_user_and_happens_once() {
    let (_folder, store) = store().await;
    for name in ["b", "a"] {
        store.add_app(app(name)).await.unwrap();
        assert!(store.install(&ann(), &package(name)).await.unwrap());
        assert!(!store.install(&ann(), &package(name)).await.unwrap());
    }
    assert_eq!(store.users().await.unwrap(), [ann()]);
    let record = store.load_user(&ann()).await.unwrap();
    assert_eq!(names(&record), ["org.example.a", "org.example.b"]);
    assert_eq!(Some(record.installed[0].as_ref()), store.app(&package("a")).await.unwrap().as_ref());
    assert_eq!(names(&store.load_user(&ben()).await.unwrap()), [""; 0]);
}

#[tokio::test]
async fn an_intent_that_needs_an_app_changes_nothing_without_it() {
    let (_folder, store) = store().await;
    let missing = package("missing");
    assert!(matches!(store.install(&ann(), &missing).await, Err(StoreError::NoSuchApp(_))));
    assert!(matches!(store.set_running(&ann(), &missing, true).await, Err(StoreError::NoSuchApp(_))));
    assert!(matches!(store.save_app_settings(&ann(), &missing, &[]).await, Err(StoreError::NoSuchApp(_))));
    assert_eq!(store.users().await.unwrap(), [], "no user was created on the way");
}

#[tokio::test]
async fn uninstalling_also_ends_the_wish_to_run_but_keeps_the_settings() {
    let (_folder, store) = store().await;
    let demo = package("demo");
    let chosen = vec![setting(json!({"key": "lang", "value": "de"}))];
    store.add_app(app("demo")).await.unwrap();
    for user in [ann(), ben()] {
        store.install(&user, &demo).await.unwrap();
        store.set_running(&user, &demo, true).await.unwrap();
        store.save_app_settings(&user, &demo, &chosen).await.unwrap();
    }
    assert!(store.uninstall(&ann(), &demo).await.unwrap());
    assert!(!store.uninstall(&ann(), &demo).await.unwrap());
    let record = store.load_user(&ann()).await.unwrap();
    assert_eq!((names(&record).len(), record.running.len()), (0, 0));
    assert_eq!(record.app_settings, BTreeMap::from([(demo, chosen)]));
    let other = store.load_user(&ben()).await.unwrap();
    assert_eq!((names(&other).len(), other.running.len()), (1, 1));
}

#[tokio::test]
async fn uninstalling_for_nobody_or_nothing_is_false() {
    let (_folder, store) = store().await;
    assert!(!store.uninstall(&ann(), &package("missing")).await.unwrap());
    assert_eq!(store.users().await.unwrap(), []);
}

#[tokio::test]
async fn running_is_remembered_until_the_user_wishes_otherwise() {
    let (folder, store) = store().await;
    for name in ["b", "a"] {
        store.add_app(app(name)).await.unwrap();
        store.set_running(&ann(), &package(name), true).await.unwrap();
        store.set_running(&ann(), &package(name), true).await.unwrap();
    }
    store.close().await;
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(store.load_user(&ann()).await.unwrap().running, [package("a"), package("b")]);
    store.set_running(&ann(), &package("a"), false).await.unwrap();
    assert_eq!(store.load_user(&ann()).await.unwrap().running, [package("b")]);
}

#[tokio::test]
async fn an_app_that_was_removed_can_still_be_marked_as_not_running() {
    let (_folder, store) = store().await;
    store.set_running(&ann(), &package("gone"), false).await.unwrap();
}

#[tokio::test]
async fn system_settings_read_back_and_belong_to_one_user() {
    let (_folder, store) = store().await;
    let dim = SystemSettings { brightness: 5, sensing_enabled: false, ..SystemSettings::default() };
    let bright = SystemSettings { brightness: 95, ..SystemSettings::default() };
    store.save_settings(&ann(), &dim).await.unwrap();
    store.ensure_user(&ben()).await.unwrap();
    assert_eq!(store.load_user(&ann()).await.unwrap().settings, dim);
    assert_eq!(store.load_user(&ben()).await.unwrap().settings, SystemSettings::default());
    store.save_settings(&ann(), &bright).await.unwrap();
    assert_eq!(store.load_user(&ann()).await.unwrap().settings, bright);
}

#[tokio::test]
async fn settings_of_apps_read_back_and_are_replaced_as_a_whole() {
    let (_folder, store) = store().await;
    let demo = package("demo");
    store.add_app(app("demo")).await.unwrap();
    let first = [setting(json!({"key": "a", "value": [1, {"b": "'; DROP TABLE users; --"}]})), setting(json!({}))];
    let second = [setting(json!({"key": "c", "value": "ü\u{0}\u{1F453}"}))];
    for chosen in [&first[..], &second[..], &[]] {
        store.save_app_settings(&ann(), &demo, chosen).await.unwrap();
        let record = store.load_user(&ann()).await.unwrap();
        assert_eq!(record.app_settings, BTreeMap::from([(demo.clone(), chosen.to_vec())]));
    }
}

/// A future that is not `Send` for every lifetime compiles until somebody spawns it.
#[tokio::test]
async fn every_intent_can_be_spawned() {
    let (folder, store) = store().await;
    let path = folder.path().to_owned();
    let everything = async move {
        let (user, demo) = (ann(), package("demo"));
        drop(Store::open(&path).await.unwrap());
        store.add_app(app("demo")).await.unwrap();
        store.rotate_key(&demo).await.unwrap();
        store.app(&demo).await.unwrap();
        store.apps().await.unwrap();
        store.add_user(&user).await.unwrap();
        store.ensure_user(&user).await.unwrap();
        store.install(&user, &demo).await.unwrap();
        store.set_running(&user, &demo, true).await.unwrap();
        store.save_settings(&user, &SystemSettings::default()).await.unwrap();
        store.save_app_settings(&user, &demo, &[]).await.unwrap();
        store.load_user(&user).await.unwrap();
        store.users().await.unwrap();
        store.uninstall(&user, &demo).await.unwrap();
        store.remove_app(&demo).await.unwrap();
        store.version().await.unwrap();
        store.close().await;
    };
    tokio::spawn(everything).await.unwrap();
}

#[tokio::test]
async fn the_catalogue_version_counts_changes_of_apps_and_installs_only() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).await.unwrap();
    let package: PackageName = "org.example.demo".parse().unwrap();
    let user: UserId = "ann@example.org".parse().unwrap();
    let app = NewApp {
        package: package.clone(),
        name: None,
        kind: AppKind::Standard,
        public_url: "http://127.0.0.1:7010".to_owned(),
        permissions: vec![],
        api_key: None,
        uuid_sessions: false,
        hardware: vec![],
        settings: vec![],
    };
    let version = || async { store.catalogue_version().await.unwrap() };
    assert_eq!(version().await, 0);
    store.add_app(app).await.unwrap();
    store.install(&user, &package).await.unwrap();
    store.rotate_key(&package).await.unwrap();
    assert_eq!(version().await, 3);
    store.install(&user, &package).await.unwrap();
    store.set_running(&user, &package, true).await.unwrap();
    store.save_settings(&user, &SystemSettings::default()).await.unwrap();
    assert_eq!(version().await, 3);
    store.uninstall(&user, &package).await.unwrap();
    store.remove_app(&package).await.unwrap();
    assert_eq!(version().await, 5);
}
