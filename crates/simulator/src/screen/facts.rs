//! What the phone knows and puts into the text of an app: the time, the battery of the glasses.

use jiff::civil::DateTime;

/// The values of the placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The wearer's local time.
    pub now: DateTime,
    /// Charge of the glasses in percent, when known.
    pub battery: Option<u8>,
}

impl Default for Facts {
    fn default() -> Self {
        Self { now: DateTime::constant(2026, 1, 1, 0, 0, 0, 0), battery: None }
    }
}

impl Facts {
    /// Replaces every placeholder in `text`.
    pub fn fill(&self, text: &str) -> String {
        if !text.contains('$') {
            return text.to_owned();
        }
        let now = self.now;
        let hour = match now.hour() % 12 {
            0 => 12,
            hour => hour,
        };
        let minute = now.minute();
        // One after the other is safe: no value has a `$` in it.
        text.replace("$no_datetime$", &format!("{}/{:02}, {hour}:{minute:02}", now.month(), now.day()))
            .replace("$DATE$", &format!("{:02}/{:02}", now.month(), now.day()))
            .replace("$TIME12$", &format!("{hour:02}:{minute:02}"))
            .replace("$TIME24$", &format!("{:02}:{minute:02}", now.hour()))
            .replace("$GBATT$", &self.battery.map(|level| format!("{level}%")).unwrap_or_default())
            // Phones write this constant; they draw only while the glasses are connected.
            .replace("$CONNECTION_STATUS$", "Connected")
    }
}

/// The local time of this machine.
pub fn local_now() -> DateTime {
    jiff::Zoned::now().datetime()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_is_filled() {
        let facts = Facts { now: DateTime::constant(2026, 3, 7, 15, 4, 0, 0), battery: Some(80) };
        let filled = facts.fill("$TIME12$|$TIME24$|$DATE$|$GBATT$|$CONNECTION_STATUS$|$no_datetime$|$OTHER$");
        assert_eq!(filled, "03:04|15:04|03/07|80%|Connected|3/07, 3:04|$OTHER$");
    }

    #[test]
    fn midnight_is_twelve_and_an_unknown_battery_is_nothing() {
        let facts = Facts { now: DateTime::constant(2026, 12, 31, 0, 5, 0, 0), battery: None };
        assert_eq!(facts.fill("$TIME12$ [$GBATT$]"), "12:05 []");
    }
}
