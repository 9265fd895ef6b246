//! Where the bus is and how to be let in.

use std::fmt;
use std::path::{Path, PathBuf};

use async_nats::ServerAddr;

use super::BusError;

/// The NATS servers of the bus, one or a cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct BusAddress {
    urls: String,
    authority: Option<PathBuf>,
}

impl BusAddress {
    /// `urls`: one `nats://` or `tls://` URL, or several with commas between. Name and password in the first that has some
    /// count for all, also for servers of the cluster that are only found out later.
    pub fn new(urls: impl Into<String>) -> BusAddress {
        BusAddress {
            urls: urls.into(),
            authority: None,
        }
    }

    /// Asks every server for TLS with a certificate that this authority (PEM file) signed.
    pub fn with_authority(mut self, certificate: Option<&Path>) -> BusAddress {
        self.authority = certificate.map(Path::to_owned);
        self
    }

    /// The servers, and the name and password to be let in with.
    pub(super) fn servers(&self) -> Result<(Vec<ServerAddr>, Option<Credentials>), BusError> {
        let mut servers = Vec::new();
        for url in self.each_url() {
            let server: ServerAddr = url.parse().map_err(|error| BusError::Address {
                url: self.to_string(),
                reason: format!("{error}"),
            })?;
            servers.push(server);
        }
        let credentials = servers.iter().find_map(|server| {
            Some(Credentials {
                name: server.username()?.to_owned(),
                password: server.password()?.to_owned(),
            })
        });
        Ok((servers, credentials))
    }

    pub(super) fn authority(&self) -> Result<Option<&Path>, BusError> {
        let Some(path) = &self.authority else {
            return Ok(None);
        };
        // The client only finds out while connecting, and then says less.
        let text = std::fs::read_to_string(path).map_err(|error| BusError::Authority {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        if !text.contains("CERTIFICATE-----") {
            return Err(BusError::Authority {
                path: path.clone(),
                reason: "it holds no certificate in PEM".to_owned(),
            });
        }
        Ok(Some(path))
    }

    fn each_url(&self) -> impl Iterator<Item = &str> {
        self.urls
            .split(',')
            .map(str::trim)
            .filter(|url| !url.is_empty())
    }
}

/// Name and password at the bus.
pub(super) struct Credentials {
    pub name: String,
    pub password: String,
}

impl From<&str> for BusAddress {
    fn from(urls: &str) -> BusAddress {
        BusAddress::new(urls)
    }
}

impl From<&String> for BusAddress {
    fn from(urls: &String) -> BusAddress {
        BusAddress::new(urls.as_str())
    }
}

impl From<&BusAddress> for BusAddress {
    fn from(address: &BusAddress) -> BusAddress {
        address.clone()
    }
}

/// Without names and passwords.
impl fmt::Display for BusAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, url) in self.each_url().enumerate() {
            let separator = if place == 0 { "" } else { "," };
            match (url.split_once("://"), url.rsplit_once('@')) {
                (Some((scheme, _)), Some((_, host))) => {
                    write!(formatter, "{separator}{scheme}://***@{host}")?;
                }
                _ => write!(formatter, "{separator}{url}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for BusAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "BusAddress({self}, {:?})", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_several_urls_and_its_credentials_count_for_all_and_are_never_shown() {
        let address = BusAddress::new("tls://terrarium:s3cret@nats-1:4222, tls://nats-2:4222");
        let (servers, credentials) = address.servers().expect("two URLs");
        let hosts: Vec<&str> = servers.iter().map(ServerAddr::host).collect();
        assert_eq!(hosts, ["nats-1", "nats-2"]);
        let credentials = credentials.expect("the first has them");
        assert_eq!(
            (&*credentials.name, &*credentials.password),
            ("terrarium", "s3cret")
        );
        assert_eq!(
            address.to_string(),
            "tls://***@nats-1:4222,tls://nats-2:4222"
        );
        assert!(!format!("{address:?}").contains("s3cret"));
    }

    #[test]
    fn a_wrong_url_or_authority_is_named() {
        let wrong = BusAddress::new("nats://ok:4222,http://:no").servers();
        let Err(error) = wrong else {
            panic!("that is no NATS URL");
        };
        assert!(error.to_string().contains("http://:no"), "{error}");
        let nowhere = Path::new("/nowhere/ca.pem");
        let error = BusAddress::new("tls://h")
            .with_authority(Some(nowhere))
            .authority()
            .expect_err("no such file");
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }
}
