//! TLS by certificate files, which are read again when the process is told SIGHUP: new connections then get the new certificate.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::servers::http::options::TlsFiles;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The certificate in force.
pub struct Tls {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn open(files: TlsFiles) -> Result<Self, String> {
        let config = RwLock::new(read(&files)?);
        Ok(Self { files, config })
    }

    /// Reads the files again. On an error what was in force stays so.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn reread(&self) -> Result<(), String> {
        let config = read(&self.files)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// Shakes hands, within a limit.
    ///
    /// # Errors
    /// The client speaks no TLS, or none that is good, or is too slow.
    pub async fn greet(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = self.config.read();
        let config = config.unwrap_or_else(PoisonError::into_inner).clone();
        let handshake = TlsAcceptor::from(config).accept(stream);
        tokio::time::timeout(HANDSHAKE, handshake).await?
    }
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, String> {
    let certificate = files.certificate.display();
    let key = files.key.display();
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(|pieces| pieces.collect::<Result<Vec<_>, _>>())
        .map_err(|e| format!("cannot read the certificate `{certificate}`: {e}"))?;
    if chain.is_empty() {
        return Err(format!(
            "there is no certificate in `{certificate}`; it must be PEM"
        ));
    }
    let private = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|e| format!("cannot read the private key `{key}`: {e}"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|e| format!("`{certificate}` and `{key}` cannot be used together: {e}"))?;
    let mut config = config;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
