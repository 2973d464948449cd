//! `session.settings`: settings of the app, and of the system.

use bifocal_sdk::Result;
use serde_json::json;

use super::module::check;
use super::stage::{Stage, fake};

pub(super) async fn rows(x: &Stage) {
    of_the_app(x).await;
    of_the_system(x).await;
}

async fn of_the_app(x: &Stage) {
    let (module, settings) = (x.module("session.settings"), x.session.settings());
    module
        .settled("fetch", async {
            x.sets("fetched", 5).await?;
            let fetched = settings.fetch().await?;
            check(fetched.iter().any(|setting| setting.key.as_deref() == Some("fetched")), "it is not in the list")
        })
        .await;
    let has = |key: &'static str, value: i64| {
        let settings = settings.clone();
        async move {
            x.sets(key, value).await?;
            x.eventually("the setting", || settings.get(key) == Some(value)).await
        }
    };
    module
        .local("getAll", async {
            has("list", 6).await?;
            check(settings.all().iter().any(|setting| setting.key.as_deref() == Some("list")), "it is not there")
        })
        .await;
    module
        .local("get", async {
            has("value", 7).await?;
            check(settings.get::<i64>("no such").is_none(), "it has what nobody set")
        })
        .await;
    module
        .local("has", async {
            has("there", 8).await?;
            check(settings.has("there") && !settings.has("no such"), "it is wrong")
        })
        .await;
    module
        .local("getSetting", async {
            has("object", 9).await?;
            check(settings.setting("object").is_some_and(|setting| setting.value == Some(9.into())), "another value")
        })
        .await;
    let heard = x.hears(&x.session, async { settings.changes() }, x.sets("any", 10), |change| {
        change.changes.get("any").is_some_and(|change| change.new == Some(10.into()))
    });
    module.fired("onChange", heard).await;
    let heard = x.hears(&x.session, async { settings.value_changes("one") }, x.sets("one", 11), |change| {
        change.new == Some(11.into())
    });
    module.fired("onValueChange", heard).await;
    module
        .local("updateSettings", async {
            let wearer = fake().await;
            let mut changes = wearer.session().settings().value_changes("local")?;
            wearer.sets("local", 1);
            let change = changes.next().await.ok_or("no change")?;
            check((change.old, change.new) == (None, Some(1.into())), "another change")
        })
        .await;
}

async fn of_the_system(x: &Stage) {
    let (module, settings) = (x.module("session.settings"), x.session.settings());
    let known = x.eventually("the setting", || settings.system("metricSystemEnabled") == Some(false));
    module.local("getMentraOS", known).await;
    let known = x.eventually("the setting", || settings.system("brightness") == Some(50));
    module.local("getMentraosSetting", known).await;
    for (method, is_metric) in
        [("onMentraosSettingChange", true), ("onMentraosSettingsChange", false), ("onMentraosChange", true)]
    {
        let opened = async { settings.system_value_changes("metricSystemEnabled") };
        let heard =
            x.hears(&x.session, opened, sets_system(x, is_metric), |change| change.new == Some(is_metric.into()));
        module.fired(method, heard).await;
    }
    module
        .local("updateMentraosSettings", async {
            let wearer = fake().await;
            let mut changes = wearer.session().settings().system_value_changes("metricSystemEnabled")?;
            let told = json!({"metricSystemEnabled": true});
            wearer.tells(json!({"type": "augmentos_settings_update", "sessionId": "s", "settings": told}));
            check(changes.next().await.is_some_and(|change| change.new == Some(true.into())), "another change")
        })
        .await;
}

/// The wearer changes a setting of the system, on the phone.
async fn sets_system(x: &Stage, is_metric: bool) -> Result {
    let body = json!({"settings": {"metric_system_enabled": is_metric}});
    x.ann.rest("POST", "/api/client/user/settings", body).await.map(drop)
}
