//! Porten from its front door, on SQLite and memory or on Postgres and Redis.

mod authorize;
mod enumeration;
mod headers;
mod login;
mod logout;
mod otc;
mod password;
mod protocol;
mod session;
mod sms;
mod tidy;
mod token;
mod userinfo;
