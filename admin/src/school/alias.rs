//! What stands in addresses and forms for somebody in a class: our own ids stay inside.

use authenticators::chance::TokenHash;
use authenticators::person::PersonId;

use super::register::ClassId;

/// More than enough that no two of a class are alike.
const LENGTH: usize = 16;

/// The alias of a person in a class. In another class it is another.
pub fn of(class: &ClassId, person: &PersonId) -> String {
    let hash = TokenHash::of(&format!("school alias {} {}", class.as_str(), person.as_str()));
    hash.as_str().chars().filter(char::is_ascii_alphanumeric).take(LENGTH).collect()
}
