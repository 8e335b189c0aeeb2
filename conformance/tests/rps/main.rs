//! Relying parties that Porten's authors did not write, each logging in for real: npm's `openid-client` and
//! `oauth4webapi`, Python's Authlib, and Apache's `mod_auth_openidc`, against `porten serve` over HTTPS.
//!
//! [`stage`] is the server with its certificate and its clients, [`visitor`] the citizen's browser, which runs no
//! script, and [`script`] how a relying party in `conformance/rps` is run. The rest tells stories. What is not
//! installed fails here and says how it is installed; `conformance/run` does it all.

#![expect(clippy::indexing_slicing, reason = "what is missing from an answer fails the test")]

mod script;
mod stage;
mod visitor;

mod authlib;
mod machine;
mod mod_auth_openidc;
mod oauth4webapi;
mod openid_client;
