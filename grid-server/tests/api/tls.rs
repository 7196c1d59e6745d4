//! HTTPS with a certificate of a test's own; plain HTTP stays on loopback.

use grid_server::serve;

use crate::grid::{client, config};

#[tokio::test]
async fn https_is_served_and_certificates_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    client();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let renew = || {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
        reqwest::Client::builder().tls_certs_only([trusted]).build().unwrap()
    };
    let first = renew();
    let mut config = config(folder.path());
    config.tls.cert = Some(cert.clone());
    config.tls.key = Some(key.clone());
    let running = serve::start(config).await.unwrap();
    let url = format!("{}/api/v1/grid", running.url());
    assert!(url.starts_with("https://"));
    let answer = first.get(&url).send().await.unwrap();
    assert!(answer.headers().contains_key("strict-transport-security"));
    assert!(client().get(&url).send().await.is_err(), "nobody else trusts it");
    assert!(client().get(url.replace("https", "http")).send().await.is_err(), "no plain HTTP beside it");

    let second = renew();
    running.reload().await.unwrap();
    assert!(second.get(&url).send().await.is_ok());
    running.stop().await;
}

#[tokio::test]
async fn plain_http_elsewhere_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.listen = "0.0.0.0:0".parse().unwrap();
    let error = serve::start(config.clone()).await.err().unwrap().to_string();
    assert!(error.contains("--tls-cert") && error.contains("--behind-proxy"), "{error}");
    assert!(!config.data.exists());
}

#[tokio::test]
async fn one_server_a_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let running = serve::start(config(folder.path())).await.unwrap();
    let error = serve::start(config(folder.path())).await.err().unwrap().to_string();
    assert!(error.contains("another server"), "{error}");
    running.stop().await;
    serve::start(config(folder.path())).await.unwrap().stop().await;
}
