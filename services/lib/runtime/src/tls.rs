//! Certificates: loading them for both ends, and a local authority to sign them.

use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

use crate::settings::TlsSettings;

const AUTHORITY_FILES: [&str; 4] = ["ca.pem", "ca-key.pem", "server.pem", "server-key.pem"];
const SECRET_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("can't read {what} {path}: {source}")]
    Unreadable {
        what: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} holds no {what} in PEM; make a pair with `terrarium ca`")]
    NotPem { what: &'static str, path: PathBuf },
    #[error("give at least one host name or IP address that the server will be reached by")]
    NoHosts,
    #[error("`{host}` can't be put into a certificate: {reason}")]
    BadHost { host: String, reason: String },
    #[error("{0} exists and is not overwritten; move it away or name another folder")]
    Exists(PathBuf),
    #[error("can't write {path}: {source}")]
    Unwritable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("can't make the certificate: {0}")]
    Signing(#[from] rcgen::Error),
}

/// Where [`create_authority`] put its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityFiles {
    /// For clients (`--tls-ca`, `TERRARIUM_TLS_CA`).
    pub ca: PathBuf,
    /// Signs further certificates; keep it away from servers.
    pub ca_key: PathBuf,
    /// For the server's `tls.certificate`.
    pub certificate: PathBuf,
    /// For the server's `tls.key`.
    pub key: PathBuf,
}

/// Gives the process a cryptography provider unless it has one.
///
/// With more than one in the build nobody is chosen by itself, and TLS panics without a choice. The `eventstore` client panics in
/// its turn if it is not the first to choose, so it is made before this is called.
pub fn ensure_crypto_provider() {
    // An error only says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The server's side: certificate chain and key, both PEM.
pub fn server_tls(settings: &TlsSettings) -> Result<ServerTlsConfig, TlsError> {
    let certificate = read_pem("certificate", &settings.certificate, "CERTIFICATE-----")?;
    let key = read_pem("private key", &settings.key, "PRIVATE KEY-----")?;
    ensure_crypto_provider();
    Ok(ServerTlsConfig::new().identity(Identity::from_pem(certificate, key)))
}

/// The client's side, trusting exactly the certificates in the PEM file `ca`.
pub fn client_tls(ca: &Path) -> Result<ClientTlsConfig, TlsError> {
    let certificates = read_pem("certificate", ca, "CERTIFICATE-----")?;
    Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(certificates)))
}

fn read_pem(what: &'static str, path: &Path, marker: &str) -> Result<String, TlsError> {
    let text = std::fs::read_to_string(path).map_err(|source| TlsError::Unreadable {
        what,
        path: path.to_owned(),
        source,
    })?;
    if text.contains(marker) {
        Ok(text)
    } else {
        Err(TlsError::NotPem {
            what,
            path: path.to_owned(),
        })
    }
}

/// Makes a certificate authority and a server certificate for `hosts` (DNS names and IP addresses) in `folder`.
///
/// Writes `ca.pem`, `ca-key.pem`, `server.pem` and `server-key.pem` (keys with mode 0600) and overwrites none of them.
pub fn create_authority(folder: &Path, hosts: &[String]) -> Result<AuthorityFiles, TlsError> {
    if hosts.is_empty() {
        return Err(TlsError::NoHosts);
    }
    for name in AUTHORITY_FILES {
        let path = folder.join(name);
        if path.exists() {
            return Err(TlsError::Exists(path));
        }
    }

    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority
        .distinguished_name
        .push(DnType::CommonName, "Terrarium local authority");
    authority.not_before = date_time_ymd(2020, 1, 1);
    authority.not_after = date_time_ymd(2100, 1, 1);
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;

    let mut server = server_parameters(hosts)?;
    server.is_ca = IsCa::ExplicitNoCa;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // Members of a NATS or KurrentDB cluster show each other the same certificate from both ends.
    server.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    server.use_authority_key_identifier_extension = true;
    server
        .distinguished_name
        .push(DnType::CommonName, hosts[0].as_str());
    server.not_before = date_time_ymd(2020, 1, 1);
    server.not_after = date_time_ymd(2100, 1, 1);
    let server_key = KeyPair::generate()?;
    let issuer = Issuer::from_params(&authority, &authority_key);
    let server_certificate = server.signed_by(&server_key, &issuer)?;

    std::fs::create_dir_all(folder).map_err(|source| TlsError::Unwritable {
        path: folder.to_owned(),
        source,
    })?;
    let [ca, ca_key, certificate, key] = AUTHORITY_FILES.map(|name| folder.join(name));
    write_new(&ca, &authority_certificate.pem(), PUBLIC_MODE)?;
    write_new(&ca_key, &authority_key.serialize_pem(), SECRET_MODE)?;
    write_new(&certificate, &server_certificate.pem(), PUBLIC_MODE)?;
    write_new(&key, &server_key.serialize_pem(), SECRET_MODE)?;
    Ok(AuthorityFiles {
        ca,
        ca_key,
        certificate,
        key,
    })
}

fn server_parameters(hosts: &[String]) -> Result<CertificateParams, TlsError> {
    for host in hosts {
        let is_plausible = host.parse::<IpAddr>().is_ok()
            || (!host.is_empty()
                && host.chars().all(|character| {
                    character.is_ascii_alphanumeric() || ".-*".contains(character)
                }));
        if !is_plausible {
            return Err(TlsError::BadHost {
                host: host.clone(),
                reason: "it is neither a DNS name nor an IP address".to_owned(),
            });
        }
        CertificateParams::new(vec![host.clone()]).map_err(|error| TlsError::BadHost {
            host: host.clone(),
            reason: error.to_string(),
        })?;
    }
    Ok(CertificateParams::new(hosts.to_vec())?)
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let unwritable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AlreadyExists => TlsError::Exists(path.to_owned()),
        _ => TlsError::Unwritable {
            path: path.to_owned(),
            source,
        },
    };
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(unwritable)?;
    file.write_all(text.as_bytes()).map_err(unwritable)?;
    file.sync_all().map_err(unwritable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_authority_keeps_its_keys_to_itself_and_is_never_overwritten() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let files = create_authority(folder.path(), &hosts).expect("an empty folder");
        for key in [&files.key, &files.ca_key] {
            let mode = std::fs::metadata(key)
                .expect("written")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let before = std::fs::read(&files.ca).expect("written");
        let refusal = create_authority(folder.path(), &hosts).expect_err("exists");
        assert!(refusal.to_string().contains("not overwritten"), "{refusal}");
        assert_eq!(std::fs::read(&files.ca).expect("still there"), before);
    }

    #[test]
    fn hosts_that_fit_no_certificate_are_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let refusal =
            create_authority(folder.path(), &["https://x".to_owned()]).expect_err("a URL");
        assert!(refusal.to_string().contains("`https://x`"), "{refusal}");
        assert!(create_authority(folder.path(), &[]).is_err());
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("readable").count(),
            0
        );
    }

    #[test]
    fn swapped_certificate_and_key_are_noticed_before_binding() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files = create_authority(folder.path(), &["localhost".to_owned()]).expect("empty");
        let swapped = TlsSettings {
            certificate: files.key,
            key: files.certificate,
        };
        let refusal = server_tls(&swapped).expect_err("swapped");
        assert!(
            refusal.to_string().contains("no certificate in PEM"),
            "{refusal}"
        );
    }
}
