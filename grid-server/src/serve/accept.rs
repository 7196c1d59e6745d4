//! Connections: accepted up to a number, without delay, encrypted where wished, HTTP/1.1 only, and with little
//! patience for those who open one and say nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::FAREWELL;
use crate::app::App;
use crate::tls::Certificates;

/// Time for the head of a request, and between two requests.
const HEAD: Duration = Duration::from_secs(30);
/// Time to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Memory of one connection's head and buffers.
const BUFFER_BYTES: usize = 64 * 1024;

/// Accept until the server stops; then wait for what is under way.
pub async fn run(app: Arc<App>, listener: TcpListener, router: Router, certificates: Option<Certificates>) {
    let room = Arc::new(Semaphore::new(app.config.limits.connections_max));
    let stop = app.wakes.stop.clone();
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = room.clone().try_acquire_owned() else {
            tracing::warn!(%peer, "turned a connection away: too many are open");
            continue;
        };
        let (router, certificates, stop) = (router.clone(), certificates.clone(), stop.clone());
        connections.spawn(async move {
            shake(stream, peer, router, certificates, stop).await;
            drop(permit);
        });
    }
    connections.close();
    if tokio::time::timeout(FAREWELL, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "some requests did not end in time");
    }
}

async fn shake(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    certificates: Option<Certificates>,
    stop: CancellationToken,
) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Some(certificates) = certificates else { return serve(stream, peer, router, stop).await };
    match tokio::time::timeout(HANDSHAKE, certificates.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, peer, router, stop).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "failed to shake hands"),
        Err(_) => tracing::debug!(%peer, "no handshake in time"),
    }
}

async fn serve<T>(stream: T, peer: SocketAddr, router: Router, stop: CancellationToken)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(BUFFER_BYTES).half_close(false);
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}
