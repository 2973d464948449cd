//! The REST interface of the fake cloud: storage, discovery, settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::link::Book;
use super::{API_KEY, PACKAGE, lock};
use crate::rest::{Backend, Call};

pub(super) struct Memory(pub(super) Arc<Book>);

impl Backend for Memory {
    fn answer(&self, call: &Call<'_>) -> (u16, Value) {
        match (call.method.as_str(), call.path) {
            (_, ["api", "sdk", "simple-storage", ..]) if call.bearer != format!("{PACKAGE}:{API_KEY}") => {
                (401, json!({ "error": "Invalid API key" }))
            }
            ("GET", ["api", "sdk", "simple-storage", user]) => {
                let data = self.0.storage(user, |storage| storage.clone());
                (200, json!({ "success": true, "data": data }))
            }
            ("PUT", ["api", "sdk", "simple-storage", user]) => {
                let data = call.body.as_ref().map(|body| body["data"].clone()).unwrap_or_default();
                let Ok(data) = serde_json::from_value::<BTreeMap<String, String>>(data) else {
                    return (400, json!({ "error": "All values must be strings" }));
                };
                self.0.storage(user, |storage| storage.extend(data));
                (200, json!({ "success": true, "message": "Storage updated" }))
            }
            ("DELETE", ["api", "sdk", "simple-storage", user, rest @ ..]) => {
                let found = self.0.storage(user, |storage| match rest {
                    [key] => storage.remove(*key).is_some(),
                    _ => !std::mem::take(storage).is_empty(),
                });
                if found { (200, json!({ "success": true })) } else { (404, json!({ "success": false })) }
            }
            ("POST", ["api", "app-communication", "discover-users"]) => {
                let user =
                    |user: String| json!({ "userId": user, "sessionId": format!("{user}-{PACKAGE}"), "joinedAt": 0 });
                let users: Vec<Value> = self.0.users().into_iter().map(user).collect();
                (200, json!({ "users": users, "totalUsers": users.len() }))
            }
            ("GET", ["appsettings", "user", _]) => {
                let user = call.bearer.strip_suffix(&format!("-{PACKAGE}")).unwrap_or(call.bearer);
                let settings = self.0.life(user).map(|life| lock(&life).setting.settings.clone());
                (200, json!({ "success": true, "settings": settings.unwrap_or_default() }))
            }
            _ => (404, json!({ "error": "Not found" })),
        }
    }
}
