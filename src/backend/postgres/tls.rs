//! TLS by rustls and ring: encrypted, and verified where a file of authorities is given.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{config::Tls, line::Line};
use crate::error::{Error, Result};

/// What makes TLS sessions.
pub(super) type Connector = MakeRustlsConnect;
/// What makes one with a host.
type ToHost = <MakeRustlsConnect as MakeTlsConnect<Line>>::TlsConnect;
/// A session with a server.
pub(super) type Encrypted = <ToHost as TlsConnect<Line>>::Stream;

/// What makes a session with a host.
///
/// # Errors
/// `Configuration` where no certificate can have such a name.
pub(super) fn to_host(connector: &Connector, host: &str) -> Result<ToHost> {
    let made = MakeTlsConnect::<Line>::make_tls_connect(&mut connector.clone(), host);
    made.map_err(|cause| Error::configuration("TLS cannot be set up for this host").because(cause))
}

/// The connector of a way of protection.
///
/// # Errors
/// `Configuration` where the file of authorities does not read or holds none.
pub(super) fn connector(tls: &Tls) -> Result<Connector> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::configuration("TLS cannot be set up").because(cause))?;
    let config = match tls {
        Tls::Verify(file) => builder.with_root_certificates(authorities(file)?).with_no_client_auth(),
        _ => {
            let anyone = Arc::new(Anyone(provider));
            builder.dangerous().with_custom_certificate_verifier(anyone).with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn authorities(file: &Path) -> Result<RootCertStore> {
    let refused = |why: String| {
        Error::configuration(format!("the file of authorities: {why}")).at_url(&file.display().to_string())
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|cause| refused(cause.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|cause| refused(cause.to_string()))?;
        roots.add(certificate).map_err(|cause| refused(cause.to_string()))?;
    }
    if roots.is_empty() { Err(refused("it holds no certificate".to_owned())) } else { Ok(roots) }
}

/// Takes any certificate: the traffic is encrypted, and whom it goes to is not known.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
