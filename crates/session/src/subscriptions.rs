//! SubscriptionManager: which app wants which stream.
//!
//! Every `subscription_update` is the app's whole list and replaces the one before. What the app lacks the permission for
//! is refused, the rest is kept. An empty list shortly after the socket came is the SDK saying "nothing registered yet"
//! and is ignored.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bifocal_protocol::ids::PackageName;
use bifocal_protocol::location::LocationTier;
use bifocal_protocol::permission::{Need, Permission, Permissions, needed_for};
use bifocal_protocol::streams::{
    NotAStream, StreamKey, Subscription, SubscriptionEntry, is_language, language_matches,
};

use crate::now::{Millis, Timings};
use crate::speech::SpeechNeed;

/// Most entries of one list that are kept, and most that are named when they are left out.
const MAX_PER_APP: usize = 100;

/// Most languages that an app may expect.
const MAX_EXPECTED: usize = 10;

/// Under which name every fix is delivered.
static LOCATION_UPDATE: LazyLock<Arc<str>> = LazyLock::new(|| "location_update".into());

/// Something that apps may have subscribed to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Topic<'a> {
    /// A message of this type.
    Plain(&'a str),
    /// Words in a language, recognised by the phone; not for whom an engine recognises the same.
    Speech {
        /// The language.
        spoken: &'a str,
        /// What an engine recognises.
        served: &'a [Arc<SpeechNeed>],
    },
    /// Words that an engine has recognised for this need.
    Recognised(&'a SpeechNeed),
    /// A touch gesture.
    Touch(&'a str),
    /// Sound.
    Audio,
}

impl Topic<'_> {
    /// What an app needs in order to have it.
    pub(crate) fn need(&self) -> Need {
        needed_for(match self {
            Topic::Plain(kind) => kind,
            Topic::Speech { .. } => "transcription",
            Topic::Recognised(need) if need.translate.is_some() => "translation",
            Topic::Recognised(_) => "transcription",
            Topic::Touch(_) => "touch_event",
            Topic::Audio => "audio_chunk",
        })
    }
}

/// What apps want of the microphone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SoundDemand {
    /// The sound itself, all of it.
    pub(crate) raw: bool,
    /// Words.
    pub(crate) words: bool,
    /// Words in another language.
    pub(crate) translated: bool,
    /// Whether somebody speaks.
    pub(crate) voice: bool,
}

/// What became of an update.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Replaced {
    /// The list was empty too early and the old one stays.
    pub(crate) ignored: bool,
    /// Whether the set is another than before.
    pub(crate) changed: bool,
    /// Streams that it did not have before: what they are called here, and under which name they are delivered.
    pub(crate) added: Vec<(Arc<str>, Arc<str>)>,
    /// Entries for which the app lacks a permission, without those that it has been told of.
    pub(crate) refused: Vec<(String, Permission)>,
    /// Entries that are no streams.
    pub(crate) invalid: Vec<NotAStream>,
    /// How many were too many.
    pub(crate) over: usize,
}

#[derive(Debug, Default)]
pub(crate) struct SubscriptionManager {
    apps: BTreeMap<PackageName, Wanted>,
    revision: u64,
}

#[derive(Debug)]
struct Wanted {
    list: Vec<Subscription>,
    /// What was refused of its last list.
    refused: Vec<Arc<str>>,
    /// Its process has not said yet what it wants.
    fresh: bool,
    /// Languages that its process expects where a subscription names none.
    expected: Vec<Box<str>>,
    permissions: Permissions,
    connected_at: Millis,
}

impl SubscriptionManager {
    /// An app's socket came: an empty list means nothing for a while. A `fresh` process has heard nothing yet.
    pub(crate) fn connected(&mut self, package: &PackageName, permissions: Permissions, fresh: bool, now: Millis) {
        let (list, refused, expected) = (Vec::new(), Vec::new(), Vec::new());
        let new = || Wanted { list, refused, fresh, expected, permissions, connected_at: now };
        let wanted = self.apps.entry(package.clone()).or_insert_with(new);
        wanted.connected_at = now;
        wanted.refused.clear();
        wanted.fresh = fresh;
        if fresh {
            // Another process, which has not said it.
            wanted.expected.clear();
        }
        wanted.permissions = permissions;
    }

    /// Replaces the list of an app that is connected.
    pub(crate) fn replace(
        &mut self,
        package: &PackageName,
        entries: &[SubscriptionEntry],
        now: Millis,
        timings: &Timings,
    ) -> Replaced {
        let Some(wanted) = self.apps.get_mut(package) else { return Replaced::default() };
        if entries.is_empty() && now - wanted.connected_at <= timings.empty_update {
            return Replaced { ignored: true, ..Replaced::default() };
        }
        let mut replaced = Replaced::default();
        let mut list: Vec<Subscription> = Vec::with_capacity(entries.len().min(MAX_PER_APP));
        let mut refused: Vec<Arc<str>> = Vec::new();
        for entry in entries {
            let parsed = Subscription::parse(entry).map(|parsed| wanted.expecting(parsed));
            match parsed {
                Err(_) if replaced.invalid.len() == MAX_PER_APP => replaced.over += 1,
                Err(error) => replaced.invalid.push(error),
                Ok(parsed) => match parsed.key.need() {
                    Need::Permission(permission) if !wanted.permissions.grants(permission) => {
                        if refused.len() == MAX_PER_APP {
                            replaced.over += 1;
                        } else if !refused.contains(&parsed.raw) {
                            if !wanted.refused.contains(&parsed.raw) {
                                replaced.refused.push((parsed.raw.to_string(), permission));
                            }
                            refused.push(parsed.raw);
                        }
                    }
                    _ if list.contains(&parsed) => {}
                    _ if list.len() == MAX_PER_APP => replaced.over += 1,
                    _ => list.push(parsed),
                },
            }
        }
        replaced.changed = list != wanted.list;
        let before = std::mem::take(&mut wanted.list);
        let fresh = std::mem::take(&mut wanted.fresh);
        self.revision += u64::from(replaced.changed);
        wanted.list = list;
        wanted.refused = refused;
        let new = wanted.list.iter().filter(|s| fresh || !before.contains(s));
        let named = |s: &Subscription| {
            let base: Arc<str> = match &s.key {
                StreamKey::Plain(name) => (&**name).into(),
                StreamKey::LocationStream(_) => LOCATION_UPDATE.clone(),
                _ => return None,
            };
            Some((base, wanted.name_of(s)?.clone()))
        };
        replaced.added = new.filter_map(named).collect();
        replaced
    }

    /// `transcription_config`: the languages that an app expects to hear, for every subscription that names none itself.
    pub(crate) fn expect(&mut self, package: &PackageName, languages: &[String]) {
        let Some(wanted) = self.apps.get_mut(package) else { return };
        let known = languages.iter().filter(|language| is_language(language)).take(MAX_EXPECTED);
        wanted.expected = known.map(|language| language.as_str().into()).collect();
        for at in 0..wanted.list.len() {
            let is_speech = matches!(wanted.list[at].key, StreamKey::Transcription { .. });
            let written = is_speech.then(|| SubscriptionEntry::Name(wanted.list[at].raw.to_string()));
            if let Some(Ok(parsed)) = written.map(|written| Subscription::parse(&written)) {
                wanted.list[at] = wanted.expecting(parsed);
            }
        }
        self.revision += 1;
    }

    /// The app's declared permissions changed: what it may no longer have is dropped.
    pub(crate) fn permissions_changed(&mut self, package: &PackageName, permissions: Permissions) {
        if let Some(wanted) = self.apps.get_mut(package) {
            wanted.permissions = permissions;
            wanted.list.retain(|s| s.key.need().met_by(permissions));
            self.revision += 1;
        }
    }

    /// Forgets an app.
    pub(crate) fn remove(&mut self, package: &PackageName) {
        self.apps.remove(package);
        self.revision += 1;
    }

    /// Who gets an event, and under which of its own names: one entry for each matching subscription.
    pub(crate) fn targets<'a>(&'a self, topic: Topic<'a>) -> impl Iterator<Item = (&'a PackageName, &'a Arc<str>)> {
        self.apps.iter().flat_map(move |(package, wanted)| {
            let matching = wanted.list.iter().filter(move |s| matches(&s.key, topic, wanted.permissions));
            matching.filter_map(move |s| wanted.name_of(s).map(|name| (package, name)))
        })
    }

    /// The strings of an app, as it wrote them.
    pub(crate) fn list(&self, package: &PackageName) -> impl Iterator<Item = &str> {
        self.apps.get(package).into_iter().flat_map(|wanted| wanted.list.iter().map(|s| &*s.raw))
    }

    /// Whether an app gets events of this plain stream.
    pub(crate) fn hears(&self, package: &PackageName, stream: &str) -> bool {
        self.targets(Topic::Plain(stream)).any(|(other, _)| other == package)
    }

    /// Whether an app still wants what would be delivered under this name.
    pub(crate) fn wants(&self, package: &PackageName, stream: &str) -> bool {
        let named =
            |wanted: &Wanted| wanted.list.iter().any(|s| wanted.name_of(s).is_some_and(|name| **name == *stream));
        self.apps.get(package).is_some_and(named)
    }

    /// Changes whenever any list does.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// What the microphone has to do.
    pub(crate) fn sound(&self) -> SoundDemand {
        let mut demand = SoundDemand::default();
        for key in self.keys() {
            match key {
                StreamKey::Transcription { .. } => demand.words = true,
                StreamKey::Translation { .. } => demand.translated = true,
                StreamKey::Plain(name) if **name == *"audio_chunk" => demand.raw = true,
                StreamKey::Plain(name) if **name == *"VAD" => demand.voice = true,
                _ => {}
            }
        }
        demand
    }

    /// Whether any app needs sound, recognised or raw.
    pub(crate) fn requires_audio(&self) -> bool {
        self.sound() != SoundDemand::default()
    }

    /// How exactly the wearer's place is wanted. Who does not say how exactly gets the platform's own choice, because SDK v2
    /// keeps the accuracy to itself.
    pub(crate) fn location_tier(&self) -> LocationTier {
        let tier = |key: &StreamKey| match key {
            StreamKey::LocationStream(Some(rate)) => Some(LocationTier::named(rate)),
            StreamKey::LocationStream(None) => Some(LocationTier::Standard),
            StreamKey::Plain(name) if **name == *"location_update" => Some(LocationTier::Standard),
            _ => None,
        };
        self.keys().filter_map(tier).max().unwrap_or_default()
    }

    /// What speech engines have to recognise.
    pub(crate) fn speech(&self) -> impl Iterator<Item = SpeechNeed> {
        self.keys().filter_map(SpeechNeed::of)
    }

    /// Apps that want what serves this need.
    pub(crate) fn wanting<'a>(&'a self, need: &'a SpeechNeed) -> impl Iterator<Item = &'a PackageName> {
        let wants = move |wanted: &Wanted| wanted.list.iter().any(|s| need.serves(&s.key));
        self.apps.iter().filter(move |(_, wanted)| wants(wanted)).map(|(package, _)| package)
    }

    /// The language streams that must be running, each once, sorted.
    pub(crate) fn languages(&self) -> Vec<String> {
        let languages = self.keys().filter_map(|key| match key {
            StreamKey::Transcription { language, .. } => Some(language.to_string()),
            StreamKey::Translation { from, to } => Some(format!("{from}-to-{to}")),
            _ => None,
        });
        let sorted: std::collections::BTreeSet<String> = languages.collect();
        sorted.into_iter().collect()
    }

    fn keys(&self) -> impl Iterator<Item = &StreamKey> {
        self.apps.values().flat_map(|wanted| wanted.list.iter().map(|s| &s.key))
    }

    /// Every app that has a list.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &PackageName> {
        self.apps.keys()
    }
}

impl Wanted {
    /// With the languages that the app expects, unless it names some.
    fn expecting(&self, mut subscription: Subscription) -> Subscription {
        if let StreamKey::Transcription { hints, fixed: false, .. } = &mut subscription.key
            && hints.is_empty()
        {
            hints.clone_from(&self.expected);
        }
        subscription
    }

    /// Under which name an event is delivered: the app's own. Only a fix is always a `location_update`, because no SDK
    /// listens to `location_stream`; and an app that asked for both, or for two rates, gets it once.
    fn name_of<'a>(&self, subscription: &'a Subscription) -> Option<&'a Arc<str>> {
        let plain = |s: &&Subscription| *s.raw == *"location_update";
        let stream = |s: &&Subscription| matches!(s.key, StreamKey::LocationStream(_));
        let first = || self.list.iter().find(plain).or_else(|| self.list.iter().find(stream));
        match subscription.key {
            StreamKey::LocationStream(_) if first() != Some(subscription) => None,
            StreamKey::LocationStream(_) => Some(&LOCATION_UPDATE),
            _ => Some(&subscription.raw),
        }
    }
}

fn matches(key: &StreamKey, topic: Topic<'_>, permissions: Permissions) -> bool {
    match (key, topic) {
        (StreamKey::Wildcard, topic) => topic.need().met_by(permissions),
        (StreamKey::Transcription { language, .. }, Topic::Speech { spoken, served }) => {
            language_matches(language, spoken) && !served.iter().any(|need| need.serves(key))
        }
        (key, Topic::Recognised(need)) => need.serves(key),
        (StreamKey::Touch(wanted), Topic::Touch(gesture)) => **wanted == *gesture,
        (StreamKey::Plain(name), Topic::Touch(_)) => **name == *"touch_event",
        (StreamKey::Plain(name), Topic::Plain(kind)) => **name == *kind,
        (StreamKey::Plain(name), Topic::Audio) => **name == *"audio_chunk",
        (StreamKey::LocationStream(_), Topic::Plain(kind)) => kind == "location_update",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> PackageName {
        PackageName::new("org.example.demo").expect("good")
    }

    fn names(list: &[&str]) -> Vec<SubscriptionEntry> {
        list.iter().map(|name| SubscriptionEntry::Name((*name).to_owned())).collect()
    }

    fn with(permissions: &[Permission], list: &[&str]) -> (SubscriptionManager, Replaced) {
        let mut manager = SubscriptionManager::default();
        manager.connected(&package(), permissions.iter().copied().collect(), true, Millis(0));
        let replaced = manager.replace(&package(), &names(list), Millis(0), &Timings::default());
        (manager, replaced)
    }

    fn streams(manager: &SubscriptionManager, topic: Topic<'_>) -> Vec<String> {
        manager.targets(topic).map(|(_, raw)| raw.to_string()).collect()
    }

    #[test]
    fn each_matching_subscription_is_a_delivery_under_its_own_name() {
        let list = ["transcription", "transcription:en-US?hints=de", "transcription:auto", "transcription:fr-FR"];
        let (manager, _) = with(&[Permission::Microphone], &list);
        assert_eq!(streams(&manager, Topic::Speech { spoken: "en-US", served: &[] }), list[..3]);
        let (manager, _) = with(&[], &["touch_event", "touch_event:double_tap"]);
        assert_eq!(streams(&manager, Topic::Touch("double_tap")).len(), 2);
        assert_eq!(streams(&manager, Topic::Touch("long_press")), ["touch_event"]);
    }

    #[test]
    fn a_wildcard_gets_what_the_app_may_have() {
        let (manager, _) = with(&[], &["*"]);
        assert_eq!(streams(&manager, Topic::Plain("button_press")), ["*"]);
        assert!(streams(&manager, Topic::Speech { spoken: "en-US", served: &[] }).is_empty());
        assert!(streams(&manager, Topic::Plain("brain_waves")).is_empty());
        let (manager, _) = with(&[Permission::All], &["*"]);
        assert_eq!(streams(&manager, Topic::Plain("brain_waves")), ["*"]);
    }

    #[test]
    fn a_fix_is_delivered_once_whatever_its_rates() {
        let rate = |rate: &str| {
            let (stream, rate) = ("location_stream".to_owned(), Some(rate.to_owned()));
            SubscriptionEntry::Rated { stream, rate }
        };
        let (mut manager, _) = with(&[Permission::Location], &[]);
        manager.replace(&package(), &[rate("high"), rate("low")], Millis(0), &Timings::default());
        assert_eq!(streams(&manager, Topic::Plain("location_update")), ["location_update"]);
    }

    #[test]
    fn duplicates_are_one_and_a_hundred_is_the_most() {
        let (manager, _) = with(&[], &["button_press", "button_press"]);
        assert_eq!(streams(&manager, Topic::Plain("button_press")).len(), 1);
        let many: Vec<String> = (0..150).map(|n| format!("touch_event:g{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let (manager, replaced) = with(&[], &many);
        assert_eq!((manager.list(&package()).count(), replaced.over), (100, 50));
    }

    #[test]
    fn a_permission_that_is_gone_takes_its_streams_along() {
        let (mut manager, _) = with(&[Permission::Microphone], &["transcription", "button_press"]);
        assert!(manager.requires_audio());
        manager.permissions_changed(&package(), Permissions::NONE);
        assert_eq!(manager.list(&package()).collect::<Vec<_>>(), ["button_press"]);
        assert!(!manager.requires_audio());
    }
}
