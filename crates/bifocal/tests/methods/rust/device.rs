//! `session.device.state`: what the phone reports of the glasses.

use bifocal_sdk::Result;
use bifocal_sdk::wire::GlassesInfo;
use serde_json::{Value, json};

use super::module::{check, equal};
use super::stage::{Stage, fake};

pub(super) async fn rows(x: &Stage) {
    let module = x.module("session.device.state");
    for (name, value) in [
        ("connected", json!(true)),
        ("modelName", json!("Simulated Glasses")),
        ("batteryLevel", json!(66)),
        ("charging", json!(true)),
        ("caseBatteryLevel", json!(77)),
        ("caseCharging", json!(true)),
        ("caseOpen", json!(true)),
        ("caseRemoved", json!(true)),
        ("wifiConnected", json!(true)),
        ("wifiSsid", json!("home")),
        ("wifiLocalIp", json!("192.0.2.3")),
        ("hotspotEnabled", json!(true)),
        ("hotspotSsid", json!("glasses")),
    ] {
        module.fired(name, observed(x, name, &value)).await;
    }
    module.local("getSnapshot", async { equal(x.session.device().state().connected, Some(true)) }).await;
    module
        .local("updateFromMessage", async {
            let wearer = fake().await;
            wearer.tells(json!({"type": "device_state_update", "state": {"batteryLevel": 12}}));
            let device = wearer.session().device();
            x.eventually("the level", || device.state().battery_level == Some(12.into())).await
        })
        .await;
    observable(x).await;
}

/// The phone reports it, and it comes to stand in the state: by a change that is told, unless it was known before.
async fn observed(x: &Stage, name: &str, value: &Value) -> Result {
    let device = x.session.device();
    let reports = async { x.ann.rest("POST", "/api/client/device/state", json!({name: value})).await.map(drop) };
    let is_it = |state: &GlassesInfo| field(state, name).as_ref() == Some(value);
    if is_it(&device.state()) {
        return reports.await;
    }
    x.hears(&x.session, async { device.state_changes() }, reports, is_it).await?;
    check(is_it(&device.state()), "the state has another value")
}

/// By its name on the wire.
fn field(state: &GlassesInfo, name: &str) -> Option<Value> {
    serde_json::to_value(state).ok()?.get(name).cloned()
}

/// One value of the state.
async fn observable(x: &Stage) {
    let module = x.module("Observable");
    let wearer = fake().await;
    let device = wearer.session().device();
    let level = |level: i64| wearer.tells(json!({"type": "device_state_update", "state": {"caseBatteryLevel": level}}));
    let is = |level: i64| device.state().case_battery_level == Some(level.into());
    level(21);
    for method in ["value", "valueOf", "toString"] {
        module.local(method, x.eventually("the level", || is(21))).await;
    }
    module
        .local("onChange", async {
            let mut changes = device.state_changes()?;
            level(22);
            let told = changes.next().await.and_then(|state| state.case_battery_level);
            equal(told, Some(22.into()))
        })
        .await;
}
