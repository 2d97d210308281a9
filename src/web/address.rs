//! Where a request comes from: the peer, or what a trusted proxy says about it.
use crate::app::App;
use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The client's address, for throttling and for the list of sign-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub IpAddr);

/// The client behind `peer`: each trusted proxy added the address it was called from at the end of X-Forwarded-For,
/// so the last one that isn't a trusted proxy's own is believed, and nothing a client wrote before it.
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|t| t.to_canonical() == ip.to_canonical());
    if !is_trusted(&peer) {
        return peer;
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|h| h.to_str().ok()).collect::<Vec<_>>().join(",");
    let mut client = peer;
    for part in forwarded.rsplit(',').map(str::trim).filter(|p| !p.is_empty()) {
        let ip = part.parse().or_else(|_| part.parse::<SocketAddr>().map(|a| a.ip()));
        let Ok(ip) = ip else { return client };
        client = ip;
        if !is_trusted(&ip) {
            return client;
        }
    }
    client
}

/// The peer the connection came from; unspecified where there is none, as in a test of the router alone.
pub fn peer(extensions: &axum::http::Extensions) -> IpAddr {
    extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip())
}

impl<S: Sync> FromRequestParts<S> for Address
where
    App: FromRef<S>,
{
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Address, Infallible> {
        let app = App::from_ref(state);
        Ok(Address(client(peer(&parts.extensions), &parts.headers, &app.outside.trusted_proxies)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn forwarded(text: &str) -> HeaderMap {
        HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), text.parse().unwrap())])
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_what_it_added() {
        let proxies = [ip("10.0.0.1"), ip("10.0.0.2")];
        let cases = [
            ("203.0.113.9", "198.51.100.1", "203.0.113.9", "a stranger may write what they like"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1", "one proxy"),
            ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1", "the client wrote the first"),
            ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1", "two proxies"),
            ("10.0.0.1", "", "10.0.0.1", "no word from the proxy"),
            ("10.0.0.1", "rubbish", "10.0.0.1", "no address"),
            ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1", "with a port"),
            ("::ffff:10.0.0.1", "2001:db8::7", "2001:db8::7", "the proxy over a mapped address"),
        ];
        for (peer, header, client_is, why) in cases {
            assert_eq!(client(ip(peer), &forwarded(header), &proxies), ip(client_is), "{why}");
        }
    }
}
