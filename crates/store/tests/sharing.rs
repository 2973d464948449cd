//! Several handles and several processes on one file: everybody sees every change, and nothing is lost.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bifocal_protocol::app::AppKind;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::settings::SystemSettings;
use bifocal_store::{NewApp, Store, StoreError};
use tokio::task::JoinSet;

/// Tells a child process which folder to write to, and under which name.
const FOLDER: &str = "BIFOCAL_TEST_FOLDER";
const WRITER: &str = "BIFOCAL_TEST_WRITER";
const EACH: usize = 25;

fn package(name: &str) -> PackageName {
    PackageName::new(&format!("org.example.{name}")).unwrap()
}

fn user(name: &str) -> UserId {
    UserId::new(&format!("{name}@example.org")).unwrap()
}

fn app(name: &str) -> NewApp {
    NewApp {
        package: package(name),
        name: None,
        kind: AppKind::Background,
        public_url: "http://localhost:3000".to_owned(),
        permissions: Vec::new(),
        api_key: None,
        uuid_sessions: false,
        hardware: vec![],
        settings: Vec::new(),
    }
}

/// What every writer does: two intents per user, all of which change the same tables.
async fn write_users(store: &Store, writer: &str) {
    for number in 0..EACH {
        let user = user(&format!("{writer}-{number}"));
        assert!(store.install(&user, &package("demo")).await.unwrap());
        store.set_running(&user, &package("demo"), true).await.unwrap();
    }
}

async fn assert_nothing_lost(store: &Store, writers: &[&str]) {
    let mut expected: Vec<_> =
        writers.iter().flat_map(|writer| (0..EACH).map(move |number| user(&format!("{writer}-{number}")))).collect();
    expected.sort();
    assert_eq!(store.users().await.unwrap(), expected);
    for user in &expected {
        let record = store.load_user(user).await.unwrap();
        assert_eq!((record.installed.len(), record.running.len()), (1, 1), "{user}");
    }
}

#[tokio::test]
async fn two_handles_see_each_others_changes() {
    let folder = tempfile::tempdir().unwrap();
    let one = Store::open(folder.path()).await.unwrap();
    let two = Store::open(folder.path()).await.unwrap();
    one.add_app(app("demo")).await.unwrap();
    assert!(two.app(&package("demo")).await.unwrap().is_some());
    two.install(&user("ann"), &package("demo")).await.unwrap();
    assert_eq!(one.load_user(&user("ann")).await.unwrap().installed.len(), 1);
    one.remove_app(&package("demo")).await.unwrap();
    assert_eq!(two.load_user(&user("ann")).await.unwrap().installed.len(), 0);
}

#[tokio::test]
async fn the_version_changes_with_every_change_by_anybody_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let one = Store::open(folder.path()).await.unwrap();
    let two = Store::open(folder.path()).await.unwrap();
    let mut seen = HashSet::from([one.version().await.unwrap()]);
    let dim = SystemSettings { brightness: 5, ..SystemSettings::default() };
    for store in [&two, &one] {
        store.add_app(app("demo")).await.unwrap();
        assert!(seen.insert(one.version().await.unwrap()), "add_app");
        store.rotate_key(&package("demo")).await.unwrap();
        assert!(seen.insert(one.version().await.unwrap()), "rotate_key");
        store.install(&user("ann"), &package("demo")).await.unwrap();
        assert!(seen.insert(one.version().await.unwrap()), "install");
        store.save_settings(&user("ann"), &dim).await.unwrap();
        store.save_app_settings(&user("ann"), &package("demo"), &[]).await.unwrap();
        store.set_running(&user("ann"), &package("demo"), true).await.unwrap();
        let quiet = one.version().await.unwrap();
        assert!(seen.insert(quiet), "settings");

        store.load_user(&user("ann")).await.unwrap();
        store.apps().await.unwrap();
        store.ensure_user(&user("ann")).await.unwrap();
        assert!(!store.install(&user("ann"), &package("demo")).await.unwrap());
        assert!(matches!(store.add_app(app("demo")).await, Err(StoreError::AppExists(_))));
        store.save_settings(&user("ann"), &dim).await.unwrap();
        store.save_app_settings(&user("ann"), &package("demo"), &[]).await.unwrap();
        store.set_running(&user("ann"), &package("demo"), true).await.unwrap();
        Store::open(folder.path()).await.unwrap().close().await;
        assert_eq!(one.version().await.unwrap(), quiet, "nothing is new");

        store.remove_app(&package("demo")).await.unwrap();
        assert!(seen.insert(one.version().await.unwrap()), "remove_app");
        store.save_settings(&user("ann"), &SystemSettings::default()).await.unwrap();
        assert!(seen.insert(one.version().await.unwrap()), "save_settings");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writers_of_two_handles_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let one = Store::open(folder.path()).await.unwrap();
    let two = Store::open(folder.path()).await.unwrap();
    one.add_app(app("demo")).await.unwrap();
    let writers = ["a", "b", "c", "d"];
    let mut tasks = JoinSet::new();
    for (writer, store) in writers.into_iter().zip([&one, &two, &one, &two]) {
        let store = store.clone();
        tasks.spawn(async move { write_users(&store, writer).await });
    }
    tasks.join_all().await;
    for store in [&one, &two] {
        assert_nothing_lost(store, &writers).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_adders_exactly_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let store = Store::open(folder.path()).await.unwrap();
        tasks.spawn(async move { (store.add_app(app("demo")).await, store.add_user(&user("ann")).await) });
    }
    let results = tasks.join_all().await;
    let store = Store::open(folder.path()).await.unwrap();
    let kept = store.app(&package("demo")).await.unwrap().unwrap().key_hash;
    let keys: Vec<_> = results.iter().filter_map(|(key, _)| key.as_ref().ok()).map(|key| key.hash()).collect();
    assert_eq!(keys, [kept]);
    assert_eq!(results.iter().filter(|(_, added)| added.is_ok()).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_folder_may_be_opened_by_many_at_once() {
    let root = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let folder = root.path().join(round.to_string());
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let folder = folder.clone();
            tasks.spawn(async move { Store::open(&folder).await.unwrap().apps().await.unwrap().len() });
        }
        assert_eq!(tasks.join_all().await, [0; 8]);
    }
}

#[tokio::test]
async fn processes_share_a_new_file_from_its_first_moment() {
    let folder = tempfile::tempdir().unwrap();
    let writers = ["p", "q", "r"];
    let children = writers.map(|writer| start_writer(folder.path(), writer));
    // This process is the fourth that opens and writes.
    let store = Store::open(folder.path()).await.unwrap();
    let before = store.version().await.unwrap();
    write_users_once_there_is_an_app(&store, "s").await;
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_ne!(store.version().await.unwrap(), before);
    assert_nothing_lost(&store, &["p", "q", "r", "s"]).await;
}

fn start_writer(folder: &Path, writer: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_writing_process", "--quiet"])
        .env(FOLDER, folder)
        .env(WRITER, writer)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The other side of the test above. Started by hand or among the others it has no folder, and is a process of its own
/// only in name.
#[tokio::test]
async fn a_writing_process() {
    let own = tempfile::tempdir().unwrap();
    let folder = std::env::var_os(FOLDER).unwrap_or_else(|| own.path().into());
    let writer = std::env::var(WRITER).unwrap_or_else(|_| "alone".to_owned());
    let store = Store::open(Path::new(&folder)).await.unwrap();
    write_users_once_there_is_an_app(&store, &writer).await;
    store.close().await;
}

async fn write_users_once_there_is_an_app(store: &Store, writer: &str) {
    match store.add_app(app("demo")).await {
        Ok(_) | Err(StoreError::AppExists(_)) => write_users(store, writer).await,
        Err(error) => panic!("{error}"),
    }
}
