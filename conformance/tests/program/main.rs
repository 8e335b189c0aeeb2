//! The program `porten` from outside: the real binary, its files, its ports, its words and its exit codes.
//!
//! [`site`] is a folder with all that a server needs, [`visitor`] a citizen with a browser and a service, and
//! [`outside`] what stands around a server: an SMS gateway, Redis, a way to the database that can be cut.
//! Every other module tells stories. With `TEST_DATABASE_URL` and `TEST_REDIS_URL` the same stories are told on
//! Postgres and Redis.

#![expect(clippy::indexing_slicing, reason = "what is missing from an answer fails the test")]
#![expect(clippy::unnecessary_debug_formatting, reason = "a path in a configuration stands in quotation marks")]

mod outside;
mod site;
mod visitor;

mod accounts;
mod check;
mod clients;
mod dev;
mod gateway;
mod health;
mod kannel;
mod keys;
mod letters;
mod letters_desk;
mod letters_sftp;
mod nodes;
mod people;
mod schools;
mod scopes;
mod serve;
mod silence;
mod stopping;
mod tls;
