//! What the tests stand on: Porten in this process ([`idp`]) or as the program it is ([`program`]), and the
//! browser that walks through it ([`browser`]).

pub mod browser;
pub mod client_key;
pub mod idp;
pub mod program;
