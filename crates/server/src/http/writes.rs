//! How often apps write to simple storage: every write waits for the one writer of the store.

use std::collections::HashMap;
use std::time::Duration;

use bifocal_protocol::ids::{PackageName, UserId};
use parking_lot::Mutex;
use tokio::time::Instant;

/// What is counted together.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);
/// Writes of an app for a user in a window.
const MOST: u32 = 100;
/// Users and apps that are counted in a window. Who comes when the list is full is not counted: others must not be able to
/// keep an app from writing.
const COUNTED: usize = 100_000;

/// The writes of the current window, which is the same for all: the list is thrown away as a whole.
#[derive(Debug)]
pub(crate) struct Writes(Mutex<Window>);

#[derive(Debug)]
struct Window {
    began: Instant,
    counts: HashMap<(UserId, PackageName), u32>,
}

impl Writes {
    /// Nothing was written yet.
    pub(crate) fn begin() -> Self {
        Self(Mutex::new(Window { began: Instant::now(), counts: HashMap::new() }))
    }

    /// Counts a write. False when there were too many.
    pub(crate) fn count(&self, user: &UserId, package: &PackageName) -> bool {
        let mut window = self.0.lock();
        let now = Instant::now();
        // It begins with its first write.
        if window.counts.is_empty() || now - window.began >= WINDOW {
            *window = Window { began: now, counts: HashMap::new() };
        }
        let full = window.counts.len() >= COUNTED;
        let owner = (user.clone(), package.clone());
        if full && !window.counts.contains_key(&owner) {
            return true;
        }
        let count = window.counts.entry(owner).or_default();
        *count = count.saturating_add(1);
        *count <= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::new(&format!("{name}@example.org")).expect("an address")
    }

    fn package(name: &str) -> PackageName {
        PackageName::new(name).expect("a package")
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_writes_a_minute_for_each_user_and_app() {
        let writes = Writes::begin();
        for _ in 0..2 {
            let (ann, app) = (user("ann"), package("org.example.demo"));
            assert!((0..100).all(|_| writes.count(&ann, &app)));
            assert!(!writes.count(&ann, &app));
            assert!(writes.count(&user("ben"), &app) && writes.count(&ann, &package("org.example.other")));
            tokio::time::advance(WINDOW).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_list_does_not_grow_without_end() {
        let writes = Writes::begin();
        let app = package("org.example.demo");
        assert!((0..COUNTED + 10).all(|number| writes.count(&user(&number.to_string()), &app)));
        assert_eq!(writes.0.lock().counts.len(), COUNTED);
        assert!((0..99).all(|_| writes.count(&user("0"), &app)) && !writes.count(&user("0"), &app));
        assert!((0..200).all(|_| writes.count(&user("late"), &app)));
        tokio::time::advance(WINDOW).await;
        writes.count(&user("late"), &app);
        assert_eq!(writes.0.lock().counts.len(), 1);
    }
}
