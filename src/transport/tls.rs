//! TLS by rustls, with the machine's certificate store and what the owner adds. There is no way to accept a wrong
//! certificate.

use std::{io, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    error::ErrorKind,
    relay::{Relay, RelayConfigError},
};

/// Ready-made settings for handshakes with one relay.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

/// A letter's ciphertext may wait here for the socket, so that a letter leaves in few system calls.
const OUT_BUFFER_MAX: usize = 256 * 1024;

/// A connection to another server of the owner's, such as one with a mailbox, made private by the rules for relays.
///
/// # Errors
///
/// When the certificates to trust cannot be read, or the server's is not one of them.
#[cfg(feature = "cli")]
pub(crate) async fn secured(
    host: &str,
    ca_file: Option<&Path>,
    stream: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    let tls = Tls::of(host, ca_file).map_err(io::Error::other)?;
    tls.connector.connect(tls.name, stream).await
}

impl Tls {
    pub(super) fn new(relay: &Relay) -> Result<Self, RelayConfigError> {
        Self::of(&relay.host, relay.ca_file.as_deref())
    }

    fn of(host: &str, ca_file: Option<&Path>) -> Result<Self, RelayConfigError> {
        let mut roots = RootCertStore::empty();
        let mut pinned = Vec::new();
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if let Some(path) = ca_file {
            let pem = std::fs::read(path)
                .map_err(|source| RelayConfigError::CaFile { path: path.to_owned(), source })?;
            let broken = |reason: String| RelayConfigError::CaContent { path: path.to_owned(), reason };
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|error| broken(error.to_string()))?;
                pinned.push(certificate.clone());
                roots.add(certificate).map_err(|error| broken(error.to_string()))?;
            }
            if roots.len() == before {
                return Err(broken("there is no BEGIN CERTIFICATE in it".to_owned()));
            }
        }
        if roots.is_empty() {
            let reason = native
                .errors
                .first()
                .map_or("its certificate store is empty".to_owned(), ToString::to_string);
            return Err(RelayConfigError::NoAuthorities { reason });
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let web_pki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| RelayConfigError::NoAuthorities { reason: error.to_string() })?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(PinnedOrIssued { pinned, web_pki }))
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(|_| RelayConfigError::Address {
            given: host.to_owned(),
            reason: "no certificate can carry this host name".to_owned(),
        })?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// One handshake.
    pub(super) async fn shake_hands(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, ErrorKind> {
        self.connector
            .connect_with(self.name.clone(), stream, |session| session.set_buffer_limit(Some(OUT_BUFFER_MAX)))
            .await
            .map_err(in_words)
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Trusts a certificate that `ca_file` holds itself, whatever is in it, and otherwise what an authority has issued
/// for the relay's name. Either way the relay has to prove that it holds the key.
#[derive(Debug)]
struct PinnedOrIssued {
    pinned: Vec<CertificateDer<'static>>,
    web_pki: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for PinnedOrIssued {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.pinned.iter().any(|pinned| pinned == end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        self.web_pki.verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.web_pki.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.web_pki.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.web_pki.supported_verify_schemes()
    }
}

/// A failed handshake, described so that its reader knows what to look at.
fn in_words(error: io::Error) -> ErrorKind {
    use CertificateError as Bad;
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return ErrorKind::Io(error);
    };
    let words = match tls {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => "the relay's certificate has expired".to_owned(),
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                "the relay's certificate is not valid yet (or this machine's clock is slow)".to_owned()
            }
            Bad::Revoked => "the relay's certificate was revoked".to_owned(),
            Bad::UnknownIssuer => {
                "the relay's certificate was issued by an authority that this machine does not know; if you trust it, name \
                 its certificate, or the relay's own, in `ca_file`"
                    .to_owned()
            }
            Bad::NotValidForName => "the relay's certificate is for another name".to_owned(),
            Bad::NotValidForNameContext { expected, presented } => {
                let mut names: Vec<&str> = presented
                    .iter()
                    .map(|name| name.trim_start_matches("DnsName(").trim_matches(['"', ')']))
                    .collect();
                names.truncate(5);
                let expected = expected.to_str();
                if names.is_empty() {
                    format!("the relay's certificate is not for {expected}")
                } else {
                    format!("the relay's certificate is for {}, not for {expected}", names.join(", "))
                }
            }
            Bad::Other(OtherError(cause)) if format!("{cause:?}").contains("CaUsedAsEndEntity") => {
                "the relay's certificate is self-signed; if it is yours, save it in a file and name that in `ca_file`"
                    .to_owned()
            }
            other => format!(
                "the relay's certificate cannot be trusted ({other}); if it is yours, save it in a file and name that in \
                 `ca_file`"
            ),
        },
        rustls::Error::InvalidMessage(_) => {
            "what the relay speaks on this port is not TLS: write the address with `smtp://` (STARTTLS, port 587) instead \
             of `smtps://` (port 465)"
                .to_owned()
        }
        rustls::Error::AlertReceived(alert) => {
            format!("the relay broke off the handshake ({alert:?}): it may know only TLS 1.0 or 1.1, which is not safe")
        }
        rustls::Error::PeerIncompatible(_) => {
            "the relay has no way of TLS that is safe today (TLS 1.2 or later): it needs an update".to_owned()
        }
        other => format!("the handshake failed: {other}"),
    };
    ErrorKind::Tls(words)
}
