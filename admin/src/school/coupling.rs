//! Who issues to whom: what a school's administration has decided, class by class (tables `school_issuer` and
//! `school_coupling`).
//!
//! It takes two people to give somebody MinID: one who decides that an employee may issue to a pupil, and that employee.
//! Nobody decides anything of themselves. [`Coupling`] is the proof that all of it holds; whoever issues needs one.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use authenticators::activation::{self, Shown};
use authenticators::clock::Timestamp;
use authenticators::person::{Person, PersonId};
use authenticators::population;
use authenticators::several::{self, Several};
use authenticators::trail::{Actor, Event};
use authenticators::world::World;
use migrations::{Db, Tx};
use sqlx::{AnyConnection, AnyExecutor};

use super::register::{self, Administrator, Class, ClassId, Employee, Heads, Member, Pupil, School, Title};
use super::told;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// JA
    Yes,
    /// NEI
    No,
}

impl Decision {
    /// Its name in tables, in forms and in the trail.
    pub fn name(self) -> &'static str {
        match self {
            Decision::Yes => "yes",
            Decision::No => "no",
        }
    }

    /// Reads its name.
    pub fn parse(name: &str) -> Option<Decision> {
        [Decision::Yes, Decision::No].into_iter().find(|decision| decision.name() == name)
    }
}

impl TryFrom<String> for Decision {
    type Error = String;

    fn try_from(text: String) -> Result<Decision, String> {
        Decision::parse(&text).ok_or(text)
    }
}

/// What was decided, by whom and when.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Decided {
    /// What.
    #[sqlx(try_from = "String")]
    pub decision: Decision,
    /// By whom.
    pub decided_by: PersonId,
    /// When.
    pub decided_at: Timestamp,
    /// When the employee said that they cannot tell who the pupil is; never, of whether they may issue at all.
    #[sqlx(default)]
    pub not_identified_at: Option<Timestamp>,
}

impl Decided {
    /// What holds of it now: the employee's own no goes before the administration's yes.
    pub fn holds(&self) -> Decision {
        if self.not_identified_at.is_some() { Decision::No } else { self.decision }
    }
}

/// How a pupil stands with an employee, or with all of the class's employees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// May be issued to.
    Coupled,
    /// Has to order a letter.
    Refused {
        /// Since when.
        since: Timestamp,
    },
    /// Nobody has decided it yet.
    Undecided,
}

/// All that is decided in a class.
#[derive(Debug, Clone)]
pub struct Decisions {
    /// The class, in the version that this is.
    pub class: Class,
    /// Those who can be let issue, by name.
    pub employees: Vec<Employee>,
    /// Those who can be issued to, by name.
    pub pupils: Vec<Pupil>,
    issuers: HashMap<PersonId, Decided>,
    couplings: HashMap<(PersonId, PersonId), Decided>,
}

#[derive(sqlx::FromRow)]
struct IssuerRow {
    employee: PersonId,
    #[sqlx(flatten)]
    decided: Decided,
}

#[derive(sqlx::FromRow)]
struct CouplingRow {
    employee: PersonId,
    pupil: PersonId,
    #[sqlx(flatten)]
    decided: Decided,
}

impl Decisions {
    /// Reads them. The class is read first: what is decided meanwhile is of a later version.
    pub async fn of(world: &World, class: &ClassId) -> anyhow::Result<Option<Decisions>> {
        let db = world.db.pool();
        let Some(class) = register::class(db, class.as_str()).await? else { return Ok(None) };
        Ok(Some(Decisions {
            employees: register::employees(db, &class.id).await?,
            pupils: register::pupils(world, &class.id).await?,
            issuers: issuers(db, &class.id).await?,
            couplings: couplings(db, &class.id).await?,
            class,
        }))
    }

    /// Whether an employee may issue in the class; none, if nobody has decided it.
    pub fn authorised(&self, employee: &PersonId) -> Option<&Decided> {
        self.issuers.get(employee)
    }

    /// Whether an employee may issue to a pupil; none, if nobody has decided it.
    pub fn coupled(&self, employee: &PersonId, pupil: &PersonId) -> Option<&Decided> {
        self.couplings.get(&(employee.clone(), pupil.clone()))
    }

    /// How a pupil stands with an employee.
    pub fn standing_with(&self, employee: &PersonId, pupil: &PersonId) -> Standing {
        standing(self.issuers.get(employee), self.coupled(employee, pupil))
    }
}

/// How a pupil stands, by what is decided of the employee and of the two. An employee who may not issue has refused
/// nobody.
fn standing(issuer: Option<&Decided>, coupled: Option<&Decided>) -> Standing {
    let may_issue = issuer.is_some_and(|issuer| issuer.holds() == Decision::Yes);
    match coupled.map(|coupled| (coupled.holds(), coupled)) {
        Some((Decision::No, coupled)) => {
            Standing::Refused { since: coupled.not_identified_at.unwrap_or(coupled.decided_at) }
        }
        Some((Decision::Yes, _)) if may_issue => Standing::Coupled,
        Some((Decision::Yes, _)) | None => Standing::Undecided,
    }
}

impl Standing {
    /// How somebody stands with two employees: one who may issue is enough, and who has refused first has sent them for a
    /// letter.
    pub(super) fn and(self, other: Standing) -> Standing {
        match (self, other) {
            (Standing::Coupled, _) | (_, Standing::Coupled) => Standing::Coupled,
            (Standing::Refused { since: one }, Standing::Refused { since: other }) => {
                Standing::Refused { since: one.min(other) }
            }
            (Standing::Refused { since }, Standing::Undecided) | (Standing::Undecided, Standing::Refused { since }) => {
                Standing::Refused { since }
            }
            (Standing::Undecided, Standing::Undecided) => Standing::Undecided,
        }
    }
}

#[derive(sqlx::FromRow)]
struct IssuerIn {
    class: ClassId,
    #[sqlx(flatten)]
    row: IssuerRow,
}

#[derive(sqlx::FromRow)]
struct CouplingIn {
    class: ClassId,
    #[sqlx(flatten)]
    row: CouplingRow,
}

/// How the pupils of some classes stand with all of their employees: one who may issue is enough. Who is not here is
/// undecided. `employees` are those who have a role in a class by which they can be let issue there.
pub async fn standings(
    db: &Db,
    classes: &[ClassId],
    employees: &[(ClassId, PersonId)],
) -> sqlx::Result<HashMap<(ClassId, PersonId), Standing>> {
    const ISSUERS: &str = "SELECT class, employee, decision, decided_by, decided_at FROM school_issuer
        WHERE class IN
            (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <= length($1))
                SELECT rtrim(substr($1, i, 32)) FROM place)";
    const COUPLINGS: &str = "SELECT class, employee, pupil, decision, decided_by, decided_at, not_identified_at
        FROM school_coupling
        WHERE class IN
            (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <= length($1))
                SELECT rtrim(substr($1, i, 32)) FROM place)";
    let employees: HashSet<&(ClassId, PersonId)> = employees.iter().collect();
    let mut all = HashMap::new();
    for list in several::lists(classes.iter().map(ClassId::as_str)) {
        let query = sqlx::query_as(ISSUERS).bind(list.clone());
        let issuers: Vec<IssuerIn> = query.fetch_all(db.pool()).await?;
        let issuers = issuers.into_iter().map(|IssuerIn { class, row }| ((class, row.employee), row.decided));
        let issuers: HashMap<(ClassId, PersonId), Decided> = issuers.collect();
        let couplings: Vec<CouplingIn> = sqlx::query_as(COUPLINGS).bind(list).fetch_all(db.pool()).await?;
        for CouplingIn { class, row } in couplings {
            let employee = (class.clone(), row.employee);
            if !employees.contains(&employee) {
                continue;
            }
            let found = standing(issuers.get(&employee), Some(&row.decided));
            let entry = all.entry((class, row.pupil)).or_insert(found);
            *entry = entry.and(found);
        }
    }
    Ok(all)
}

/// Those of some pupils who are too young for MinID this year. Nobody has to decide anything of them yet.
pub async fn too_young<'a>(
    world: &World,
    pupils: impl Iterator<Item = &'a PersonId>,
    now: Timestamp,
) -> anyhow::Result<HashSet<PersonId>> {
    let ids: Vec<PersonId> = pupils.cloned().collect();
    let people = Person::by_ids(&world.db, &ids).await?;
    let residents = world.population.find_untold(people.values()).await?;
    let is_too_young = |(_, person): &(PersonId, Person)| {
        population::may_have_minid(&person.fnr, residents.get(&person.fnr), now) == Some(false)
    };
    Ok(people.into_iter().filter(is_too_young).map(|(id, _)| id).collect())
}

/// What is left to decide in a class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Open {
    /// Whether there is anybody of whom they could decide.
    pub is_theirs: bool,
    /// How many employees may issue there.
    pub issuers: usize,
    /// Whether an employee may issue, and of one who may, to whom: so many questions.
    pub questions: usize,
    /// Whether there are pupils, and nobody may issue to any.
    pub lacks_issuer: bool,
}

/// What is left to decide in some classes for somebody of the administration, of those who are in `heads`. A class without
/// employees is not in it.
pub async fn left_open(
    db: &Db,
    classes: &[ClassId],
    heads: &Heads,
    own: &PersonId,
) -> sqlx::Result<HashMap<ClassId, Open>> {
    const ISSUERS: &str = "SELECT class, employee, decision FROM school_issuer
        WHERE class IN
            (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <= length($1))
                SELECT rtrim(substr($1, i, 32)) FROM place)";
    const COUPLINGS: &str = "SELECT class, employee, pupil FROM school_coupling
        WHERE class IN
            (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <= length($1))
                SELECT rtrim(substr($1, i, 32)) FROM place)";
    let (mut issuers, mut coupled) = (HashMap::new(), HashSet::new());
    for list in several::lists(classes.iter().map(ClassId::as_str)) {
        let rows: Vec<(ClassId, PersonId, String)> =
            sqlx::query_as(ISSUERS).bind(list.clone()).fetch_all(db.pool()).await?;
        issuers.extend(rows.into_iter().map(|(class, employee, decision)| ((class, employee), decision)));
        let rows: Vec<(ClassId, PersonId, PersonId)> =
            sqlx::query_as(COUPLINGS).bind(list).fetch_all(db.pool()).await?;
        coupled.extend(rows);
    }
    let mut pupils: HashMap<&ClassId, Vec<&PersonId>> = HashMap::new();
    for (class, pupil) in &heads.pupils {
        pupils.entry(class).or_default().push(pupil);
    }
    let mut all: HashMap<ClassId, Open> = HashMap::new();
    let may_issue = |place: &(ClassId, PersonId)| issuers.get(place).and_then(|name| Decision::parse(name));
    for place in &heads.employees {
        let (class, employee) = place;
        let open = all.entry(class.clone()).or_default();
        open.issuers += usize::from(may_issue(place) == Some(Decision::Yes));
        // Nobody decides of themselves.
        if employee == own {
            continue;
        }
        open.is_theirs = true;
        let is_open = |pupil: &&&PersonId| {
            **pupil != own
                && **pupil != employee
                && !coupled.contains(&(class.clone(), employee.clone(), (**pupil).clone()))
        };
        open.questions += match may_issue(place) {
            None => 1,
            Some(Decision::No) => 0,
            Some(Decision::Yes) => pupils.get(class).into_iter().flatten().filter(is_open).count(),
        };
    }
    for (class, open) in &mut all {
        open.lacks_issuer = pupils.contains_key(class) && open.issuers == 0;
    }
    Ok(all)
}

async fn issuers(db: impl AnyExecutor<'_>, class: &ClassId) -> sqlx::Result<HashMap<PersonId, Decided>> {
    const SQL: &str = "SELECT employee, decision, decided_by, decided_at FROM school_issuer WHERE class = $1";
    let rows: Vec<IssuerRow> = sqlx::query_as(SQL).bind(class.as_str()).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.employee, row.decided)).collect())
}

async fn couplings(db: impl AnyExecutor<'_>, class: &ClassId) -> sqlx::Result<HashMap<(PersonId, PersonId), Decided>> {
    const SQL: &str = "SELECT employee, pupil, decision, decided_by, decided_at, not_identified_at
                       FROM school_coupling WHERE class = $1";
    let rows: Vec<CouplingRow> = sqlx::query_as(SQL).bind(class.as_str()).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| ((row.employee, row.pupil), row.decided)).collect())
}

/// Something that is to be decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Whether an employee may issue in the class.
    Authorise {
        /// Who.
        employee: PersonId,
        /// Whether.
        decision: Decision,
    },
    /// Whether an employee may issue to a pupil.
    Couple {
        /// Who.
        employee: PersonId,
        /// To whom.
        pupil: PersonId,
        /// Whether.
        decision: Decision,
    },
}

/// What somebody wants decided in a class.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The class.
    pub class: ClassId,
    /// The version of it that they have seen.
    pub version: i64,
    /// What is to be otherwise.
    pub changes: Vec<Change>,
}

/// What came of it.
#[derive(Debug)]
pub enum Saved {
    /// It is so.
    Done,
    /// Somebody has changed the class since: this is how it is now.
    Conflict(Box<Decisions>),
    /// None of it was done.
    Refused(Refused),
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// They may not decide there: not theirs, or not any more.
    NotTheirs,
    /// Nobody decides of themselves, and nobody issues to themselves.
    Oneself,
    /// Somebody whom it is about is not in the class.
    NotInClass,
}

/// Decides, if the class is as it was seen: all of it or nothing.
pub async fn save(world: &World, by: &Administrator, draft: &Draft, now: Timestamp) -> anyhow::Result<Saved> {
    let mut tx = world.db.begin().await?;
    // Their role may have ended since they were let in.
    let by = register::may_administer(&mut *tx, by.person(), by.school().id.as_str()).await?;
    let class = register::class(&mut *tx, draft.class.as_str()).await?;
    let Some(by) = by else { return refuse(tx, Refused::NotTheirs).await };
    let Some(class) = class.filter(|class| class.school == by.school().id) else {
        return refuse(tx, Refused::NotTheirs).await;
    };
    if !register::bump(&mut tx, &class.id, draft.version).await? {
        tx.rollback().await?;
        let decisions = Decisions::of(world, &class.id).await?.context("a class is gone")?;
        return Ok(Saved::Conflict(Box::new(decisions)));
    }
    let employees = register::employees(&mut *tx, &class.id).await?;
    let members = register::members(&mut *tx, &class.id).await?;
    for change in &draft.changes {
        if let Some(why) = objection(change, by.person(), &employees, &members) {
            tx.rollback().await?;
            world.trail.write(told::denied(why, &by, &class), now).await?;
            return Ok(Saved::Refused(why));
        }
    }
    let (issuers, couplings) = (issuers(&mut *tx, &class.id).await?, couplings(&mut *tx, &class.id).await?);
    let is_new = |change: &&Change| {
        let before = match change {
            Change::Authorise { employee, .. } => issuers.get(employee),
            Change::Couple { employee, pupil, .. } => couplings.get(&(employee.clone(), pupil.clone())),
        };
        before.map(Decided::holds) != Some(change.decision())
    };
    let mut changes: Vec<&Change> = draft.changes.iter().filter(is_new).collect();
    // In the order in which whoever issues holds them, and so that nobody waits for somebody who waits for them: who
    // issues, then to whom, then the codes, and what everybody waits for comes last, the trail.
    changes.sort_by_key(|change| matches!(change, Change::Couple { .. }));
    for change in &changes {
        put(&mut tx, &class.id, change, (by.person(), now)).await?;
    }
    let over = refused_by(&changes, &couplings).map(|(employee, pupil)| (class.id.as_str(), employee, pupil));
    end_codes(&mut tx, over, now).await?;
    let told = |change: &Change| event(change, &by, (&class, &employees));
    let events: Vec<Event> = changes.into_iter().map(told).collect();
    world.trail.append_all(&mut tx, &events, now).await?;
    tx.commit().await?;
    Ok(Saved::Done)
}

async fn refuse(tx: Tx, why: Refused) -> anyhow::Result<Saved> {
    tx.rollback().await?;
    Ok(Saved::Refused(why))
}

/// The employees who could issue to pupils and no longer can, and to whom.
fn refused_by<'a>(
    changes: &'a [&Change],
    couplings: &'a HashMap<(PersonId, PersonId), Decided>,
) -> impl Iterator<Item = (&'a PersonId, &'a PersonId)> {
    let could = couplings.iter().filter(|(_, decided)| decided.holds() == Decision::Yes);
    let no_longer = move |(employee, pupil): &(PersonId, PersonId)| {
        changes.iter().any(|change| match change {
            Change::Authorise { employee: whose, decision: Decision::No } => whose == employee,
            Change::Couple { employee: whose, pupil: whom, decision: Decision::No } => {
                whose == employee && whom == pupil
            }
            Change::Authorise { .. } | Change::Couple { .. } => false,
        })
    };
    could.map(|(pair, _)| pair).filter(move |pair| no_longer(pair)).map(|(employee, pupil)| (employee, pupil))
}

/// Codes that employees show pupils in classes are not good any more. What another shows them is.
pub(super) async fn end_codes<'a>(
    tx: &mut Tx,
    over: impl Iterator<Item = (&'a str, &'a PersonId, &'a PersonId)>,
    now: Timestamp,
) -> sqlx::Result<()> {
    let mut over: Vec<Shown<'a>> = over.map(|(class, by, to)| Shown { to, by, class }).collect();
    over.sort_unstable_by_key(|shown| (shown.to.as_str(), shown.by.as_str(), shown.class));
    activation::end_shown(tx, &over, now).await.map(|_| ())
}

impl Change {
    fn decision(&self) -> Decision {
        match self {
            Change::Authorise { decision, .. } | Change::Couple { decision, .. } => *decision,
        }
    }
}

/// What speaks against a change.
fn objection(change: &Change, by: &PersonId, employees: &[Employee], members: &[Member]) -> Option<Refused> {
    let is_employee = |person: &PersonId| employees.iter().any(|employee| employee.person == *person);
    let is_member = |person: &PersonId| members.iter().any(|member| member.person == *person);
    match change {
        Change::Authorise { employee, .. } if employee == by => Some(Refused::Oneself),
        Change::Couple { employee, pupil, .. } if employee == by || pupil == by || employee == pupil => {
            Some(Refused::Oneself)
        }
        Change::Authorise { employee, .. } if !is_employee(employee) => Some(Refused::NotInClass),
        Change::Couple { employee, pupil, .. } if !is_employee(employee) || !is_member(pupil) => {
            Some(Refused::NotInClass)
        }
        Change::Authorise { .. } | Change::Couple { .. } => None,
    }
}

async fn put(tx: &mut Tx, class: &ClassId, change: &Change, (by, now): (&PersonId, Timestamp)) -> sqlx::Result<()> {
    const ISSUER: &str = "INSERT INTO school_issuer (class, employee, decision, decided_by, decided_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (class, employee) DO UPDATE SET decision = excluded.decision, decided_by = excluded.decided_by,
            decided_at = excluded.decided_at";
    const COUPLING: &str = "INSERT INTO school_coupling (class, employee, pupil, decision, decided_by, decided_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (class, employee, pupil) DO UPDATE SET decision = excluded.decision,
            decided_by = excluded.decided_by, decided_at = excluded.decided_at, not_identified_at = NULL";
    let query = match change {
        Change::Authorise { employee, .. } => sqlx::query(ISSUER).bind(class.as_str()).bind(employee.as_str()),
        Change::Couple { employee, pupil, .. } => {
            sqlx::query(COUPLING).bind(class.as_str()).bind(employee.as_str()).bind(pupil.as_str())
        }
    };
    let query = query.bind(change.decision().name()).bind(by.as_str()).bind(now.seconds());
    query.execute(&mut **tx).await.map(|_| ())
}

fn event(change: &Change, by: &Administrator, (class, employees): (&Class, &[Employee])) -> Event {
    let actor = Actor::Person(by.person().clone());
    // The pupil reads as what somebody may issue to them, and not who that is by an id of ours.
    let by_employee = |event: Event, employee: &PersonId| {
        let event = event.with("employee", employee.as_str());
        let titles = employees.iter().find(|one| one.person == *employee).map(|one| one.titles.as_slice());
        match titles.and_then(<[Title]>::first) {
            Some(title) => event.with("employee_as", title.name()),
            None => event,
        }
    };
    let (event, reason) = match change {
        Change::Authorise { employee, decision: Decision::Yes } => {
            (Event::by("school-authorised", employee, actor), "may-issue")
        }
        Change::Authorise { employee, decision: Decision::No } => {
            (Event::by("school-unauthorised", employee, actor), "may-not-issue")
        }
        Change::Couple { pupil, employee, decision: Decision::Yes } => {
            (by_employee(Event::by("school-coupled", pupil, actor), employee), "can-identify")
        }
        // NEI is said where safe identification is not possible.
        Change::Couple { pupil, employee, decision: Decision::No } => {
            (by_employee(Event::by("school-uncoupled", pupil, actor), employee), "cannot-identify")
        }
    };
    placed(event.with("reason", reason), by.title(), by.school(), class)
}

/// With where it happened, and as what its actor did it.
pub(super) fn placed(event: Event, title: Title, school: &School, class: &Class) -> Event {
    let event = event.with("role", title.name()).with("school", school.name.as_str());
    event.with("school_orgno", school.orgno.as_str()).with("class", class.name.as_str())
}

/// Proof that an employee may issue to a pupil now: they have a role in the class, may issue there and to this pupil,
/// which somebody else has decided, and the pupil is in the class.
#[derive(Debug, Clone)]
pub struct Coupling {
    employee: PersonId,
    title: Title,
    school: School,
    class: Class,
    pupil: Member,
}

impl Coupling {
    /// Looks for it, by ids as they stand in an address.
    pub async fn find(db: &Db, employee: &PersonId, class: &str, pupil: &str) -> sqlx::Result<Option<Coupling>> {
        let mut connection = db.pool().acquire().await?;
        find(&mut connection, employee, class, pupil).await
    }

    /// Looks again, in the transaction in which something is done by it: whoever decides otherwise has done so before,
    /// or waits until this is through.
    pub(super) async fn still(&self, tx: &mut Tx) -> sqlx::Result<Option<Coupling>> {
        const ISSUER: &str = "UPDATE school_issuer SET decision = decision WHERE class = $1 AND employee = $2";
        const COUPLING: &str = "UPDATE school_coupling SET decision = decision
                                WHERE class = $1 AND employee = $2 AND pupil = $3";
        let (class, employee) = (self.class.id.as_str(), self.employee.as_str());
        sqlx::query(ISSUER).bind(class).bind(employee).execute(&mut **tx).await?;
        let query = sqlx::query(COUPLING).bind(class).bind(employee).bind(self.pupil.person.as_str());
        query.execute(&mut **tx).await?;
        find(tx, &self.employee, self.class.id.as_str(), self.pupil.person.as_str()).await
    }

    /// Who issues.
    pub fn employee(&self) -> &PersonId {
        &self.employee
    }

    /// As what.
    pub fn title(&self) -> Title {
        self.title
    }

    /// At which school.
    pub fn school(&self) -> &School {
        &self.school
    }

    /// In which class.
    pub fn class(&self) -> &Class {
        &self.class
    }

    /// The codes that are shown by it, which are good as long as it holds.
    pub fn shown(&self) -> Shown<'_> {
        Shown { to: self.pupil(), by: &self.employee, class: self.class.id.as_str() }
    }

    /// To whom.
    pub fn pupil(&self) -> &PersonId {
        &self.pupil.person
    }
}

async fn find(db: &mut AnyConnection, employee: &PersonId, class: &str, pupil: &str) -> sqlx::Result<Option<Coupling>> {
    const SQL: &str = "SELECT school_coupling.pupil FROM school_coupling JOIN school_issuer
            ON school_issuer.class = school_coupling.class AND school_issuer.employee = school_coupling.employee
        WHERE school_coupling.class = $1 AND school_coupling.employee = $2 AND school_coupling.pupil = $3
            AND school_issuer.decision = 'yes' AND school_coupling.decision = 'yes'
            AND school_coupling.not_identified_at IS NULL AND school_coupling.employee <> school_coupling.pupil
            AND school_issuer.decided_by <> $2 AND school_coupling.decided_by <> $2";
    let Some(class) = register::class(&mut *db, class).await? else { return Ok(None) };
    let Some(school) = register::school(&mut *db, class.school.as_str()).await? else { return Ok(None) };
    let Some(title) = register::title_in(&mut *db, employee, class.id.as_str()).await? else { return Ok(None) };
    let Some(pupil) = register::member(&mut *db, &class.id, pupil).await? else { return Ok(None) };
    let query = sqlx::query(SQL).bind(class.id.as_str()).bind(employee.as_str()).bind(pupil.person.as_str());
    let is_decided = query.fetch_optional(&mut *db).await?.is_some();
    Ok(is_decided.then(|| Coupling { employee: employee.clone(), title, school, class, pupil }))
}

/// The employee cannot tell who the pupil is: they are not coupled until it is decided anew.
pub(super) async fn note_not_identified(tx: &mut Tx, coupling: &Coupling, now: Timestamp) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE school_coupling SET not_identified_at = $4
                       WHERE class = $1 AND employee = $2 AND pupil = $3 AND not_identified_at IS NULL";
    let query = sqlx::query(SQL).bind(coupling.class.id.as_str()).bind(coupling.employee.as_str());
    let query = query.bind(coupling.pupil.person.as_str()).bind(now.seconds());
    query.execute(&mut **tx).await.map(|_| ())
}

/// In a class, an employee who could issue to a pupil.
pub(super) type Coupled = (ClassId, PersonId, PersonId);

/// Forgets what was decided of employees who no longer have a role in their classes; to whom they could issue. If they
/// come back it is decided anew.
pub(super) async fn forget_employees(tx: &mut Tx, gone: &[(&str, &PersonId)]) -> sqlx::Result<Vec<Coupled>> {
    static ISSUERS: Several = Several::of("DELETE FROM school_issuer WHERE (class, employee) IN (VALUES ($1, $2))");
    static COUPLED: Several = Several::of(
        "DELETE FROM school_coupling WHERE decision = 'yes' AND not_identified_at IS NULL
             AND (class, employee) IN (VALUES ($1, $2)) RETURNING class, employee, pupil",
    );
    static OTHERS: Several = Several::of("DELETE FROM school_coupling WHERE (class, employee) IN (VALUES ($1, $2))");
    // Who issues before to whom, as whoever issues holds them.
    forget(tx, &ISSUERS, gone).await?;
    let coupled = forget_coupled(tx, &COUPLED, gone).await?;
    forget(tx, &OTHERS, gone).await?;
    Ok(coupled)
}

async fn forget_coupled(tx: &mut Tx, what: &'static Several, gone: &[(&str, &PersonId)]) -> sqlx::Result<Vec<Coupled>> {
    let mut coupled = Vec::new();
    for (sql, some) in what.each(gone) {
        let query =
            some.iter().fold(sqlx::query_as(sql), |query, (class, person)| query.bind(*class).bind(person.as_str()));
        let found: Vec<Coupled> = query.fetch_all(&mut **tx).await?;
        coupled.extend(found);
    }
    Ok(coupled)
}

async fn forget(tx: &mut Tx, what: &'static Several, gone: &[(&str, &PersonId)]) -> sqlx::Result<()> {
    for (sql, some) in what.each(gone) {
        let query =
            some.iter().fold(sqlx::query(sql), |query, (class, person)| query.bind(*class).bind(person.as_str()));
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Forgets all that was decided in a class; the employees who could issue, and to whom. If they come back it is decided
/// anew.
pub(super) async fn forget_class(tx: &mut Tx, class: &ClassId) -> sqlx::Result<Vec<(PersonId, PersonId)>> {
    const ISSUERS: &str = "DELETE FROM school_issuer WHERE class = $1";
    const COUPLED: &str = "DELETE FROM school_coupling WHERE class = $1
                               AND decision = 'yes' AND not_identified_at IS NULL RETURNING employee, pupil";
    const OTHERS: &str = "DELETE FROM school_coupling WHERE class = $1";
    sqlx::query(ISSUERS).bind(class.as_str()).execute(&mut **tx).await?;
    let coupled = sqlx::query_as(COUPLED).bind(class.as_str()).fetch_all(&mut **tx).await?;
    sqlx::query(OTHERS).bind(class.as_str()).execute(&mut **tx).await?;
    Ok(coupled)
}

/// The same of pupils who are no longer in their classes.
pub(super) async fn forget_pupils(tx: &mut Tx, gone: &[(&str, &PersonId)]) -> sqlx::Result<Vec<Coupled>> {
    static COUPLED: Several = Several::of(
        "DELETE FROM school_coupling WHERE decision = 'yes' AND not_identified_at IS NULL
             AND (class, pupil) IN (VALUES ($1, $2)) RETURNING class, employee, pupil",
    );
    static OTHERS: Several = Several::of("DELETE FROM school_coupling WHERE (class, pupil) IN (VALUES ($1, $2))");
    let coupled = forget_coupled(tx, &COUPLED, gone).await?;
    forget(tx, &OTHERS, gone).await?;
    Ok(coupled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(decision: Decision, not_identified: bool) -> Decided {
        let by = serde_json::from_str("\"rektor\"").unwrap();
        Decided { decision, decided_by: by, decided_at: at(0), not_identified_at: not_identified.then_some(at(5)) }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn how_a_pupil_stands() {
        let (yes, no, unsure) =
            (decided(Decision::Yes, false), decided(Decision::No, false), decided(Decision::Yes, true));
        let (refused, later) = (Standing::Refused { since: at(0) }, Standing::Refused { since: at(5) });
        for (issuer, coupled, expected) in [
            (Some(&yes), Some(&yes), Standing::Coupled),
            (Some(&yes), Some(&no), refused),
            (Some(&yes), Some(&unsure), later),
            (Some(&yes), None, Standing::Undecided),
            (Some(&no), Some(&yes), Standing::Undecided),
            (None, Some(&yes), Standing::Undecided),
            (None, None, Standing::Undecided),
        ] {
            assert_eq!(standing(issuer, coupled), expected);
        }
        for (one, other, expected) in [
            (refused, later, refused),
            (refused, Standing::Undecided, refused),
            (refused, Standing::Coupled, Standing::Coupled),
            (Standing::Undecided, Standing::Undecided, Standing::Undecided),
        ] {
            assert_eq!((one.and(other), other.and(one)), (expected, expected));
        }
    }

    #[test]
    fn nobody_decides_of_themselves() {
        let person = |id: &str| serde_json::from_str::<PersonId>(&format!("{id:?}")).unwrap();
        let employee = Employee { person: person("t"), name: String::new(), titles: vec![Title::ContactTeacher] };
        let rektor = Employee { person: person("r"), ..employee.clone() };
        let employees = [employee, rektor];
        let members = [Member { person: person("p"), name: String::new() }];
        let (authorise, couple) = (
            |employee: &str| Change::Authorise { employee: person(employee), decision: Decision::Yes },
            |employee: &str, pupil: &str| {
                let (employee, pupil) = (person(employee), person(pupil));
                Change::Couple { employee, pupil, decision: Decision::Yes }
            },
        );
        for (change, expected) in [
            (authorise("t"), None),
            (authorise("r"), Some(Refused::Oneself)),
            (authorise("x"), Some(Refused::NotInClass)),
            (authorise("p"), Some(Refused::NotInClass)),
            (couple("t", "p"), None),
            (couple("r", "p"), Some(Refused::Oneself)),
            (couple("t", "t"), Some(Refused::Oneself)),
            (couple("t", "r"), Some(Refused::Oneself)),
            (couple("t", "x"), Some(Refused::NotInClass)),
            (couple("x", "p"), Some(Refused::NotInClass)),
        ] {
            assert_eq!(objection(&change, &person("r"), &employees, &members), expected, "{change:?}");
        }
    }
}
