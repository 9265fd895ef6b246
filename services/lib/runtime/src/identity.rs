//! Who is asking: roles, named tokens, and the [`Actor`] that every request carries.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http;
use tower::{Layer, Service};
use uuid::Uuid;

/// Requests to these services need no token: whoever reaches the port may see that it lives and what it speaks.
const OPEN_SERVICES: [&str; 2] = ["/grpc.health.v1.", "/grpc.reflection."];

/// What a credential is for. [`Role::Admin`] may do everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reports readings.
    Device,
    /// Runs a park: reports, corrects, imports.
    Operator,
    /// Reads everything, changes nothing.
    Auditor,
    /// Reads what a park shares with others.
    Partner,
    /// Plays the devices and the people of a park, and owns the clock of a simulated one.
    Simulator,
    /// Everything.
    Admin,
}

impl Role {
    pub const ALL: [Role; 6] = [
        Role::Device,
        Role::Operator,
        Role::Auditor,
        Role::Partner,
        Role::Simulator,
        Role::Admin,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Device => "device",
            Role::Operator => "operator",
            Role::Auditor => "auditor",
            Role::Partner => "partner",
            Role::Simulator => "simulator",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| IdentityError::UnknownRole(text.to_owned()))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("`{0}` is no role: use device, operator, auditor, partner, simulator or admin")]
    UnknownRole(String),
    #[error(
        "`{0}` can't name a token: use 1 to 64 of a-z, 0-9, `.`, `_` and `-`, starting with a letter or digit"
    )]
    BadName(String),
    #[error("can't read the token file {path}: {source}; make one with `terrarium token create`")]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("token file {path}: {reason}")]
    Malformed { path: PathBuf, reason: String },
}

/// The credential behind a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub name: Arc<str>,
    pub role: Role,
    /// The only park it may touch; `None` = all parks.
    pub park: Option<Arc<str>>,
}

impl Actor {
    /// Who everybody is on a loopback server without tokens.
    pub fn local() -> Self {
        Self {
            name: "local".into(),
            role: Role::Admin,
            park: None,
        }
    }

    /// Passes if this actor has one of the `allowed` roles (or is an admin) and may touch `park`;
    /// otherwise `PERMISSION_DENIED` that names what is needed.
    pub fn require(&self, allowed: &[Role], park: &str) -> Result<(), Status> {
        let role_fits = self.role == Role::Admin || allowed.contains(&self.role);
        let park_fits = self.park.as_deref().is_none_or(|own| own == park);
        if role_fits && park_fits {
            return Ok(());
        }
        let needed = allowed
            .iter()
            .copied()
            .chain([Role::Admin])
            .collect::<BTreeSet<Role>>()
            .into_iter()
            .map(Role::as_str)
            .collect::<Vec<_>>()
            .join(" or ");
        let own_park = self.park.as_deref().unwrap_or("every park");
        Err(Status::permission_denied(format!(
            "token `{}` (role {}, park {own_park}) may not do this: it needs role {needed} on park {park}; \
             use such a token, or let an admin make one with `terrarium token create`",
            self.name, self.role
        )))
    }

    /// As [`Actor::require`] for requests that concern no single park.
    pub fn require_role(&self, allowed: &[Role]) -> Result<(), Status> {
        self.require(allowed, self.park.as_deref().unwrap_or("any"))
    }
}

/// One line of the token file. The token itself is written nowhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenEntry {
    name: String,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    park: Option<String>,
    /// Hex of the SHA-256 of the token's text.
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    #[serde(default)]
    tokens: Vec<TokenEntry>,
}

/// The tokens a server accepts.
#[derive(Clone, Debug, Default)]
pub struct TokenBook {
    entries: Vec<([u8; 32], Actor)>,
}

impl TokenBook {
    /// Reads a TOML file of `[[tokens]]` with `name`, `role`, `park` (optional) and `sha256`.
    pub fn read(path: &Path) -> Result<Self, IdentityError> {
        let text = std::fs::read_to_string(path).map_err(|source| IdentityError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|reason| IdentityError::Malformed {
            path: path.to_owned(),
            reason,
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: TokenFile = toml::from_str(text).map_err(|error| error.to_string())?;
        if file.tokens.is_empty() {
            return Err("no [[tokens]]; add one with `terrarium token create`".to_owned());
        }
        let mut names = BTreeSet::new();
        let mut entries = Vec::with_capacity(file.tokens.len());
        for token in file.tokens {
            check_name(&token.name).map_err(|error| error.to_string())?;
            if !names.insert(token.name.clone()) {
                return Err(format!("two tokens are named `{}`; rename one", token.name));
            }
            let mut hash = [0; 32];
            hex::decode_to_slice(&token.sha256, &mut hash).map_err(|error| {
                format!(
                    "sha256 of token `{}` is not 64 hex digits ({error}); make a new one with `terrarium token create`",
                    token.name
                )
            })?;
            let actor = Actor {
                name: token.name.into(),
                role: token.role,
                park: token.park.map(Arc::from),
            };
            entries.push((hash, actor));
        }
        Ok(Self { entries })
    }

    /// Whose token this is. Takes the same time for every wrong token.
    pub fn find(&self, token: &str) -> Option<&Actor> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut found = None;
        for (known, actor) in &self.entries {
            let difference = known
                .iter()
                .zip(&hash)
                .fold(0, |difference, (left, right)| difference | (left ^ right));
            if std::hint::black_box(difference) == 0 {
                found = Some(actor);
            }
        }
        found
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Makes a token: its text, to be shown once, and the `[[tokens]]` entry to append to the server's token file.
pub fn create_token(
    name: &str,
    role: Role,
    park: Option<&str>,
) -> Result<(String, String), IdentityError> {
    check_name(name)?;
    // Two version 4 UUIDs are 244 random bits from the operating system.
    let token = format!(
        "terrarium_{}{}",
        Uuid::new_v4().simple(),
        Uuid::new_v4().simple()
    );
    let file = TokenFile {
        tokens: vec![TokenEntry {
            name: name.to_owned(),
            role,
            park: park.map(str::to_owned),
            sha256: hex::encode(Sha256::digest(token.as_bytes())),
        }],
    };
    let entry = toml::to_string(&file).expect("strings always serialize");
    Ok((token, entry))
}

fn check_name(name: &str) -> Result<(), IdentityError> {
    let is_alphanumeric =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let good = (1..=64).contains(&name.len())
        && name.starts_with(is_alphanumeric)
        && name
            .chars()
            .all(|character| is_alphanumeric(character) || "._-".contains(character));
    if good {
        Ok(())
    } else {
        Err(IdentityError::BadName(name.to_owned()))
    }
}

/// The actor that [`Authenticator`] put into a request.
pub fn actor<T>(request: &tonic::Request<T>) -> Result<Actor, Status> {
    request
        .extensions()
        .get::<Actor>()
        .cloned()
        .ok_or_else(|| Status::internal("this server was assembled without an authenticator"))
}

/// A layer for the whole server: finds the [`Actor`] of each request or answers `UNAUTHENTICATED`.
#[derive(Clone, Debug)]
pub struct Authenticator {
    /// `None`: everybody is [`Actor::local`].
    book: Option<Arc<TokenBook>>,
}

impl Authenticator {
    /// For servers on loopback only.
    pub fn open() -> Self {
        Self { book: None }
    }

    pub fn with_tokens(book: TokenBook) -> Self {
        Self {
            book: Some(Arc::new(book)),
        }
    }

    /// Who sends a request with this `authorization` header.
    pub fn authenticate(&self, authorization: Option<&[u8]>) -> Result<Actor, Status> {
        let Some(book) = &self.book else {
            return Ok(Actor::local());
        };
        let Some(authorization) = authorization else {
            return Err(Status::unauthenticated(
                "this server needs a token: send `authorization: Bearer <token>` \
                 (terrarium: set TERRARIUM_TOKEN or give --token)",
            ));
        };
        let token = authorization
            .split_at_checked("bearer ".len())
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
            .and_then(|(_, token)| std::str::from_utf8(token).ok())
            .ok_or_else(|| {
                Status::unauthenticated("the authorization header must read `Bearer <token>`")
            })?;
        book.find(token.trim()).cloned().ok_or_else(|| {
            Status::unauthenticated(
                "this server does not know the token: check TERRARIUM_TOKEN or --token, \
                 or let an admin make one with `terrarium token create` and restart the server",
            )
        })
    }
}

impl<S> Layer<S> for Authenticator {
    type Service = Authenticated<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Authenticated {
            inner,
            authenticator: self.clone(),
        }
    }
}

/// See [`Authenticator`].
#[derive(Clone, Debug)]
pub struct Authenticated<S> {
    inner: S,
    authenticator: Authenticator,
}

impl<S, B> Service<http::Request<B>> for Authenticated<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let path = request.uri().path();
        let is_open = OPEN_SERVICES
            .iter()
            .any(|service| path.starts_with(service));
        if !is_open {
            let authorization = request.headers().get(http::header::AUTHORIZATION);
            let outcome = self
                .authenticator
                .authenticate(authorization.map(http::HeaderValue::as_bytes));
            match outcome {
                Ok(actor) => {
                    request.extensions_mut().insert(actor);
                }
                Err(status) => {
                    tracing::info!(path, reason = status.message(), "refused a request");
                    return Box::pin(async move { Ok(status.into_http()) });
                }
            }
        }
        Box::pin(self.inner.call(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    fn book_of(name: &str, role: Role, park: Option<&str>) -> (String, TokenBook) {
        let (token, entry) = create_token(name, role, park).expect("the name is good");
        (token, TokenBook::parse(&entry).expect("own entries parse"))
    }

    #[test]
    fn a_created_token_is_found_by_its_text_alone() {
        let (token, book) = book_of("gateway-1", Role::Device, Some("zne-homes"));
        let actor = book.find(&token).expect("just created");
        assert_eq!(&*actor.name, "gateway-1");
        assert_eq!(actor.role, Role::Device);
        assert_eq!(actor.park.as_deref(), Some("zne-homes"));
        assert!(book.find(&token[1..]).is_none());
        assert!(book.find("").is_none());
    }

    #[test]
    fn entries_can_be_appended_to_one_file() {
        let (first, mut text) = create_token("a", Role::Device, None).expect("good name");
        let (second, entry) = create_token("b", Role::Admin, None).expect("good name");
        text.push_str(&entry);
        let book = TokenBook::parse(&text).expect("both parse");
        assert_eq!(&*book.find(&first).expect("first").name, "a");
        assert_eq!(&*book.find(&second).expect("second").name, "b");
    }

    #[test]
    fn a_bad_token_file_says_what_is_wrong() {
        let (_, entry) = create_token("a", Role::Device, None).expect("good name");
        let twice = format!("{entry}{entry}");
        for (text, expected) in [
            ("", "no [[tokens]]"),
            (&twice, "two tokens are named `a`"),
            (
                "[[tokens]]\nname = \"a\"\nrole = \"god\"\nsha256 = \"\"",
                "unknown variant `god`",
            ),
            (
                "[[tokens]]\nname = \"a\"\nrole = \"device\"\nsha256 = \"00\"",
                "not 64 hex digits",
            ),
            (
                "[[tokens]]\nname = \"A b\"\nrole = \"device\"\nsha256 = \"00\"",
                "can't name a token",
            ),
        ] {
            let reason = TokenBook::parse(text).expect_err(expected);
            assert!(reason.contains(expected), "{reason}");
        }
    }

    #[test]
    fn refusals_tell_what_to_do() {
        let (token, book) = book_of("auditor-1", Role::Auditor, None);
        let authenticator = Authenticator::with_tokens(book);
        let ask = |header: Option<&str>| authenticator.authenticate(header.map(str::as_bytes));
        assert!(ask(Some(&format!("Bearer {token}"))).is_ok());
        assert!(ask(Some(&format!("bearer {token}"))).is_ok());
        for header in [
            None,
            Some("Bearer wrong"),
            Some("Basic xyz"),
            Some("Bearer"),
        ] {
            let status = ask(header).expect_err("no such token");
            assert_eq!(status.code(), Code::Unauthenticated);
            assert!(!status.message().contains("wrong"), "{}", status.message());
        }
    }

    #[test]
    fn a_role_or_park_that_does_not_fit_is_named_in_the_refusal() {
        let (token, book) = book_of("gateway-1", Role::Device, Some("zne-homes"));
        let device = book.find(&token).expect("just created");
        assert!(device.require(&[Role::Device], "zne-homes").is_ok());
        let wrong_park = device.require(&[Role::Device], "other").expect_err("park");
        assert_eq!(wrong_park.code(), Code::PermissionDenied);
        assert!(wrong_park.message().contains("park zne-homes"));
        assert!(
            wrong_park
                .message()
                .contains("role device or admin on park other")
        );
        let wrong_role = device
            .require(&[Role::Operator], "zne-homes")
            .expect_err("role");
        assert!(wrong_role.message().contains("role operator or admin"));
        assert!(Actor::local().require(&[], "any-park").is_ok());
    }

    #[test]
    fn every_role_reads_back_from_its_own_name() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().expect("own name"), role);
        }
        assert!("root".parse::<Role>().is_err());
    }
}
