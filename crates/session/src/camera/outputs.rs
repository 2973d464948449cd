//! Copies of a managed stream to other servers: who has added which, and who may change what.
//!
//! The URL of such a server ends with a key. Only the app that has given it sees it; others see the host.

use bifocal_protocol::apps::RestreamOutput;
use bifocal_protocol::ids::PackageName;

use super::{MediaOutput, OutputState};
use crate::input::{AskId, CallId};

/// Most copies of one stream, and so of one app.
pub(crate) const MAX_OUTPUTS: usize = 10;
/// Longest URL, in bytes.
const MAX_URL: usize = 2_048;

/// What an app wants of the copies of a stream, over REST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamAsk {
    /// Who asks; its key was checked.
    pub app: PackageName,
    /// Which stream.
    pub stream: String,
    /// What for.
    pub what: OutputAsk,
}

/// What an app wants of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputAsk {
    /// All of them.
    List,
    /// One more.
    Add(MediaOutput),
    /// One less.
    Remove(String),
}

/// A copy as an app may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputView {
    /// Its name; empty while it is being made.
    pub id: String,
    /// Where to; without the key when another app has added it.
    pub url: String,
    /// For people.
    pub name: Option<String>,
    /// Who has added it.
    pub added_by: PackageName,
    /// `active`, `error`, `stopped`.
    pub status: &'static str,
    /// Why it does not work.
    pub error: Option<String>,
}

/// Why something was not done about the copies of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputRefused {
    /// There is no such stream.
    StreamNotFound,
    /// The app does not take part in it.
    NotAViewer,
    /// It has as many copies as it may.
    MaxOutputs,
    /// It goes there already.
    DuplicateUrl,
    /// That is no URL of an RTMP server, or one that may not be reached.
    InvalidUrl,
    /// There is no such copy.
    OutputNotFound,
    /// Another app has added it.
    NotAuthorized,
    /// Whoever carries the stream has failed.
    Provider,
}

impl OutputRefused {
    /// The name on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            OutputRefused::StreamNotFound => "STREAM_NOT_FOUND",
            OutputRefused::NotAViewer => "NOT_A_VIEWER",
            OutputRefused::MaxOutputs => "MAX_OUTPUTS_REACHED",
            OutputRefused::DuplicateUrl => "DUPLICATE_URL",
            OutputRefused::InvalidUrl => "INVALID_URL",
            OutputRefused::OutputNotFound => "OUTPUT_NOT_FOUND",
            OutputRefused::NotAuthorized => "NOT_AUTHORIZED",
            // Clients know it by this name, whoever the provider is.
            OutputRefused::Provider => "CLOUDFLARE_ERROR",
        }
    }

    /// For people.
    pub const fn why(self) -> &'static str {
        match self {
            OutputRefused::StreamNotFound => "There is no such stream",
            OutputRefused::NotAViewer => "The app does not take part in this stream; start it first",
            OutputRefused::MaxOutputs => "The stream has ten outputs, which is as many as it may; remove one first",
            OutputRefused::DuplicateUrl => "The stream goes to this URL already",
            OutputRefused::InvalidUrl => "An output is the URL of an RTMP server: rtmp:// or rtmps://",
            OutputRefused::OutputNotFound => "The stream has no such output",
            OutputRefused::NotAuthorized => "Another app has added this output",
            OutputRefused::Provider => "Whoever carries the stream has failed; try again",
        }
    }
}

/// The copies of one stream.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    list: Vec<Output>,
    /// Another one with each change that its viewers are told.
    pub(crate) revision: u64,
}

#[derive(Debug)]
pub(crate) struct Output {
    /// The provider's name; `None` while it is being made.
    pub(crate) id: Option<String>,
    to: MediaOutput,
    by: PackageName,
    state: OutputState,
    /// What it waits for, and who.
    pub(crate) waits: Option<(CallId, Option<AskId>)>,
    removed: bool,
}

impl Outputs {
    /// Whether these may be added, all of them.
    pub(crate) fn check(&self, new: &[MediaOutput]) -> Result<(), OutputRefused> {
        if self.list.len() + new.len() > MAX_OUTPUTS {
            return Err(OutputRefused::MaxOutputs);
        }
        for (place, output) in new.iter().enumerate() {
            let url = &output.url;
            let plain = !url.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control());
            let host =
                url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "rtmp" | "rtmps")).map(|(_, rest)| rest);
            if url.len() > MAX_URL || !plain || host.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
                return Err(OutputRefused::InvalidUrl);
            }
            let same = |other: &MediaOutput| other.url == *url;
            if self.list.iter().any(|known| same(&known.to)) || new[..place].iter().any(same) {
                return Err(OutputRefused::DuplicateUrl);
            }
        }
        Ok(())
    }

    /// One more, that waits for its provider.
    pub(crate) fn add(&mut self, to: MediaOutput, by: &PackageName, waits: Option<(CallId, Option<AskId>)>) {
        let (by, state) = (by.clone(), OutputState::Connecting);
        self.list.push(Output { id: None, to, by, state, waits, removed: false });
    }

    /// The provider has made those of the beginning, in their order.
    pub(crate) fn made(&mut self, ids: Vec<String>) {
        let nameless = self.list.iter_mut().filter(|output| output.id.is_none() && output.waits.is_none());
        nameless.zip(ids).for_each(|(output, id)| output.id = Some(id));
    }

    /// The copy that waits for this call.
    pub(crate) fn by_call(&mut self, wanted: CallId) -> Option<&mut Output> {
        self.list.iter_mut().find(|output| output.waits.is_some_and(|(call, _)| call == wanted))
    }

    /// A call has ended: who waits for it is told `Err` of what, or what it did.
    pub(crate) fn ended(
        &mut self,
        call: CallId,
        made: Result<Option<String>, OutputRefused>,
    ) -> Option<(Option<AskId>, bool)> {
        let output = self.by_call(call)?;
        let (_, ask) = output.waits.take()?;
        let removed = output.removed;
        match made {
            Ok(id) if !removed => output.id = id,
            // One that could not be removed is gone all the same, as far as anybody is told.
            _ => self.list.retain(|output| output.waits.is_some() || output.id.is_some() && !output.removed),
        }
        self.revision += 1;
        Some((ask, removed))
    }

    /// An app wants one to go: the provider's name of it.
    pub(crate) fn may_remove(&self, id: &str, app: &PackageName) -> Result<(), OutputRefused> {
        let found = self.list.iter().find(|output| output.id.as_deref() == Some(id) && !output.removed);
        match found {
            None => Err(OutputRefused::OutputNotFound),
            Some(output) if output.by != *app => Err(OutputRefused::NotAuthorized),
            Some(_) => Ok(()),
        }
    }

    pub(crate) fn remove(&mut self, id: &str, call: CallId, ask: AskId) {
        if let Some(output) = self.list.iter_mut().find(|output| output.id.as_deref() == Some(id)) {
            output.removed = true;
            output.waits = Some((call, Some(ask)));
        }
    }

    /// Everybody who waits; nobody does any more.
    pub(crate) fn waiting(&mut self) -> Vec<AskId> {
        self.list.iter_mut().filter_map(|output| output.waits.take()?.1).collect()
    }

    /// The provider says how they are.
    pub(crate) fn report(&mut self, states: &[(String, OutputState)]) {
        for (id, state) in states {
            let output = self.list.iter_mut().find(|output| output.id.as_ref() == Some(id));
            if let Some(output) = output.filter(|output| output.state != *state) {
                output.state = state.clone();
                self.revision += 1;
            }
        }
    }

    /// As an app may see them.
    pub(crate) fn seen_by(&self, app: &PackageName) -> Vec<OutputView> {
        let there = self.list.iter().filter(|output| !output.removed);
        let view = |output: &Output| OutputView {
            id: output.id.clone().unwrap_or_default(),
            url: if output.by == *app { output.to.url.clone() } else { without_key(&output.to.url) },
            name: output.to.name.clone(),
            added_by: output.by.clone(),
            status: match output.state {
                OutputState::Active => "active",
                OutputState::Connecting => "stopped",
                OutputState::Failed(_) => "error",
            },
            error: match &output.state {
                OutputState::Failed(why) => Some(why.clone()),
                _ => None,
            },
        };
        there.map(view).collect()
    }

    /// The same, as it stands in a status.
    pub(crate) fn in_status(&self, app: &PackageName) -> Option<Vec<RestreamOutput>> {
        let outputs = self.seen_by(app).into_iter().map(|view| RestreamOutput {
            url: view.url,
            name: view.name,
            status: view.status.to_owned(),
            error: view.error,
        });
        let outputs: Vec<RestreamOutput> = outputs.collect();
        (!outputs.is_empty()).then_some(outputs)
    }
}

/// Scheme and host, and nothing that could be a secret.
fn without_key(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return String::new() };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // `user:password@host`
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(url: &str) -> MediaOutput {
        MediaOutput { url: url.to_owned(), name: None }
    }

    #[test]
    fn only_rtmp_and_every_place_once() {
        let outputs = Outputs::default();
        for bad in ["https://a/b", "rtmp://", "rtmp:///x", "rtmp://a/b c", "rtmp", "rtmp://a\n"] {
            assert_eq!(outputs.check(&[to(bad)]), Err(OutputRefused::InvalidUrl), "{bad}");
        }
        assert_eq!(outputs.check(&[to("rtmp://a/b"), to("rtmp://a/b")]), Err(OutputRefused::DuplicateUrl));
        assert_eq!(outputs.check(&[to("rtmp://a/b"), to("rtmps://a/b")]), Ok(()));
        let eleven: Vec<MediaOutput> = (0..11).map(|n| to(&format!("rtmp://a/{n}"))).collect();
        assert_eq!(outputs.check(&eleven), Err(OutputRefused::MaxOutputs));
    }

    #[test]
    fn others_see_the_host_only() {
        assert_eq!(without_key("rtmp://me:pass@live.example:1935/app/key?x"), "rtmp://live.example:1935/…");
        assert!(!format!("{:?}", to("rtmp://a/key")).contains("key"));
    }
}
