//! Which addresses a webhook may go to. The URL of an app is data, and data must not reach into the house.
//!
//! Two layers, because each alone has a hole: the host of the URL is checked when it is an address (a resolver is never
//! asked about those), and what a name resolves to is checked inside the resolver (so a name cannot change its mind between
//! check and use).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Networks that are not the open Internet: this host, private and shared ranges, link-local, documentation, multicast,
/// reserved. Sources: the IANA special-purpose registries.
const SPECIAL: [&str; 26] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// The allow list: special networks that webhooks may reach nevertheless. The open Internet is always allowed.
#[derive(Debug, Clone)]
pub struct NetworkPolicy {
    allowed: Arc<[IpNet]>,
    special: Arc<[IpNet]>,
}

impl NetworkPolicy {
    /// Nothing special is allowed but what is listed.
    pub fn allowing(networks: impl IntoIterator<Item = IpNet>) -> Self {
        let special = SPECIAL.iter().map(|text| text.parse().expect("the table has good networks")).collect();
        Self { allowed: networks.into_iter().collect(), special }
    }

    /// Loopback is allowed: app servers on this machine.
    pub fn loopback() -> Self {
        let networks = ["127.0.0.0/8", "::1/128"];
        Self::allowing(networks.map(|text| text.parse().expect("good networks")))
    }

    /// The networks on the list.
    pub fn allowed(&self) -> &[IpNet] {
        &self.allowed
    }

    /// Whether a webhook may go to this address.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = plain(address);
        let within = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&address));
        within(&self.allowed) || !within(&self.special)
    }

    /// Whether this address is on the allow list.
    pub(crate) fn lists(&self, address: IpAddr) -> bool {
        let address = plain(address);
        self.allowed.iter().any(|network| network.contains(&address))
    }

    /// Checks a URL whose host is an address; a name is checked when it is resolved.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Refused> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(Refused),
        };
        if self.permits(address) { Ok(()) } else { Err(Refused) }
    }
}

/// An IPv4 address in IPv6 clothing is that IPv4 address.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The address is on no list that allows it.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("its address is not on the open Internet and not on the allow list")]
pub(crate) struct Refused;

/// Resolves names, and keeps only addresses that the policy permits.
#[derive(Debug, Clone)]
pub(crate) struct GuardedResolver(pub(crate) NetworkPolicy);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let permitted: Vec<SocketAddr> = found.filter(|address| policy.permits(address.ip())).collect();
            if permitted.is_empty() {
                return Err(Refused.into());
            }
            let addresses: Addrs = Box::new(permitted.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    fn check(policy: &NetworkPolicy, url: &str) -> bool {
        policy.check(&Url::parse(url).expect("a URL")).is_ok()
    }

    /// Spellings of loopback and the metadata address that slip past a resolver.
    #[test]
    fn no_spelling_of_an_address_gets_in() {
        let nothing = NetworkPolicy::allowing([]);
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "127.1",
            "0177.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "169.254.169.254",
            "10.0.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "[fd00::1]",
            "[fe80::1]",
            "[64:ff9b::7f00:1]",
            "0.0.0.0",
        ] {
            assert!(!check(&nothing, &format!("http://{host}/webhook")), "{host}");
        }
        assert!(check(&nothing, "https://93.184.215.14/webhook"));
        assert!(check(&nothing, "https://[2606:2800:21f::1]/webhook"));
    }

    #[test]
    fn the_allow_list_opens_what_it_names_and_nothing_else() {
        let loopback = NetworkPolicy::loopback();
        assert!(check(&loopback, "http://127.0.0.1:7010/"));
        assert!(check(&loopback, "http://[::ffff:127.0.0.1]:7010/"));
        assert!(!check(&loopback, "http://192.168.1.1/"));
        let home = NetworkPolicy::allowing(["192.168.1.0/24".parse().expect("a network")]);
        assert!(check(&home, "http://192.168.1.7/"));
        assert!(!check(&home, "http://192.168.2.7/"));
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let resolve = |policy| async {
            let name: Name = "localhost".parse().expect("a name");
            GuardedResolver(policy).resolve(name).await.map(|addresses| addresses.count())
        };
        assert!(resolve(NetworkPolicy::allowing([])).await.is_err());
        assert!(resolve(NetworkPolicy::loopback()).await.is_ok_and(|count| count > 0));
    }

    #[test]
    fn ipv6_unspecified_is_this_host() {
        assert!(!NetworkPolicy::allowing([]).permits(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
    }
}
