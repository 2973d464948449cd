//! Close codes as data. A code tells the other side whether to come back, so each has one row and one meaning.

/// The side of the cloud that a code is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `/glasses-ws`: the phone. It ignores codes and reconnects after 5 s whatever it is told.
    Glasses,
    /// `/app-ws`: an app server. SDK v2 takes 1000, 1001 and 1008 as final and comes back after any other.
    App,
}

/// A way in which this server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Close {
    /// Glasses: nothing was heard for the silence limit.
    PingTimeout,
    /// Glasses: the token is not good (any more).
    GlassesRejected,
    /// Glasses: a newer connection of the same user took over.
    Superseded,
    /// Glasses: access was withdrawn, or the session was ended by an operator.
    Revoked,
    /// App: the user stopped it, or it was stopped for them. `app_stopped` is sent before.
    AppStopped,
    /// App: the user's session ended. `app_stopped` is sent before.
    UserSessionEnded,
    /// App: a newer connection of the same app took over. `app_stopped` is sent before.
    Replaced,
    /// App: it never authenticated, or with a wrong key.
    AppRejected,
    /// Either: too many malformed messages.
    Malformed,
    /// Either: too many messages above the size limit.
    TooBig,
    /// Either: this server failed.
    Internal,
    /// Either: this server restarts; come back.
    Restart,
    /// Either: more than this server takes at the moment; come back later.
    Overload,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The way of ending.
    pub close: Close,
    /// The WebSocket close code.
    pub code: u16,
    /// The close reason, at most 123 bytes.
    pub reason: &'static str,
    /// Whom it is sent to; both sides when `None`.
    pub side: Option<Side>,
    /// Whether an SDK v2 app comes back after it (app.md 5.8: every code but 1000, 1001 and 1008). Phones always do.
    pub app_comes_back: bool,
}

/// Every way in which this server ends a connection.
pub const TABLE: [Row; 13] = [
    row(Close::PingTimeout, 1001, "Ping timeout", Some(Side::Glasses)),
    row(Close::GlassesRejected, 1008, "Authentication failed", Some(Side::Glasses)),
    row(Close::Superseded, 4001, "Superseded by a newer connection", Some(Side::Glasses)),
    row(Close::Revoked, 4003, "Session ended by the operator", Some(Side::Glasses)),
    row(Close::AppStopped, 1000, "App stopped", Some(Side::App)),
    row(Close::UserSessionEnded, 1000, "User session ended", Some(Side::App)),
    row(Close::Replaced, 1000, "Replaced", Some(Side::App)),
    row(Close::AppRejected, 1008, "Not accepted", Some(Side::App)),
    row(Close::Malformed, 1007, "Too many malformed messages", None),
    row(Close::TooBig, 1009, "Too many oversized messages", None),
    row(Close::Internal, 1011, "Internal server error", None),
    row(Close::Restart, 1012, "Service restart", None),
    row(Close::Overload, 1013, "Try again later", None),
];

const fn row(close: Close, code: u16, reason: &'static str, side: Option<Side>) -> Row {
    let app_comes_back = !matches!(code, 1000 | 1001 | 1008);
    Row { close, code, reason, side, app_comes_back }
}

impl Close {
    /// The row of this way of ending.
    pub const fn row(self) -> &'static Row {
        // The table is in the order of the enum; a test holds it to that.
        &TABLE[self as usize]
    }

    /// The close code.
    pub const fn code(self) -> u16 {
        self.row().code
    }

    /// The close reason.
    pub const fn reason(self) -> &'static str {
        self.row().reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_name_and_fits_a_close_frame() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.close as usize, index);
            assert_eq!(row.close.row(), row);
            assert!(row.reason.len() <= 123);
        }
    }

    /// A running app must never be told 1001 or 1008: SDK v2 takes both as final, and 1008 without calling `onStop`.
    #[test]
    fn a_running_app_never_gets_a_code_that_kills_it_silently() {
        let for_apps = TABLE.iter().filter(|row| row.side != Some(Side::Glasses));
        for row in for_apps.filter(|row| row.close != Close::AppRejected) {
            assert!(!matches!(row.code, 1001 | 1008), "{row:?}");
        }
    }

    #[test]
    fn what_should_come_back_does() {
        for close in [Close::Malformed, Close::TooBig, Close::Internal, Close::Restart, Close::Overload] {
            assert!(close.row().app_comes_back, "{close:?}");
        }
        for close in [Close::AppStopped, Close::UserSessionEnded, Close::Replaced, Close::AppRejected] {
            assert!(!close.row().app_comes_back, "{close:?}");
        }
    }
}
