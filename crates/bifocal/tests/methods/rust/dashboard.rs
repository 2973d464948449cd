//! `session.dashboard`: what apps write on the dashboard, and the parts that only the system dashboard has.

use bifocal_sdk::wire::{DashboardMode, DashboardSection};
use bifocal_sdk::{Error, Result};

use super::stage::{Stage, fake};

/// The mode is `main` at first; rows that change it stand in their order.
pub(super) async fn rows(x: &Stage) {
    let (content, ours) = (x.module("session.dashboard.content"), x.session.dashboard());
    let both = [DashboardMode::Main, DashboardMode::Expanded];
    content.sent("write", on_dashboard(x, ours.write("written", &both), "written")).await;
    content.sent("writeToMain", on_dashboard(x, ours.write_to_main("on main"), "on main")).await;
    let system = x.dashboard.dashboard().system();
    let expanded = async {
        system.set_view_mode(DashboardMode::Expanded).await?;
        ours.write_to_expanded("on expanded").await
    };
    content.sent("writeToExpanded", on_dashboard(x, expanded, "on expanded")).await;
    let known = x.eventually("the mode", || ours.mode() == DashboardMode::Expanded);
    content.settled("getCurrentMode", known).await;
    let changes = async { Ok(system.set_view_mode(DashboardMode::Main).await?) };
    let heard = x.hears(&x.session, async { ours.mode_changes() }, changes, |mode| *mode == DashboardMode::Main);
    content.fired("onModeChange", heard).await;
    content
        .local("setCurrentMode", async {
            let wearer = fake().await;
            wearer.tells(serde_json::json!({"type": "dashboard_mode_changed", "mode": "none"}));
            let dashboard = wearer.session().dashboard();
            x.eventually("the mode", || dashboard.mode() == DashboardMode::Hidden).await
        })
        .await;

    let module = x.module("session.dashboard.system");
    for (method, section, text) in [
        ("setTopLeft", DashboardSection::TopLeft, "top left"),
        ("setTopRight", DashboardSection::TopRight, "top right"),
        ("setBottomLeft", DashboardSection::BottomLeft, "bottom left"),
        ("setBottomRight", DashboardSection::BottomRight, "bottom right"),
    ] {
        module.sent(method, on_dashboard(x, system.set(section, text), text)).await;
    }
    let changes = async { Ok(system.set_view_mode(DashboardMode::Expanded).await?) };
    let heard = x.hears(&x.session, async { ours.mode_changes() }, changes, |mode| *mode == DashboardMode::Expanded);
    module.sent("setViewMode", heard).await;
}

/// The text comes to be seen on the dashboard, which the wearer opens by looking up.
async fn on_dashboard(x: &Stage, act: impl Future<Output = Result<(), Error>>, text: &str) -> Result {
    let mark = x.ann.mark();
    act.await?;
    x.ann.play("head up").await?;
    let is_it = |event: &serde_json::Value| {
        event["view"] == "dashboard" && event["text"].as_str().is_some_and(|shown| shown.contains(text))
    };
    x.ann.sees(mark, "display", is_it).await.map(drop)
}
