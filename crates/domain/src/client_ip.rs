//! From which address does a request come?
//!
//! The address of the connection, or what trusted proxies say of it (security.md §9 `Do`,
//! deployment.md §3): with `webproxy_number` = n the chain in `X-Forwarded-For` has exactly n
//! entries and the connection comes from a trusted proxy. Everything else is refused.

use std::net::IpAddr;

use ipnet::IpNet;

/// How the server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRule {
    /// `webproxy_number`: proxies in front of the server. `None`: forwarding headers are ignored;
    /// `Some(0)`: they are refused.
    pub proxies: Option<u32>,
    /// `trusted_proxies`: networks the last proxy connects from.
    pub trusted: Vec<IpNet>,
}

/// The parts of a request that speak of addresses.
#[derive(Debug, Clone, Copy)]
pub struct Forwarding<'a> {
    /// The values of all `X-Forwarded-For` lines, in order.
    pub forwarded_for: &'a [&'a str],
    /// Whether `X-Real-IP`, `Client-IP` or `X-Forwarded-Host` is present.
    pub has_other_headers: bool,
}

/// The headers do not fit the configured proxies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Spoofing {
    /// Forwarding headers although there is no proxy.
    #[error("a forwarding header was sent, but `webproxy_number` is 0")]
    HeaderWithoutProxy,
    /// The connection does not come from a proxy.
    #[error("the connection comes from {0}, which is not in `trusted_proxies`")]
    UntrustedPeer(IpAddr),
    /// The chain has another length.
    #[error("`X-Forwarded-For` has {found} entries, `webproxy_number` is {expected}")]
    WrongLength {
        /// Entries that were sent.
        found: usize,
        /// Entries that belong there.
        expected: u32,
    },
    /// An entry is no address.
    #[error("`X-Forwarded-For` holds something that is no address")]
    NoAddress,
}

/// The one address that is used for limits, sessions and logs, in canonical form.
///
/// # Errors
///
/// When the headers cannot come from the configured proxies.
pub fn client_address(
    peer: IpAddr,
    forwarding: Forwarding<'_>,
    rule: &ProxyRule,
) -> Result<IpAddr, Spoofing> {
    let peer = peer.to_canonical();
    let expected = match rule.proxies {
        None => return Ok(peer),
        Some(0) if forwarding.forwarded_for.is_empty() && !forwarding.has_other_headers => {
            return Ok(peer);
        }
        Some(0) => return Err(Spoofing::HeaderWithoutProxy),
        Some(expected) => expected,
    };
    if !rule.trusted.iter().any(|network| network.contains(&peer)) {
        return Err(Spoofing::UntrustedPeer(peer));
    }
    let chain: Vec<&str> =
        forwarding.forwarded_for.iter().flat_map(|line| line.split(',')).map(str::trim).collect();
    if u32::try_from(chain.len()) != Ok(expected) {
        return Err(Spoofing::WrongLength { found: chain.len(), expected });
    }
    chain.first().and_then(|entry| read_address(entry)).ok_or(Spoofing::NoAddress)
}

/// Reads `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:443`.
fn read_address(entry: &str) -> Option<IpAddr> {
    let address = entry
        .parse::<IpAddr>()
        .ok()
        .or_else(|| entry.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn rule(proxies: Option<u32>) -> ProxyRule {
        ProxyRule { proxies, trusted: vec!["127.0.0.0/8".parse().unwrap()] }
    }

    fn decide(proxies: Option<u32>, peer: &str, chain: &[&str]) -> Result<IpAddr, Spoofing> {
        let forwarding = Forwarding { forwarded_for: chain, has_other_headers: false };
        client_address(ip(peer), forwarding, &rule(proxies))
    }

    #[test]
    fn without_the_setting_headers_are_ignored() {
        assert_eq!(decide(None, "203.0.113.7", &["1.2.3.4"]), Ok(ip("203.0.113.7")));
    }

    #[test]
    fn without_proxies_headers_are_refused() {
        assert_eq!(decide(Some(0), "127.0.0.1", &["1.2.3.4"]), Err(Spoofing::HeaderWithoutProxy));
        assert_eq!(decide(Some(0), "127.0.0.1", &[]), Ok(ip("127.0.0.1")));
    }

    #[test]
    fn one_trusted_proxy_names_the_client() {
        assert_eq!(decide(Some(1), "127.0.0.1", &["203.0.113.7"]), Ok(ip("203.0.113.7")));
        assert_eq!(decide(Some(1), "127.0.0.1", &["[2001:db8::1]:443"]), Ok(ip("2001:db8::1")));
    }

    #[test]
    fn a_client_cannot_lengthen_or_shorten_the_chain() {
        for chain in [&["9.9.9.9, 203.0.113.7"][..], &["9.9.9.9,203.0.113.7"], &["a", "b"], &[]] {
            assert!(
                matches!(decide(Some(1), "127.0.0.1", chain), Err(Spoofing::WrongLength { .. })),
                "{chain:?}"
            );
        }
    }

    #[test]
    fn only_trusted_peers_may_speak_for_others() {
        assert_eq!(
            decide(Some(1), "198.51.100.1", &["203.0.113.7"]),
            Err(Spoofing::UntrustedPeer(ip("198.51.100.1")))
        );
    }

    #[test]
    fn mapped_addresses_are_the_same_as_plain_ones() {
        assert_eq!(decide(Some(0), "::ffff:127.0.0.1", &[]), Ok(ip("127.0.0.1")));
    }
}
