//! MinID in schools: a school's administration says which employee may issue to which pupil, and the employee issues.
//!
//! In reading order: [`register`] is who works and learns where, [`roster`] reads school owners' files, [`import`] compares
//! one with what is there, `guard` speaks against one that ends too much, and `carrying` takes it in; [`moving`] is a
//! school that goes to another owner, [`coupling`] what a school's administration has decided, [`issuing`] what employees
//! do by it, and [`report`] how far a school has come. An owner's staff send their [`file`] from a page, which says in its
//! reader's words what [`changes`] by it, and what is [`objected`]. [`told`] is what the trail says of files and denials.
//! [`sign_in`] is how they come in, [`routes`] lists their pages, [`sketch`] is what is not saved yet, [`said`] what a page
//! tells first, and an [`alias`] stands for somebody in addresses.

pub mod alias;
mod carrying;
pub mod changes;
pub mod coupling;
pub mod file;
mod guard;
pub mod import;
pub mod issuing;
pub mod moving;
pub mod objected;
pub mod register;
pub mod report;
pub mod roster;
pub mod routes;
pub mod said;
pub mod sign_in;
pub mod sketch;
pub mod told;
