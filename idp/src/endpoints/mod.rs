//! One file for each endpoint or family of pages; they never use one another.

pub mod activate;
pub mod authorize;
pub mod device;
pub mod discovery;
pub mod eid;
pub mod front;
pub mod health;
pub mod introspect;
pub mod language;
pub mod letter;
pub mod login;
pub mod logout;
pub mod par;
pub mod postbox;
pub mod profile;
pub mod register;
pub mod revoke;
pub mod token;
pub mod userinfo;
