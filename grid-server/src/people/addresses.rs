//! Addresses of the grid for people.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::config::Config;

/// The address for people that follows from where the server listens; one that listens everywhere is told as loopback.
pub fn of_listener(config: &Config, listen: SocketAddr) -> String {
    let scheme = if config.tls.cert.is_some() { "https" } else { "http" };
    let ip = if listen.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    format!("{scheme}://{}", SocketAddr::new(ip, listen.port()))
}

/// The address for people as far as the settings alone tell it; none where the port is not known.
pub fn of_settings(config: &Config) -> Option<String> {
    let listened = (config.listen.port() != 0).then(|| of_listener(config, config.listen));
    config.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned()).or(listened)
}
