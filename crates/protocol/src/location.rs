//! How exactly apps want to know where the wearer is.

use serde::{Deserialize, Serialize};

/// An accuracy tier, ordered from the cheapest to the most exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "String")]
pub enum LocationTier {
    /// What the phone gives anybody; the tier while nobody asks.
    #[default]
    Reduced,
    /// 3 km.
    ThreeKilometers,
    /// 1 km.
    Kilometer,
    /// 100 m.
    HundredMeters,
    /// 10 m.
    TenMeters,
    /// The platform's own choice.
    Standard,
    /// The best without navigation.
    High,
    /// For navigation.
    Realtime,
}

impl LocationTier {
    /// Every tier, cheapest first.
    pub const EVERY: [LocationTier; 8] = [
        LocationTier::Reduced,
        LocationTier::ThreeKilometers,
        LocationTier::Kilometer,
        LocationTier::HundredMeters,
        LocationTier::TenMeters,
        LocationTier::Standard,
        LocationTier::High,
        LocationTier::Realtime,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            LocationTier::Reduced => "reduced",
            LocationTier::ThreeKilometers => "threeKilometers",
            LocationTier::Kilometer => "kilometer",
            LocationTier::HundredMeters => "hundredMeters",
            LocationTier::TenMeters => "tenMeters",
            LocationTier::Standard => "standard",
            LocationTier::High => "high",
            LocationTier::Realtime => "realtime",
        }
    }

    /// The tier of that name; [`LocationTier::Standard`] for a name that is none.
    pub fn named(name: &str) -> Self {
        Self::EVERY.into_iter().find(|tier| tier.name() == name).unwrap_or(LocationTier::Standard)
    }
}

impl From<String> for LocationTier {
    fn from(name: String) -> Self {
        Self::named(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_wire_and_the_order_is_that_of_exactness() {
        for tier in LocationTier::EVERY {
            assert_eq!(serde_json::to_string(&tier).ok(), Some(format!("\"{}\"", tier.name())));
            assert_eq!(LocationTier::named(tier.name()), tier);
        }
        assert!(LocationTier::EVERY.is_sorted());
        assert_eq!(LocationTier::named("very"), LocationTier::Standard);
    }
}
