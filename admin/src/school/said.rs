//! What a page says first, of what has just been done or not: by a word in its address, since it is read after a form.

use idp::params::Params;

/// In the address: the changes are saved.
pub const SAVED: &str = "sagt=lagret";
/// In the address: the changes are saved of the class before this one.
pub const SAVED_BEFORE: &str = "sagt=lagret-neste";
/// In the address: the code is dead, because the name beside it was another's.
pub const WRONG_NAME: &str = "sagt=feil-navn";
/// In the address: the same, and somebody has registered with it before.
pub const CODE_USED: &str = "sagt=kode-brukt";
/// In the address: the code that was shown is dead, for there is a newer one.
pub const NEWER_CODE: &str = "sagt=ny-kode";
/// In the address: the session was over when the form came.
pub const NOT_SAVED: &str = "sagt=ikke-lagret";
/// In the address: the owner's file is taken in.
pub const FILE_TAKEN: &str = "sagt=fil-tatt-inn";
/// In the address: the same, and whoever sent it acts for the owner no longer.
pub const FILE_TAKEN_LEFT: &str = "sagt=fil-tatt-inn-uten-deg";

/// What is said where the class has become another since a form's page was shown.
pub const CHANGED: Said = Said { words: "school-changed-meanwhile", color: "warning" };

/// What is said.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// In these words.
    pub words: &'static str,
    /// In this colour.
    pub color: &'static str,
}

/// What the query of an address says.
pub fn of(query: &Params) -> Option<Said> {
    let word = format!("sagt={}", query.field("sagt")?);
    let (words, color) = match word.as_str() {
        SAVED => ("school-saved", "success"),
        SAVED_BEFORE => ("school-saved-next", "success"),
        WRONG_NAME => ("school-name-was-wrong", "success"),
        CODE_USED => ("school-name-was-wrong-used", "danger"),
        NEWER_CODE => ("school-newer-code", "warning"),
        FILE_TAKEN => ("school-file-taken", "success"),
        FILE_TAKEN_LEFT => ("school-file-taken-left", "success"),
        NOT_SAVED => ("school-not-saved", "warning"),
        _ => return None,
    };
    Some(Said { words, color })
}
