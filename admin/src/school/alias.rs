//! What stands for somebody in a class in addresses, in forms and beside their name: our own ids stay inside.

use authenticators::chance::TokenHash;
use authenticators::person::PersonId;

use super::register::ClassId;

/// More than enough that no two of a class are alike.
const LENGTH: usize = 16;
/// The letters of a mark: those of a code that is typed, so that no mark is a word.
const LETTERS: &[u8; 16] = b"BCDFGHKLMNPRSTXZ";

/// The alias of a person in a class. In another class it is another.
pub fn of(class: &ClassId, person: &PersonId) -> String {
    let hash = TokenHash::of(&format!("school alias {} {}", class.as_str(), person.as_str()));
    hash.as_str().chars().filter(char::is_ascii_alphanumeric).take(LENGTH).collect()
}

/// Letters that say nothing of a person, and are no other's in the class. They are the same whoever reads them and whoever
/// else comes or goes, and in another class they are others.
pub fn mark(class: &ClassId, person: &PersonId) -> String {
    let hash = TokenHash::of(&format!("school mark {} {}", class.as_str(), person.as_str()));
    letters(&hash).take(LENGTH).collect()
}

/// A hash as letters that people read to each other.
pub fn letters(hash: &TokenHash) -> impl Iterator<Item = char> {
    let letter = |byte: u8| LETTERS.get(usize::from(byte & 15)).map(|letter| char::from(*letter));
    hash.as_str().bytes().filter_map(letter)
}
