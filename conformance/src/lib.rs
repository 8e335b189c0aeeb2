//! What the tests stand on: Porten in this process ([`idp`]) or as the program it is ([`program`]), the
//! browser that walks through it ([`browser`]), and the passkey that it holds ([`authenticator`]).

pub mod authenticator;
pub mod browser;
pub mod client_key;
pub mod idp;
pub mod program;
