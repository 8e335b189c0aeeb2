//! What a file would end is looked at before it is taken in: a file that is cut short is as valid as a whole one, and what
//! it does not name would end, with all that was decided.

use std::collections::HashMap;

use super::import::{Diff, Step};
use super::register::Stored;
use super::roster::{Objections, RowError};

/// As many may go as come to an end in any week.
const FEW: usize = 20;
/// One of so many is as much as a term may end.
const SHARE: usize = 5;

/// How many schools, classes, roles and pupils go, if that is so much that somebody has to have seen it first.
pub(super) fn much_goes(diff: &Diff, stored: &Stored) -> Option<usize> {
    let is_much = |gone: usize, before: usize| gone >= FEW && gone * SHARE > before;
    let much = diff.schools.removed > 0
        || is_much(diff.roles.removed, stored.roles.len())
        || is_much(diff.pupils.removed, stored.pupils.len())
        || empties_a_school(diff, stored);
    let all = [diff.schools, diff.classes, diff.roles, diff.pupils];
    much.then(|| all.iter().map(|changes| changes.removed).sum())
}

/// Whether a file names a school, and none of its pupils.
fn empties_a_school(diff: &Diff, stored: &Stored) -> bool {
    let schools: HashMap<&str, &str> =
        stored.classes.iter().map(|class| (class.id.as_str(), class.school.as_str())).collect();
    let mut left: HashMap<&str, (usize, usize)> = HashMap::new();
    let school_of = |class: &str| schools.get(class).copied().unwrap_or_default();
    for pupil in &stored.pupils {
        left.entry(school_of(pupil.class.as_str())).or_default().0 += 1;
    }
    for step in &diff.steps {
        let Step::RemovePupil(index) = step else { continue };
        if let Some(pupil) = stored.pupils.get(*index) {
            left.entry(school_of(pupil.class.as_str())).or_default().1 += 1;
        }
    }
    left.into_values().any(|(before, gone)| gone >= FEW && gone == before)
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
