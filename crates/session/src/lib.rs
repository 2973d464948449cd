//! One wearer's session as a value.
//!
//! [`UserSession`] knows the glasses' link, the apps and their links, subscriptions, the display and the settings of one
//! user, and every rule about them. It has no socket, no clock, no randomness, no task and no lock: what happens comes in
//! as an [`Input`] with the time, what shall happen goes out as [`Effect`]s in order, and what shall happen later is a
//! [named deadline](Deadline). Whoever drives it (the server, a test, a model) decides what time is.
//!
//! ```text
//! handle(input, now, &mut effects)      next_deadline() -> Option<(Millis, Deadline)>      on_deadline(now, &mut effects)
//! ```
//!
//! The rules of the house: managers do not know each other (they meet in `flow/`), an input of a connection that is not
//! current changes nothing, and after [`Effect::Ended`] nothing comes out any more.

mod apps;
mod calendar;
mod camera;
mod dashboard;
mod deadline;
mod device;
mod display;
mod effect;
mod entropy;
mod errors;
mod flow;
mod head;
mod input;
mod invariants;
mod last;
mod lights;
mod links;
mod location;
mod microphone;
mod notifications;
mod now;
mod peers;
mod playback;
mod record;
mod relay;
#[cfg(not(feature = "seeded-bugs"))]
mod seeded;
#[cfg(feature = "seeded-bugs")]
pub mod seeded;
mod session;
mod settings;
mod speech;
mod subscriptions;
mod summary;
mod view;
mod weather;

pub use apps::{AppPhase, StartFailure, StartStage};
pub use camera::{
    CameraConfig, MediaCall, MediaMade, MediaOutput, MediaPhase, MediaReport, MediaUrls, OutputAsk, OutputRefused,
    OutputState, OutputView, PhotoFailure, PhotoGoes, PhotoTaken, PhotoUpload, StreamAsk,
};
pub use deadline::Deadline;
pub use display::{DisplayStats, Refused};
pub use effect::{Answer, AudioOut, Call, Effect, Effects, Lane, LatestKey, Note, WebhookKind};
pub use errors::{ErrorRow, GLASSES_ERRORS};
pub use input::{AppHello, Ask, AskId, CallId, ConnId, EndReason, Input, Outcome, PhoneReport, UserData};
pub use links::Side;
pub use now::{Millis, Now, Timings};
pub use peers::{FromPeers, PeerRequest};
pub use session::{Config, MayFetch, SessionState, UserSession};
pub use speech::{
    Heard, SpeechCommand, SpeechEvent, SpeechFailure, SpeechFault, SpeechId, SpeechNeed, Transcript, WordsLag,
};
pub use summary::SessionSummary;
pub use view::SessionView;
pub use weather::{Sky, Weather};
