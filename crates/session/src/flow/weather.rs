//! The weather: asked for where the wearer is, shown on the cloud's own dashboard.

use crate::effect::{Call, Effect, Effects};
use crate::flow::dashboard;
use crate::now::{Millis, Now};
use crate::session::UserSession;
use crate::weather::Weather;

/// When a provider is to be asked: only for a dashboard that shows it, and while somebody may look at it.
pub(crate) fn due(s: &UserSession) -> Option<Millis> {
    let wanted = s.config.weather && s.glasses_link().is_some() && s.location.place().is_some();
    if wanted && dashboard::is_own(s) { s.weather.due(&s.config.timings) } else { None }
}

/// Asks, when it is time. The provider learns the place to about ten kilometres, and not who is there.
pub(crate) fn flush(s: &mut UserSession, now: Now, out: &mut Effects) {
    if !s.settings.system.sensing_enabled {
        s.dashboard.dirty |= s.weather.forget();
        return;
    }
    let Some((latitude, longitude)) = s.location.place() else { return };
    if due(s).is_some_and(|at| at <= now.at) {
        let call = s.new_call();
        s.weather.asked(call, now.at);
        // Adding 0 makes nothing of a minus before it.
        let about = |degrees: f64| (degrees * 10.0).round() / 10.0 + 0.0;
        out.push(Effect::Call { call, what: Call::Weather { latitude: about(latitude), longitude: about(longitude) } });
    }
}

/// The provider has answered.
pub(crate) fn answered(s: &mut UserSession, weather: Weather, now: Now) {
    s.weather.is(weather, now.at);
    s.dashboard.dirty = true;
}
