//! Who asks.

use super::keys::Pass;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::convert::Infallible;

/// The name of all who may write to the control socket.
pub(crate) const LOCAL: &str = "local";

/// Who asks: `local`, or the name of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) name: String,
    /// Whether orders to the switch are theirs to give.
    pub(crate) is_operator: bool,
}

impl Caller {
    /// Whether they came over the socket of this machine, where the file's mode says who may.
    pub(crate) fn is_local(&self) -> bool {
        self.name == LOCAL
    }

    pub(crate) fn local() -> Self {
        Self { name: LOCAL.into(), is_operator: true }
    }
}

impl<S: Sync> FromRequestParts<S> for Pass {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    /// Whoever has shown a key; otherwise somebody on this machine, because without a key nobody else gets here.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::local))
    }
}
