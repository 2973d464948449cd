//! What sessions want of whoever carries managed streams, and what that says about a stream, brought back to its session. A
//! stream whose session is gone is deleted.

use std::collections::HashMap;
use std::sync::Arc;

use bifocal_media::{
    Created, ManagedError, ManagedProvider, NewOutput, NewStream, OutputId, OutputState as Copy, Phase, Status,
    StreamId,
};
use bifocal_protocol::ids::UserId;
use bifocal_session::{
    Input, MediaCall, MediaMade, MediaOutput, MediaPhase, MediaReport, MediaUrls, Outcome, OutputRefused, OutputState,
};
use parking_lot::Mutex;
use tokio::sync::watch;
use tracing::{Instrument, warn};

use crate::actor::Mail;
use crate::mailbox::Mailbox;
use crate::shared::{Shared, user_tag};

/// Whose stream this is, by the name that apps know: REST names streams, not users.
#[derive(Debug, Default)]
pub(crate) struct StreamOwners(Mutex<HashMap<String, UserId>>);

impl StreamOwners {
    /// The user of a stream.
    pub(crate) fn of(&self, stream: &str) -> Option<UserId> {
        self.0.lock().get(stream).cloned()
    }
}

/// Does what a session wants.
pub(super) async fn run(shared: &Arc<Shared>, user: &UserId, call: MediaCall) -> Outcome {
    let Some(provider) = shared.streams.provider.clone() else {
        return Outcome::Failed { why: "nobody carries managed streams here".to_owned() };
    };
    match call {
        MediaCall::Create { stream, outputs } => create(shared, provider, user, stream, outputs).await,
        MediaCall::AddOutput { media, output } => {
            let Some(id) = StreamId::from_text(&media) else {
                return Outcome::Output(Err(OutputRefused::StreamNotFound));
            };
            let added = provider.add_output(&id, new_output(output)).await;
            Outcome::Output(added.map(|id| id.as_str().to_owned()).map_err(|error| refused(&error)))
        }
        MediaCall::RemoveOutput { media, output } => {
            let (Some(id), Some(output)) = (StreamId::from_text(&media), OutputId::from_text(&output)) else {
                return Outcome::Saved;
            };
            match provider.remove_output(&id, &output).await {
                Ok(()) | Err(ManagedError::NoSuchOutput | ManagedError::NoSuchStream) => Outcome::Saved,
                Err(error) => Outcome::Failed { why: error.to_string() },
            }
        }
        MediaCall::Delete { stream, media } => {
            shared.stream_owners.0.lock().remove(&stream);
            if let Some(id) = StreamId::from_text(&media) {
                delete(&*provider, &id).await;
            }
            Outcome::Saved
        }
    }
}

async fn create(
    shared: &Arc<Shared>,
    provider: Arc<dyn ManagedProvider>,
    user: &UserId,
    stream: String,
    outputs: Vec<MediaOutput>,
) -> Outcome {
    let Some(session) = shared.sessions.get(user) else {
        return Outcome::Failed { why: "the session is over".to_owned() };
    };
    let outputs = outputs.into_iter().map(new_output).collect();
    let new = NewStream { owner: user_tag(user), outputs, record: false };
    let Created { id, publish_url, urls, outputs, status } = match provider.create(new).await {
        Ok(created) => created,
        Err(error) => return Outcome::Failed { why: error.to_string() },
    };
    shared.stream_owners.0.lock().insert(stream.clone(), user.clone());
    let follow = follow(shared.clone(), provider, session.mailbox, stream.clone(), id.clone(), status);
    tokio::spawn(follow.in_current_span());
    Outcome::Media(Box::new(MediaMade {
        stream,
        media: id.as_str().to_owned(),
        publish_url,
        urls: MediaUrls {
            hls: urls.hls,
            dash: urls.dash,
            webrtc: urls.webrtc,
            preview: urls.preview,
            thumbnail: urls.thumbnail,
        },
        outputs: outputs.iter().map(|id| id.as_str().to_owned()).collect(),
    }))
}

/// Tells the session how its stream is, until that is over. When the session is gone, the stream is deleted, whether the wearer has
/// another one by now or not.
async fn follow(
    shared: Arc<Shared>,
    provider: Arc<dyn ManagedProvider>,
    session: Mailbox,
    stream: String,
    id: StreamId,
    mut status: watch::Receiver<Status>,
) {
    loop {
        let report = report(&id, &status.borrow_and_update());
        let over = matches!(report.phase, MediaPhase::Ended(_));
        let told = session.send(Mail::Input(Input::Media(Box::new(report)))).await.is_ok();
        if !told && !over {
            delete(&*provider, &id).await;
        }
        if over || !told || status.changed().await.is_err() {
            break;
        }
    }
    shared.stream_owners.0.lock().remove(&stream);
}

async fn delete(provider: &dyn ManagedProvider, id: &StreamId) {
    if let Err(error) = provider.delete(id).await {
        warn!(%error, "a managed stream could not be deleted; it is swept away later");
    }
}

fn report(id: &StreamId, status: &Status) -> MediaReport {
    let phase = match status.phase {
        Phase::Waiting => MediaPhase::Waiting,
        Phase::Preparing => MediaPhase::Preparing,
        Phase::Live => MediaPhase::Live,
        Phase::Lost => MediaPhase::Lost,
        Phase::Ended(reason) => MediaPhase::Ended(reason.word()),
    };
    let output = |state: &Copy| match state {
        Copy::Connecting => OutputState::Connecting,
        Copy::Active => OutputState::Active,
        Copy::Failed(why) => OutputState::Failed(why.clone()),
    };
    let outputs = status.outputs.iter().map(|copy| (copy.id.as_str().to_owned(), output(&copy.state)));
    MediaReport {
        media: id.as_str().to_owned(),
        phase,
        viewers: status.viewers,
        outputs: outputs.collect(),
        trouble: status.trouble.clone(),
    }
}

fn new_output(output: MediaOutput) -> NewOutput {
    NewOutput { url: output.url, name: output.name }
}

fn refused(error: &ManagedError) -> OutputRefused {
    match error {
        ManagedError::TooManyOutputs => OutputRefused::MaxOutputs,
        ManagedError::DuplicateUrl => OutputRefused::DuplicateUrl,
        ManagedError::BadUrl(_) => OutputRefused::InvalidUrl,
        ManagedError::NoSuchStream => OutputRefused::StreamNotFound,
        ManagedError::NoSuchOutput => OutputRefused::OutputNotFound,
        _ => OutputRefused::Provider,
    }
}
