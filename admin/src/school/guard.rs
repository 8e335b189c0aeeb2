//! What keeps a school owner from ending more by a file than they mean.
//!
//! What a file would end is looked at before it is taken in: a file that is cut short is as valid as a whole one, and what
//! it does not name would end, with all that was decided.

use std::collections::{HashMap, HashSet};

use authenticators::person::PersonId;

use super::import::Diff;
use super::register::Stored;
use super::roster::{Objections, Roster, RowError};

/// As many may go as come to an end in any week.
const FEW: usize = 20;
/// One of so many is as much as a term may end.
const SHARE: usize = 5;
/// Of a school one year in three may leave, and not half; unless it is as few as any family.
const A_SCHOOLS_FEW: usize = 5;

/// How many schools, classes, roles and pupils go, if so many of the owner's people go that somebody has to have seen it
/// first. Who is in another class, as each autumn, has not gone.
pub(super) fn much_goes(
    diff: &Diff,
    (roster, stored): (&Roster, &Stored),
    people: &[Option<PersonId>],
) -> Option<usize> {
    let known = |index: usize| people.get(index).and_then(Option::as_ref);
    let staff: HashSet<&PersonId> = roster.roles.iter().filter_map(|role| known(role.person)).collect();
    let pupils: HashSet<&PersonId> = roster.pupils.iter().filter_map(|pupil| known(pupil.person)).collect();
    let is_much = |before: HashSet<&PersonId>, after: &HashSet<&PersonId>| {
        let gone = before.iter().filter(|person| !after.contains(*person)).count();
        gone >= FEW && gone * SHARE > before.len()
    };
    let much = diff.schools.removed > 0
        || is_much(stored.roles.iter().map(|role| &role.person).collect(), &staff)
        || is_much(stored.pupils.iter().map(|pupil| &pupil.person).collect(), &pupils)
        || halves_a_school(stored, &pupils);
    let all = [diff.schools, diff.classes, diff.roles, diff.pupils];
    much.then(|| all.iter().map(|changes| changes.removed).sum())
}

/// Whether more than half of a school's pupils would be nowhere at the owner's.
fn halves_a_school(stored: &Stored, after: &HashSet<&PersonId>) -> bool {
    let school_of: HashMap<&str, &str> =
        stored.classes.iter().map(|class| (class.id.as_str(), class.school.as_str())).collect();
    let mut schools: HashMap<&str, HashSet<&PersonId>> = HashMap::new();
    for pupil in &stored.pupils {
        let school = school_of.get(pupil.class.as_str()).copied().unwrap_or_default();
        schools.entry(school).or_default().insert(&pupil.person);
    }
    schools.into_values().any(|before| {
        let gone = before.iter().filter(|person| !after.contains(*person)).count();
        gone >= A_SCHOOLS_FEW && gone * 2 > before.len()
    })
}

/// Speaks against what would end too much, until whoever sends it says how much that is: who has looked at a preview knows
/// the number, and a file that has changed since has another.
pub(super) fn objection(diff: &Diff, stored: &Stored, accepted: Option<usize>) -> Option<Objections> {
    let count = diff.accept_removals.filter(|count| accepted != Some(*count))?;
    let there = |is_there: bool| usize::from(is_there);
    let schools: usize = stored.schools.iter().map(|school| there(school.removed_at.is_none())).sum();
    let classes: usize = stored.classes.iter().map(|class| there(class.removed_at.is_none())).sum();
    let detail = format!(
        "{} of {schools} schools, {} of {classes} classes, {} of {} roles and {} of {} pupils would be gone",
        diff.schools.removed,
        diff.classes.removed,
        diff.roles.removed,
        stored.roles.len(),
        diff.pupils.removed,
        stored.pupils.len(),
    );
    Some(Objections { errors: vec![RowError { file: "", row: 0, detail }], more: 0, accept_removals: Some(count) })
}
