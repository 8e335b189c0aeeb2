//! One file for each verb or noun of the command line.

pub(crate) mod check;
pub(crate) mod client;
pub(crate) mod key;
pub(crate) mod person;
pub(crate) mod serve;
