//! One connection to the server: makes it, meters what it receives, and cancels what runs on it.
//!
//! The driver holds an answer's messages whole in memory. So each connection counts the bytes since it last asked for something,
//! and breaks off where one answer grows beyond `ANSWER_LIMIT`. Called by `pool`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use deadpool_postgres::Connect;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{CancelToken, Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::servers::postgres::Address;

/// Bytes that one answer of the server may take; eight connections stay below 256 MiB.
pub const ANSWER_LIMIT: u64 = 32 * 1024 * 1024;

/// How long a request to cancel may take.
const CANCEL: Duration = Duration::from_secs(5);

/// Makes connections to one address.
#[derive(Clone)]
pub struct Dial {
    address: Address,
    tls: MakeRustlsConnect,
    /// How many connections were broken off because of an answer's size.
    too_large: Arc<AtomicU64>,
}

impl Dial {
    /// Reads the certificates and makes no connection yet.
    ///
    /// # Errors
    /// Certificates that cannot be read.
    pub fn new(address: Address) -> Result<Self, String> {
        let tls = address.tls.connector()?;
        Ok(Self {
            address,
            tls,
            too_large: Arc::default(),
        })
    }

    /// The address as the driver wants it.
    pub fn config(&self) -> Config {
        let address = &self.address;
        let mut config = Config::new();
        config
            .user(&address.user)
            .dbname(&address.database)
            .application_name(&address.application_name)
            // Over a socket the library has no host to hold a certificate against; libpq uses no TLS there either.
            .ssl_mode(match address.is_socket() {
                true => tokio_postgres::config::SslMode::Disable,
                false => address.tls.mode.ssl_mode(),
            });
        if let Some(password) = &address.password {
            config.password(password);
        }
        if let Some(options) = &address.options {
            config.options(options);
        }
        config
    }

    /// How many answers were too large so far.
    pub fn too_large(&self) -> u64 {
        self.too_large.load(Ordering::Relaxed)
    }

    /// Asks the server to end what runs on a connection; it ends with an error of its own when it was still running.
    pub async fn cancel(&self, token: &CancelToken) {
        let asked = async {
            let stream = self.stream().await;
            let Ok(tls) = self.handshake();
            // What cannot be delivered shows in the connection that is waited for.
            let _delivered = token.cancel_query_raw(stream, tls).await;
        };
        let _in_time = tokio::time::timeout(CANCEL, asked).await;
    }

    async fn stream(&self) -> Metered {
        let address = &self.address;
        let socket = if address.is_socket() {
            let path = format!("{}/.s.PGSQL.{}", address.host, address.port);
            UnixStream::connect(path).await.map(Socket::Unix)
        } else {
            let place = (address.host.as_str(), address.port);
            TcpStream::connect(place).await.map(|stream| {
                // Small messages to and fro: without this each waits for the other side's timer.
                let _best_effort = stream.set_nodelay(true);
                Socket::Tcp(stream)
            })
        };
        Metered {
            socket: socket.unwrap_or_else(|error| Socket::None(Some(error))),
            received: 0,
            too_large: self.too_large.clone(),
        }
    }

    fn handshake(
        &self,
    ) -> Result<<MakeRustlsConnect as MakeTlsConnect<Metered>>::TlsConnect, std::convert::Infallible>
    {
        MakeTlsConnect::<Metered>::make_tls_connect(&mut self.tls.clone(), &self.address.host)
    }
}

impl Connect for Dial {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let config = config.clone();
        Box::pin(async move {
            let stream = self.stream().await;
            let Ok(tls) = self.handshake();
            let (client, connection) = config.connect_raw(stream, tls).await?;
            let task = tokio::spawn(async move {
                // Why it ended shows in what was asked last.
                let _ended = connection.await;
            });
            Ok((client, task))
        })
    }
}

/// A stream to the server that counts.
struct Metered {
    socket: Socket,
    /// Bytes since something was last sent.
    received: u64,
    too_large: Arc<AtomicU64>,
}

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// None could be had; the reason is told at the first use, which is how the driver takes it.
    None(Option<io::Error>),
}

impl Socket {
    fn gone(error: &mut Option<io::Error>) -> io::Error {
        let error = error.take();
        error.unwrap_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Socket::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Socket::None(error) => Poll::Ready(Err(Socket::gone(error))),
        };
        let read = buffer.filled().len().saturating_sub(before);
        self.received = self.received.saturating_add(read as u64);
        if self.received > ANSWER_LIMIT {
            self.too_large.fetch_add(1, Ordering::Relaxed);
            return Poll::Ready(Err(io::Error::other("the answer is too large")));
        }
        polled
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.received = 0;
        match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Socket::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Socket::None(error) => Poll::Ready(Err(Socket::gone(error))),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Socket::Unix(stream) => Pin::new(stream).poll_flush(context),
            Socket::None(error) => Poll::Ready(Err(Socket::gone(error))),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Socket::None(_) => Poll::Ready(Ok(())),
        }
    }
}
