//! Which apps closed whose socket lately: one that closed many at the same time was restarted, one that closed a single one
//! has ended that session on purpose.

use std::collections::HashMap;
use std::time::Duration;

use bifocal_protocol::ids::{PackageName, UserId};
use parking_lot::Mutex;
use tokio::time::Instant;

/// What counts as the same time.
const TOGETHER: Duration = Duration::from_secs(2);
/// How long a closure is remembered: as long as a session may take to ask, and a little more.
const REMEMBERED: Duration = Duration::from_secs(15);
/// Most closures that are remembered for an app; more than two say the same.
const MAX: usize = 64;

/// Closures of app sockets, by app.
#[derive(Debug, Default)]
pub(crate) struct Closures {
    recent: Mutex<HashMap<PackageName, Vec<(UserId, Instant)>>>,
}

impl Closures {
    /// An app's socket of this user is gone.
    pub(crate) fn happened(&self, package: &PackageName, user: &UserId) {
        let now = Instant::now();
        let mut recent = self.recent.lock();
        recent.retain(|_, closures| closures.last().is_some_and(|(_, at)| now - *at < REMEMBERED));
        let closures = recent.entry(package.clone()).or_default();
        if closures.len() == MAX {
            closures.remove(0);
        }
        closures.push((user.clone(), now));
    }

    /// Whether other users' sockets of this app closed when this user's did.
    pub(crate) fn others(&self, package: &PackageName, user: &UserId) -> bool {
        let recent = self.recent.lock();
        let Some(closures) = recent.get(package) else { return false };
        let Some((_, mine)) = closures.iter().rev().find(|(who, _)| who == user) else { return false };
        let together = |at: &Instant| at.max(mine).duration_since(*at.min(mine)) <= TOGETHER;
        closures.iter().any(|(who, at)| who != user && together(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_closed_together_counts() {
        let closures = Closures::default();
        let package = PackageName::new("org.example.demo").expect("good");
        let user = |name: &str| UserId::new(&format!("{name}@example.org")).expect("good");
        closures.happened(&package, &user("bob"));
        tokio::time::advance(Duration::from_secs(5)).await;
        closures.happened(&package, &user("ann"));
        assert!(!closures.others(&package, &user("ann")));
        tokio::time::advance(Duration::from_secs(1)).await;
        closures.happened(&package, &user("eve"));
        assert!(closures.others(&package, &user("ann")));
        assert!(!closures.others(&package, &user("bob")));
    }
}
