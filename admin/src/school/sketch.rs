//! What somebody of a school's administration has in mind for a class and has not saved: kept for them from page to
//! page, beside what they have seen of it. What others decide meanwhile is neither lost nor lost sight of.

use std::collections::BTreeMap;
use std::time::Duration;

use authenticators::chance::TokenHash;
use authenticators::person::PersonId;
use authenticators::scratch::Kept;
use idp::params::Params;
use serde::{Deserialize, Serialize};

use super::alias;
use super::coupling::{Change, Decided, Decision, Decisions, Draft};
use super::register::{ClassId, Employee, Pupil};

/// A sketch. Each decision has the name that its field has in forms.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sketch {
    version: i64,
    /// What was decided when they saw it; true is JA.
    seen: BTreeMap<String, bool>,
    /// What they want otherwise.
    mine: BTreeMap<String, bool>,
}

impl Kept for Sketch {
    const KIND: &'static str = "school-sketch";
    // As long as a session at the most: who has to log in again goes on where they were.
    const FOR: Duration = Duration::from_hours(8);
}

/// One thing that can be decided.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Of whom.
    pub employee: &'a Employee,
    /// And to whom they may issue; none, if it is asked whether they may issue at all.
    pub pupil: Option<&'a Pupil>,
}

/// Something in which what is saved differs from what was seen, or from what is wanted.
pub struct Difference<'a> {
    /// In what.
    pub question: Question<'a>,
    /// As it is now.
    pub now: Option<&'a Decided>,
    /// Whether somebody else has changed it meanwhile.
    pub is_theirs: bool,
    /// As they want it, if they do.
    pub mine: Option<Decision>,
}

/// The field that asks whether an employee may issue.
pub fn employee_field(class: &ClassId, employee: &PersonId) -> String {
    format!("a-{}", alias::of(class, employee))
}

/// The field that asks whether an employee may issue to a pupil.
pub fn pair_field(class: &ClassId, employee: &PersonId, pupil: &PersonId) -> String {
    format!("k-{}-{}", alias::of(class, employee), alias::of(class, pupil))
}

/// Whether a form decides something of whoever sends it: no page has a field for that.
pub fn decides_of_oneself(form: &Params, decisions: &Decisions, own: &PersonId) -> bool {
    let class = &decisions.class.id;
    let of_them = decisions.pupils.iter().map(|pupil| pair_field(class, own, &pupil.person));
    let to_them = decisions.employees.iter().map(|employee| pair_field(class, &employee.person, own));
    let mut fields = [employee_field(class, own)].into_iter().chain(of_them).chain(to_them);
    fields.any(|field| form.all(&field).next().is_some())
}

impl Question<'_> {
    fn field(&self, class: &ClassId) -> String {
        let employee = &self.employee.person;
        self.pupil.map_or_else(|| employee_field(class, employee), |pupil| pair_field(class, employee, &pupil.person))
    }

    fn change(&self, decision: Decision) -> Change {
        let employee = self.employee.person.clone();
        match self.pupil {
            Some(pupil) => Change::Couple { employee, pupil: pupil.person.clone(), decision },
            None => Change::Authorise { employee, decision },
        }
    }
}

/// All that can be decided in a class.
fn questions(of: &Decisions) -> Vec<Question<'_>> {
    let mut all = Vec::new();
    for employee in &of.employees {
        all.push(Question { employee, pupil: None });
        all.extend(of.pupils.iter().map(|pupil| Question { employee, pupil: Some(pupil) }));
    }
    all
}

fn decided<'a>(of: &'a Decisions, question: Question<'_>) -> Option<&'a Decided> {
    match question.pupil {
        Some(pupil) => of.coupled(&question.employee.person, &pupil.person),
        None => of.authorised(&question.employee.person),
    }
}

fn seen(of: &Decisions) -> BTreeMap<String, bool> {
    let held = |question: Question<'_>| {
        let is_yes = decided(of, question)?.holds() == Decision::Yes;
        Some((question.field(&of.class.id), is_yes))
    };
    questions(of).into_iter().filter_map(held).collect()
}

fn decision(is_yes: bool) -> Decision {
    if is_yes { Decision::Yes } else { Decision::No }
}

impl Sketch {
    /// One in which all is as it is saved.
    pub fn of(decisions: &Decisions) -> Sketch {
        Sketch { version: decisions.class.version, seen: seen(decisions), mine: BTreeMap::new() }
    }

    /// The one that was begun, if it is not of an older version and empty. What employees say of themselves makes no
    /// new version, and is seen at once.
    pub fn going_on(begun: Option<Sketch>, decisions: &Decisions) -> Sketch {
        match begun {
            Some(mut begun) if begun.version == decisions.class.version => {
                begun.catch_up(decisions);
                begun
            }
            Some(begun) if !begun.mine.is_empty() => begun,
            Some(_) | None => Sketch::of(decisions),
        }
    }

    /// What a field holds; none, if nobody has decided it.
    pub fn choice(&self, field: &str) -> Option<Decision> {
        self.mine.get(field).or_else(|| self.seen.get(field)).map(|is_yes| decision(*is_yes))
    }

    /// Decides something.
    pub fn choose(&mut self, field: String, choice: Decision) {
        let is_yes = choice == Decision::Yes;
        match self.seen.get(&field) == Some(&is_yes) {
            true => self.mine.remove(&field),
            false => self.mine.insert(field, is_yes),
        };
    }

    /// What is to be otherwise, as far as those whom it is about are still there.
    pub fn changes<'a>(&self, decisions: &'a Decisions) -> Vec<(Question<'a>, Decision)> {
        let mine = |question: Question<'a>| {
            let is_yes = self.mine.get(&question.field(&decisions.class.id))?;
            Some((question, decision(*is_yes)))
        };
        questions(decisions).into_iter().filter_map(mine).collect()
    }

    /// The same, to be saved.
    pub fn draft(&self, decisions: &Decisions) -> Draft {
        let changes = self.changes(decisions).into_iter().map(|(question, decision)| question.change(decision));
        Draft { class: decisions.class.id.clone(), version: self.version, changes: changes.collect() }
    }

    /// Where somebody else was quicker.
    pub fn differences<'a>(&self, decisions: &'a Decisions) -> Vec<Difference<'a>> {
        let difference = |question: Question<'a>| {
            let field = question.field(&decisions.class.id);
            let now = decided(decisions, question);
            let is_theirs = now.map(|now| now.holds() == Decision::Yes) != self.seen.get(&field).copied();
            let mine = self.mine.get(&field).map(|is_yes| decision(*is_yes));
            (is_theirs || mine.is_some()).then_some(Difference { question, now, is_theirs, mine })
        };
        questions(decisions).into_iter().filter_map(difference).collect()
    }

    /// Now they have seen that.
    pub fn catch_up(&mut self, decisions: &Decisions) {
        self.version = decisions.class.version;
        self.seen = seen(decisions);
        self.mine.retain(|field, is_yes| self.seen.get(field) != Some(&*is_yes));
    }

    /// A mark of what was decided when they saw it. A form carries that of the page that it stands on: whatever is chosen
    /// there already is then told from what somebody chooses.
    pub fn shown(&self) -> String {
        let seen: Vec<String> = self.seen.iter().map(|(field, is_yes)| format!("{field}={is_yes}")).collect();
        TokenHash::of(&format!("{} {}", self.version, seen.join(" "))).as_str().to_owned()
    }

    /// A mark of what it holds: what is saved is what the page has shown.
    pub fn mark(&self) -> anyhow::Result<String> {
        Ok(TokenHash::of(&serde_json::to_string(self)?).as_str().to_owned())
    }

    /// What somebody's sketch of a class is kept as.
    pub fn purpose(class: &ClassId) -> String {
        format!("sketch {}", class.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(seen: &[(&str, bool)]) -> Sketch {
        let seen = seen.iter().map(|(field, is_yes)| ((*field).to_owned(), *is_yes)).collect();
        Sketch { version: 1, seen, mine: BTreeMap::new() }
    }

    #[test]
    fn who_changes_their_mind_back_changes_nothing() {
        let mut sketch = sketch(&[("a-1", true)]);
        sketch.choose("a-1".into(), Decision::No);
        assert_eq!(sketch.choice("a-1"), Some(Decision::No));
        assert_eq!(sketch.mine.len(), 1);
        sketch.choose("a-1".into(), Decision::Yes);
        assert_eq!(sketch.choice("a-1"), Some(Decision::Yes));
        assert!(sketch.mine.is_empty());
        assert_eq!(sketch.choice("a-2"), None);
    }

    #[test]
    fn what_was_shown_is_what_others_decided_and_in_which_version() {
        let mut one = sketch(&[("a-1", true)]);
        let before = one.shown();
        one.choose("a-1".into(), Decision::No);
        assert_eq!(one.shown(), before, "their own choice");
        assert_ne!(sketch(&[("a-1", false)]).shown(), before);
        assert_ne!(sketch(&[]).shown(), before);
        one.version = 2;
        assert_ne!(one.shown(), before);
    }

    #[test]
    fn a_mark_is_of_what_is_held() {
        let (mut one, other) = (sketch(&[("a-1", true)]), sketch(&[("a-1", true)]));
        assert_eq!(one.mark().unwrap(), other.mark().unwrap());
        one.choose("a-1".into(), Decision::No);
        assert_ne!(one.mark().unwrap(), other.mark().unwrap());
    }
}
