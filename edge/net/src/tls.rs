use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// TLS 1.2 or later on a listener. All files are PEM.
#[derive(Clone, Debug)]
pub struct TlsServer {
    /// Our certificate, and those between it and an authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities whose clients are let in; without it no client certificate is asked for.
    pub client_authorities: Option<PathBuf>,
}

/// TLS 1.2 or later on a link. All files are PEM.
#[derive(Clone, Debug)]
pub struct TlsClient {
    /// Authorities the host's certificate must come from.
    pub authorities: PathBuf,
    /// The name the host's certificate must bear.
    pub server_name: String,
    /// Our own certificate and its private key, where the host asks for them.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// What is wrong with the certificates and keys we were given. The operator's to mend; nothing of a key is told.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The file is not PEM.
    #[error("{} is not a PEM file", file.display())]
    NotPem {
        /// The file.
        file: PathBuf,
    },
    /// The file holds no certificate.
    #[error("{} holds no certificate", file.display())]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// The file holds no private key.
    #[error("{} holds no private key", file.display())]
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// A certificate in the file cannot be trusted as an authority.
    #[error("{} holds something that is no authority's certificate", file.display())]
    NotAuthority {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
    /// The authorities cannot be used to check clients.
    #[error("clients cannot be checked with {}", file.display())]
    Authorities {
        /// The file.
        file: PathBuf,
        /// What is wrong with them.
        #[source]
        source: VerifierBuilderError,
    },
    /// Certificate and key do not go together, or are of a kind we do not use.
    #[error("certificate {} and key {} cannot be used together", certificate.display(), key.display())]
    Identity {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong with them.
        #[source]
        source: rustls::Error,
    },
    /// The name the host should bear is no name.
    #[error("{name:?} is neither a host name nor an address")]
    ServerName {
        /// The name.
        name: String,
    },
}

/// The server's side of a TLS connection.
pub type TlsLine = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;

/// What answers handshakes, for those who speak something else than frames.
#[derive(Clone)]
pub struct TlsDoor(TlsAcceptor);

impl TlsDoor {
    /// Shakes hands; whoever calls limits how long that may take.
    pub async fn accept(&self, stream: tokio::net::TcpStream) -> io::Result<TlsLine> {
        self.0.accept(stream).await
    }
}

impl TlsServer {
    /// Reads certificate and key.
    pub fn door(&self) -> Result<TlsDoor, TlsError> {
        self.load().map(TlsDoor)
    }

    /// Whether its files can be used, as they are now.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn check(&self) -> Result<(), TlsError> {
        self.load().map(drop)
    }

    pub(crate) fn load(&self) -> Result<TlsAcceptor, TlsError> {
        let (chain, key) = (certificates(&self.certificate)?, private_key(&self.key)?);
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring offers TLS 1.2 and 1.3");
        let builder = match &self.client_authorities {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let roots = Arc::new(authorities(file)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
                    .build()
                    .map_err(|source| TlsError::Authorities { file: file.clone(), source })?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let config = builder
            .with_single_cert(chain, key)
            .map_err(|source| identity_error(&self.certificate, &self.key, source))?;
        Ok(Arc::new(config).into())
    }
}

impl TlsClient {
    /// Whether its files can be used, as they are now.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn check(&self) -> Result<(), TlsError> {
        self.config().map(drop)
    }

    pub(crate) fn load(&self) -> Result<(TlsConnector, ServerName<'static>), TlsError> {
        let (config, name) = self.config()?;
        Ok((config.into(), name))
    }

    pub(crate) fn config(&self) -> Result<(Arc<ClientConfig>, ServerName<'static>), TlsError> {
        let roots = authorities(&self.authorities)?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring offers TLS 1.2 and 1.3")
            .with_root_certificates(roots);
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(|source| identity_error(certificate, key, source))?,
        };
        let name = ServerName::try_from(self.server_name.clone())
            .map_err(|_| TlsError::ServerName { name: self.server_name.clone() })?;
        Ok((Arc::new(config), name))
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(file).map_err(|error| pem_error(file, error))?.collect();
    let chain = chain.map_err(|error| pem_error(file, error))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { file: file.to_owned() });
    }
    Ok(chain)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey { file: file.to_owned() },
        error => pem_error(file, error),
    })
}

fn authorities(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|source| TlsError::NotAuthority { file: file.to_owned(), source })?;
    }
    Ok(roots)
}

/// Only the system's own words are passed on: what a PEM reader quotes may be a key.
fn pem_error(file: &Path, error: pem::Error) -> TlsError {
    let file = file.to_owned();
    match error {
        pem::Error::Io(source) => TlsError::Read { file, source },
        _ => TlsError::NotPem { file },
    }
}

fn identity_error(certificate: &Path, key: &Path, source: rustls::Error) -> TlsError {
    TlsError::Identity { certificate: certificate.to_owned(), key: key.to_owned(), source }
}
