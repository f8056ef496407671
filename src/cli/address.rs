//! Where to listen, as it is written on the command line.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};

/// `8080`, `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`; a port alone is one of this machine.
///
/// # Errors
/// Why it is none, as a sentence.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let none = |why: String| {
        format!("`{text}` is no address ({why}); write it as HOST:PORT or as a port, such as 9464")
    };
    let mut found = text
        .to_socket_addrs()
        .map_err(|error| none(error.to_string()))?;
    found.next().ok_or_else(|| none("no such host".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_one_of_this_machine_and_what_is_none_is_said() {
        for (text, expected) in [
            ("9464", "127.0.0.1:9464"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(address(text).map(|at| at.to_string()), Ok(expected.into()));
        }
        for text in ["nowhere", "", "127.0.0.1", "70000", "no address"] {
            let why = address(text).expect_err("no address");
            assert!(why.contains("is no address ("), "{why}");
        }
    }
}
