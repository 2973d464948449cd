//! The Rust SDK in the method table. Its apps run in a thread of this process and speak the lines of `rig/methods/drive.mjs`, so that the
//! same phones and the same server judge it. Rows have the names of the npm SDK; the README of the SDK says which method that is
//! in Rust, or why there is none.

mod audio;
mod camera;
mod dashboard;
mod device;
mod ending;
mod events;
mod inbox;
mod layouts;
mod led;
mod location;
mod module;
mod phone;
mod promised;
mod server;
mod session;
mod settings;
mod stage;
mod storage;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use phone::Wire;
use stage::Stage;

/// Where direct streams go when the test has no server for them.
const NOBODY: &str = "rtmp://127.0.0.1:1935/live";

/// Starts it with the environment of a driver; gives what it says, and where it is told.
pub(crate) fn start(environment: &[(&str, &str)]) -> (UnboundedReceiver<Value>, UnboundedSender<Value>) {
    let variable = |name: &str| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map_or_else(|| panic!("no {name}"), |(_, value)| (*value).to_owned())
    };
    let [cloud, key, ann, bob] = ["CLOUD_URL", "API_KEY", "ANN", "BOB"].map(variable);
    let token_key = variable("MENTRAOS_CLOUD_USER_TOKEN_PUBLIC_KEY");
    let rtmp = environment.iter().find(|(name, _)| *name == "RTMP_URL").map_or(NOBODY, |(_, url)| url).to_owned();
    let (say, said) = unbounded_channel();
    let (tell, told) = unbounded_channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(drive(stage::Names { cloud, key, token_key, rtmp, ann, bob }, Wire::new(say), told));
    });
    (said, tell)
}

async fn drive(names: stage::Names, wire: Wire, told: UnboundedReceiver<Value>) {
    tokio::spawn(phone::listen(wire.clone(), told));
    let servers = stage::serve(&names, &wire).await;
    wire.print(json!({"event": "listening", "port": servers.app.port(), "sidePort": servers.side.port()}));
    wire.ready().await;
    let x = &Stage::begin(names, &wire, servers).await;
    // Rows of a lane may depend on each other; lanes do not. The display of one wearer is enough for one at a time.
    let display = async {
        session::rows(x).await;
        events::rows(x).await;
        dashboard::rows(x).await;
        layouts::rows(x).await;
    };
    let camera = async {
        server::photos(x).await;
        camera::rows(x).await;
    };
    tokio::join!(
        Box::pin(display),
        Box::pin(server::rows(x)),
        Box::pin(settings::rows(x)),
        Box::pin(location::rows(x)),
        Box::pin(camera),
        Box::pin(led::rows(x)),
        Box::pin(audio::rows(x)),
        Box::pin(storage::rows(x)),
        Box::pin(device::rows(x)),
    );
    Box::pin(ending::rows(x)).await;
    promised::compare(x);
    wire.print(json!({"event": "end"}));
}
