//! [`App`]: what a developer writes.

use bifocal_protocol::settings::AppSetting;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Result;
use crate::session::AppSession;

/// An app. One value serves every wearer; what belongs to one wearer lives in `on_session`.
///
/// ```
/// use bifocal_sdk::prelude::*;
///
/// struct Captions;
///
/// impl App for Captions {
///     async fn on_session(&self, session: AppSession) -> Result {
///         session.layouts().show_text_wall("Welcome!").await?;
///         let mut words = session.events().transcription("en-US").await?;
///         while let Some(heard) = words.next().await {
///             session.layouts().show_text_wall(heard.text).await?;
///         }
///         Ok(())
///     }
/// }
///
/// # async fn run(api_key: String) -> Result {
/// AppServer::builder("org.example.captions", api_key).listen(7010).serve(Captions).await?;
/// # Ok(())
/// # }
/// ```
pub trait App: Send + Sync + 'static {
    /// A wearer has started the app. Runs in a task of its own; the cloud does not wait for it. When it returns `Ok` the session
    /// goes on, with the handlers it has made; an error or a panic ends this session and no other.
    fn on_session(&self, session: AppSession) -> impl Future<Output = Result> + Send;

    /// A session is over, once for each `on_session`. There is no session any more, so there are its id ([`AppSession::id`]),
    /// the wearer, and why: `user_disabled`, `User session ended`, `connection lost: …` (see [`Ending`](crate::Ending)).
    fn on_stop(&self, session_id: &str, user_id: &str, reason: &str) -> impl Future<Output = Result> + Send {
        let _ = (session_id, user_id, reason);
        async { Ok(()) }
    }

    /// The wearer's assistant uses a tool of this app (`POST /tool`), whether the app runs or not. The cloud waits for 20 s.
    fn on_tool_call(&self, call: ToolCall) -> impl Future<Output = Result<ToolReply>> + Send {
        let _ = call;
        async { Ok(ToolReply::Nothing) }
    }

    /// The wearer has changed settings of the app (`POST /settings`), whether it runs or not. A session that runs has them already.
    fn on_settings(&self, user_id: &str, settings: &[AppSetting]) -> impl Future<Output = Result> + Send {
        let _ = (user_id, settings);
        async { Ok(()) }
    }
}

/// A tool is used.
#[derive(Debug, Clone)]
pub struct ToolCall {
    /// Which.
    pub tool_id: String,
    /// With what.
    pub parameters: Map<String, Value>,
    /// For whom.
    pub user_id: String,
    /// The wearer's session, if the app runs for them.
    pub session: Option<AppSession>,
}

impl ToolCall {
    /// A parameter that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)?.as_str()
    }

    /// A parameter that is a number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.parameters.get(name)?.as_f64()
    }
}

/// What a tool says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolReply {
    /// For the assistant to say.
    Text(String),
    /// It is done, and there is nothing to say.
    Nothing,
    /// The app shows the result itself; the assistant stays silent.
    AppShowsIt,
}

impl ToolReply {
    /// The reply on the wire.
    pub(crate) fn reply(self) -> Option<String> {
        match self {
            ToolReply::Text(text) => Some(text),
            ToolReply::Nothing => None,
            ToolReply::AppShowsIt => Some("GIVE_APP_CONTROL_OF_TOOL_RESPONSE".to_owned()),
        }
    }
}

/// The body of `POST /tool`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ToolBody {
    pub(crate) tool_id: String,
    #[serde(default)]
    pub(crate) tool_parameters: Map<String, Value>,
    #[serde(default)]
    pub(crate) user_id: String,
}
