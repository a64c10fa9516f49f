//! A running switch for C programs, under the names an older product gave its functions: `include/fxapi.h` says what
//! each of them does.
//!
//! ```text
//!   C ─▶ border: pointers become values, panics become 15 ─▶ sessions ─▶ orders, sending ─▶ http ─▶ control socket
//! ```
//! It decides nothing: what becomes of money is the switch's to say, and what nobody knows is called
//! [`rc::Rc::TIME_OUT`] or [`rc::Rc::ERROR_SOCKET`], never declined.

mod answer;
#[allow(unsafe_code, reason = "whoever takes pointers from C has to read and write through them")]
pub mod border;
mod http;
mod message;
mod orders;
mod place;
pub mod rc;
mod request;
mod sending;
mod sessions;
