//! TCP and TLS: listen and dial, frames in, frames out, limits.
