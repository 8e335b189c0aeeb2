//! Porten from its front door, on SQLite and memory or on Postgres and Redis.
#![expect(clippy::indexing_slicing, reason = "what is missing from an answer fails the test")]
#![expect(clippy::too_many_lines, reason = "a test is a story, and its tables are long")]

mod account;
mod app;
mod assertion;
mod authorize;
mod consent;
mod contact_page;
mod dpop;
mod enterprise;
mod enumeration;
mod forgotten;
mod hang_up;
mod headers;
mod imported;
mod introspect;
mod keys;
mod limits;
mod login;
mod logout;
mod mail;
mod models;
mod otc;
mod outside;
mod par;
mod passkey;
mod password;
mod plans;
mod profile;
mod protocol;
mod push;
mod recovery_code;
mod register;
mod request_object;
mod retirement;
mod scopes;
mod session;
mod sms;
mod tidy;
mod token;
mod totp;
mod trail;
mod upstream;
mod userinfo;
