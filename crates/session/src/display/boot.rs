//! The boot screen: a card with the names of the apps that are starting.

use std::sync::Arc;

use bifocal_protocol::ids::PackageName;
use bifocal_protocol::layout::Layout;

use super::frame::Frame;
use crate::now::Millis;

#[derive(Debug, Default)]
pub(super) struct BootScreen {
    apps: Vec<Booting>,
    /// Drawn whenever the list changes.
    frame: Option<Arc<Frame>>,
}

#[derive(Debug)]
struct Booting {
    package: PackageName,
    name: String,
    until: Millis,
}

impl BootScreen {
    pub(super) fn frame(&self) -> Option<&Arc<Frame>> {
        self.frame.as_ref()
    }

    pub(super) fn add(&mut self, package: &PackageName, name: &str, until: Millis) {
        self.apps.retain(|app| app.package != *package);
        self.apps.push(Booting { package: package.clone(), name: name.to_owned(), until });
        self.draw();
    }

    /// The app has drawn, or is gone.
    pub(super) fn remove(&mut self, package: &PackageName) {
        self.keep(|app| app.package != *package);
    }

    pub(super) fn expire(&mut self, now: Millis) {
        self.keep(|app| app.until > now);
    }

    /// When the next name goes by itself.
    pub(super) fn next_end(&self) -> Option<Millis> {
        self.apps.iter().map(|app| app.until).min()
    }

    fn keep(&mut self, stays: impl FnMut(&Booting) -> bool) {
        let before = self.apps.len();
        self.apps.retain(stays);
        if self.apps.len() != before {
            self.draw();
        }
    }

    fn draw(&mut self) {
        self.frame = (!self.apps.is_empty()).then(|| {
            let names: Vec<&str> = self.apps.iter().map(|app| app.name.as_str()).collect();
            let plural = if names.len() == 1 { "" } else { "s" };
            let title = format!("// MentraOS - Starting App{plural}");
            let layout = Layout::ReferenceCard { title, text: names.join(", ") };
            Arc::new(Frame { package: system_package(), session_id: "".into(), layout, duration_ms: None })
        });
    }
}

/// In whose name the cloud itself draws.
pub(crate) fn system_package() -> PackageName {
    // A constant that the constructor accepts; a test says so.
    PackageName::new("system.bifocal").unwrap_or_else(|_| unreachable!("a good name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_cloud_is_a_good_package() {
        assert_eq!(system_package().as_str(), "system.bifocal");
    }
}
