//! A server with tokens, and requests that carry one.

use std::path::PathBuf;

use tonic::Request;

use crate::binary::{command, run};
use crate::park::Park;

/// A park whose server asks everyone for a token.
pub struct GuardedPark {
    /// The park; start it when its tokens are made.
    pub park: Park,
    tokens: PathBuf,
}

impl GuardedPark {
    /// Guards a park that is not started yet.
    pub fn new(park: Park) -> GuardedPark {
        let tokens = park.scratch("tokens.toml");
        let park = park.with_variable("TERRARIUM_TOKENS", &tokens.to_string_lossy());
        GuardedPark { park, tokens }
    }

    /// Makes a token for every park, or for one.
    ///
    /// # Panics
    /// When `terrarium token create` fails.
    pub fn token(&self, name: &str, role: &str, park: Option<&str>) -> String {
        let mut create = command();
        create
            .args([
                "token", "create", "--name", name, "--role", role, "--format", "json", "--tokens",
            ])
            .arg(&self.tokens);
        if let Some(park) = park {
            create.args(["--park", park]);
        }
        let made = run(&mut create).expect_code(0).json();
        made["token"].as_str().expect("a token").to_owned()
    }
}

/// A request that carries a token.
///
/// # Panics
/// When the token is no plain text.
pub fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}")
        .parse()
        .expect("a token is plain text");
    request.metadata_mut().insert("authorization", value);
    request
}
