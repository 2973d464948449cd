//! Where the managers meet: one function for each message and each event, read from top to bottom.

pub(crate) mod admission;
pub(crate) mod app;
pub(crate) mod asks;
pub(crate) mod calls;
pub(crate) mod camera;
pub(crate) mod dashboard;
pub(crate) mod device;
pub(crate) mod display;
pub(crate) mod glasses;
pub(crate) mod lifecycle;
pub(crate) mod light;
pub(crate) mod links;
pub(crate) mod location;
pub(crate) mod managed;
pub(crate) mod microphone;
pub(crate) mod peers;
pub(crate) mod phone;
pub(crate) mod photo;
pub(crate) mod playback;
pub(crate) mod record;
pub(crate) mod settings;
pub(crate) mod speech;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod stream;
pub(crate) mod unserved;
pub(crate) mod weather;

pub(crate) use microphone::say_mic;

use crate::effect::Effects;
use crate::now::Now;
use crate::session::UserSession;

/// What every step ends with: the phone is told what is due, in the order of a resync.
pub(crate) fn flush(s: &mut UserSession, now: Now, out: &mut Effects) {
    glasses::tell_head(s, now, out);
    microphone::flush(s, now, out);
    speech::flush(s, now, out);
    location::flush(s, now, out);
    weather::flush(s, now, out);
    camera::flush(s, now, out);
    dashboard::flush(s, now);
    display::flush(s, now, out);
}
