//! Who has asked for what of the light and the Wi-Fi of the glasses, so that answers find their app.

use bifocal_protocol::ids::PackageName;

use crate::now::Millis;

/// Most requests of which the phone has not said yet what became.
const MAX_REQUESTS: usize = 64;

/// Which app's request this is, as far as anybody remembers.
#[derive(Debug, Default)]
pub(crate) struct Lights {
    requests: Vec<(Box<str>, PackageName)>,
    /// Who has switched the light on last.
    lit_by: Option<PackageName>,
    /// Who has asked for Wi-Fi, and when.
    wifi: Vec<(PackageName, Millis)>,
}

impl Lights {
    pub(crate) fn asked(&mut self, request: &str, app: &PackageName, on: bool) {
        if self.requests.len() == MAX_REQUESTS {
            self.requests.remove(0);
        }
        self.requests.push((request.into(), app.clone()));
        self.lit_by = on.then(|| app.clone());
    }

    pub(crate) fn answered(&mut self, request: &str) -> Option<PackageName> {
        let at = self.requests.iter().position(|(known, _)| **known == *request)?;
        Some(self.requests.remove(at).1)
    }

    pub(crate) fn app_gone(&mut self, app: &PackageName) -> bool {
        self.requests.retain(|(_, asker)| asker != app);
        self.wifi.retain(|(asker, _)| asker != app);
        let lit = self.lit_by.as_ref() == Some(app);
        self.lit_by = self.lit_by.take().filter(|_| !lit);
        lit
    }

    pub(crate) fn may_ask_for_wifi(&mut self, app: &PackageName, now: Millis, gap: u64) -> bool {
        self.wifi.retain(|(_, at)| now - *at < gap);
        let may = !self.wifi.iter().any(|(asker, _)| asker == app);
        if may {
            self.wifi.push((app.clone(), now));
        }
        may
    }
}
