//! Connections: accepting them, their limits, and the end of the service.

use std::{
    collections::HashMap,
    fs, io,
    net::IpAddr,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};

use super::{client, guard::Peer, settings::Listen, state::Shared};

/// Time for a request's header, and between two requests of a connection.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Bytes of a request's header.
const HEADER_MAX: usize = 16 * 1024;
/// Fields of a request's header.
const FIELDS_MAX: usize = 64;
/// How long requests may take once the service ends.
const DRAIN_TIME: Duration = Duration::from_secs(20);

/// A listener that is bound, and says where.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    place: Listen,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Binds. A Unix socket that was left behind by a process that is gone is replaced; its group may connect to the new one.
    ///
    /// # Errors
    ///
    /// When the address is in use or not ours.
    pub async fn bind(listen: &Listen) -> io::Result<Self> {
        match listen {
            Listen::Tcp(address) => {
                let socket = TcpListener::bind(address).await?;
                let place = Listen::Tcp(socket.local_addr()?);
                Ok(Self { socket: Socket::Tcp(socket), place })
            }
            Listen::Unix(path) => {
                remove_abandoned(path)?;
                let socket = UnixListener::bind(path)?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
                Ok(Self { socket: Socket::Unix(socket), place: listen.clone() })
            }
        }
    }

    /// Where it listens, with its true port.
    pub fn place(&self) -> &Listen {
        &self.place
    }

    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Option<IpAddr>)> {
        match &self.socket {
            Socket::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Box::new(stream), Some(peer.ip().to_canonical())))
            }
            Socket::Unix(socket) => {
                let (stream, _) = socket.accept().await?;
                Ok((Box::new(stream), None))
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Listen::Unix(path) = &self.place {
            // The next start would replace it too.
            let _ = fs::remove_file(path);
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A socket that no one answers on is a leftover; one that someone answers on is in use.
fn remove_abandoned(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
            Err(_) => fs::remove_file(path),
        },
        _ => Ok(()),
    }
}

/// Open connections by client.
#[derive(Clone, Default)]
struct Clients(Arc<Mutex<HashMap<IpAddr, u32>>>);

/// A connection that counts until it is dropped.
struct Counted {
    clients: Clients,
    client: Option<IpAddr>,
    _permit: OwnedSemaphorePermit,
}

impl Clients {
    /// Counts a connection, unless its client has too many.
    fn count(&self, client: Option<IpAddr>, most: u32, permit: OwnedSemaphorePermit) -> Option<Counted> {
        if let Some(client) = client {
            let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let number = open.entry(client).or_default();
            if *number >= most {
                return None;
            }
            *number += 1;
        }
        Some(Counted { clients: self.clone(), client, _permit: permit })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some(client) = self.client else { return };
        let mut open = self.clients.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = open.get_mut(&client) {
            *number -= 1;
            if *number == 0 {
                open.remove(&client);
            }
        }
    }
}

/// Answers on a listener until `stop` says so; then requests under way have some seconds to end.
pub(super) async fn serve(
    listener: Listener,
    routes: Router,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    let limits = shared.settings.limits;
    let permits = Arc::new(Semaphore::new(limits.connections as usize));
    let (clients, ending) = (Clients::default(), GracefulShutdown::new());
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_MAX)
        .max_headers(FIELDS_MAX);
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let (stream, peer, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                shared.report("accept", &error);
                // Out of file descriptors, most likely: a moment later there may be one.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let limited = peer.filter(|peer| !client::is_trusted(*peer, &shared.settings.trusted_proxies));
        let Some(counted) = clients.count(limited, limits.connections_per_client, permit) else { continue };
        let service = TowerToHyperService::new(routes.clone().layer(Extension(Peer(peer))));
        let connection = ending.watch(http.serve_connection(TokioIo::new(stream), service));
        let metrics = Arc::clone(&shared.metrics);
        tokio::spawn(async move {
            let _counted = counted;
            metrics.connections.inc();
            // A client that hangs up or sends no HTTP is its own affair.
            let _ = connection.await;
            metrics.connections.dec();
        });
    }
    drop(listener);
    let _ = timeout(DRAIN_TIME, ending.shutdown()).await;
}

async fn accept(
    listener: &Listener,
    permits: &Arc<Semaphore>,
) -> io::Result<(Box<dyn Stream>, Option<IpAddr>, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}
