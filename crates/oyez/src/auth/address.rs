//! Where a request comes from: the peer, or what a trusted proxy says of it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::request::Parts;

/// The caller's address. `X-Forwarded-For` counts only as far as trusted proxies wrote it: read from the right, the
/// first address that is not a trusted proxy's.
pub fn client_address(parts: &Parts, trusted_proxies: &[IpAddr]) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    if !trusted_proxies.contains(&peer) {
        return Some(peer);
    }
    let mut furthest = peer;
    for header in parts.headers.get_all("x-forwarded-for").iter().rev() {
        for part in header.to_str().unwrap_or_default().rsplit(',') {
            let Ok(address) = part.trim().parse::<IpAddr>() else { return Some(furthest) };
            furthest = address.to_canonical();
            if !trusted_proxies.contains(&furthest) {
                return Some(furthest);
            }
        }
    }
    Some(furthest)
}

/// What failed logins are counted under: an IPv6 customer has a whole /64.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(peer: &str, forwarded: &[&str]) -> Parts {
        let mut request = http::Request::builder();
        for value in forwarded {
            request = request.header("x-forwarded-for", *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
        parts
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        let proxies = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        let of =
            |peer, forwarded: &[&str]| client_address(&parts(peer, forwarded), &proxies).unwrap().to_string();
        assert_eq!(of("192.0.2.7:1", &["198.51.100.1"]), "192.0.2.7");
        assert_eq!(of("10.0.0.1:1", &["203.0.113.9, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(of("10.0.0.1:1", &["203.0.113.9", "198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(of("10.0.0.1:1", &["nonsense"]), "10.0.0.1");
        assert_eq!(of("10.0.0.1:1", &[]), "10.0.0.1");
        assert_eq!(of("[::ffff:192.0.2.7]:1", &[]), "192.0.2.7");
    }

    #[test]
    fn ipv6_neighbours_count_as_one() {
        let network_of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network_of("2001:db8:1:2:aaaa::1"), "2001:db8:1:2::");
        assert_eq!(network_of("192.0.2.7"), "192.0.2.7");
    }
}
