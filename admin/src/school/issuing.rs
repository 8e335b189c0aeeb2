//! Issuing in the classroom: how far a pupil has come, and the code that an employee shows them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use authenticators::activation::{self, ActivationCode, History, Issued, REGISTRATION, Source};
use authenticators::clock::Timestamp;
use authenticators::person::{Fnr, Person, PersonId};
use authenticators::population::{self, Resident};
use authenticators::trail::{Actor, Event};
use authenticators::world::World;
use authenticators::{account, letter, notice, password};
use migrations::Tx;
use sqlx::AnyConnection;

use super::coupling::{self, Coupling, Standing};

/// How long a school can give somebody anew what it has given them. After that it is theirs, and no teacher's.
const AGAIN_FOR: Duration = Duration::from_hours(30 * 24);
/// How long it is told of a code that it is over: as long as a lesson.
const TOLD_FOR: Duration = Duration::from_hours(1);
/// How long presses are counted.
pub const STARTS_IN: Duration = Duration::from_hours(1);
/// So often somebody can be started with in that time, whoever does it: more than any lesson takes.
const STARTS_WITH_A_PUPIL: i64 = 10;
/// And so often one employee can start: several classes.
const STARTS_BY_AN_EMPLOYEE: i64 = 120;

/// How far a pupil has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Ikke startet
    NotStarted,
    /// Kode utstedt
    CodeIssued {
        /// How long the code is good.
        until: Timestamp,
        /// Until when the pupil may register who has typed it; none as long as nobody has.
        registering_until: Option<Timestamp>,
    },
    /// Registrert
    Registered,
    /// Manuell
    Manual,
    /// Brev bestilt
    LetterOrdered,
    /// Har MinID
    HasMinid,
    /// For ung
    TooYoung,
}

impl Status {
    /// The names of all that there are, in the order of a report.
    pub const NAMES: [&str; 7] =
        ["not-started", "code-issued", "registered", "manual", "letter-ordered", "has-minid", "too-young"];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Status::NotStarted => "not-started",
            Status::CodeIssued { .. } => "code-issued",
            Status::Registered => "registered",
            Status::Manual => "manual",
            Status::LetterOrdered => "letter-ordered",
            Status::HasMinid => "has-minid",
            Status::TooYoung => "too-young",
        }
    }
}

/// What a pupil's status comes of.
#[derive(Debug, Clone)]
struct Facts {
    standing: Standing,
    /// Whether they have MinID.
    has_minid: bool,
    /// The code that they had it by.
    by: Option<Source>,
    /// When the letter was ordered that they had it by last, if they ever did by one.
    ordered_at: Option<Timestamp>,
    /// The newest code.
    latest: Option<Issued>,
    /// Whether a letter is under way.
    has_letter: bool,
    /// Whether they may have MinID, as far as that is known.
    may_have_minid: Option<bool>,
}

/// What became of a code with which nobody has registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Its time was over.
    RanOut(Timestamp),
    /// It was ended before.
    Ended(Timestamp),
}

/// How far some pupils have come at a moment. It is read of all of them at once: a class costs no more than one of it.
pub struct Progress {
    people: HashMap<PersonId, Person>,
    /// What the population register says of those whose number does not tell how old they are.
    residents: HashMap<Fnr, Resident>,
    with_minid: HashSet<PersonId>,
    codes: HashMap<PersonId, History>,
    with_letter: HashSet<PersonId>,
    by_letter: HashMap<PersonId, Timestamp>,
    now: Timestamp,
}

impl Progress {
    /// Reads it.
    pub async fn of(world: &World, pupils: &[PersonId], now: Timestamp) -> anyhow::Result<Progress> {
        let db = &world.db;
        let people = Person::by_ids(db, pupils).await?;
        Ok(Progress {
            residents: world.population.find_untold(people.values()).await?,
            people,
            with_minid: password::holders(db, pupils).await?,
            codes: activation::histories(db, pupils).await?,
            with_letter: letter::awaited(db, pupils, now).await?,
            by_letter: letter::used(db, pupils).await?,
            now,
        })
    }

    /// How far one of them has come, as somebody with whom they stand so sees it.
    pub fn status(&self, pupil: &PersonId, standing: Standing) -> Status {
        let codes = self.codes.get(pupil);
        let fnr = self.people.get(pupil).map(|person| &person.fnr);
        let facts = Facts {
            standing,
            has_minid: self.with_minid.contains(pupil),
            by: codes.and_then(|codes| codes.last_used).map(|(source, _)| source),
            ordered_at: self.by_letter.get(pupil).copied(),
            latest: codes.map(|codes| codes.latest.clone()),
            has_letter: self.with_letter.contains(pupil),
            may_have_minid: fnr.and_then(|fnr| population::may_have_minid(fnr, self.residents.get(fnr), self.now)),
        };
        decide(&facts, self.now)
    }

    /// Whether a pupil has MinID.
    pub fn has_minid(&self, pupil: &PersonId) -> bool {
        self.with_minid.contains(pupil)
    }

    /// What became of the code that a school gave a pupil last, if that was lately and nobody has registered with it.
    pub fn lost(&self, pupil: &PersonId) -> Option<Lost> {
        let code = &self.codes.get(pupil)?.latest;
        let is_recent = code.created_at.plus(TOLD_FOR) > self.now;
        if code.source != Source::School || code.used_at.is_some() || !is_recent {
            return None;
        }
        let until = code.typed_at.map_or(code.valid_until, |typed| code.valid_until.max(typed.plus(REGISTRATION)));
        match code.ended_at {
            Some(at) => Some(Lost::Ended(at)),
            None if until <= self.now => Some(Lost::RanOut(until)),
            None => None,
        }
    }
}

/// How far a pupil has come, as somebody with whom they stand so sees it.
pub async fn status(world: &World, pupil: &PersonId, standing: Standing, now: Timestamp) -> anyhow::Result<Status> {
    Ok(Progress::of(world, std::slice::from_ref(pupil), now).await?.status(pupil, standing))
}

fn decide(facts: &Facts, now: Timestamp) -> Status {
    if let Some(code) = facts.latest.as_ref().filter(|code| code.source == Source::School) {
        let registering_until = code.registering_until(now);
        if code.is_shown(now) || registering_until.is_some() {
            return Status::CodeIssued { until: code.valid_until, registering_until };
        }
    }
    match (facts.has_minid, facts.by) {
        (true, Some(Source::School)) => Status::Registered,
        (true, Some(Source::Letter)) if facts.was_sent_for_it() => Status::Registered,
        (true, _) => Status::HasMinid,
        (false, _) if facts.may_have_minid == Some(false) => Status::TooYoung,
        (false, _) if facts.has_letter => Status::LetterOrdered,
        (false, _) if matches!(facts.standing, Standing::Refused { .. }) => Status::Manual,
        (false, _) => Status::NotStarted,
    }
}

impl Facts {
    /// Whether the school had sent them for the letter that they have MinID by. Who orders one has said nothing of a
    /// school; the school has, before.
    fn was_sent_for_it(&self) -> bool {
        match (self.standing, self.ordered_at) {
            (Standing::Refused { since }, Some(ordered_at)) => since <= ordered_at,
            _ => false,
        }
    }
}

/// What came of starting.
#[derive(Debug)]
pub enum Started {
    /// The code, which is shown once, and how long it is good.
    Code(ActivationCode, Timestamp),
    /// There is none.
    Refused(Reason),
    /// There is none before the employee says why, for the pupil has MinID.
    AsksWhy,
}

/// Why somebody gets MinID anew from a school.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// They have forgotten the password.
    ForgottenPassword,
    /// The mobile number is wrong.
    WrongMobile,
    /// Something else.
    Other,
}

impl Why {
    /// All that there are, in the order of a page.
    pub const ALL: [Why; 3] = [Why::ForgottenPassword, Why::WrongMobile, Why::Other];

    /// Its name in forms and in the trail.
    pub fn name(self) -> &'static str {
        match self {
            Why::ForgottenPassword => "forgotten-password",
            Why::WrongMobile => "wrong-mobile",
            Why::Other => "other-reason",
        }
    }

    /// Reads its name.
    pub fn parse(name: &str) -> Option<Why> {
        Why::ALL.into_iter().find(|why| why.name() == name)
    }
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The employee may not issue to the pupil any more.
    NotCoupled,
    /// The pupil may not have MinID yet.
    TooYoung,
    /// They are dead.
    Dead,
    /// Support has locked or closed the account, or they have locked the MinID that they have.
    Locked,
    /// They have MinID, and not from a school, or it has been theirs for a while.
    HasMinid,
}

impl Reason {
    /// Its name in the trail.
    fn name(self) -> &'static str {
        match self {
            Reason::NotCoupled => "not-coupled",
            Reason::TooYoung => "too-young",
            Reason::Dead => "dead",
            Reason::Locked => "locked",
            Reason::HasMinid => "has-minid",
        }
    }
}

/// What a pupil has before there is a code.
struct Before {
    has_minid: bool,
    /// The code that they had it by, and when they used it.
    by: Option<(Source, Timestamp)>,
    /// Whether they have passkeys, apps or devices of their own.
    has_own: bool,
    /// The newest code.
    latest: Option<Issued>,
}

impl Before {
    async fn of(db: &mut AnyConnection, pupil: &PersonId) -> anyhow::Result<Before> {
        Ok(Before {
            has_minid: password::stored(&mut *db, Some(pupil)).await?.is_some(),
            by: activation::last_used(&mut *db, pupil).await?,
            has_own: account::has_own(&mut *db, pupil).await?,
            latest: activation::latest(&mut *db, pupil).await?,
        })
    }

    /// Whether a school's code may go over it: where a school has given it lately, and no more has come of it.
    fn can_be_given(&self, now: Timestamp) -> bool {
        let lately = |used_at: Timestamp| used_at.plus(AGAIN_FOR) > now;
        let by_school = self.by.is_some_and(|(source, used_at)| source == Source::School && lately(used_at));
        !self.has_minid || (by_school && !self.has_own)
    }
}

/// Counts that an employee wants to start; false if it has been too often.
pub async fn may_start(world: &World, coupling: &Coupling, now: Timestamp) -> anyhow::Result<bool> {
    let (pupil, employee) = (coupling.pupil().as_str(), coupling.employee().as_str());
    let with = world.scratch.count(&format!("school starts with {pupil}"), STARTS_IN, now).await?;
    let by = world.scratch.count(&format!("school starts by {employee}"), STARTS_IN, now).await?;
    Ok(with <= STARTS_WITH_A_PUPIL && by <= STARTS_BY_AN_EMPLOYEE)
}

/// Whether a refusal is the first of its kind in a while, which the pupil is told of: not of each press.
async fn is_first_refusal(world: &World, coupling: &Coupling, why: Reason, now: Timestamp) -> anyhow::Result<bool> {
    let (pupil, employee) = (coupling.pupil().as_str(), coupling.employee().as_str());
    let name = format!("school refusals of {pupil} to {employee} for {}", why.name());
    Ok(world.scratch.count(&name, STARTS_IN, now).await? == 1)
}

/// Makes a code for the pupil, who is told of it where they are reached; one that they had is dead. Who has had MinID by a
/// code of a school lately can have it anew; the employee says why.
pub async fn start(world: &World, coupling: &Coupling, why: Option<Why>, now: Timestamp) -> anyhow::Result<Started> {
    let pupil = coupling.pupil();
    let Some(person) = Person::by_id(world.db.pool(), pupil).await? else {
        return Ok(Started::Refused(Reason::NotCoupled));
    };
    let resident = world.population.find_known(&person).await?;
    let mut tx = world.db.begin().await?;
    // Whatever else happens to the pupil's account comes before this or after it.
    Person::hold(&mut tx, pupil).await?;
    let Some(coupling) = coupling.still(&mut tx).await? else { return not_coupled(tx).await };
    let Some(person) = Person::by_id(&mut *tx, pupil).await? else { return not_coupled(tx).await };
    let before = Before::of(&mut tx, pupil).await?;
    if let Some(why) = objection((&person, resident.as_ref()), &before, now) {
        // What was tried is told as well, and whoever reads it is the pupil.
        if is_first_refusal(world, &coupling, why, now).await? {
            world.trail.append(&mut tx, &event("school-code-refused", &coupling, why.name()), now).await?;
        }
        tx.commit().await?;
        return Ok(Started::Refused(why));
    }
    let reason = match (before.has_minid, why) {
        (true, Some(why)) => why.name(),
        (true, None) => {
            tx.rollback().await?;
            return Ok(Started::AsksWhy);
        }
        (false, _) if before.latest.as_ref().is_some_and(|code| code.source == Source::School) => "new-code",
        (false, _) => "identified",
    };
    let valid_until = now.plus(Source::School.valid());
    let keys = (&world.vault, &world.chance);
    let (id, code) = activation::issue(&mut tx, keys, pupil, Source::School, (now, valid_until)).await?;
    activation::note_issuer(&mut tx, &id, coupling.shown()).await?;
    if before.latest.is_some_and(|code| code.is_in_letter(now)) {
        world.trail.append(&mut tx, &event("school-letter-ended", &coupling, "code-at-school"), now).await?;
    }
    let event = event("school-code-issued", &coupling, reason);
    // Whoever knows of no school is told where they are reached, whether or not they had MinID before.
    notice::queue(&mut tx, &world.chance, &event, now).await?;
    world.trail.append(&mut tx, &event, now).await?;
    tx.commit().await?;
    Ok(Started::Code(code, valid_until))
}

/// What speaks against a code for a pupil now: what [`start`] would say to somebody who may issue to them.
pub async fn refusal(world: &World, pupil: &PersonId, now: Timestamp) -> anyhow::Result<Option<Reason>> {
    let Some(person) = Person::by_id(world.db.pool(), pupil).await? else { return Ok(Some(Reason::NotCoupled)) };
    let resident = world.population.find_known(&person).await?;
    let mut connection = world.db.pool().acquire().await?;
    let before = Before::of(&mut connection, pupil).await?;
    Ok(objection((&person, resident.as_ref()), &before, now))
}

async fn not_coupled(tx: Tx) -> anyhow::Result<Started> {
    tx.rollback().await?;
    Ok(Started::Refused(Reason::NotCoupled))
}

/// What speaks against a code for somebody.
fn objection((person, resident): (&Person, Option<&Resident>), before: &Before, now: Timestamp) -> Option<Reason> {
    // Nobody else opens what its own person has locked.
    let is_locked = person.locked_at.is_some();
    if person.is_dead() || resident.is_some_and(|resident| resident.is_dead(now)) {
        Some(Reason::Dead)
    } else if is_locked || person.is_closed_for_good() {
        Some(Reason::Locked)
    } else if population::may_have_minid(&person.fnr, resident, now) == Some(false) {
        Some(Reason::TooYoung)
    } else if !before.can_be_given(now) {
        Some(Reason::HasMinid)
    } else {
        None
    }
}

/// The employee cannot tell who the pupil is, who has to order a letter. A code that they show is dead. False if they
/// were not to issue to them.
pub async fn not_qualified(world: &World, coupling: &Coupling, now: Timestamp) -> anyhow::Result<bool> {
    let mut tx = world.db.begin().await?;
    let Some(coupling) = coupling.still(&mut tx).await? else {
        tx.rollback().await?;
        return Ok(false);
    };
    coupling::note_not_identified(&mut tx, &coupling, now).await?;
    activation::end_shown(&mut tx, &[coupling.shown()], now).await?;
    world.trail.append(&mut tx, &event("school-not-identified", &coupling, "cannot-identify"), now).await?;
    tx.commit().await?;
    Ok(true)
}

/// What came of it that the name on the screen is not the pupil's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongName {
    /// The code is dead.
    Ended,
    /// Somebody has registered with it, who has MinID in that name now.
    Used,
}

/// The name on the screen is not the pupil's: the code that is shown there is dead. One that somebody else shows them by now
/// is not. Where it was used before, that is written down once.
pub async fn wrong_name(world: &World, coupling: &Coupling, now: Timestamp) -> anyhow::Result<WrongName> {
    let (mut tx, pupil) = (world.db.begin().await?, coupling.pupil());
    Person::hold(&mut tx, pupil).await?;
    let latest = activation::latest(&mut *tx, pupil).await?;
    let used_at = latest.as_ref().filter(|code| code.is_used_of_school()).and_then(|code| code.used_at);
    if let Some(used_at) = used_at {
        let told = world.trail.latest(&mut *tx, pupil, "school-wrong-name").await?;
        if told.is_none_or(|told| told.at < used_at) {
            world.trail.append(&mut tx, &event("school-wrong-name", coupling, "code-used"), now).await?;
        }
        tx.commit().await?;
        return Ok(WrongName::Used);
    }
    let Some(coupling) = coupling.still(&mut tx).await? else {
        tx.rollback().await?;
        return Ok(WrongName::Ended);
    };
    let may_be_in_use = latest.is_some_and(|code| code.may_be_in_use(now));
    if may_be_in_use && activation::end_shown(&mut tx, &[coupling.shown()], now).await? {
        world.trail.append(&mut tx, &event("school-code-ended", &coupling, "wrong-name"), now).await?;
    }
    tx.commit().await?;
    Ok(WrongName::Ended)
}

fn event(kind: &'static str, coupling: &Coupling, reason: &'static str) -> Event {
    let event = Event::by(kind, coupling.pupil(), Actor::Person(coupling.employee().clone())).with("reason", reason);
    coupling::placed(event, coupling.title(), coupling.school(), coupling.class())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            standing: Standing::Coupled,
            has_minid: false,
            by: None,
            ordered_at: None,
            latest: None,
            has_letter: false,
            may_have_minid: Some(true),
        }
    }

    fn code(source: Source, until: i64) -> Issued {
        let at = Timestamp::from_seconds;
        Issued { source, created_at: at(0), valid_until: at(until), typed_at: None, used_at: None, ended_at: None }
    }

    #[test]
    fn how_far_a_pupil_has_come() {
        let now = Timestamp::from_seconds(100);
        let (school, letter) = (Source::School, Source::Letter);
        let shown = Some(code(school, 200));
        let ended = Some(Issued { ended_at: Some(now), ..code(school, 200) });
        let used = Some(Issued { used_at: Some(now), ..code(school, 200) });
        let issued = Status::CodeIssued { until: Timestamp::from_seconds(200), registering_until: None };
        let typed = |at: i64| Some(Issued { typed_at: Some(Timestamp::from_seconds(at)), ..code(school, 100) });
        let until = Some(Timestamp::from_seconds(950));
        let registering = Status::CodeIssued { until: now, registering_until: until };
        let done = typed(50).map(|code| Issued { ended_at: Some(now), ..code });
        let refused = Standing::Refused { since: Timestamp::from_seconds(50) };
        let by_letter = |ordered_at: i64| Facts {
            by: Some(letter),
            ordered_at: Some(Timestamp::from_seconds(ordered_at)),
            has_minid: true,
            ..facts()
        };
        for (facts, expected) in [
            (facts(), Status::NotStarted),
            (Facts { standing: Standing::Undecided, ..facts() }, Status::NotStarted),
            (Facts { standing: refused, ..facts() }, Status::Manual),
            (Facts { standing: refused, has_letter: true, ..facts() }, Status::LetterOrdered),
            (Facts { latest: shown.clone(), ..facts() }, issued),
            (Facts { latest: shown.clone(), has_letter: true, ..facts() }, issued),
            (Facts { latest: Some(code(school, 100)), ..facts() }, Status::NotStarted),
            // Typed in time: its own time is over, and theirs is not.
            (Facts { latest: typed(50), ..facts() }, registering),
            (Facts { latest: typed(-800), ..facts() }, Status::NotStarted),
            (Facts { latest: done, ..facts() }, Status::NotStarted),
            (Facts { latest: Some(code(letter, 200)), ..facts() }, Status::NotStarted),
            (Facts { latest: ended, ..facts() }, Status::NotStarted),
            (Facts { latest: used, by: Some(school), has_minid: true, ..facts() }, Status::Registered),
            // Anew: the code is shown again.
            (Facts { latest: shown, by: Some(school), has_minid: true, ..facts() }, issued),
            (by_letter(60), Status::HasMinid),
            (Facts { standing: refused, ..by_letter(50) }, Status::Registered),
            (Facts { standing: refused, ..by_letter(49) }, Status::HasMinid),
            (Facts { standing: Standing::Undecided, ..by_letter(60) }, Status::HasMinid),
            (Facts { standing: refused, by: None, ..by_letter(60) }, Status::HasMinid),
            (Facts { has_minid: true, standing: refused, ..facts() }, Status::HasMinid),
            // Support has taken it away again.
            (Facts { by: Some(school), ..facts() }, Status::NotStarted),
            (Facts { may_have_minid: Some(false), standing: refused, ..facts() }, Status::TooYoung),
            (Facts { may_have_minid: None, ..facts() }, Status::NotStarted),
        ] {
            let found = decide(&facts, now);
            assert_eq!(found, expected, "{facts:?}");
            assert!(Status::NAMES.contains(&found.name()));
        }
    }
}
