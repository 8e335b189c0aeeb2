//! MinID in schools, below its pages: what a school owner's file brings, who decides what, how far pupils come, and the
//! API that takes a file in.

use std::time::Duration;

use admin::endpoints::import::{self as endpoint, Pace};
use admin::school::coupling::{self, Change, Coupling, Decision, Decisions, Draft, Refused, Saved, Standing};
use admin::school::import::{self, Diff, Import, Naming, Sender};
use admin::school::issuing::{self, Reason, Started, Status};
use admin::school::register::{self, Administrator, Class, Orgno, Owner, Title, Version};
use admin::school::report;
use admin::school::roster::Objections;
use admin::school::told::Why;
use anyhow::{Context, bail, ensure};
use authenticators::account;
use authenticators::activation::{self, Checked, Source};
use authenticators::contact::{self, Channel, Known, Phone};
use authenticators::letter;
use authenticators::password;
use authenticators::person::{BY_ONESELF, Fnr, FnrPolicy, Person, PersonId};
use authenticators::population::Population;
use authenticators::totp::{self, NewTotp};
use authenticators::trail::{Actor, Event};
use authenticators::world::World;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use conformance::client_key::ClientKey;
use conformance::idp::{Answer, ISSUER, TestClient, TestIdp, TestPerson, read, unregistered};
use idp::notify;
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const OWNER: &str = "958935420";
pub(crate) const OTHER: &str = "964338531";
pub(crate) const SCHOOL: &str = "974589095";
pub(crate) const HEAD: &str = "orgno;skole;klasse;rolle;fnr;fornavn;etternavn";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Somebody in a school owner's file.
pub(crate) struct Somebody {
    pub(crate) who: TestPerson,
    /// `974589095;Fjorden skole;10A;elev`
    pub(crate) place: String,
    pub(crate) name: &'static str,
}

pub(crate) fn somebody(place: &str, name: &'static str) -> anyhow::Result<Somebody> {
    Ok(Somebody { who: unregistered()?, place: place.to_owned(), name })
}

pub(crate) fn file(people: &[&Somebody]) -> String {
    let row = |one: &&Somebody| format!("{};{};{};Testesen", one.place, one.who.fnr, one.name);
    let rows: Vec<String> = people.iter().map(row).collect();
    format!("{HEAD}\n{}\n", rows.join("\n"))
}

pub(crate) fn orgno(digits: &str) -> anyhow::Result<Orgno> {
    Orgno::parse(digits).context("nine digits")
}

/// Who does something for an owner here.
pub(crate) fn by_a_test() -> Why<'static> {
    Why { by: Actor::Operator("Kari".to_owned()), reason: "avtale 4711" }
}

pub(crate) async fn add_owner(idp: &TestIdp, digits: &str) -> anyhow::Result<()> {
    let owner = Owner { orgno: orgno(digits)?, name: format!("Kommune {digits}") };
    ensure!(register::add_owner(idp.app.world.db.pool(), &owner, idp.now()).await?, "there already");
    Ok(())
}

/// What is registered of an owner now.
pub(crate) async fn seen(world: &World, owner: &Orgno) -> anyhow::Result<Version> {
    register::version(&world.db, owner).await?.context("no such owner")
}

/// Takes a file in.
pub(crate) async fn take_in(idp: &TestIdp, owner: &str, text: &str) -> anyhow::Result<Result<Diff, Objections>> {
    take_in_with(idp, owner, text, None).await
}

/// Takes a file in by which as many go as somebody has seen.
pub(crate) async fn let_go(idp: &TestIdp, owner: &str, text: &str, count: usize) -> anyhow::Result<Diff> {
    let refused = take_in(idp, owner, text).await?.err().context("taken in at once")?;
    let mark = refused.accept_removals.with_context(|| format!("{:?}", refused.errors))?;
    ensure!(mark.starts_with(&format!("{count}-")), "not {count}, but {mark}");
    take_in_with(idp, owner, text, Some(&mark)).await?.map_err(|objections| anyhow::anyhow!("{objections:?}"))
}

/// Takes a file in with the mark of what may go by it.
pub(crate) async fn take_in_with(
    idp: &TestIdp,
    owner: &str,
    text: &str,
    accept_removals: Option<&str>,
) -> anyhow::Result<Result<Diff, Objections>> {
    let owner = orgno(owner)?;
    let reader = idp.reader(&owner);
    let roster = match reader.plain(text.as_bytes()) {
        Ok(roster) => roster,
        Err(objections) => return Ok(Err(objections)),
    };
    let import = Import {
        owner: &owner,
        roster: &roster,
        actor: Actor::System,
        sender: Sender::Operator,
        seen: seen(&idp.app.world, &owner).await?,
        accept_removals,
    };
    import::apply(&idp.app.world, &import, idp.now()).await
}

pub(crate) async fn well(idp: &TestIdp, owner: &str, text: &str) -> anyhow::Result<Diff> {
    take_in(idp, owner, text).await?.map_err(|objections| anyhow::anyhow!("{objections:?}"))
}

/// A school with a class: its head, a teacher and two pupils.
pub(crate) struct Fjorden {
    pub(crate) rektor: Somebody,
    pub(crate) teacher: Somebody,
    pub(crate) pupils: [Somebody; 2],
}

impl Fjorden {
    pub(crate) fn new() -> anyhow::Result<Fjorden> {
        let pupil = |name| somebody(&format!("{SCHOOL};Fjorden skole;10A;elev"), name);
        Ok(Fjorden {
            rektor: somebody(&format!("{SCHOOL};Fjorden skole;;rektor"), "Ravn")?,
            teacher: somebody(&format!("{SCHOOL};Fjorden skole;10A;kontaktlærer"), "Lise")?,
            pupils: [pupil("Åse")?, pupil("Bo")?],
        })
    }

    pub(crate) async fn open(idp: &TestIdp) -> anyhow::Result<Fjorden> {
        let fjorden = Fjorden::new()?;
        add_owner(idp, OWNER).await?;
        well(idp, OWNER, &fjorden.file()).await?;
        Ok(fjorden)
    }

    fn all(&self) -> Vec<&Somebody> {
        let [one, other] = &self.pupils;
        vec![&self.rektor, &self.teacher, one, other]
    }

    pub(crate) fn file(&self) -> String {
        file(&self.all())
    }

    pub(crate) async fn administrator(&self, idp: &TestIdp) -> anyhow::Result<Administrator> {
        let db = idp.app.world.db.pool();
        let rektor = id_of(idp, &self.rektor).await?;
        let schools = register::schools_administered(db, &rektor).await?;
        let school = schools.first().context("no school")?;
        register::may_administer(db, &rektor, school.id.as_str()).await?.context("may not")
    }

    pub(crate) async fn class(&self, idp: &TestIdp) -> anyhow::Result<Class> {
        let taught = register::classes_taught(idp.app.world.db.pool(), &id_of(idp, &self.teacher).await?).await?;
        Ok(taught.into_iter().next().context("no class")?.class)
    }

    /// The teacher may issue to these pupils.
    pub(crate) async fn couple(&self, idp: &TestIdp, pupils: &[&Somebody]) -> anyhow::Result<()> {
        let class = self.class(idp).await?;
        let employee = id_of(idp, &self.teacher).await?;
        let mut changes = vec![Change::Authorise { employee: employee.clone(), decision: Decision::Yes }];
        for pupil in pupils {
            let pupil = id_of(idp, pupil).await?;
            changes.push(Change::Couple { employee: employee.clone(), pupil, decision: Decision::Yes });
        }
        let draft = Draft { class: class.id, version: class.version, changes };
        match coupling::save(&idp.app.world, &self.administrator(idp).await?, &draft, idp.now()).await? {
            Saved::Done => Ok(()),
            other => bail!("{other:?}"),
        }
    }

    pub(crate) async fn coupling(&self, idp: &TestIdp, pupil: &Somebody) -> anyhow::Result<Option<Coupling>> {
        let (teacher, pupil) = (id_of(idp, &self.teacher).await?, id_of(idp, pupil).await?);
        let class = self.class(idp).await?;
        Ok(Coupling::find(&idp.app.world.db, &teacher, class.id.as_str(), pupil.as_str()).await?)
    }

    /// A pupil's status as their teacher sees it.
    async fn status(&self, idp: &TestIdp, pupil: &Somebody) -> anyhow::Result<Status> {
        let class = self.class(idp).await?;
        let decisions = Decisions::of(&idp.app.world, &class.id).await?.context("no class")?;
        let (teacher, pupil) = (id_of(idp, &self.teacher).await?, id_of(idp, pupil).await?);
        issuing::status(&idp.app.world, &pupil, decisions.standing_with(&teacher, &pupil), idp.now()).await
    }
}

pub(crate) async fn id_of(idp: &TestIdp, somebody: &Somebody) -> anyhow::Result<PersonId> {
    Ok(idp.row_of(&somebody.who).await?.id)
}

pub(crate) async fn kinds(idp: &TestIdp, somebody: &Somebody) -> anyhow::Result<Vec<String>> {
    Ok(idp.trail_of(&somebody.who).await?.into_iter().map(|entry| entry.kind).collect())
}

/// Somebody who is ten this year.
fn child(idp: &TestIdp) -> anyhow::Result<TestPerson> {
    let policy = FnrPolicy { real: false, synthetic: true, expanded: false };
    let year = 1970 + idp.now().seconds() / 31_556_952 - 10;
    let year = year % 100;
    let mut all = (500..999).flat_map(|n| (0..100).map(move |check| format!("0181{year:02}{n:03}{check:02}")));
    let fnr = all.find(|fnr| Fnr::parse(fnr, policy).is_ok()).context("no such number")?;
    Ok(TestPerson { fnr, ..unregistered()? })
}

#[tokio::test]
async fn a_file_is_taken_in_whole_and_says_all_that_there_is() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (world, fjorden) = (&idp.app.world, Fjorden::new()?);
    add_owner(&idp, OWNER).await?;
    let text = fjorden.file();
    // A preview says what would come, and nobody's name.
    let owner = orgno(OWNER)?;
    let roster = idp.reader(&owner).plain(text.as_bytes());
    let roster = roster.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    let import = Import {
        owner: &owner,
        roster: &roster,
        actor: Actor::System,
        sender: Sender::Operator,
        seen: seen(world, &owner).await?,
        accept_removals: None,
    };
    let preview = import::preview(world, &import, Naming::Rows).await?;
    let preview = preview.map_err(|objections| anyhow::anyhow!("{objections:?}"))?;
    assert_eq!((preview.schools.added, preview.classes.added, preview.roles.added, preview.pupils.added), (1, 1, 2, 2));
    assert!(!preview.lines.join("\n").contains("Testesen"), "{preview:?}");
    assert!(register::schools(world.db.pool(), &owner).await?.is_empty(), "a preview changes nothing");
    let fnr = Fnr::parse(&fjorden.teacher.who.fnr, idp.app.config.people).map_err(|p| anyhow::anyhow!("{p:?}"))?;
    assert!(Person::by_fnr(world.db.pool(), &fnr).await?.is_none(), "and nobody");

    let done = well(&idp, OWNER, &text).await?;
    assert_eq!(done.lines, preview.lines);
    assert!(well(&idp, OWNER, &text).await?.is_empty(), "the same file again changes nothing");
    let class = fjorden.class(&idp).await?;
    let employees = register::employees(world.db.pool(), &class.id).await?;
    assert_eq!((employees.len(), employees[0].titles.clone()), (1, vec![Title::ContactTeacher]));
    let names: Vec<String> = register::pupils(world, &class.id).await?.into_iter().map(|pupil| pupil.name).collect();
    assert_eq!(names, ["Bo Testesen", "Åse Testesen"]);
    assert_eq!(kinds(&idp, &fjorden.rektor).await?, ["school-role-given"]);

    // One wrong row, and all is as it was.
    let wrong = take_in(&idp, OWNER, &format!("{HEAD}\n{SCHOOL};Fjorden skole;10A;elev;12345678901;A;B\n")).await?;
    assert_eq!(wrong.unwrap_err().errors[0].row, 2);
    assert!(well(&idp, OWNER, &text).await?.is_empty());

    // A new name, another class, a pupil who is gone.
    let renamed = text.replace("Fjorden skole", "Fjorden ungdomsskole").replace("Åse", "Åsne");
    let done = well(&idp, OWNER, &renamed).await?;
    assert_eq!((done.schools.changed, done.pupils.changed, done.roles.added), (1, 1, 0));
    assert_eq!(
        done.lines,
        [
            format!("~ school {SCHOOL}: from Fjorden skole to Fjorden ungdomsskole"),
            "~ pupil in 10A at Fjorden ungdomsskole (row 4): another name".to_owned()
        ]
    );
    let [gone, _] = &fjorden.pupils;
    let without: String = renamed.lines().filter(|line| !line.contains(&gone.who.fnr)).collect::<Vec<_>>().join("\n");
    assert_eq!(well(&idp, OWNER, &without).await?.pupils.removed, 1);
    assert_eq!(kinds(&idp, gone).await?, ["school-pupil-removed", "school-name-changed", "school-pupil-added"]);
    assert_eq!(register::members(world.db.pool(), &class.id).await?.len(), 1);
    // And a file of one school alone ends the other's.
    let moved = renamed.replace(SCHOOL, "974589096");
    // A school, its class, two roles and a pupil.
    let done = let_go(&idp, OWNER, &moved, 5).await?;
    assert_eq!((done.schools.added, done.schools.removed, done.roles.removed), (1, 1, 2));
    assert!(register::class(world.db.pool(), class.id.as_str()).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_role_that_is_gone_has_ended_and_does_not_come_back_with_what_was_decided() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    let (pupil, other) = (&fjorden.pupils[0], &fjorden.pupils[1]);
    fjorden.couple(&idp, &[pupil]).await?;
    let coupling = fjorden.coupling(&idp, pupil).await?.context("coupled")?;
    let teacher = id_of(&idp, &fjorden.teacher).await?;
    let shown = issuing::start(&idp.app.world, &coupling, Some(issuing::Why::Other), idp.now()).await?;
    well(&idp, OWNER, &file(&[&fjorden.rektor, pupil, other])).await?;
    let db = idp.app.world.db.pool();
    assert!(register::classes_taught(db, &teacher).await?.is_empty());
    // Whoever had the page open before cannot go on.
    let started = issuing::start(&idp.app.world, &coupling, Some(issuing::Why::Other), idp.now()).await?;
    assert!(matches!(started, Started::Refused(Reason::NotCoupled)), "{started:?}");
    assert!(!issuing::not_qualified(&idp.app.world, &coupling, idp.now()).await?);
    assert_eq!(kinds(&idp, &fjorden.teacher).await?[0], "school-role-ended");
    assert_eq!(kinds(&idp, pupil).await?[0], "school-uncoupled");
    assert!(is_over(&idp, pupil, shown).await?, "and the code that they had shown is dead");
    well(&idp, OWNER, &fjorden.file()).await?;
    assert!(fjorden.coupling(&idp, pupil).await?.is_none(), "it is decided anew");

    // The head's role ends while they have the page open.
    let by = fjorden.administrator(&idp).await?;
    let next = somebody(&format!("{SCHOOL};Fjorden skole;;rektor"), "Mons")?;
    well(&idp, OWNER, &file(&[&next, &fjorden.teacher, pupil, other])).await?;
    let class = fjorden.class(&idp).await?;
    let changes = vec![Change::Authorise { employee: teacher, decision: Decision::Yes }];
    let draft = Draft { class: class.id, version: class.version, changes };
    let saved = coupling::save(&idp.app.world, &by, &draft, idp.now()).await?;
    assert!(matches!(saved, Saved::Refused(Refused::NotTheirs)), "{saved:?}");
    Ok(())
}

#[tokio::test]
async fn an_owner_touches_its_own_schools_alone() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    add_owner(&idp, OTHER).await?;
    let intruder = somebody(&format!("{SCHOOL};Fjorden skole;;rektor"), "Mons")?;
    let refused = take_in(&idp, OTHER, &file(&[&intruder])).await?.unwrap_err();
    assert_eq!(refused.errors[0].to_string(), "row 2: orgno: a school of another school owner");
    // Nor does it take the other's people for its own.
    let own = somebody(&format!("{OTHER};;;skoleeier"), "Eva")?;
    let own_school = somebody("974589000;Bakken skole;;rektor", "Mons")?;
    well(&idp, OTHER, &file(&[&own, &own_school])).await?;
    assert_eq!(take_in(&idp, OWNER, &file(&[&own])).await?.unwrap_err().errors[0].row, 2);
    let db = idp.app.world.db.pool();
    let owners = register::owners_of(db, &id_of(&idp, &own).await?).await?;
    assert_eq!(owners.iter().map(|owner| owner.orgno.as_str()).collect::<Vec<_>>(), [OTHER]);
    assert_eq!(register::schools(db, &orgno(OWNER)?).await?.len(), 1);
    // The head of one school decides nothing at the other.
    let bakken = register::schools(db, &orgno(OTHER)?).await?;
    let rektor = id_of(&idp, &fjorden.rektor).await?;
    assert!(register::may_administer(db, &rektor, bakken[0].id.as_str()).await?.is_none());
    let mons = id_of(&idp, &own_school).await?;
    let by = register::may_administer(db, &mons, bakken[0].id.as_str()).await?.context("may")?;
    let class = fjorden.class(&idp).await?;
    let employee = id_of(&idp, &fjorden.teacher).await?;
    let changes = vec![Change::Authorise { employee, decision: Decision::Yes }];
    let draft = Draft { class: class.id, version: class.version, changes };
    let saved = coupling::save(&idp.app.world, &by, &draft, idp.now()).await?;
    assert!(matches!(saved, Saved::Refused(Refused::NotTheirs)), "{saved:?}");
    Ok(())
}

#[tokio::test]
async fn it_takes_two_people() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::new()?;
    // The head teaches in the class, too.
    let both = Somebody {
        who: fjorden.rektor.who.clone(),
        place: format!("{SCHOOL};Fjorden skole;10A;faglærer"),
        name: fjorden.rektor.name,
    };
    add_owner(&idp, OWNER).await?;
    let mut all = fjorden.all();
    all.push(&both);
    well(&idp, OWNER, &file(&all)).await?;
    let (by, class) = (fjorden.administrator(&idp).await?, fjorden.class(&idp).await?);
    let (rektor, teacher) = (id_of(&idp, &fjorden.rektor).await?, id_of(&idp, &fjorden.teacher).await?);
    let pupil = id_of(&idp, &fjorden.pupils[0]).await?;
    let decision = Decision::Yes;
    let good = Change::Authorise { employee: teacher.clone(), decision };
    for (change, why) in [
        (Change::Authorise { employee: rektor.clone(), decision }, Refused::Oneself),
        (Change::Couple { employee: rektor.clone(), pupil: pupil.clone(), decision }, Refused::Oneself),
        (Change::Couple { employee: teacher.clone(), pupil: teacher.clone(), decision }, Refused::Oneself),
        (Change::Couple { employee: pupil.clone(), pupil: teacher.clone(), decision }, Refused::NotInClass),
        (Change::Authorise { employee: pupil, decision }, Refused::NotInClass),
    ] {
        let draft = Draft { class: class.id.clone(), version: class.version, changes: vec![good.clone(), change] };
        let saved = coupling::save(&idp.app.world, &by, &draft, idp.now()).await?;
        assert!(matches!(saved, Saved::Refused(found) if found == why), "{saved:?}");
    }
    let decisions = Decisions::of(&idp.app.world, &class.id).await?.context("a class")?;
    assert_eq!(decisions.authorised(&teacher), None, "what stood beside it was not done either");
    let told = idp.trail_of(&fjorden.rektor.who).await?.into_iter().filter(|entry| entry.kind == "school-denied");
    let told: Vec<Value> = told.map(|entry| entry.details["reason"].clone()).collect();
    assert_eq!(told, ["not-in-class", "not-in-class", "oneself", "oneself", "oneself"]);
    Ok(())
}

#[tokio::test]
async fn two_who_change_the_same_class_see_each_other() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    let (by, class) = (fjorden.administrator(&idp).await?, fjorden.class(&idp).await?);
    let teacher = id_of(&idp, &fjorden.teacher).await?;
    let pupil = id_of(&idp, &fjorden.pupils[0]).await?;
    let couple = |decision| Change::Couple { employee: teacher.clone(), pupil: pupil.clone(), decision };
    let draft = |version, decision| Draft { class: class.id.clone(), version, changes: vec![couple(decision)] };
    let save = async |draft: &Draft| coupling::save(&idp.app.world, &by, draft, idp.now()).await;
    let Saved::Done = save(&draft(class.version, Decision::No)).await? else { bail!("not saved") };
    let version = class.version + 1;
    let Saved::Conflict(theirs) = save(&draft(class.version, Decision::Yes)).await? else { bail!("no conflict") };
    let decided = theirs.coupled(&teacher, &pupil).context("decided")?;
    assert_eq!((decided.decision, theirs.class.version), (Decision::No, version));
    assert_eq!((&decided.decided_by, decided.decided_at), (by.person(), idp.now()));
    let Saved::Done = save(&draft(version, Decision::Yes)).await? else { bail!("not saved") };
    // What is so already is no event.
    let Saved::Done = save(&draft(version + 1, Decision::Yes)).await? else { bail!("not saved") };
    let kinds = kinds(&idp, &fjorden.pupils[0]).await?;
    assert_eq!(kinds, ["school-coupled", "school-uncoupled", "school-pupil-added"]);
    let entry = idp.trail_of(&fjorden.pupils[0].who).await?.remove(0);
    assert_eq!(entry.actor, Actor::Person(by.person().clone()));
    for (name, value) in [("role", "principal"), ("school", "Fjorden skole"), ("class", "10A")] {
        assert_eq!(entry.details[name], value);
    }
    // Of many at the same instant one is first.
    let class = fjorden.class(&idp).await?;
    let one = Draft { class: class.id.clone(), version: class.version, changes: vec![couple(Decision::No)] };
    let (a, b) = tokio::join!(save(&one), save(&one));
    let done = [a?, b?].into_iter().filter(|saved| matches!(saved, Saved::Done)).count();
    assert_eq!(done, 1);
    Ok(())
}

#[tokio::test]
async fn a_coupling_needs_every_part_of_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    let (pupil, other) = (&fjorden.pupils[0], &fjorden.pupils[1]);
    assert!(fjorden.coupling(&idp, pupil).await?.is_none(), "nothing is decided");
    fjorden.couple(&idp, &[pupil]).await?;
    let coupling = fjorden.coupling(&idp, pupil).await?.context("coupled")?;
    assert_eq!((coupling.title(), coupling.class().name.as_str()), (Title::ContactTeacher, "10A"));
    assert!(fjorden.coupling(&idp, other).await?.is_none(), "not with them");
    // The head is coupled with nobody, and nobody is coupled in a class that is not there.
    let (rektor, id) = (id_of(&idp, &fjorden.rektor).await?, id_of(&idp, pupil).await?);
    let (db, class) = (&idp.app.world.db, fjorden.class(&idp).await?);
    assert!(Coupling::find(db, &rektor, class.id.as_str(), id.as_str()).await?.is_none());
    let teacher = id_of(&idp, &fjorden.teacher).await?;
    for class in ["", "10A", "x"] {
        assert!(Coupling::find(db, &teacher, class, id.as_str()).await?.is_none());
    }
    let employees = register::employees_of(db.pool(), &orgno(OWNER)?).await?;
    let standings = coupling::standings(db, std::slice::from_ref(&class.id), &employees).await?;
    assert_eq!((standings.get(&(class.id, id)), standings.len()), (Some(&Standing::Coupled), 1));
    // The employee is no longer let issue.
    let class = fjorden.class(&idp).await?;
    let changes = vec![Change::Authorise { employee: teacher, decision: Decision::No }];
    let draft = Draft { class: class.id, version: class.version, changes };
    coupling::save(&idp.app.world, &fjorden.administrator(&idp).await?, &draft, idp.now()).await?;
    assert!(fjorden.coupling(&idp, pupil).await?.is_none());
    assert_eq!(kinds(&idp, &fjorden.teacher).await?[..2], ["school-unauthorised", "school-authorised"]);
    Ok(())
}

/// Whether a code that was shown is dead.
pub(crate) async fn is_over(idp: &TestIdp, pupil: &Somebody, started: Started) -> anyhow::Result<bool> {
    let Started::Code(code, _) = started else { bail!("no code: {started:?}") };
    let fnr = idp.row_of(&pupil.who).await?.fnr;
    let checked = activation::check(&idp.app.world, &fnr, &code, "192.0.2.1".parse()?, idp.now()).await?;
    Ok(checked == Checked::Over)
}

#[tokio::test]
async fn a_code_dies_with_the_right_to_show_it() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    let (world, [pupil, other]) = (&idp.app.world, &fjorden.pupils);
    let (by, employee) = (fjorden.administrator(&idp).await?, id_of(&idp, &fjorden.teacher).await?);
    let id = id_of(&idp, pupil).await?;
    let decision = Decision::No;
    for change in
        [Change::Couple { employee: employee.clone(), pupil: id, decision }, Change::Authorise { employee, decision }]
    {
        fjorden.couple(&idp, &[pupil, other]).await?;
        let (coupling, others) = (fjorden.coupling(&idp, pupil).await?, fjorden.coupling(&idp, other).await?);
        let coupling = coupling.context("coupled")?;
        let shown = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await?;
        let kept = issuing::start(world, &others.context("coupled")?, Some(issuing::Why::Other), idp.now()).await?;
        let only_one = matches!(change, Change::Couple { .. });
        let class = fjorden.class(&idp).await?;
        let draft = Draft { class: class.id, version: class.version, changes: vec![change] };
        let saved = coupling::save(world, &by, &draft, idp.now()).await?;
        ensure!(matches!(saved, Saved::Done), "{saved:?}");
        assert!(is_over(&idp, pupil, shown).await?);
        assert_eq!(is_over(&idp, other, kept).await?, !only_one, "the other's dies with the teacher's right alone");
        let refused = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await?;
        assert!(matches!(refused, Started::Refused(Reason::NotCoupled)), "{refused:?}");
    }
    // A pupil who is no longer in the class.
    fjorden.couple(&idp, &[pupil]).await?;
    let coupling = fjorden.coupling(&idp, pupil).await?.context("coupled")?;
    let shown = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await?;
    well(&idp, OWNER, &file(&[&fjorden.rektor, &fjorden.teacher, other])).await?;
    assert!(is_over(&idp, pupil, shown).await?);
    assert_eq!(kinds(&idp, pupil).await?[..2], ["school-uncoupled", "school-pupil-removed"]);
    Ok(())
}

#[tokio::test]
async fn nobody_takes_a_pupils_own_minid_over() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    let (world, pupil) = (&idp.app.world, &fjorden.pupils[0]);
    fjorden.couple(&idp, &[pupil]).await?;
    let coupling = fjorden.coupling(&idp, pupil).await?.context("coupled")?;
    let start = async || issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await;
    register_with(&idp, pupil, start().await?).await?;
    let row = idp.row_of(&pupil.who).await?;
    let mut tx = world.db.begin().await?;
    let phone = Phone::parse(&pupil.who.phone).context("a mobile number")?;
    contact::set(&mut tx, &row.id, &Channel::Mobile(phone), Known::Proved, idp.now()).await?;
    tx.commit().await?;
    notify::deliver_due(&idp.app).await?;
    assert_eq!(idp.sms_count(&pupil.who), 0, "the first code is no news");

    // Soon after it can be had anew, and the pupil is told at once.
    assert!(matches!(start().await?, Started::Code(..)));
    notify::deliver_due(&idp.app).await?;
    assert_eq!(idp.sms_count(&pupil.who), 1);

    // Not over what they have locked themselves.
    let event = Event::by_oneself("locked", &row.id);
    account::lock(world, &row.id, BY_ONESELF, &event, idp.now()).await?;
    assert!(matches!(start().await?, Started::Refused(Reason::Locked)));
    account::open(world, &row, &Event::by_oneself("opened", &row.id), idp.now()).await?;
    assert!(matches!(start().await?, Started::Code(..)));

    // Not over a way to log in of their own.
    let (mut tx, keys) = (world.db.begin().await?, (&world.vault, &world.chance));
    totp::add(&mut tx, keys, &row.id, (&NewTotp::fresh(&world.chance)?, "Kodeapp", 0), idp.now()).await?;
    tx.commit().await?;
    assert!(matches!(start().await?, Started::Refused(Reason::HasMinid)));
    let mut tx = world.db.begin().await?;
    for app in totp::all(&mut *tx, &row.id).await? {
        totp::remove(&mut tx, &row.id, app.id.as_str(), idp.now()).await?;
    }
    tx.commit().await?;
    assert!(matches!(start().await?, Started::Code(..)));

    // And not when it has been theirs for a while.
    idp.advance(Duration::from_hours(30 * 24));
    assert!(matches!(start().await?, Started::Refused(Reason::HasMinid)));
    Ok(())
}

/// The pupil carries the registration through.
async fn register_with(idp: &TestIdp, pupil: &Somebody, started: Started) -> anyhow::Result<()> {
    let Started::Code(code, _) = started else { bail!("no code") };
    let row = idp.row_of(&pupil.who).await?;
    let (world, now) = (&idp.app.world, idp.now());
    let checked = activation::check(world, &row.fnr, &code, "192.0.2.1".parse()?, now).await?;
    let Checked::Right(found) = checked else { bail!("{checked:?}") };
    let phc = password::hash(world, "rød grønn blå 7").await?.map_err(|_| anyhow::anyhow!("busy"))?;
    let mut tx = world.db.begin().await?;
    ensure!(activation::redeem(&mut tx, &found.id, (now, now)).await?, "not redeemed");
    password::set(&mut tx, &row.id, &phc, now).await?;
    Ok(tx.commit().await?)
}

#[tokio::test]
async fn how_far_a_pupil_comes() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    let (world, pupil) = (&idp.app.world, &fjorden.pupils[0]);
    assert_eq!(fjorden.status(&idp, pupil).await?, Status::NotStarted);
    fjorden.couple(&idp, &[pupil]).await?;
    let coupling = fjorden.coupling(&idp, pupil).await?.context("coupled")?;
    // The first code is dead when there is a second one.
    let Started::Code(first, until) = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await?
    else {
        bail!("no code")
    };
    assert_eq!(until, idp.now().plus(Source::School.valid()));
    assert_eq!(fjorden.status(&idp, pupil).await?, Status::CodeIssued { until, registering_until: None });
    idp.advance(Duration::from_secs(1));
    let again = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await?;
    let fnr = idp.row_of(&pupil.who).await?.fnr;
    let old = activation::check(world, &fnr, &first, "192.0.2.1".parse()?, idp.now()).await?;
    assert_eq!(old, Checked::Over);
    register_with(&idp, pupil, again).await?;
    assert_eq!(fjorden.status(&idp, pupil).await?, Status::Registered);
    // Anew, as often as it is needed.
    for _ in 0..2 {
        idp.advance(Duration::from_secs(1));
        let again = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await?;
        assert!(matches!(fjorden.status(&idp, pupil).await?, Status::CodeIssued { .. }));
        drop(again);
    }
    idp.advance(Duration::from_mins(16));
    assert_eq!(fjorden.status(&idp, pupil).await?, Status::Registered, "a code that was not used changes nothing");
    let kinds = kinds(&idp, pupil).await?;
    assert_eq!(kinds, [vec!["school-code-issued"; 4], vec!["school-coupled", "school-pupil-added"]].concat());
    let entry = idp.trail_of(&pupil.who).await?.remove(0);
    assert_eq!(entry.actor, Actor::Person(id_of(&idp, &fjorden.teacher).await?));
    assert_eq!(entry.details["role"], "contact-teacher");
    Ok(())
}

#[tokio::test]
async fn who_cannot_be_identified_orders_a_letter() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    let (world, pupil) = (&idp.app.world, &fjorden.pupils[0]);
    fjorden.couple(&idp, &[pupil]).await?;
    let coupling = fjorden.coupling(&idp, pupil).await?.context("coupled")?;
    let Started::Code(code, _) = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await? else {
        bail!("no code")
    };
    assert!(issuing::not_qualified(world, &coupling, idp.now()).await?);
    let row = idp.row_of(&pupil.who).await?;
    let shown = activation::check(world, &row.fnr, &code, "192.0.2.1".parse()?, idp.now()).await?;
    assert_eq!(shown, Checked::Over, "the code that was shown is dead");
    assert_eq!(fjorden.status(&idp, pupil).await?, Status::Manual);
    assert!(fjorden.coupling(&idp, pupil).await?.is_none());
    let refused = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await?;
    assert!(matches!(refused, Started::Refused(Reason::NotCoupled)), "{refused:?}");
    assert_eq!(kinds(&idp, pupil).await?[0], "school-not-identified");
    let event = Event::by_oneself("letter-ordered", &row.id);
    let at = Channel::Mobile(Phone::parse("+4740000009").context("a number")?);
    assert!(letter::order(world, &row.id, ("nb", &at), &event, idp.now()).await?);
    assert_eq!(fjorden.status(&idp, pupil).await?, Status::LetterOrdered);
    // The administration decides it anew.
    fjorden.couple(&idp, &[pupil]).await?;
    assert!(fjorden.coupling(&idp, pupil).await?.is_some());
    Ok(())
}

#[tokio::test]
async fn who_gets_no_code() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let mut fjorden = Fjorden::new()?;
    fjorden.pupils[1].who = child(&idp)?;
    // Has MinID from before.
    fjorden.pupils[0].who = idp.person().await?;
    add_owner(&idp, OWNER).await?;
    well(&idp, OWNER, &fjorden.file()).await?;
    let (has, young) = (&fjorden.pupils[0], &fjorden.pupils[1]);
    fjorden.couple(&idp, &[has, young]).await?;
    let world = &idp.app.world;
    let why = async |pupil: &Somebody| -> anyhow::Result<Reason> {
        let coupling = fjorden.coupling(&idp, pupil).await?.context("coupled")?;
        match issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await? {
            Started::Refused(why) => Ok(why),
            other => bail!("{other:?}"),
        }
    };
    assert_eq!(why(has).await?, Reason::HasMinid);
    assert_eq!(fjorden.status(&idp, has).await?, Status::HasMinid);
    assert_eq!(why(young).await?, Reason::TooYoung);
    assert_eq!(fjorden.status(&idp, young).await?, Status::TooYoung);
    let row = idp.row_of(&has.who).await?;
    let event = |kind| Event::by(kind, &row.id, Actor::System);
    account::lock(world, &row.id, "support", &event("locked"), idp.now()).await?;
    assert_eq!(why(has).await?, Reason::Locked);
    account::close(world, &row.id, "death", &event("closed"), idp.now()).await?;
    assert_eq!(why(has).await?, Reason::Dead);
    Ok(())
}

#[tokio::test]
async fn the_population_register_names_pupils_and_knows_who_is_dead_or_protected() -> anyhow::Result<()> {
    let fjorden = Fjorden::new()?;
    let [protected, dead] = &fjorden.pupils;
    let lines = [
        json!({ "fnr": protected.who.fnr, "given_name": "Åshild", "family_name": "Fjell", "protected": true }),
        json!({ "fnr": dead.who.fnr, "given_name": "Bo", "family_name": "Testesen", "dead": true }),
    ];
    let population = Population::read(&lines.map(|line| line.to_string()).join("\n"))?;
    let idp = TestIdp::with(|setup| setup.population = population).await?;
    add_owner(&idp, OWNER).await?;
    well(&idp, OWNER, &fjorden.file()).await?;
    let (world, class) = (&idp.app.world, fjorden.class(&idp).await?);
    let pupils = register::pupils(world, &class.id).await?;
    let seen: Vec<_> = pupils.iter().map(|pupil| (pupil.name.as_str(), pupil.is_protected)).collect();
    // Whoever is protected may live under another name than the register's.
    assert_eq!(seen, [("Bo Testesen", false), ("Åse Testesen", true)]);
    fjorden.couple(&idp, &[dead]).await?;
    let coupling = fjorden.coupling(&idp, dead).await?.context("coupled")?;
    let started = issuing::start(world, &coupling, Some(issuing::Why::Other), idp.now()).await?;
    assert!(matches!(started, Started::Refused(Reason::Dead)), "{started:?}");
    // No report names anybody.
    let report = report::of_owner(world, &orgno(OWNER)?, idp.now()).await?;
    let csv = report::csv(&report, &report::HEADINGS, report::SMALL)?;
    for name in ["Åshild", "Fjell;", "Åse", "Testesen", protected.who.fnr.as_str()] {
        assert!(!csv.contains(name) && !format!("{report:?}").contains(name), "{name}: {csv}");
    }
    Ok(())
}

#[tokio::test]
async fn a_report_counts_and_is_no_formula() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let mut fjorden = Fjorden::new()?;
    for one in [&mut fjorden.rektor, &mut fjorden.teacher] {
        one.place = one.place.replace("Fjorden skole", "=HYPERLINK(1),=1").replace("10A", "@10A");
    }
    for one in &mut fjorden.pupils {
        one.place = one.place.replace("Fjorden skole", "=HYPERLINK(1),=1").replace("10A", "@10A");
    }
    let place = fjorden.pupils[0].place.clone();
    let others = (0..3).map(|_| somebody(&place, "Due")).collect::<anyhow::Result<Vec<_>>>()?;
    let text = file(&fjorden.all().into_iter().chain(&others).collect::<Vec<_>>());
    add_owner(&idp, OWNER).await?;
    well(&idp, OWNER, &text).await?;
    let pupil = &fjorden.pupils[0];
    fjorden.couple(&idp, &[pupil]).await?;
    let coupling = fjorden.coupling(&idp, pupil).await?.context("coupled")?;
    let started = issuing::start(&idp.app.world, &coupling, Some(issuing::Why::Other), idp.now()).await?;
    register_with(&idp, pupil, started).await?;
    let report = report::of_owner(&idp.app.world, &orgno(OWNER)?, idp.now()).await?;
    let tally = report.schools[0].tally;
    assert_eq!((tally.all(), tally.have_minid(), tally.of("undecided")), (5, 1, 4));
    let csv = report::csv(&report, &report::HEADINGS, report::SMALL)?;
    assert!(csv.starts_with("\u{feff}\"Skole\";\"Organisasjonsnummer\";\"Klasse\";\"Elever\";"), "{csv}");
    assert!(csv.contains("\r\n\"'=HYPERLINK(1),=1\";974589095;\"'@10A\";5;4;0;0;1;0;0;0;0;1;20;"), "{csv}");
    Ok(())
}

/// The API, beside Porten's own routes.
pub(crate) async fn post(
    idp: &TestIdp,
    (path, kind): (&str, &str),
    token: &str,
    body: impl Into<Body>,
) -> anyhow::Result<Answer> {
    let request = Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, kind)
        .body(body.into())?;
    ask(idp, request, endpoint::PATIENCE).await
}

/// What came of rows that took their time.
pub(crate) async fn tell(idp: &TestIdp, path: &str, token: &str) -> anyhow::Result<Answer> {
    let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}")).body(Body::empty())?;
    ask(idp, request, endpoint::PATIENCE).await
}

/// What the API answers that waits so long.
pub(crate) async fn ask(idp: &TestIdp, request: Request<Body>, patience: Duration) -> anyhow::Result<Answer> {
    ask_at(&door(idp, Pace::of(patience, Duration::from_secs(20))), request).await
}

/// The API that goes about it so.
pub(crate) fn door(idp: &TestIdp, pace: Pace) -> Router {
    idp::router(&idp.app, Router::new().route("/skule/api/import", endpoint::route(pace)))
}

/// And what it answers.
pub(crate) async fn ask_at(door: &Router, request: Request<Body>) -> anyhow::Result<Answer> {
    read(door.clone().oneshot(request).await?).await
}

/// A machine of an organisation, and its token.
pub(crate) async fn token_of(idp: &TestIdp, owner: &str, scope: &str) -> anyhow::Result<String> {
    let machine = idp
        .keyed_client(json!({
            "integration_type": "maskinporten", "grant_types": [GRANT], "redirect_uris": [],
            "post_logout_redirect_uris": [], "client_orgno": owner, "scopes": [endpoint::SCOPE, "other:scope"],
        }))
        .await?;
    let mut asked = ClientKey::assertion_claims(&machine.id, ISSUER, idp.now())?;
    asked["scope"] = json!(scope);
    asked.as_object_mut().context("an object")?.remove("sub");
    let assertion = machine.key.as_ref().context("a key")?.sign("JWT", &asked)?;
    let bare = TestClient { method: String::new(), ..machine };
    let answer = idp.token(&bare, &[("grant_type", GRANT), ("assertion", &assertion)]).await?;
    ensure!(answer.status == StatusCode::OK, "{}", answer.body);
    answer.json()?["access_token"].as_str().map(str::to_owned).context("a token")
}

#[tokio::test]
async fn an_owners_system_sends_its_rows() -> anyhow::Result<()> {
    const CSV: &str = "text/csv; charset=utf-8";
    const PATH: &str = "/skule/api/import";
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::new()?;
    add_owner(&idp, OWNER).await?;
    let token = token_of(&idp, OWNER, endpoint::SCOPE).await?;
    // A machine makes no school its owner's.
    let new = post(&idp, (PATH, CSV), &token, fjorden.file()).await?;
    assert_eq!(new.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", new.body);
    assert!(new.body.contains("not the school owner's yet"), "{}", new.body);
    let (owner, school) = (orgno(OWNER)?, orgno(SCHOOL)?);
    assert_eq!(import::add_school(&idp.app.world, &owner, (&school, "Fjorden"), by_a_test(), idp.now()).await?, None);
    let again = import::add_school(&idp.app.world, &owner, (&school, "Fjorden"), by_a_test(), idp.now()).await?;
    assert_eq!(again, Some(owner), "it has an owner");
    let preview = post(&idp, ("/skule/api/import?preview=1", CSV), &token, fjorden.file()).await?;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    assert_eq!((&preview.json()?["preview"], &preview.json()?["pupils"]["added"]), (&json!(true), &json!(2)));
    let db = idp.app.world.db.pool();
    assert!(register::schools(db, &orgno(OWNER)?).await?.is_empty());
    let done = post(&idp, (PATH, CSV), &token, fjorden.file()).await?;
    assert_eq!((done.status, &done.json()?["roles"]["added"]), (StatusCode::OK, &json!(2)));
    assert!(!done.body.contains("Testesen"), "{}", done.body);
    let entry = idp.trail_of(&fjorden.rektor.who).await?.remove(0);
    assert!(entry.kind == "school-role-given" && entry.details.contains_key("client"), "{entry:?}");
    // The same as JSON changes nothing.
    let rows: Vec<Value> = fjorden
        .all()
        .into_iter()
        .map(|one| {
            let parts: Vec<&str> = one.place.split(';').collect();
            json!({
                "orgno": parts[0], "skole": parts[1], "klasse": parts[2], "rolle": parts[3], "fnr": one.who.fnr,
                "fornavn": one.name, "etternavn": "Testesen",
            })
        })
        .collect();
    let body = json!({ "rows": rows }).to_string();
    let same = post(&idp, (PATH, "application/json"), &token, body.clone()).await?;
    assert_eq!((same.status, &same.json()?["pupils"]["added"]), (StatusCode::OK, &json!(0)), "{}", same.body);
    let unknown = format!("{PATH}?result=x");
    assert_eq!(tell(&idp, &unknown, &token).await?.status, StatusCode::NOT_FOUND);
    // Wrong rows are named by their numbers, and nothing of them is said.
    let fnr = fjorden.rektor.who.fnr.as_str();
    let wrong = post(&idp, (PATH, CSV), &token, format!("{HEAD}\n{fnr};a;b;elev;{fnr};c;d\n")).await?;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.header("content-type"), Some("application/problem+json"));
    assert!(wrong.json()?["errors"][0]["row"] == 2 && !wrong.body.contains(fnr), "{}", wrong.body);
    let no_json = post(&idp, (PATH, "application/json"), &token, format!("{{\"{fnr}\": 1}}")).await?;
    assert!(no_json.status == StatusCode::UNPROCESSABLE_ENTITY && !no_json.body.contains(fnr), "{}", no_json.body);
    let kind = post(&idp, (PATH, "text/plain"), &token, fjorden.file()).await?;
    assert_eq!(kind.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let long = post(&idp, (PATH, CSV), &token, vec![b'x'; 17 * 1024 * 1024]).await?;
    assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);

    // Whoever has no token, one for something else, or is no owner here.
    let refused = async |token: &str| post(&idp, (PATH, CSV), token, fjorden.file()).await;
    assert_eq!(refused("x").await?.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused(&token_of(&idp, OWNER, "other:scope").await?).await?.status, StatusCode::FORBIDDEN);
    let stranger = token_of(&idp, OTHER, endpoint::SCOPE).await?;
    assert_eq!(refused(&stranger).await?.status, StatusCode::FORBIDDEN);
    add_owner(&idp, OTHER).await?;
    assert_eq!(refused(&stranger).await?.status, StatusCode::UNPROCESSABLE_ENTITY, "another owner's school");
    let told = idp.app.world.trail.of_organisation(db, OTHER, (i64::MAX, 1000)).await?.remove(0);
    assert_eq!((told.kind.as_str(), &told.actor), ("school-denied", &Actor::Organisation(OTHER.to_owned())));
    assert!(told.details["reason"] == "foreign-school" && told.details["school_orgno"] == SCHOOL, "{told:?}");
    assert!(told.details.contains_key("client"), "{told:?}");
    Ok(())
}
