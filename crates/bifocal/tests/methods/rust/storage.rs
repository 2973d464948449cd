//! `session.simpleStorage`. What the SDK keeps for itself is no evidence, so the server is asked directly, too.

use std::collections::BTreeMap;

use bifocal_sdk::Result;
use reqwest::Method;
use serde_json::{Value, json};

use super::module::{check, equal};
use super::stage::{APP, Stage};

pub(super) async fn rows(x: &Stage) {
    let (module, storage) = (x.module("session.simpleStorage"), x.session.simple_storage());
    module
        .settled("get", async {
            // The first access loads everything.
            request(x, Method::PUT, json!({"data": {"first": "1", "second": "2"}})).await?;
            equal(storage.get("first").await?.as_deref(), Some("1"))?;
            equal(storage.get("no such").await?, None)
        })
        .await;
    module.settled("keys", async { equal(storage.keys().await?, ["first", "second"]) }).await;
    module.settled("size", async { equal(storage.size().await?, 2) }).await;
    module
        .settled("hasKey", async {
            equal((storage.has_key("first").await?, storage.has_key("no such").await?), (true, false))
        })
        .await;
    module
        .settled("getAllData", async {
            let all = [("first", "1"), ("second", "2")].map(|(key, value)| (key.to_owned(), value.to_owned()));
            equal(storage.all().await?, BTreeMap::from(all))
        })
        .await;
    module
        .settled("set", async {
            storage.set("third", "3").await?;
            equal(&stored(x).await?["third"], "3")
        })
        .await;
    module
        .settled("setMultiple", async {
            let both = [("fourth", "4"), ("fifth", "5")].map(|(key, value)| (key.to_owned(), value.to_owned()));
            storage.set_many(both).await?;
            let stored = stored(x).await?;
            equal((&stored["fourth"], &stored["fifth"]), (&json!("4"), &json!("5")))
        })
        .await;
    module
        .settled("delete", async {
            check(storage.delete("first").await?, "it was not there")?;
            equal(stored(x).await?.get("first"), None::<&Value>)
        })
        .await;
    module
        .settled("clear", async {
            check(storage.clear().await?, "there was nothing")?;
            equal(stored(x).await?, json!({}))
        })
        .await;
}

async fn stored(x: &Stage) -> Result<Value> {
    let mut answer = request(x, Method::GET, Value::Null).await?;
    Ok(answer["data"].take())
}

async fn request(x: &Stage, method: Method, body: Value) -> Result<Value> {
    let url = format!("{}/api/sdk/simple-storage/{}", x.names.cloud, x.names.ann);
    let request = x.http.request(method, url).bearer_auth(format!("{APP}:{}", x.names.key)).json(&body);
    Ok(request.send().await?.error_for_status()?.json().await?)
}
