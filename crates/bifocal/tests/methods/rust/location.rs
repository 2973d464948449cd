//! `session.location`.

use bifocal_sdk::wire::LocationTier;
use serde_json::json;

use super::module::check;
use super::stage::Stage;

pub(super) async fn rows(x: &Stage) {
    let module = x.module("session.location");
    let location = x.session.location();
    let fix = x.ann.tells(json!({"type": "location_update", "lat": 47.2, "lng": 10.2, "accuracy": 5}));
    let heard = x.hears(&x.session, location.updates(LocationTier::High), fix, |e| e.lat.as_f64() == Some(47.2));
    module.fired("subscribeToStream", heard).await;
    module
        .sent("unsubscribeFromStream", async {
            // Other rows listen to where Ann is.
            let mark = x.bob.mark();
            let updates = x.peer.location().updates(LocationTier::High).await?;
            x.bob.hears(mark, "set_location_tier", |message| message["tier"] == "high").await?;
            let mark = x.bob.mark();
            drop(updates);
            // Nobody wants to know it so exactly any more, and after a while the phone is told so.
            x.bob.hears(mark, "set_location_tier", |message| message["tier"] == "reduced").await
        })
        .await;
    module
        .settled("getLatestLocation", async {
            // Nobody knows yet where Bob is, so his phone is asked.
            let mark = x.bob.mark();
            let (asked, answers) = (x.peer.location(), async {
                let question =
                    x.bob.hears(mark, "request_single_location", |message| message["accuracy"] == "high").await?;
                let id = &question["correlationId"];
                x.bob.tells(json!({"type": "location_update", "lat": 46.3, "lng": 9.3, "correlationId": id})).await
            });
            let (fix, answered) = tokio::join!(asked.latest(LocationTier::High), answers);
            answered?;
            check(fix?.lat.as_f64() == Some(46.3), "another place")
        })
        .await;
}
