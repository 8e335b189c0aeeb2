//! Porten from its front door, on SQLite and memory or on Postgres and Redis.
#![expect(clippy::indexing_slicing, reason = "what is missing from an answer fails the test")]
#![expect(clippy::too_many_lines, reason = "a test is a story, and its tables are long")]

mod assertion;
mod authorize;
mod consent;
mod dpop;
mod enterprise;
mod enumeration;
mod headers;
mod introspect;
mod keys;
mod limits;
mod login;
mod logout;
mod models;
mod otc;
mod outside;
mod par;
mod password;
mod plans;
mod protocol;
mod register;
mod request_object;
mod scopes;
mod session;
mod sms;
mod tidy;
mod token;
mod upstream;
mod userinfo;
