//! What the tests stand on: Porten in this process ([`idp`]) or as the program it is ([`program`]), the
//! browser that walks through it ([`browser`]), the passkey that it holds ([`authenticator`]), and a database of where
//! addresses are ([`mmdb`]); a client's key ([`client_key`]), and a provider of another eID ([`provider`]), which may
//! encrypt what it tells ([`jwe`]); and what is said to the log ([`overheard`]).

pub mod authenticator;
pub mod browser;
pub mod client_key;
pub mod idp;
pub mod jwe;
pub mod mmdb;
pub mod overheard;
pub mod program;
pub mod provider;
