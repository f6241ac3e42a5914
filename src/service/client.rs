//! Whose request it is: the address behind trusted proxies, and the network that it belongs to.

use std::net::IpAddr;

use ipnet::IpNet;

/// The client of a request. `peer` is the other end of the connection; `None` for a Unix socket, which only a proxy on this
/// machine can reach. `forwarded` are the values of all `X-Forwarded-For` fields in their order. As long as an address is
/// that of a trusted proxy, the one before it counts; whatever a client wrote there itself is never reached. `None` when
/// nothing is known.
pub(super) fn client<'a>(
    peer: Option<IpAddr>,
    forwarded: impl IntoIterator<Item = &'a str>,
    trusted: &[IpNet],
) -> Option<IpAddr> {
    let mut values: Vec<&str> = forwarded.into_iter().flat_map(|field| field.split(',')).collect();
    let mut known = peer.map(|peer| peer.to_canonical());
    loop {
        if let Some(address) = known
            && !is_trusted(address, trusted)
        {
            return known;
        }
        match values.pop().and_then(parse) {
            Some(address) => known = Some(address),
            None => return known,
        }
    }
}

/// Whether an address is that of a trusted proxy.
pub(super) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// An address, perhaps with a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address =
        bare.parse().ok().or_else(|| text.parse().ok().map(|socket: std::net::SocketAddr| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// What one household or one machine has: a single address of IPv4, a /64 of IPv6.
pub(super) fn single(address: IpAddr) -> IpNet {
    network(address, 32, 64)
}

/// The block around an address, which does not tell people apart: a /24 of IPv4, a /48 of IPv6.
pub(super) fn block(address: IpAddr) -> IpNet {
    network(address, 24, 48)
}

fn network(address: IpAddr, v4: u8, v6: u8) -> IpNet {
    let prefix = if address.is_ipv4() { v4 } else { v6 };
    IpNet::new(address, prefix).map_or(IpNet::from(address), |network| network.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
        let trusted: Vec<IpNet> =
            ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"].map(|network| network.parse().unwrap()).to_vec();
        for (peer, forwarded, expected) in [
            // Who is not a proxy cannot say that someone else asks.
            (Some("192.0.2.7"), &["198.51.100.1"][..], Some("192.0.2.7")),
            (Some("127.0.0.1"), &["198.51.100.1"], Some("198.51.100.1")),
            (Some("127.0.0.1"), &["6.6.6.6, 198.51.100.1"], Some("198.51.100.1")),
            (Some("127.0.0.1"), &["6.6.6.6", "198.51.100.1, 10.1.1.1"], Some("198.51.100.1")),
            (Some("127.0.0.1"), &["198.51.100.1, 10.1.1.1, 10.2.2.2"], Some("198.51.100.1")),
            (Some("127.0.0.1"), &["10.1.1.1"], Some("10.1.1.1")),
            (Some("127.0.0.1"), &[], Some("127.0.0.1")),
            (Some("127.0.0.1"), &["198.51.100.1, nonsense"], Some("127.0.0.1")),
            (Some("127.0.0.1"), &["198.51.100.1, nonsense, 10.1.1.1"], Some("10.1.1.1")),
            (Some("127.0.0.1"), &["198.51.100.1:4711"], Some("198.51.100.1")),
            (Some("::ffff:127.0.0.1"), &["[2001:db8::1]:4711"], Some("2001:db8::1")),
            (Some("fd00::1"), &["2001:db8::1"], Some("2001:db8::1")),
            (None, &["198.51.100.1"], Some("198.51.100.1")),
            (None, &[""], None),
            (None, &[], None),
        ] {
            let peer = peer.map(|peer| peer.parse().unwrap());
            let expected = expected.map(|client: &str| client.parse().unwrap());
            assert_eq!(client(peer, forwarded.iter().copied(), &trusted), expected, "{peer:?} {forwarded:?}");
        }
    }

    #[test]
    fn networks_are_as_wide_as_one_household_and_one_provider() {
        for (address, one, around) in [
            ("192.0.2.77", "192.0.2.77/32", "192.0.2.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(single(address).to_string(), one);
            assert_eq!(block(address).to_string(), around);
        }
    }
}
