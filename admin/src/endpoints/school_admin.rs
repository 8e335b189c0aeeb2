//! `/skule`, and below it a school's administration: school, class, who may issue, and to whom.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use askama::Template;
use authenticators::chance::TokenHash;
use authenticators::password;
use authenticators::person::{Person, PersonId};
use authenticators::scratch::Kept;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use idp::client::SCHOOL_PATH;
use idp::error::Refusal;
use idp::page::{self, Frame};
use idp::params::Params;
use idp::text;
use serde::{Deserialize, Serialize};

use crate::school::coupling::{self, Decided, Decision, Decisions, Open, Refused, Saved, Standing};
use crate::school::issuing::{Progress, Status};
use crate::school::register::{self, Administrator, Apart, Class, ClassId, Employee, Heads, Pupil, Title};
use crate::school::said::{self, CHANGED, SAVED, SAVED_BEFORE, Said};
use crate::school::sign_in::{LEAVE, Sent, Staff};
use crate::school::sketch::{self, Difference, Question, Sketch};
use crate::school::{alias, routes, told};

/// A way on.
struct Choice {
    href: String,
    name: String,
    about: Vec<String>,
}

/// What somebody can do by one of their roles.
struct Part {
    title: &'static str,
    about: &'static str,
    choices: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "school_start.html")]
struct StartPage {
    frame: Frame,
    csrf: String,
    leave: &'static str,
    name: String,
    notice: Option<Said>,
    parts: Vec<Part>,
    /// Where they send the file of each owner that they act for.
    files: Vec<Choice>,
    report: &'static str,
}

#[derive(Template)]
#[template(path = "school_classes.html")]
struct ClassesPage {
    frame: Frame,
    csrf: String,
    leave: &'static str,
    name: String,
    notice: Option<Said>,
    choices: Vec<Choice>,
    back: &'static str,
}

/// JA or NEI.
struct Pair {
    field: String,
    name: String,
    about: Vec<String>,
    /// `yes`, `no`, or nothing where nobody has decided it.
    choice: &'static str,
    /// Whether it can be left open.
    can_wait: bool,
    is_wrong: bool,
    is_first_wrong: bool,
}

#[derive(Template)]
#[template(path = "school_employees.html")]
struct EmployeesPage {
    frame: Frame,
    csrf: String,
    leave: &'static str,
    action: String,
    /// A mark of what it shows.
    seen: String,
    school: String,
    class: String,
    notice: Option<Said>,
    pairs: Vec<Pair>,
    /// Who is at the desk, if they could be let issue by somebody else, and whom they can ask.
    oneself: Option<(String, &'static str)>,
    problem: Option<&'static str>,
    back: String,
}

/// The pupils to whom an employee may issue or not.
struct Group {
    id: String,
    name: String,
    pairs: Vec<Pair>,
}

#[derive(Template)]
#[template(path = "school_couple.html")]
struct CouplePage {
    frame: Frame,
    csrf: String,
    leave: &'static str,
    action: String,
    /// A mark of what it shows.
    seen: String,
    school: String,
    class: String,
    notice: Option<Said>,
    groups: Vec<Group>,
    problem: Option<&'static str>,
    back: String,
}

/// What changes for an employee.
struct Changed {
    name: String,
    /// Words for whether they may issue at all, if that changes.
    may_issue: Option<&'static str>,
    /// The pupils to whom they may issue from now on.
    yes: Vec<String>,
    /// Those to whom they may when the year has come from which the pupil may have MinID.
    later: Vec<String>,
    /// Those to whom they might, and who have MinID already.
    needless: Vec<String>,
    /// And those to whom they may not.
    no: Vec<String>,
    /// Those to whom they may again: it was decided before they could issue at all.
    again: Vec<String>,
    /// Those to whom they may no more, with all else in the class.
    lost: Vec<String>,
    /// Whether codes of theirs may end.
    ends_codes: bool,
}

#[derive(Template)]
#[template(path = "school_confirm.html")]
struct ConfirmPage {
    frame: Frame,
    csrf: String,
    leave: &'static str,
    action: String,
    school: String,
    class: String,
    notice: Option<Said>,
    mark: String,
    changed: Vec<Changed>,
    problem: Option<&'static str>,
    back: String,
    onwards: String,
}

/// Somewhere that two people have decided, or somebody else has.
struct Clash {
    employee: String,
    /// All of the employee's pupils for whom it is so, or nobody where it is about the employee.
    pupils: Vec<String>,
    now: &'static str,
    /// Who has decided it meanwhile, and when.
    by: Option<String>,
    mine: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "school_conflict.html")]
struct ConflictPage {
    frame: Frame,
    csrf: String,
    leave: &'static str,
    action: String,
    school: String,
    class: String,
    mark: String,
    clashes: Vec<Clash>,
    has_mine: bool,
}

/// A class in which somebody may decide, and all that is decided in it.
struct Room {
    staff: Staff,
    administrator: Administrator,
    decisions: Decisions,
    /// What tells pupils apart who have the same name.
    alike: HashMap<PersonId, Apart>,
    /// The pupils who are too young.
    young: HashSet<PersonId>,
    /// Words for who can let this person issue.
    whom_to_ask: &'static str,
}

/// `GET /skule`: what somebody can do here.
pub async fn start(staff: Staff, query: Params) -> Result<Response, Refusal> {
    let (db, person) = (staff.app.world.db.pool(), &staff.person.id);
    let mut parts = Vec::new();
    let schools = register::schools_administered(db, person).await?;
    let school = |school: register::School| Choice {
        href: format!("{SCHOOL_PATH}/{}", school.id.as_str()),
        name: school.name,
        about: Vec::new(),
    };
    if !schools.is_empty() {
        let choices = schools.into_iter().map(school).collect();
        parts.push(Part { title: "school-admin-part", about: "school-admin-about", choices });
    }
    let taught = register::classes_taught(db, person).await?;
    let class = |taught: register::Taught| Choice {
        href: routes::class(&taught.class.id),
        name: taught.class.name,
        about: vec![taught.school_name],
    };
    if !taught.is_empty() {
        let choices = taught.into_iter().map(class).collect();
        parts.push(Part { title: "school-teacher-part", about: "school-teacher-about", choices });
    }
    let file =
        |owner: register::Owner| Choice { href: routes::file(&owner.orgno), name: owner.name, about: Vec::new() };
    let files = register::owners_of(db, person).await?.into_iter().map(file).collect();
    let page = StartPage {
        frame: staff.frame(),
        csrf: staff.csrf(),
        leave: LEAVE,
        name: staff.person.name(),
        notice: said::of(&query),
        parts,
        files,
        report: routes::REPORT,
    };
    Ok(staff.html(StatusCode::OK, &page))
}

/// `GET /skule/{school}`: its classes.
pub async fn classes(staff: Staff, Path(school): Path<String>, query: Params) -> Result<Response, Refusal> {
    let db = staff.app.world.db.pool();
    let administrator = register::may_administer(db, &staff.person.id, &school).await?;
    let Some(administrator) = administrator else { return Err(staff.nothing_here().await) };
    let school = administrator.school();
    let all = register::classes(db, &school.id).await?;
    let ids: Vec<ClassId> = all.iter().map(|class| class.id.clone()).collect();
    let heads = register::heads(&staff.app.world.db, school).await?;
    let asked = asked(&staff, &heads).await?;
    let open = coupling::left_open(&staff.app.world.db, &ids, &asked, &staff.person.id).await?;
    let pupils: Vec<PersonId> = asked.pupils.iter().map(|(_, pupil)| pupil.clone()).collect();
    let with_minid = password::holders(&staff.app.world.db, &pupils).await?;
    let overview = Overview { staff: &staff, heads, asked, open, with_minid };
    let choice = |class: Class| {
        let (href, about) = (class_path(&administrator, class.id.as_str()), overview.about(&class.id));
        Choice { href, name: class.name, about }
    };
    let choices = all.into_iter().map(choice).collect();
    let page = ClassesPage {
        frame: staff.frame(),
        csrf: staff.csrf(),
        leave: LEAVE,
        name: school.name.clone(),
        notice: said::of(&query),
        choices,
        back: SCHOOL_PATH,
    };
    Ok(staff.html(StatusCode::OK, &page))
}

/// What there is to say of a school's classes.
struct Overview<'a> {
    staff: &'a Staff,
    heads: Heads,
    /// Without those who are too young.
    asked: Heads,
    open: HashMap<ClassId, Open>,
    with_minid: HashSet<PersonId>,
}

impl Overview<'_> {
    fn about(&self, class: &ClassId) -> Vec<String> {
        let text = self.staff.text();
        let count = |heads: &[(ClassId, PersonId)]| heads.iter().filter(|(at, _)| at == class).count();
        let employees = count(&self.heads.employees);
        let open = self.open.get(class).copied().unwrap_or_default();
        let has_minid = |(at, pupil): &&(ClassId, PersonId)| at == class && self.with_minid.contains(pupil);
        let (have, may) = (self.asked.pupils.iter().filter(has_minid).count(), count(&self.asked.pupils));
        let mut about = vec![match employees {
            0 => text.with("school-count-employees", "count", "0"),
            _ => text.with("school-count-issuers", "count", format!("{}/{employees}", open.issuers)),
        }];
        about.push(text.with("school-count-pupils", "count", count(&self.heads.pupils).to_string()));
        if may > 0 {
            about.push(text.with("school-progress", "done", format!("{have}/{may}")));
        }
        about.extend(match open {
            _ if all_too_young(&self.heads, &self.asked, class) => Some(text.t("school-all-too-young")),
            Open { is_theirs: false, .. } => None,
            Open { questions: 0, lacks_issuer: true, .. } => Some(text.t("school-nobody-issues")),
            Open { questions: 0, .. } => Some(text.t("school-all-decided")),
            Open { questions, .. } => Some(text.with("school-count-open", "count", questions.to_string())),
        });
        about
    }
}

/// Those of a school of whom somebody has to decide: all but those who are too young.
async fn asked(staff: &Staff, heads: &Heads) -> anyhow::Result<Heads> {
    let pupils = heads.pupils.iter().map(|(_, pupil)| pupil);
    let young = coupling::too_young(&staff.app.world, pupils, staff.now).await?;
    let old = heads.pupils.iter().filter(|(_, pupil)| !young.contains(pupil)).cloned();
    Ok(Heads { employees: heads.employees.clone(), pupils: old.collect() })
}

/// Whether there are pupils in a class, and nobody has to be decided of.
fn all_too_young(heads: &Heads, asked: &Heads, class: &ClassId) -> bool {
    let has = |heads: &Heads| heads.pupils.iter().any(|(at, _)| at == class);
    has(heads) && !has(asked)
}

fn class_path(administrator: &Administrator, class: &str) -> String {
    format!("{SCHOOL_PATH}/{}/{class}", administrator.school().id.as_str())
}

impl Room {
    /// The class of an address, if it is at a school where this person may decide now.
    async fn of(staff: Staff, (school, class): &(String, String)) -> Result<Room, Refusal> {
        let db = staff.app.world.db.pool();
        let administrator = register::may_administer(db, &staff.person.id, school).await?;
        let Some(administrator) = administrator else { return Err(staff.nothing_here().await) };
        let class = register::class(db, class).await?;
        let class = class.filter(|class| class.school == administrator.school().id);
        let Some(class) = class else { return Err(staff.nothing_here().await) };
        let Some(decisions) = Decisions::of(&staff.app.world, &class.id).await? else {
            return Err(staff.nothing_here().await);
        };
        let alike = register::told_apart(&decisions.class.id, decisions.pupils.iter());
        let pupils = decisions.pupils.iter().map(|pupil| &pupil.person);
        let young = coupling::too_young(&staff.app.world, pupils, staff.now).await?;
        let whom_to_ask = match register::has_others(db, &administrator).await? {
            true => "school-not-oneself",
            false => "school-not-oneself-alone",
        };
        Ok(Room { staff, administrator, decisions, alike, young, whom_to_ask })
    }

    /// What tells a pupil from another of the same name, in words.
    fn apart(&self, pupil: &Pupil) -> Option<String> {
        let (apart, text) = (self.alike.get(&pupil.person)?, self.staff.text());
        let digits = apart.digits.as_deref().map(|digits| text.with("school-digits", "digits", digits));
        let mark = text.with("school-mark", "mark", apart.mark.as_str());
        Some(digits.into_iter().chain([mark]).collect::<Vec<_>>().join(", "))
    }

    /// A pupil, by all that it takes to know which.
    fn called(&self, pupil: &Pupil) -> String {
        match self.apart(pupil) {
            Some(apart) => format!("{} ({apart})", pupil.name),
            None => pupil.name.clone(),
        }
    }

    /// The fields of the page that asks who may issue.
    fn employee_fields(&self) -> impl Iterator<Item = String> {
        let class = &self.decisions.class.id;
        self.employees().map(move |employee| sketch::employee_field(class, &employee.person))
    }

    /// What they have in mind, for a page that shows it, and what that says first. What they had chosen when their session
    /// was over goes into it, and no further.
    async fn opened(&self, query: &Params) -> anyhow::Result<(Sketch, Option<Said>)> {
        let Some(form) = self.staff.unsent().await? else {
            let sketch = self.sketch().await?;
            self.keep(&sketch).await?;
            return Ok((sketch, said::of(query)));
        };
        let class = &self.decisions.class.id;
        let chosen = |sketch: &mut Sketch| {
            read(sketch, self.employee_fields(), &form);
            for employee in self.issuers(sketch) {
                let field = |pupil: &Pupil| sketch::pair_field(class, &employee.person, &pupil.person);
                read(sketch, pupils_of(self, employee).map(field), &form);
            }
        };
        Ok(match self.take_over(&form, chosen).await? {
            Taken::Over(sketch) => (sketch, said::of(query)),
            Taken::Late(sketch) => (sketch, Some(CHANGED)),
        })
    }

    /// Takes over what a form says. Its page had something chosen already, as it was decided then: whoever leaves that as
    /// it is has not decided it, whatever somebody else has decided since.
    async fn take_over(&self, form: &Params, chosen: impl FnOnce(&mut Sketch)) -> anyhow::Result<Taken> {
        let seen = form.field("seen").unwrap_or_default();
        let mut sketch = match self.begun().await? {
            Some(begun) if begun.shown() == seen => begun,
            begun => Sketch::going_on(begun, &self.decisions),
        };
        if sketch.shown() == seen {
            chosen(&mut sketch);
        }
        let sketch = Sketch::going_on(Some(sketch), &self.decisions);
        self.keep(&sketch).await?;
        Ok(if sketch.shown() == seen { Taken::Over(sketch) } else { Taken::Late(sketch) })
    }

    /// The pupils to whom an employee may issue by what is decided of each, and stays so: what is decided of the employee
    /// gives it back, or takes it away.
    fn kept(&self, employee: &Employee, sketch: &Sketch) -> Vec<String> {
        let class = &self.decisions.class.id;
        let stays = |pupil: &&Pupil| {
            let decided = self.decisions.coupled(&employee.person, &pupil.person).map(Decided::holds);
            let chosen = sketch.choice(&sketch::pair_field(class, &employee.person, &pupil.person));
            decided == Some(Decision::Yes) && chosen == Some(Decision::Yes)
        };
        self.decisions.pupils.iter().filter(stays).map(|pupil| self.called(pupil)).collect()
    }

    /// How far all of the class have come: whoever decides knows who cannot have a code, or needs none.
    async fn progress(&self) -> anyhow::Result<Progress> {
        let all: Vec<PersonId> = self.decisions.pupils.iter().map(|pupil| pupil.person.clone()).collect();
        Progress::of(&self.staff.app.world, &all, self.staff.now).await
    }

    fn status(&self, progress: &Progress, employee: &Employee, pupil: &Pupil) -> Status {
        progress.status(&pupil.person, self.decisions.standing_with(&employee.person, &pupil.person))
    }

    fn path(&self, step: &str) -> String {
        format!("{}{step}", class_path(&self.administrator, self.decisions.class.id.as_str()))
    }

    fn school(&self) -> String {
        self.administrator.school().name.clone()
    }

    fn class(&self) -> String {
        self.decisions.class.name.clone()
    }

    /// Those whom this person can let issue: all but themselves.
    fn employees(&self) -> impl Iterator<Item = &Employee> {
        let own = self.administrator.person();
        self.decisions.employees.iter().filter(move |employee| employee.person != *own)
    }

    /// Those who may issue, by the sketch.
    fn issuers<'a>(&'a self, sketch: &Sketch) -> Vec<&'a Employee> {
        let class = &self.decisions.class.id;
        let may = |employee: &&Employee| {
            sketch.choice(&sketch::employee_field(class, &employee.person)) == Some(Decision::Yes)
        };
        self.employees().filter(may).collect()
    }

    async fn begun(&self) -> anyhow::Result<Option<Sketch>> {
        let (world, now) = (&self.staff.app.world, self.staff.now);
        Ok(world.scratch.get::<Sketch>(&self.key(), now).await?.map(|read| read.value))
    }

    async fn sketch(&self) -> anyhow::Result<Sketch> {
        Ok(Sketch::going_on(self.begun().await?, &self.decisions))
    }

    async fn keep(&self, sketch: &Sketch) -> anyhow::Result<()> {
        self.staff.app.world.scratch.put(&self.key(), sketch, self.staff.now).await
    }

    async fn forget(&self) -> anyhow::Result<()> {
        self.staff.app.world.scratch.take::<Sketch>(&self.key(), self.staff.now).await.map(|_| ())
    }

    /// Tells of a form that decides something of whoever sends it. Nothing comes of it.
    async fn note_oneself(&self, form: &Params) {
        if sketch::decides_of_oneself(form, &self.decisions, self.administrator.person()) {
            let event = told::denied(Refused::Oneself, &self.administrator, &self.decisions.class);
            self.staff.app.world.trail.note(event, self.staff.now).await;
        }
    }

    fn key(&self) -> TokenHash {
        self.staff.key(&Sketch::purpose(&self.decisions.class.id))
    }

    /// Notes what was saved, by its mark: whoever presses the button twice has saved it.
    async fn note_saved(&self, mark: &str) -> anyhow::Result<()> {
        let (world, now) = (&self.staff.app.world, self.staff.now);
        world.scratch.put(&self.saved_key(mark), &JustSaved {}, now).await
    }

    async fn has_saved(&self, mark: &str) -> anyhow::Result<bool> {
        let (world, now) = (&self.staff.app.world, self.staff.now);
        Ok(world.scratch.get::<JustSaved>(&self.saved_key(mark), now).await?.is_some())
    }

    fn saved_key(&self, mark: &str) -> TokenHash {
        self.staff.key(&format!("{} saved {mark}", Sketch::purpose(&self.decisions.class.id)))
    }

    /// Where it goes on after this class, and the word that says there that it is saved.
    async fn onwards(&self) -> anyhow::Result<(String, &'static str)> {
        let school = &self.administrator.school().id;
        let all = register::classes(self.staff.app.world.db.pool(), school).await?;
        let heads = register::heads(&self.staff.app.world.db, self.administrator.school()).await?;
        let asked = asked(&self.staff, &heads).await?;
        let mut after = all.iter().skip_while(|class| class.id != self.decisions.class.id).skip(1);
        let after = after.find(|class| !all_too_young(&heads, &asked, &class.id));
        Ok(match after {
            Some(class) => (class_path(&self.administrator, class.id.as_str()), SAVED_BEFORE),
            None => (format!("{SCHOOL_PATH}/{}", school.as_str()), SAVED),
        })
    }

    /// It is saved: on to what comes next.
    async fn saved(&self) -> Result<Response, Refusal> {
        let (path, saved) = self.onwards().await?;
        Ok(page::see_other(&format!("{path}?{saved}")))
    }
}

/// `GET /skule/{school}/{class}`: who may issue.
pub async fn employees(staff: Staff, Path(place): Path<(String, String)>, query: Params) -> Result<Response, Refusal> {
    let room = Room::of(staff, &place).await?;
    let (sketch, notice) = room.opened(&query).await?;
    Ok(employees_page(&room, &sketch, notice, Asked::Freshly))
}

/// That something was saved, by the mark of what it was.
#[derive(Serialize, Deserialize)]
struct JustSaved {}

impl Kept for JustSaved {
    const KIND: &'static str = "school-saved";
    const FOR: Duration = Duration::from_mins(5);
}

/// What became of a form.
enum Taken {
    /// What was chosen is in the sketch.
    Over(Sketch),
    /// The class has become another since its page was shown. What was chosen is in the sketch as far as it can be told
    /// from what was only left as it stood.
    Late(Sketch),
}

/// Whether a page asks for the first time, or because something was left out, or has become another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Freshly,
    Again,
    Late,
}

impl Asked {
    fn status(self) -> StatusCode {
        match self {
            Asked::Freshly => StatusCode::OK,
            Asked::Again => StatusCode::UNPROCESSABLE_ENTITY,
            Asked::Late => StatusCode::CONFLICT,
        }
    }

    /// Words for what is wrong.
    fn problem(self) -> Option<&'static str> {
        match self {
            Asked::Freshly => None,
            Asked::Again => Some("school-problem-undecided"),
            Asked::Late => Some(CHANGED.words),
        }
    }
}

fn employees_page(room: &Room, sketch: &Sketch, notice: Option<Said>, asked: Asked) -> Response {
    let (staff, class, text) = (&room.staff, &room.decisions.class.id, room.staff.text());
    let pair = |employee: &Employee| {
        let field = sketch::employee_field(class, &employee.person);
        let about = employee.titles.iter().filter_map(|title| title_words(*title)).map(|key| text.t(key));
        pair(sketch, field, employee.name.clone(), about.collect())
    };
    let mut pairs: Vec<Pair> = room.employees().map(pair).collect();
    if asked == Asked::Again {
        mark_wrong(pairs.iter_mut());
    }
    let own = room.administrator.person();
    let oneself = room.decisions.employees.iter().find(|employee| employee.person == *own);
    let page = EmployeesPage {
        frame: staff.frame(),
        csrf: staff.csrf(),
        leave: LEAVE,
        action: room.path(""),
        seen: sketch.shown(),
        school: room.school(),
        class: room.class(),
        notice,
        pairs,
        oneself: oneself.map(|employee| (employee.name.clone(), room.whom_to_ask)),
        problem: asked.problem(),
        back: format!("{SCHOOL_PATH}/{}", room.administrator.school().id.as_str()),
    };
    staff.html(asked.status(), &page)
}

/// The titles by which somebody can be let issue.
fn title_words(title: Title) -> Option<&'static str> {
    match title {
        Title::ContactTeacher => Some("school-contact-teacher"),
        Title::SubjectTeacher => Some("school-subject-teacher"),
        Title::Adviser => Some("school-adviser"),
        Title::Assistant => Some("school-assistant"),
        Title::Owner | Title::Principal | Title::AssistantPrincipal | Title::Secretary | Title::Inspector => None,
    }
}

fn pair(sketch: &Sketch, field: String, name: String, about: Vec<String>) -> Pair {
    let choice = sketch.choice(&field).map(Decision::name).unwrap_or_default();
    Pair { field, name, about, choice, can_wait: false, is_wrong: false, is_first_wrong: false }
}

fn mark_wrong<'a>(pairs: impl Iterator<Item = &'a mut Pair>) {
    for (number, pair) in pairs.filter(|pair| pair.choice.is_empty() && !pair.can_wait).enumerate() {
        pair.is_wrong = true;
        pair.is_first_wrong = number == 0;
    }
}

/// Writes down what a form says of these fields; true if it says something of each, or did before.
fn read(sketch: &mut Sketch, fields: impl Iterator<Item = String>, form: &Params) -> bool {
    let mut is_whole = true;
    for field in fields {
        match form.field(&field).and_then(Decision::parse) {
            Some(choice) => sketch.choose(field, choice),
            None => is_whole &= sketch.choice(&field).is_some(),
        }
    }
    is_whole
}

/// `POST /skule/{school}/{class}`
pub async fn authorise(Path(place): Path<(String, String)>, sent: Sent) -> Result<Response, Refusal> {
    let room = Room::of(sent.staff, &place).await?;
    room.note_oneself(&sent.form).await;
    let mut is_whole = true;
    let chosen = |sketch: &mut Sketch| is_whole = read(sketch, room.employee_fields(), &sent.form);
    let sketch = match room.take_over(&sent.form, chosen).await? {
        Taken::Over(sketch) => sketch,
        Taken::Late(sketch) => return Ok(employees_page(&room, &sketch, None, Asked::Late)),
    };
    if !is_whole {
        return Ok(employees_page(&room, &sketch, None, Asked::Again));
    }
    let step = if room.issuers(&sketch).is_empty() { routes::CONFIRM } else { routes::PUPILS };
    Ok(page::see_other(&room.path(step)))
}

/// `GET /skule/{school}/{class}/elever`: to whom.
pub async fn pupils(staff: Staff, Path(place): Path<(String, String)>, query: Params) -> Result<Response, Refusal> {
    let room = Room::of(staff, &place).await?;
    let (sketch, notice) = room.opened(&query).await?;
    if room.issuers(&sketch).is_empty() {
        // Of whoever has nothing to read there, and of whoever has.
        return Ok(match notice {
            None => page::see_other(&room.path("")),
            Some(_) => employees_page(&room, &sketch, notice, Asked::Freshly),
        });
    }
    Ok(couple_page(&room, &sketch, notice, Asked::Freshly).await?)
}

/// The pupils to whom an employee can be let issue: nobody issues to themselves, and nobody lets anybody issue to them.
fn pupils_of<'a>(room: &'a Room, employee: &'a Employee) -> impl Iterator<Item = &'a Pupil> {
    let own = room.administrator.person();
    room.decisions.pupils.iter().filter(move |pupil| pupil.person != employee.person && pupil.person != *own)
}

/// What there is to say of a pupil who cannot have a code, or has no need of one.
fn status_words(status: Status) -> Option<&'static str> {
    match status {
        Status::TooYoung => Some("school-too-young-later"),
        Status::HasMinid => Some("school-has-minid"),
        Status::Registered => Some("school-registered"),
        Status::NotStarted | Status::CodeIssued { .. } | Status::Manual | Status::LetterOrdered => None,
    }
}

async fn couple_page(room: &Room, sketch: &Sketch, notice: Option<Said>, asked: Asked) -> anyhow::Result<Response> {
    let (staff, class, text) = (&room.staff, &room.decisions.class.id, room.staff.text());
    let progress = room.progress().await?;
    let group = |employee: &Employee| {
        let pair = |pupil: &Pupil| {
            let field = sketch::pair_field(class, &employee.person, &pupil.person);
            let decided = room.decisions.coupled(&employee.person, &pupil.person);
            let is_unsure = decided.is_some_and(|decided| decided.not_identified_at.is_some());
            let unsure = is_unsure.then(|| text.t("school-was-not-identified"));
            let status = status_words(room.status(&progress, employee, pupil)).map(|key| text.t(key));
            let about = [room.apart(pupil), unsure, status].into_iter().flatten().collect();
            Pair { can_wait: room.young.contains(&pupil.person), ..pair(sketch, field, pupil.name.clone(), about) }
        };
        let pairs = pupils_of(room, employee).map(pair).collect();
        Group { id: alias::of(class, &employee.person), name: employee.name.clone(), pairs }
    };
    let mut groups: Vec<Group> = room.issuers(sketch).into_iter().map(group).collect();
    if asked == Asked::Again {
        mark_wrong(groups.iter_mut().flat_map(|group| group.pairs.iter_mut()));
    }
    let page = CouplePage {
        frame: staff.frame(),
        csrf: staff.csrf(),
        leave: LEAVE,
        action: room.path(routes::PUPILS),
        seen: sketch.shown(),
        school: room.school(),
        class: room.class(),
        notice,
        groups,
        problem: asked.problem(),
        back: room.path(""),
    };
    Ok(staff.html(asked.status(), &page))
}

/// `POST /skule/{school}/{class}/elever`
pub async fn couple(Path(place): Path<(String, String)>, Sent { staff, form }: Sent) -> Result<Response, Refusal> {
    let room = Room::of(staff, &place).await?;
    room.note_oneself(&form).await;
    let (mut is_whole, mut filled_in) = (true, None);
    let chosen = |sketch: &mut Sketch| (is_whole, filled_in) = read_pairs(&room, sketch, &form);
    let sketch = match room.take_over(&form, chosen).await? {
        Taken::Over(sketch) => sketch,
        Taken::Late(sketch) if room.issuers(&sketch).is_empty() => {
            return Ok(employees_page(&room, &sketch, None, Asked::Late));
        }
        Taken::Late(sketch) => return Ok(couple_page(&room, &sketch, None, Asked::Late).await?),
    };
    match filled_in {
        Some(id) => Ok(page::see_other(&format!("{}#e-{id}", room.path(routes::PUPILS)))),
        None if is_whole => Ok(page::see_other(&room.path(routes::CONFIRM))),
        None => Ok(couple_page(&room, &sketch, None, Asked::Again).await?),
    }
}

/// Writes down what a form says of whom each employee may issue to: whether it says something of each who is old enough, and
/// the employee for all of whose pupils it says the same.
fn read_pairs(room: &Room, sketch: &mut Sketch, form: &Params) -> (bool, Option<String>) {
    let class = &room.decisions.class.id;
    let wish = form.field("do").unwrap_or_default();
    let (mut is_whole, mut filled_in) = (true, None);
    for employee in room.issuers(sketch) {
        let field = |pupil: &Pupil| sketch::pair_field(class, &employee.person, &pupil.person);
        let (young, old): (Vec<&Pupil>, Vec<&Pupil>) =
            pupils_of(room, employee).partition(|pupil| room.young.contains(&pupil.person));
        is_whole &= read(sketch, old.into_iter().map(field), form);
        read(sketch, young.into_iter().map(field), form);
        let id = alias::of(class, &employee.person);
        let all = [("all-yes-", Decision::Yes), ("all-no-", Decision::No)];
        let all = all.into_iter().find(|(name, _)| wish.strip_prefix(name) == Some(id.as_str()));
        if let Some((_, decision)) = all {
            pupils_of(room, employee).map(field).for_each(|field| sketch.choose(field, decision));
            filled_in = Some(id);
        }
    }
    (is_whole, filled_in)
}

/// `GET /skule/{school}/{class}/bekreft`: what changes.
pub async fn confirm(staff: Staff, Path(place): Path<(String, String)>, query: Params) -> Result<Response, Refusal> {
    let room = Room::of(staff, &place).await?;
    let sketch = room.sketch().await?;
    Ok(confirm_page(&room, &sketch, (said::of(&query), None)).await?)
}

async fn confirm_page(
    room: &Room,
    sketch: &Sketch,
    (notice, problem): (Option<Said>, Option<&'static str>),
) -> anyhow::Result<Response> {
    let (staff, progress) = (&room.staff, room.progress().await?);
    let mut changed: Vec<Changed> = Vec::new();
    let mut last = None;
    for (Question { employee, pupil }, decision) in sketch.changes(&room.decisions) {
        if last != Some(&employee.person) {
            changed.push(Changed::of(employee));
            last = Some(&employee.person);
        }
        let Some(entry) = changed.last_mut() else { continue };
        match (pupil, decision) {
            (None, Decision::Yes) => {
                entry.may_issue = Some("school-may-issue");
                entry.again = room.kept(employee, sketch);
            }
            (None, Decision::No) => {
                entry.may_issue = Some("school-may-not-issue");
                entry.lost = room.kept(employee, sketch);
                entry.ends_codes |= !entry.lost.is_empty();
            }
            (Some(pupil), Decision::Yes) => match room.status(&progress, employee, pupil) {
                Status::TooYoung => entry.later.push(room.called(pupil)),
                Status::HasMinid => entry.needless.push(room.called(pupil)),
                _ => entry.yes.push(room.called(pupil)),
            },
            (Some(pupil), Decision::No) => {
                entry.ends_codes |= room.decisions.standing_with(&employee.person, &pupil.person) == Standing::Coupled;
                entry.no.push(room.called(pupil));
            }
        }
    }
    let back = if room.issuers(sketch).is_empty() { "" } else { routes::PUPILS };
    let page = ConfirmPage {
        frame: staff.frame(),
        csrf: staff.csrf(),
        leave: LEAVE,
        action: room.path(routes::CONFIRM),
        school: room.school(),
        class: room.class(),
        notice,
        mark: sketch.mark()?,
        changed,
        problem,
        back: room.path(back),
        onwards: room.onwards().await?.0,
    };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(staff.html(status, &page))
}

impl Changed {
    /// Nothing yet.
    fn of(employee: &Employee) -> Changed {
        let [yes, later, needless, no, again, lost] = [const { Vec::new() }; 6];
        let name = employee.name.clone();
        Changed { name, may_issue: None, yes, later, needless, no, again, lost, ends_codes: false }
    }
}

/// `POST /skule/{school}/{class}/bekreft`
pub async fn save(Path(place): Path<(String, String)>, Sent { staff, form }: Sent) -> Result<Response, Refusal> {
    let room = Room::of(staff, &place).await?;
    if form.field("do") == Some("discard") {
        room.forget().await?;
        return Ok(page::see_other(&room.path("")));
    }
    let mut sketch = room.sketch().await?;
    let mark = form.field("mark").unwrap_or_default();
    // What is saved is what this page has shown, and not what another tab holds.
    if mark != sketch.mark()? {
        if room.has_saved(mark).await? {
            // A second press on the button.
            return room.saved().await;
        }
        return Ok(confirm_page(&room, &sketch, (None, Some("school-problem-other-tab"))).await?);
    }
    let (world, now) = (&room.staff.app.world, room.staff.now);
    match coupling::save(world, &room.administrator, &sketch.draft(&room.decisions), now).await? {
        Saved::Done => {
            room.note_saved(mark).await?;
            room.forget().await?;
            room.saved().await
        }
        Saved::Conflict(_) if room.has_saved(mark).await? => room.saved().await,
        Saved::Conflict(decisions) => {
            let clashes = clashes(&room, &sketch, &decisions).await?;
            sketch.catch_up(&decisions);
            room.keep(&sketch).await?;
            Ok(conflict_page(&room, &sketch, clashes, !sketch.changes(&decisions).is_empty())?)
        }
        Saved::Refused(Refused::NotTheirs) => Err(room.staff.nothing_here().await),
        Saved::Refused(Refused::Oneself | Refused::NotInClass) => {
            Ok(confirm_page(&room, &sketch, (None, Some("school-problem-refused"))).await?)
        }
    }
}

async fn clashes(room: &Room, sketch: &Sketch, decisions: &Decisions) -> anyhow::Result<Vec<Clash>> {
    let text = room.staff.text();
    let differences = sketch.differences(decisions);
    let theirs = differences.iter().filter_map(|difference| difference.now);
    let theirs: Vec<PersonId> = theirs.map(|decided| decided.decided_by.clone()).collect();
    let people = Person::by_ids(&room.staff.app.world.db, &theirs).await?;
    let mut all: Vec<Clash> = Vec::new();
    for Difference { question, now, is_theirs, mine } in differences {
        let by = now.filter(|_| is_theirs).map(|decided| {
            let name = people.get(&decided.decided_by).map(Person::name).filter(|name| !name.is_empty());
            // An employee who could not tell who a pupil is has said so themselves.
            let (name, at) = match decided.not_identified_at {
                Some(at) => (Some(question.employee.name.clone()), at),
                None => (name, decided.decided_at),
            };
            let name = name.unwrap_or_else(|| text.t("school-somebody"));
            format!("{name}, {}", text::in_norway(at, "%d.%m.%Y %H:%M"))
        });
        let clash = Clash {
            employee: question.employee.name.clone(),
            pupils: question.pupil.map(|pupil| room.called(pupil)).into_iter().collect(),
            now: decision_words(now.map(Decided::holds)),
            by,
            mine: mine.map(|mine| decision_words(Some(mine))),
        };
        match all.iter_mut().find(|other| other.is_alike(&clash)) {
            Some(other) => other.pupils.extend(clash.pupils),
            None => all.push(clash),
        }
    }
    Ok(all)
}

impl Clash {
    /// Whether the same goes for other pupils of the same employee: a class is told of in a few lines.
    fn is_alike(&self, other: &Clash) -> bool {
        let told = |clash: &Clash| (clash.now, clash.mine, clash.pupils.is_empty());
        self.employee == other.employee && self.by == other.by && told(self) == told(other) && !self.pupils.is_empty()
    }
}

fn decision_words(decision: Option<Decision>) -> &'static str {
    match decision {
        Some(Decision::Yes) => "school-yes",
        Some(Decision::No) => "school-no",
        None => "school-undecided",
    }
}

fn conflict_page(room: &Room, sketch: &Sketch, clashes: Vec<Clash>, has_mine: bool) -> anyhow::Result<Response> {
    let staff = &room.staff;
    let page = ConflictPage {
        frame: staff.frame(),
        csrf: staff.csrf(),
        leave: LEAVE,
        action: room.path(routes::CONFIRM),
        school: room.school(),
        class: room.class(),
        mark: sketch.mark()?,
        clashes,
        has_mine,
    };
    Ok(staff.html(StatusCode::CONFLICT, &page))
}
