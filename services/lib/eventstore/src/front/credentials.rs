//! Who may use the front: names and passwords, sent with each call as HTTP Basic credentials.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tonic::Status;

/// Names and the hashes of their passwords.
#[derive(Clone)]
pub struct Users {
    password_hashes: Arc<BTreeMap<String, [u8; 32]>>,
}

/// Why a file of users can't be used.
#[derive(Debug, Error)]
pub enum CredentialsError {
    #[error("can't read the users file {path}: {source}")]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "the users file {path} is wrong at line {line}: write one `name:password` a line, each name once"
    )]
    Line { path: PathBuf, line: usize },
    #[error("the users file {path} names nobody: write one `name:password` a line")]
    Empty { path: PathBuf },
}

impl Users {
    /// Reads a file with one `name:password` a line; empty lines and those that begin with `#` are skipped.
    pub fn read(path: &Path) -> Result<Users, CredentialsError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| CredentialsError::Unreadable {
                path: path.to_owned(),
                source,
            })?;
        let mut password_hashes = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = || CredentialsError::Line {
                path: path.to_owned(),
                line: number + 1,
            };
            let (name, password) = line.split_once(':').ok_or_else(wrong)?;
            let is_new = password_hashes
                .insert(name.to_owned(), hash(password.as_bytes()))
                .is_none();
            if name.is_empty() || password.is_empty() || !is_new {
                return Err(wrong());
            }
        }
        if password_hashes.is_empty() {
            return Err(CredentialsError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(Users {
            password_hashes: Arc::new(password_hashes),
        })
    }

    /// Checks the `authorization` header of a call.
    pub(super) fn check(&self, authorization: Option<&str>) -> Result<(), Status> {
        let refused = |what: &str| {
            Status::unauthenticated(format!(
                "{what}: put a name and password of this server into the connection string"
            ))
        };
        let authorization = authorization.ok_or_else(|| refused("the call has no credentials"))?;
        let (scheme, encoded) = authorization.split_once(' ').unwrap_or((authorization, ""));
        let pair = BASE64_STANDARD
            .decode(encoded.trim())
            .ok()
            .filter(|_| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| refused("the credentials are not HTTP Basic ones"))?;
        let (name, password) = pair.split_once(':').unwrap_or((&pair, ""));
        let given = hash(password.as_bytes());
        // Hashes are compared, and an unknown name takes as long as a known one.
        let known = self.password_hashes.get(name).copied().unwrap_or([0; 32]);
        let differing = given
            .iter()
            .zip(known)
            .fold(0, |differing, (a, b)| differing | (a ^ b));
        if differing == 0 {
            Ok(())
        } else {
            Err(refused("the name or the password is wrong"))
        }
    }
}

impl std::fmt::Debug for Users {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_set()
            .entries(self.password_hashes.keys())
            .finish()
    }
}

fn hash(password: &[u8]) -> [u8; 32] {
    Sha256::digest(password).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(text: &str) -> Result<Users, CredentialsError> {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let path = folder.path().join("users");
        std::fs::write(&path, text).expect("written");
        Users::read(&path)
    }

    #[test]
    fn only_the_right_name_with_the_right_password_gets_in() {
        let users = users("# people\nada:lovelace\n\nbob:a:b\n").expect("users");
        let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
        assert!(users.check(Some(&basic("ada:lovelace"))).is_ok());
        assert!(users.check(Some(&basic("bob:a:b"))).is_ok());
        for wrong in ["ada:Lovelace", "ada", "ada:", "eve:lovelace", ":", ""] {
            assert!(users.check(Some(&basic(wrong))).is_err(), "{wrong}");
        }
        assert!(users.check(Some("Bearer abc")).is_err());
        assert!(users.check(None).is_err());
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_line() {
        for (text, expected) in [
            ("ada:x\nada:y\n", "line 2"),
            ("ada\n", "line 1"),
            (":x\n", "line 1"),
            ("ada:\n", "line 1"),
            ("# nobody\n", "names nobody"),
        ] {
            let message = users(text).expect_err("wrong").to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
