//! Addresses to listen on, as a command line names them: an address or `localhost`, and a port.
//!
//! No other name is taken, because what it means is not this machine's to decide.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Reads any address.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let local = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    let local = local.map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    local.or_else(|| text.parse().ok()).ok_or_else(|| {
        "an address and a port are needed, such as 127.0.0.1:4566 or localhost:4566; port 0 takes any free one".to_owned()
    })
}

/// The address by which this machine reaches what listens there: one that stands for all addresses is none to call.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, listen.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, listen.port()).into(),
        _ => listen,
    }
}

#[cfg(test)]
mod tests {
    use super::{address, reachable};

    #[test]
    fn localhost_is_an_address_of_this_machine() {
        assert_eq!(address("localhost:80").unwrap().to_string(), "127.0.0.1:80");
        assert_eq!(address("[::1]:0").unwrap().to_string(), "[::1]:0");
    }

    #[test]
    fn what_listens_everywhere_is_reached_at_loopback() {
        let reached = |listen: &str| reachable(listen.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(reached("[::]:80"), "[::1]:80");
        assert_eq!(reached("192.0.2.1:80"), "192.0.2.1:80");
    }

    #[test]
    fn other_names_are_refused() {
        for bad in ["", "localhost", "localhost:99999", "example.org:80", "127.0.0.1", ":80", "80"] {
            assert!(address(bad).unwrap_err().contains("127.0.0.1:4566"), "{bad}");
        }
        assert!(address("0.0.0.0:80").is_ok());
    }
}
