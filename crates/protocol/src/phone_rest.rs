//! Bodies of what phones post: some of them in more than one form.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::Timestamp;
use crate::capabilities::Capabilities;
use crate::glasses::{CalendarEvent, LocationUpdate};

/// `200` of `POST /api/client/device/state`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceStateApplied {
    /// Always true.
    pub success: bool,
    /// What is known now.
    pub applied_state: AppliedState,
    /// Now.
    pub timestamp: Timestamp,
}

/// `appliedState` of [`DeviceStateApplied`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedState {
    /// Whether the phone has the glasses.
    pub is_glasses_connected: bool,
    /// Always true: it has just posted.
    pub is_phone_connected: bool,
    /// Which glasses.
    pub model_name: Option<String>,
    /// What they can do.
    pub capabilities: Option<Capabilities>,
}

/// `200` of the other posts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Always true.
    pub success: bool,
    /// For a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Now.
    pub timestamp: Timestamp,
}

impl Done {
    /// Done.
    pub fn new(timestamp: Timestamp) -> Self {
        Self { success: true, message: None, timestamp }
    }
}

/// `200` of `POST /api/client/audio/configure`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioConfigured {
    /// Always true.
    pub success: bool,
    /// `lc3` or `pcm`.
    pub format: String,
    /// How LC3 is to be packed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lc3_config: Option<Lc3Config>,
    /// For a person.
    pub message: String,
    /// Now.
    pub timestamp: Timestamp,
}

/// `lc3Config`: how LC3 is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lc3Config {
    /// Always 16,000.
    pub sample_rate: u32,
    /// Always 10.
    pub frame_duration_ms: u32,
    /// 20, 40 or 60.
    pub frame_size_bytes: u64,
}

impl Lc3Config {
    /// The one form there is, with frames of so many bytes.
    pub fn of(frame_size_bytes: u64) -> Self {
        Self { sample_rate: 16_000, frame_duration_ms: 10, frame_size_bytes }
    }
}

impl AudioConfigured {
    /// LC3 with its form, or PCM.
    pub fn new(lc3_config: Option<Lc3Config>, timestamp: Timestamp) -> Self {
        let format = if lc3_config.is_some() { "lc3" } else { "pcm" }.to_owned();
        let message = "Audio format configured successfully".to_owned();
        Self { success: true, format, lc3_config, message, timestamp }
    }
}

/// A fix, in any of the forms that phones use: `{location: …}` or bare, with `coords` or without, `lat` or `latitude`.
/// `None` without two finite numbers.
pub fn location(body: &Value) -> Option<LocationUpdate> {
    let outer = body.get("location").unwrap_or(body);
    let fix = outer.get("coords").unwrap_or(outer);
    let number = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| fix.get(name)).and_then(Value::as_number)?;
        found.as_f64().filter(|number| number.is_finite()).map(|_| found.clone())
    };
    let optional = |name: &str| fix.get(name).and_then(Value::as_number).cloned();
    let (lat, lng): (Number, Number) = (number(["lat", "latitude"])?, number(["lng", "longitude"])?);
    let correlation_id = outer.get("correlationId").and_then(Value::as_str).map(str::to_owned);
    let timestamp = outer.get("timestamp").or_else(|| fix.get("timestamp")).filter(|at| !at.is_null()).cloned();
    Some(LocationUpdate { lat, lng, accuracy: optional("accuracy"), correlation_id, timestamp })
}

/// The appointments of `{events: […]}`, in any of the spellings that phones use; those without an id, a title or a start are
/// left out. `None` when there is no list.
pub fn calendar(body: &Value) -> Option<Vec<CalendarEvent>> {
    let events = body.get("events")?.as_array()?;
    Some(events.iter().filter_map(appointment).collect())
}

fn appointment(event: &Value) -> Option<CalendarEvent> {
    let text = |names: &[&str]| {
        let found = names.iter().find_map(|name| event.get(name).filter(|value| !value.is_null()))?;
        let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        (!text.is_empty()).then_some(text)
    };
    let moment = |names: &[&str]| {
        let found = names.iter().find_map(|name| event.get(name).filter(|value| !value.is_null()))?;
        serde_json::from_value::<Timestamp>(found.clone()).ok().map(|at| at.to_string())
    };
    let dt_start = moment(&["startDate", "start", "dtStart", "start_time"])?;
    let dt_end = moment(&["endDate", "end", "dtEnd", "end_time"]).unwrap_or_else(|| dt_start.clone());
    Some(CalendarEvent {
        event_id: text(&["id", "eventId"])?,
        title: text(&["title"])?,
        dt_start,
        dt_end,
        timezone: text(&["timeZone", "timezone"]),
        time_stamp: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_a_fix_is_read() {
        let expo = json!({"coords": {"latitude": 48.1, "longitude": 11, "accuracy": 9.0, "speed": 0}, "timestamp": 5});
        let fix = location(&expo).expect("a fix");
        assert_eq!((fix.lat.as_f64(), fix.lng.as_f64(), fix.timestamp), (Some(48.1), Some(11.0), Some(json!(5))));
        for form in [
            json!({"location": {"lat": 1, "lng": 2}}),
            json!({"location": {"latitude": 1, "longitude": 2}}),
            json!({"location": {"coords": {"latitude": 1, "longitude": 2}}}),
            json!({"lat": 1, "lng": 2}),
        ] {
            assert_eq!(location(&form).and_then(|fix| fix.lng.as_f64()), Some(2.0), "{form}");
        }
        for form in [json!({}), json!({"location": null}), json!({"lat": "1", "lng": 2}), json!([])] {
            assert_eq!(location(&form), None, "{form}");
        }
    }

    #[test]
    fn every_spelling_of_an_appointment_is_read() {
        let events = json!({"events": [
            {"id": "a", "title": "A", "startDate": 1_767_600_000_000_i64, "endDate": "2026-01-05T09:00:00Z", "timeZone": "UTC"},
            {"eventId": 7, "title": "B", "dtStart": "2026-01-05T10:00:00+01:00"},
            {"id": "c", "title": "", "start": 1},
            {"id": "d", "title": "D"},
            "odd",
        ]});
        let read = calendar(&events).expect("a list");
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].dt_start.as_str(), read[0].timezone.as_deref()), ("2026-01-05T08:00:00.000Z", Some("UTC")));
        assert_eq!((read[1].event_id.as_str(), &read[1].dt_end), ("7", &read[1].dt_start));
        assert_eq!(read[1].dt_start, "2026-01-05T09:00:00.000Z");
        assert_eq!(calendar(&json!({"events": {}})), None);
    }
}
