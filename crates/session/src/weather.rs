//! WeatherManager: the weather where the wearer is, for the cloud's own dashboard.
//!
//! | state | what happens |
//! |---|---|
//! | a place is known, and nobody was asked within 15 min | the provider is asked |
//! | it answers | that is the weather, for 2 h |
//! | it fails | the weather stays what it was; asked again 15 min after the question |
//! | sensing is switched off | what is known is forgotten |

use crate::input::CallId;
use crate::now::{Millis, Timings};

/// What a provider says of a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// Degrees Celsius.
    pub celsius: f64,
    /// The sky.
    pub sky: Sky,
}

/// The sky, in as few words as have room on glasses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sky {
    /// No cloud, or few.
    Clear,
    /// Some clouds, or only clouds.
    Cloudy,
    /// Fog.
    Fog,
    /// Drizzle.
    Drizzle,
    /// Rain, frozen or not.
    Rain,
    /// Snow.
    Snow,
    /// A thunderstorm.
    Thunder,
    /// The provider did not say, or something else.
    Unknown,
}

impl Sky {
    /// For the wearer.
    pub const fn name(self) -> &'static str {
        match self {
            Sky::Clear => "Clear",
            Sky::Cloudy => "Cloudy",
            Sky::Fog => "Fog",
            Sky::Drizzle => "Drizzle",
            Sky::Rain => "Rain",
            Sky::Snow => "Snow",
            Sky::Thunder => "Thunder",
            Sky::Unknown => "",
        }
    }
}

impl Weather {
    /// In the wearer's unit: `12°C Rain`.
    pub(crate) fn line(&self, metric: bool) -> String {
        let (degrees, unit) = if metric { (self.celsius, 'C') } else { (self.celsius * 1.8 + 32.0, 'F') };
        // Adding 0 makes nothing of a minus before it.
        format!("{:.0}°{unit} {}", degrees.round() + 0.0, self.sky.name()).trim_end().to_owned()
    }
}

#[derive(Debug, Default)]
pub(crate) struct WeatherManager {
    call: Option<CallId>,
    asked_at: Option<Millis>,
    known: Option<(Weather, Millis)>,
}

impl WeatherManager {
    /// When a provider may be asked, if there is somewhere to ask for; `None` while one is.
    pub(crate) fn due(&self, timings: &Timings) -> Option<Millis> {
        self.call.is_none().then(|| self.asked_at.map_or(Millis(0), |at| at + timings.weather_every))
    }

    /// A provider is asked.
    pub(crate) fn asked(&mut self, call: CallId, now: Millis) {
        (self.call, self.asked_at) = (Some(call), Some(now));
    }

    /// A call has ended; whether it was the question.
    pub(crate) fn ended(&mut self, call: CallId) -> bool {
        self.call.take_if(|asked| *asked == call).is_some()
    }

    /// The provider has answered.
    pub(crate) fn is(&mut self, weather: Weather, now: Millis) {
        self.known = Some((weather, now));
    }

    /// What is known, while it is true.
    pub(crate) fn now(&self, now: Millis, timings: &Timings) -> Option<Weather> {
        self.known.filter(|(_, at)| now - *at < timings.weather_stale).map(|(weather, _)| weather)
    }

    /// The wearer does not want to be found. What is on its way is forgotten, too. True when something was known.
    pub(crate) fn forget(&mut self) -> bool {
        (self.call, self.asked_at) = (None, None);
        self.known.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_in_the_wearer_s_unit() {
        let line = |celsius, metric| Weather { celsius, sky: Sky::Rain }.line(metric);
        assert_eq!((line(11.6, true), line(11.6, false)), ("12°C Rain".to_owned(), "53°F Rain".to_owned()));
        assert_eq!((line(-0.3, true), line(-17.8, false)), ("0°C Rain".to_owned(), "0°F Rain".to_owned()));
        assert_eq!(Weather { celsius: -5.0, sky: Sky::Unknown }.line(true), "-5°C");
    }
}
