//! Addresses to listen on, as a command line names them: an address of this machine or `localhost`, and a port.
//!
//! No other name is taken, because what it means is not this machine's to decide.

use std::net::{Ipv4Addr, SocketAddr};

/// Reads any address.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let local = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    let local = local.map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    local.or_else(|| text.parse().ok()).ok_or_else(|| {
        "an address and a port are needed, such as 127.0.0.1:4566 or localhost:4566; port 0 takes any free one".to_owned()
    })
}

/// Reads an address that only this machine reaches.
pub(super) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address = address(text)?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err("callers are not identified yet, so only loopback addresses are allowed: use 127.0.0.1 or localhost, and reach \
         it from elsewhere through an SSH tunnel"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::{address, loopback};

    #[test]
    fn localhost_is_an_address_of_this_machine() {
        assert_eq!(loopback("localhost:80").unwrap().to_string(), "127.0.0.1:80");
        assert_eq!(loopback("[::1]:0").unwrap().to_string(), "[::1]:0");
    }

    #[test]
    fn other_names_and_addresses_are_refused() {
        for bad in ["", "localhost", "localhost:99999", "example.org:80", "127.0.0.1", ":80", "80"] {
            assert!(loopback(bad).unwrap_err().contains("127.0.0.1:4566"), "{bad}");
        }
        assert!(loopback("0.0.0.0:80").unwrap_err().contains("loopback"));
        assert!(address("0.0.0.0:80").is_ok());
    }
}
