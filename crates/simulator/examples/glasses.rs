//! Terminal glasses on a cloud that echoes what is said; for looking at them.
//!
//! `cargo run -p bifocal-simulator --example glasses` on a terminal, or with `--plain`.

#[path = "../tests/support/mod.rs"]
mod support;

use bifocal_simulator::phone::{Phone, PhoneConfig};
use bifocal_simulator::script::parse;
use bifocal_simulator::terminal::{TerminalOptions, run};
use support::FakeCloud;

const SCRIPT: &str = "
battery 80
start org.example.echo
say hello glasses
expect \"hello glasses\" within 5
wait 1
head up
wait 1
head down
say this is a longer sentence that needs more than one line of the display to be read
wait 1
expect \"nobody says this\" within 1
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cloud = FakeCloud::start().await;
    let phone = Phone::connect(PhoneConfig::new(&cloud.url, "good")).await?;
    let script = parse(SCRIPT)?;
    let outcome = if std::env::args().any(|argument| argument == "--plain") {
        bifocal_simulator::plain::run_plain(&phone, &script, ".".as_ref(), std::io::stdout()).await
    } else {
        let title = "Bifocal · ann@example.org".to_owned();
        run(phone, TerminalOptions { title, script: Some(script), ..TerminalOptions::default() }).await?
    };
    std::process::exit(i32::from(outcome.exit_code()));
}
