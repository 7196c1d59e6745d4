//! Whether and how connections are encrypted: a certificate, a proxy in front, or loopback only.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use crate::config::Config;

/// Certificates of the server, which can be read again while it runs.
#[derive(Clone)]
pub struct Certificates {
    cert: PathBuf,
    key: PathBuf,
    config: RustlsConfig,
}

/// The certificates to use, or none for plain HTTP, which is allowed on loopback and behind a proxy.
pub async fn plan(config: &Config) -> anyhow::Result<Option<Certificates>> {
    if let (Some(cert), Some(key)) = (&config.tls.cert, &config.tls.key) {
        return Ok(Some(Certificates::read(cert, key).await?));
    }
    let ip = config.listen.ip();
    if config.tls.behind_proxy || ip.is_loopback() {
        return Ok(None);
    }
    bail!(
        "plain HTTP is served on loopback only, not on {ip}, because tokens would be read on the way; \
         give --tls-cert FILE and --tls-key FILE, or --behind-proxy when a proxy in front ends TLS"
    )
}

impl Certificates {
    async fn read(cert: &Path, key: &Path) -> anyhow::Result<Self> {
        // Another part of the process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = RustlsConfig::from_config(load(cert, key).await?);
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), config })
    }

    /// Read the files again; connections from now on use them.
    pub async fn reload(&self) -> anyhow::Result<()> {
        self.config.reload_from_config(load(&self.cert, &self.key).await?);
        Ok(())
    }

    /// What shakes hands with the newest certificate.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.get_inner())
    }
}

async fn load(cert: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let read = RustlsConfig::from_pem_file(cert, key).await;
    let place = || format!("failed to use the certificate {} with the key {}", cert.display(), key.display());
    let mut config = ServerConfig::clone(&*read.with_context(place)?.get_inner());
    // Only this is spoken: fewer parsers face the network.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(listen: &str) -> bool {
        let config = Config { listen: listen.parse().unwrap(), ..Config::default() };
        plan(&config).await.is_err()
    }

    #[tokio::test]
    async fn plain_http_stays_on_loopback() {
        assert!(!refused("127.0.0.1:0").await);
        assert!(!refused("[::1]:0").await);
        assert!(refused("0.0.0.0:0").await);
        assert!(refused("192.0.2.7:80").await);
        let mut config = Config { listen: "0.0.0.0:0".parse().unwrap(), ..Config::default() };
        config.tls.behind_proxy = true;
        assert!(plan(&config).await.unwrap().is_none());
    }
}
