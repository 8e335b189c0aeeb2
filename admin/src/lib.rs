//! What those who administer meet, as far as tests meet it too; the program's verbs stand beside it.
//!
//! [`school`] is MinID in schools, [`endpoints`] what is reached of it over HTTP, and [`letters`] how activation letters
//! are printed and handed over.

pub mod endpoints;
pub mod letters;
pub mod school;
