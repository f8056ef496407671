//! What each `sslmode` means here, as a configuration of the TLS library.
//!
//! - `disable`: never. `prefer`: encrypted where the server offers it, its certificate not looked at (the default on this machine).
//! - `require`: encrypted or not at all; the certificate is looked at only where `sslrootcert` names an authority (the default
//!   for other machines).
//! - `verify-ca`: the certificate comes from the authority. `verify-full`: and names the host.
//!
//! The authorities are those of the system, or of the file in `sslrootcert`. A TLS connection that fails never becomes a plain one.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How the way to the server is protected.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Whether and what is checked.
    pub mode: Mode,
    /// Who may vouch for the server.
    pub roots: Roots,
    /// Our own certificate and key, where the server wants one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// `sslmode`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Plain.
    Disable,
    /// Encrypted where the server can.
    Prefer,
    /// Encrypted.
    Require,
    /// Encrypted, by a certificate of the authority.
    VerifyCa,
    /// The same, and it names the host.
    VerifyFull,
}

/// Who may vouch for the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// Nothing was said.
    Unsaid,
    /// The system's authorities.
    System,
    /// Those in a file.
    File(PathBuf),
}

impl Mode {
    /// Reads the word.
    ///
    /// # Errors
    /// Another word.
    pub fn parse(word: &str) -> Result<Self, String> {
        match word {
            "disable" => Ok(Self::Disable),
            "prefer" | "allow" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err(
                "`sslmode` must be disable, prefer, require, verify-ca or verify-full".to_owned(),
            ),
        }
    }

    /// What holds when nothing is said.
    pub fn default_for(host: &str) -> Self {
        let here = host.starts_with('/')
            || host == "localhost"
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        if here { Self::Prefer } else { Self::Require }
    }

    /// The same in the driver's words.
    pub fn ssl_mode(self) -> SslMode {
        match self {
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            Self::Require | Self::VerifyCa | Self::VerifyFull => SslMode::Require,
        }
    }
}

impl Roots {
    /// Reads `sslrootcert`.
    pub fn parse(text: Option<String>) -> Self {
        match text {
            None => Self::Unsaid,
            Some(text) if text == "system" => Self::System,
            Some(text) => Self::File(text.into()),
        }
    }
}

impl Tls {
    /// What makes TLS connections in this way.
    ///
    /// # Errors
    /// A file of certificates that cannot be read, or that holds none.
    pub fn connector(&self) -> Result<MakeRustlsConnect, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match (self.mode, &self.roots) {
            (Mode::VerifyFull, roots) => self.authority(roots, &provider, true)?,
            (Mode::VerifyCa, roots) | (Mode::Require, roots @ (Roots::File(_) | Roots::System)) => {
                self.authority(roots, &provider, false)?
            }
            (Mode::Disable | Mode::Prefer | Mode::Require, _) => Arc::new(Checked {
                authority: None,
                name: false,
                provider: provider.clone(),
            }),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match &self.identity {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|e| format!("the key `{}` cannot be read: {e}", key.display()))?;
                config
                    .with_client_auth_cert(certificates(certificate)?, key)
                    .map_err(|error| format!("sslcert and sslkey do not fit: {error}"))?
            }
        };
        Ok(MakeRustlsConnect::new(config))
    }

    fn authority(
        &self,
        roots: &Roots,
        provider: &Arc<CryptoProvider>,
        name: bool,
    ) -> Result<Arc<dyn ServerCertVerifier>, String> {
        let mut store = RootCertStore::empty();
        let found = match roots {
            Roots::File(file) => certificates(file)?,
            Roots::Unsaid | Roots::System => rustls_native_certs::load_native_certs().certs,
        };
        store.add_parsable_certificates(found);
        if store.is_empty() {
            return Err(
                "no authority's certificate was found; name a file with sslrootcert".into(),
            );
        }
        let built =
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone()).build();
        Ok(Arc::new(Checked {
            authority: Some(built.map_err(|error| error.to_string())?),
            name,
            provider: provider.clone(),
        }))
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |why: String| {
        format!(
            "the certificates in `{}` cannot be read: {why}",
            file.display()
        )
    };
    let read = CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))?;
    let found: Vec<_> = read
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() {
        return Err(wrong("there is none in it".to_owned()));
    }
    Ok(found)
}

/// Looks at the server's certificate as far as the mode says. That the server has the certificate's key is always checked.
#[derive(Debug)]
struct Checked {
    authority: Option<Arc<WebPkiServerVerifier>>,
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Checked {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authority) = &self.authority else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified = authority.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // The name is the last thing looked at: all else was well.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let known = &self.provider.signature_verification_algorithms;
        known.supported_schemes()
    }
}
