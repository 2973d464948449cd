//! The session as it looks from outside: pure reads, which send nothing and change nothing.

use bifocal_protocol::Timestamp;
use bifocal_protocol::glasses::SessionSnapshot;
use bifocal_protocol::ids::{PackageName, UserId};

use crate::apps::{AppManager, AppPhase};
use crate::session::{SessionState, UserSession};

/// What an operator may know of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionView {
    /// The wearer.
    pub user: UserId,
    /// Where the session is in its life.
    pub state: SessionState,
    /// When it began.
    pub started: Timestamp,
    /// How often the glasses came back.
    pub reconnections: u32,
    /// Every app and its phase.
    pub apps: Vec<(PackageName, AppPhase)>,
    /// What the client is told.
    pub snapshot: SessionSnapshot,
}

impl UserSession {
    /// What a client is told of the session (seed 000 `transformUserSessionForClient`, seed 001 `toClientFormat`).
    pub fn snapshot(&self) -> SessionSnapshot {
        let phase = |wanted: AppPhase| {
            let apps = self.apps.iter().filter(move |(_, slot)| AppManager::phase_of(slot) == wanted);
            apps.map(|(package, _)| package.to_string())
        };
        // An app in grace runs, as far as its user is concerned; one that is tried again is on its way.
        let mut active: Vec<String> = phase(AppPhase::Running).chain(phase(AppPhase::Grace)).collect();
        active.sort();
        let mut loading: Vec<String> = phase(AppPhase::Starting).chain(phase(AppPhase::Backoff)).collect();
        loading.sort();
        let strings = |package: &PackageName| self.subscriptions.list(package).map(str::to_owned).collect();
        let lists = self.subscriptions.packages().map(|package| (package.to_string(), strings(package)));
        SessionSnapshot {
            user_id: self.user.to_string(),
            start_time: self.started,
            active_app_sessions: active,
            loading_apps: loading,
            app_subscriptions: lists.collect(),
            requires_audio: self.subscriptions.requires_audio(),
            minimum_transcription_languages: self.subscriptions.languages(),
            is_transcribing: self.speaking,
            capabilities: self.device.capabilities().map(|capabilities| (**capabilities).clone()),
            current_glasses_model: self.device.model().map(str::to_owned),
        }
    }

    /// What an operator is told.
    pub fn view(&self) -> SessionView {
        SessionView {
            user: self.user.clone(),
            state: self.state(),
            started: self.started,
            reconnections: self.reconnections,
            apps: self.apps.iter().map(|(package, slot)| (package.clone(), AppManager::phase_of(slot))).collect(),
            snapshot: self.snapshot(),
        }
    }
}
