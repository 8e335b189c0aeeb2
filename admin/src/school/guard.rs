//! What keeps a school owner from ending more by a file than they mean.
//!
//! What a file would end is looked at before it is taken in: a file that is cut short is as valid as a whole one, and what
//! it does not name would end, with all that was decided.

use std::collections::{HashMap, HashSet};

use authenticators::chance::TokenHash;
use authenticators::person::PersonId;

use super::alias;
use super::import::{Diff, Step};
use super::register::{ClassId, Orgno, Role, Stored, Title};
use super::roster::{Objections, Roster, RowError, Scope};

/// As many may go as come to an end in any week.
const FEW: usize = 20;
/// One of so many is as much as a term may end.
const SHARE: usize = 5;
/// Of a school one year in three may leave, and not half; unless it is as few as any family.
const A_SCHOOLS_FEW: usize = 5;
/// And of those who work at a school, so many in a year; not half of them at once.
const A_STAFFS_FEW: usize = 3;
/// Letters behind the number: who has looked at one file does not let another go by chance.
const LETTERS_OF_A_MARK: usize = 8;

/// A mark of the schools, classes, roles and pupils that go, with how many they are, if so many of the owner's people go
/// that somebody has to have seen it first. Who is in another class, as each autumn, has not gone.
pub(super) fn much_goes(
    diff: &Diff,
    (roster, stored): (&Roster, &Stored),
    people: &[Option<PersonId>],
) -> Option<String> {
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
        || halves_a_school(stored, &pupils)
        || halves_a_staff(stored, &staff)
        || leaves_nobody_to_decide(roster, stored);
    much.then(|| mark(diff, stored))
}

/// The same of a file that lets the same go, and of no other.
fn mark(diff: &Diff, stored: &Stored) -> String {
    let mut gone: Vec<[&str; 4]> = diff.steps.iter().filter_map(|step| gone(*step, stored)).collect();
    gone.sort_unstable();
    let count = gone.len();
    let together = |hash: TokenHash, one: [&str; 4]| TokenHash::of(&format!("{} {}", hash.as_str(), one.join(" ")));
    let hash = gone.into_iter().fold(TokenHash::of("school removals"), together);
    let letters: String = alias::letters(&hash).take(LETTERS_OF_A_MARK).collect();
    format!("{count}-{letters}")
}

/// What goes by a step, if something does.
fn gone(step: Step, stored: &Stored) -> Option<[&str; 4]> {
    Some(match step {
        Step::EndRole(index) => {
            let role = stored.roles.get(index)?;
            [&role.school, &role.class, role.person.as_str(), role.title.name()]
        }
        Step::RemovePupil(index) => {
            let pupil = stored.pupils.get(index)?;
            ["", pupil.class.as_str(), pupil.person.as_str(), "pupil"]
        }
        Step::RemoveClass(index) => ["", stored.classes.get(index)?.id.as_str(), "", "class"],
        Step::RemoveSchool(index) => [stored.schools.get(index)?.id.as_str(), "", "", "school"],
        Step::PutSchool(_)
        | Step::PutClass(_)
        | Step::GiveRole(_)
        | Step::RenameRole(..)
        | Step::PutPupil(_)
        | Step::RenamePupil(..) => return None,
    })
}

/// Whether more than half of a school's pupils would be nowhere at the owner's.
fn halves_a_school(stored: &Stored, after: &HashSet<&PersonId>) -> bool {
    let school_of: HashMap<&str, &str> =
        stored.classes.iter().map(|class| (class.id.as_str(), class.school.as_str())).collect();
    let school_of = |class: &ClassId| school_of.get(class.as_str()).copied().unwrap_or_default();
    let places = stored.pupils.iter().map(|pupil| (school_of(&pupil.class), &pupil.person));
    halves(places, after, A_SCHOOLS_FEW)
}

/// Whether more than half of those who work at a school would be nowhere at the owner's.
fn halves_a_staff(stored: &Stored, after: &HashSet<&PersonId>) -> bool {
    let roles = stored.roles.iter().filter(|role| !role.school.is_empty());
    halves(roles.map(|role| (role.school.as_str(), &role.person)), after, A_STAFFS_FEW)
}

/// Whether of those at one of the schools more than half would be gone, and at least so many.
fn halves<'a>(places: impl Iterator<Item = (&'a str, &'a PersonId)>, after: &HashSet<&PersonId>, few: usize) -> bool {
    let mut schools: HashMap<&str, HashSet<&PersonId>> = HashMap::new();
    for (school, person) in places {
        schools.entry(school).or_default().insert(person);
    }
    schools.into_values().any(|before| {
        let gone = before.iter().filter(|person| !after.contains(*person)).count();
        gone >= few && gone * 2 > before.len()
    })
}

/// Whether a school that somebody administers would have nobody left who decides.
fn leaves_nobody_to_decide(roster: &Roster, stored: &Stored) -> bool {
    let decides = |title: Title| title.role() == Role::Administration;
    let before: HashSet<&str> =
        stored.roles.iter().filter(|role| decides(role.title)).map(|role| role.school.as_str()).collect();
    let school = |scope: Scope| match scope {
        Scope::School(school) => roster.schools.get(school),
        Scope::Owner | Scope::Class(_) => None,
    };
    let after = roster.roles.iter().filter(|role| decides(role.title)).filter_map(|role| school(role.scope));
    let after: HashSet<&Orgno> = after.map(|school| &school.orgno).collect();
    stored.schools.iter().any(|school| before.contains(school.id.as_str()) && !after.contains(&school.orgno))
}

/// Speaks against what would end too much, until whoever sends it says by its mark what that is: who has looked at a preview
/// knows it, and a file by which something else goes has another.
pub(super) fn objection(diff: &Diff, stored: &Stored, accepted: Option<&str>) -> Option<Objections> {
    let mark = diff.accept_removals.as_ref().filter(|mark| accepted != Some(mark.as_str()))?;
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
    let errors = vec![RowError { file: "", row: 0, detail }];
    Some(Objections { errors, accept_removals: Some(mark.clone()), ..Objections::default() })
}
