//! `session.led`: Bob's phone is told to light the LED.

use std::time::Duration;

use bifocal_sdk::{Error, LedColor, Result};
use serde_json::{Value, json};

use super::module::check;
use super::stage::Stage;

pub(super) async fn rows(x: &Stage) {
    let (module, led) = (x.module("session.led"), x.peer.led());
    let ms = Duration::from_millis;
    let expected = json!({"action": "on", "color": "green", "ontime": 1000});
    module.sent("turnOn", lights(x, led.on(LedColor::Green), expected)).await;
    module.sent("turnOff", lights(x, led.off(), json!({"action": "off"}))).await;
    let expected = json!({"color": "red", "ontime": 101, "offtime": 102, "count": 3});
    module.sent("blink", lights(x, led.blink(LedColor::Red, ms(101), ms(102), 3), expected)).await;
    let expected = json!({"color": "blue", "ontime": 103, "count": 1});
    module.sent("solid", lights(x, led.solid(LedColor::Blue, ms(103)), expected)).await;
    module
        .local("getCapabilities", async {
            let light = x.peer.capabilities().and_then(|glasses| glasses.light);
            check(light.is_some(), "these glasses have lights")
        })
        .await;
}

async fn lights(x: &Stage, act: impl Future<Output = Result<(), Error>>, expected: Value) -> Result<Value> {
    let mark = x.bob.mark();
    act.await?;
    let fits =
        |message: &Value| expected.as_object().into_iter().flatten().all(|(name, value)| message[name] == *value);
    x.bob.hears(mark, "rgb_led_control", fits).await
}
