//! One file for each page family or endpoint. [`crate::school::routes`] is their table of contents.

pub mod import;
pub mod school_admin;
pub mod school_file;
pub mod school_report;
pub mod school_teacher;
