//! TLS of the listening socket.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use webscripts_config::settings::ListenSettings;

/// Accepts TLS connections with the certificate of the settings; `None`: plain HTTP.
///
/// # Errors
///
/// When only one of the two files is named, or one cannot be used.
pub fn acceptor(settings: &ListenSettings) -> anyhow::Result<Option<TlsAcceptor>> {
    match (&settings.tls_certificate, &settings.tls_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            Ok(Some(TlsAcceptor::from(Arc::new(load(certificate, key)?))))
        }
        (Some(_), None) => bail!("`tls_certificate` is set, but not `tls_key`"),
        (None, Some(_)) => bail!("`tls_key` is set, but not `tls_certificate`"),
    }
}

/// Reads a certificate chain and its key: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
///
/// # Errors
///
/// Which file cannot be used, and why.
pub fn load(certificate: &Path, key: &Path) -> anyhow::Result<ServerConfig> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("the certificate `{}` cannot be read", certificate.display()))?;
    if chain.is_empty() {
        bail!("`{}` holds no certificate (PEM, `BEGIN CERTIFICATE`)", certificate.display());
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("the private key `{}` cannot be read", key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("the TLS library offers no protocol version")?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .with_context(|| {
            format!("`{}` and `{}` do not fit together", certificate.display(), key.display())
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
