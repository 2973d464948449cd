//! Temporary tokens with which phones open the web pages of apps: good once, for one app, for a minute.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bifocal_protocol::ids::{PackageName, UserId};
use parking_lot::Mutex;
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// How long a token is good.
const LIFE: Duration = Duration::from_secs(60);
/// Tokens at a time; the oldest goes when there are more.
const MOST: usize = 10_000;

/// Hash of a token: looking it up says nothing about it by the time it takes, and a dump of the memory has none to use.
type Hash = [u8; 32];

/// Every token that is good.
#[derive(Debug, Default)]
pub(crate) struct PageTokens(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    good: HashMap<Hash, Whose>,
    /// In the order of their making, which is that of their end; used ones are still in it.
    order: VecDeque<(Instant, Hash)>,
}

#[derive(Debug)]
struct Whose {
    user: UserId,
    package: PackageName,
}

impl PageTokens {
    /// A new token: 64 hexadecimal digits.
    pub(crate) fn issue(&self, user: UserId, package: PackageName) -> String {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
        let token = hex::encode(bytes);
        let (hash, now) = (hash(&token), Instant::now());
        let mut inner = self.0.lock();
        inner.forget(now);
        inner.good.insert(hash, Whose { user, package });
        inner.order.push_back((now, hash));
        token
    }

    /// Whose token it is, if it is good for this app. It is good no longer then. For another app it stays as it is: who guesses
    /// must not be able to spoil it.
    pub(crate) fn redeem(&self, token: &str, package: &PackageName) -> Option<UserId> {
        let hash = hash(token);
        let mut inner = self.0.lock();
        inner.forget(Instant::now());
        inner.good.get(&hash).filter(|whose| whose.package == *package)?;
        inner.good.remove(&hash).map(|whose| whose.user)
    }
}

impl Inner {
    /// Drops what is over, and the oldest when there are too many.
    fn forget(&mut self, now: Instant) {
        while let Some((made, hash)) = self.order.front().copied() {
            if now - made < LIFE && self.order.len() < MOST {
                break;
            }
            self.order.pop_front();
            self.good.remove(&hash);
        }
    }
}

fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who() -> (UserId, PackageName) {
        (UserId::new("ann@example.org").expect("good"), PackageName::new("org.example.notes").expect("good"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_good_once_for_its_app_for_a_minute() {
        let tokens = PageTokens::default();
        let (ann, notes) = who();
        let other = PackageName::new("org.example.other").expect("good");
        let token = tokens.issue(ann.clone(), notes.clone());
        assert_eq!((token.len(), tokens.redeem(&token, &other)), (64, None));
        assert_eq!(tokens.redeem(&token, &notes), Some(ann.clone()));
        assert_eq!(tokens.redeem(&token, &notes), None, "used");
        let token = tokens.issue(ann.clone(), notes.clone());
        tokio::time::advance(LIFE - Duration::from_millis(1)).await;
        let later = tokens.issue(ann.clone(), notes.clone());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!((tokens.redeem(&token, &notes), tokens.redeem(&later, &notes)), (None, Some(ann)));
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_more_than_so_many() {
        let tokens = PageTokens::default();
        let (ann, notes) = who();
        let first = tokens.issue(ann.clone(), notes.clone());
        for _ in 0..MOST {
            tokens.issue(ann.clone(), notes.clone());
        }
        assert_eq!(tokens.redeem(&first, &notes), None);
        let inner = tokens.0.lock();
        assert!(inner.good.len() <= MOST && inner.order.len() <= MOST);
    }
}
