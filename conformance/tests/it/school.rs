//! MinID in schools, from its pages: who gets in, who may do what there, and a class that gets MinID.

use std::time::Duration;

use admin::school::import::{self, Import, Sender};
use admin::school::register::{self, Class, Orgno, Owner, School};
use admin::school::{alias, sketch};
use anyhow::{Context, anyhow, ensure};
use authenticators::activation::{self, ActivationCode, Checked};
use authenticators::person::{Fnr, FnrPolicy, Person};
use authenticators::population::Population;
use authenticators::trail::{Actor, Trail};
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson, unregistered};
use futures_util::future::join_all;
use idp::text;
use serde_json::{Value, json};

use crate::forgotten::{arrived, digits, kinds_of_events, next_message};
use crate::school_import::seen;

pub(crate) const OWNER: &str = "958935420";
pub(crate) const COOKIE: &str = "__Host-porten-skule";
/// What stands in the SMS with a code.
const CODE: &str = "Koden som bekrefter";
const NEW: &str = "reven rusler hjem 13";

/// A school, its class and who is there.
pub(crate) struct Place {
    number: &'static str,
    name: &'static str,
    pub(crate) principal: TestPerson,
    /// Works in the administration and teaches the class.
    pub(crate) both: TestPerson,
    pub(crate) teacher: TestPerson,
    pub(crate) pupils: Vec<TestPerson>,
}

impl Place {
    pub(crate) fn new(number: &'static str, name: &'static str) -> anyhow::Result<Place> {
        Place::with(number, name, 3)
    }

    /// With so many pupils in its class.
    pub(crate) fn with(number: &'static str, name: &'static str, pupils: usize) -> anyhow::Result<Place> {
        let [principal, both, teacher] = [unregistered()?, unregistered()?, unregistered()?];
        let pupils = (0..pupils).map(|_| unregistered()).collect::<anyhow::Result<_>>()?;
        Ok(Place { number, name, principal, both, teacher, pupils })
    }

    pub(crate) fn rows(&self) -> String {
        let row = |class: &str, role: &str, person: &TestPerson, name: &str| {
            format!("{};{};{class};{role};{};{name};Testesen\n", self.number, self.name, person.fnr)
        };
        let mut rows = row("", "rektor", &self.principal, "Ravn");
        rows += &row("", "inspektør", &self.both, "Orrfugl");
        rows += &row("10A", "faglærer", &self.both, "Orrfugl");
        rows += &row("10A", "kontaktlærer", &self.teacher, "Lerke");
        for (pupil, name) in self.pupils.iter().zip(["Alke", "Blåmeis", "Due"].into_iter().cycle()) {
            rows += &row("10A", "elev", pupil, name);
        }
        rows
    }
}

/// An owner with two schools.
pub(crate) struct Town {
    pub(crate) idp: TestIdp,
    pub(crate) client: TestClient,
    pub(crate) owner: TestPerson,
    pub(crate) own: Place,
    pub(crate) other: Place,
}

impl Town {
    pub(crate) async fn open() -> anyhow::Result<Town> {
        Town::around(TestIdp::start().await?, Place::new("974589095", "Fjorden skole")?).await
    }

    pub(crate) async fn around(idp: TestIdp, own: Place) -> anyhow::Result<Town> {
        let (client, owner) = (idp.client().await?, unregistered()?);
        let other = Place::new("974589109", "Åsen skole")?;
        let town = Town { idp, client, owner, own, other };
        let owner = Owner { orgno: orgno()?, name: "Fjordvik kommune".into() };
        ensure!(register::add_owner(town.idp.app.world.db.pool(), &owner, town.idp.now()).await?, "there already");
        town.take_in(&town.file()).await?;
        Ok(town)
    }

    pub(crate) fn file(&self) -> String {
        let head = "orgno;skole;klasse;rolle;fnr;fornavn;etternavn";
        format!("{head}\n;;;skoleeier;{};Elg;Testesen\n{}{}", self.owner.fnr, self.own.rows(), self.other.rows())
    }

    pub(crate) async fn take_in(&self, file: &str) -> anyhow::Result<()> {
        let owner = orgno()?;
        let reader = self.idp.reader(&owner);
        let roster = reader.plain(file.as_bytes()).map_err(|objections| anyhow!("{objections:?}"))?;
        let import = Import {
            owner: &owner,
            roster: &roster,
            actor: Actor::System,
            sender: Sender::Operator,
            seen: seen(&self.idp.app.world, &owner).await?,
            accept_removals: None,
        };
        let taken = import::apply(&self.idp.app.world, &import, self.idp.now()).await?;
        taken.map(|_| ()).map_err(|objections| anyhow!("{objections:?}"))
    }

    pub(crate) async fn school(&self, place: &Place) -> anyhow::Result<School> {
        let schools = register::schools(self.idp.app.world.db.pool(), &orgno()?).await?;
        schools.into_iter().find(|school| school.name == place.name).context("no such school")
    }

    pub(crate) async fn class(&self, place: &Place) -> anyhow::Result<Class> {
        let school = self.school(place).await?;
        let classes = register::classes(self.idp.app.world.db.pool(), &school.id).await?;
        classes.into_iter().next().context("no class")
    }

    /// The class, where the administration finds it.
    pub(crate) async fn office(&self, place: &Place) -> anyhow::Result<String> {
        let (school, class) = (self.school(place).await?, self.class(place).await?);
        Ok(format!("/skule/{}/{}", school.id.as_str(), class.id.as_str()))
    }

    /// The class, where its teachers find it.
    pub(crate) async fn room(&self, place: &Place) -> anyhow::Result<String> {
        Ok(format!("/skule/klasse/{}", self.class(place).await?.id.as_str()))
    }

    pub(crate) async fn pupil_path(&self, place: &Place, pupil: &TestPerson) -> anyhow::Result<String> {
        let (class, row) = (self.class(place).await?, self.idp.row_of(pupil).await?);
        Ok(format!("{}/{}", self.room(place).await?, alias::of(&class.id, &row.id)))
    }

    /// The field that asks whether somebody may issue.
    pub(crate) async fn may_issue(&self, place: &Place, employee: &TestPerson) -> anyhow::Result<String> {
        let (class, row) = (self.class(place).await?, self.idp.row_of(employee).await?);
        Ok(sketch::employee_field(&class.id, &row.id))
    }

    pub(crate) async fn issues_to(
        &self,
        place: &Place,
        employee: &TestPerson,
        pupil: &TestPerson,
    ) -> anyhow::Result<String> {
        let (class, employee) = (self.class(place).await?, self.idp.row_of(employee).await?);
        let pupil = self.idp.row_of(pupil).await?;
        Ok(sketch::pair_field(&class.id, &employee.id, &pupil.id))
    }

    /// Somebody of the staff, on the first page.
    pub(crate) async fn staff(&self, person: &TestPerson) -> anyhow::Result<Browser> {
        let mut browser = self.idp.by_test_id(&self.client, person, "high").await?;
        browser.get("/skule").await?;
        ensure!(
            browser.at == "/skule" && browser.page.status == StatusCode::OK,
            "{} {}",
            browser.at,
            browser.page.body
        );
        Ok(browser)
    }

    /// The principal lets the teacher issue to all pupils of the class, and nobody else to anybody.
    pub(crate) async fn let_the_teacher_issue(&self, place: &Place) -> anyhow::Result<()> {
        let mut desk = self.staff(&place.principal).await?;
        self.decide(&mut desk, place, &[(&place.teacher, "yes"), (&place.both, "no")]).await?;
        let all =
            format!("all-yes-{}", alias::of(&self.class(place).await?.id, &self.idp.row_of(&place.teacher).await?.id));
        desk.answer(&[("do", &all)]).await?;
        desk.answer(&[("do", "next")]).await?;
        ensure!(desk.shows("Får utstede MinID i klassen"), "{}", desk.page.body);
        save(&mut desk).await
    }

    /// From the class to the pupils, or to what changes.
    pub(crate) async fn decide(
        &self,
        desk: &mut Browser,
        place: &Place,
        who: &[(&TestPerson, &str)],
    ) -> anyhow::Result<()> {
        desk.get(&self.office(place).await?).await?;
        let mut fields = vec![("do".to_owned(), "next")];
        for (person, choice) in who {
            fields.push((self.may_issue(place, person).await?, *choice));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        desk.answer(&fields).await.map(|_| ())
    }

    /// The code on the teacher's screen.
    pub(crate) async fn start(&self, screen: &mut Browser, pupil: &TestPerson) -> anyhow::Result<ActivationCode> {
        screen.get(&self.pupil_path(&self.own, pupil).await?).await?;
        press_start(screen).await?;
        shown_code(screen)
    }

    async fn check(&self, pupil: &TestPerson, code: &ActivationCode) -> anyhow::Result<Checked> {
        let fnr = Fnr::parse(&pupil.fnr, self.idp.app.config.people).map_err(|problem| anyhow!("{problem:?}"))?;
        let from = "192.0.2.7".parse()?;
        activation::check(&self.idp.app.world, &fnr, code, from, self.idp.now()).await
    }
}

fn orgno() -> anyhow::Result<Orgno> {
    Orgno::parse(OWNER).context("nine digits")
}

/// Saves what the page shows.
pub(crate) async fn save(desk: &mut Browser) -> anyhow::Result<()> {
    let mark = desk.between("name=\"mark\" value=\"", "\"")?;
    desk.answer(&[("mark", &mark), ("do", "save")]).await.map(|_| ())
}

pub(crate) async fn press_start(screen: &mut Browser) -> anyhow::Result<()> {
    let once = screen.between("name=\"once\" value=\"", "\"")?;
    let mut fields = vec![("once", once.as_str()), ("do", "start")];
    if screen.page.body.contains("name=\"why\"") {
        fields.push(("why", "forgotten-password"));
    }
    screen.answer(&fields).await.map(|_| ())
}

fn shown_code(screen: &Browser) -> anyhow::Result<ActivationCode> {
    let letters = screen.between("id=\"letters\">", "</p>")?.replace("<span>", "").replace("</span>", "");
    ActivationCode::parse(&letters).with_context(|| format!("no code: {letters}"))
}

/// Registers with a code, as far as the password.
pub(crate) async fn to_the_password(town: &Town, pupil: &TestPerson, code: &str) -> anyhow::Result<Browser> {
    let mut phone = town.idp.browser();
    phone.get("/registrer").await?;
    send(&mut phone, &[("do", "next"), ("fnr", &pupil.fnr), ("code", code)]).await?;
    let before = arrived(&town.idp, &pupil.phone, CODE);
    send(&mut phone, &[("do", "next"), ("mobile", &pupil.phone)]).await?;
    let sms = digits(&next_message(&town.idp, &pupil.phone, CODE, before).await?);
    send(&mut phone, &[("do", "next"), ("code", &sms)]).await?;
    send(&mut phone, &[("do", "skip")]).await?;
    Ok(phone)
}

async fn send(browser: &mut Browser, fields: &[(&str, &str)]) -> anyhow::Result<()> {
    let turn = browser.between("name=\"turn\" value=\"", "\"")?;
    let all: Vec<(&str, &str)> = [("turn", turn.as_str())].into_iter().chain(fields.iter().copied()).collect();
    browser.answer(&all).await.map(|_| ())
}

pub(crate) async fn choose_password(browser: &mut Browser) -> anyhow::Result<()> {
    send(browser, &[("do", "next"), ("password", NEW), ("repeat", NEW)]).await
}

/// Whether the page is a login's on the way to the schools' pages.
pub(crate) fn is_asked_to_log_in(browser: &Browser) -> bool {
    browser.at.starts_with("/authorize?") && browser.at.contains("client_id=porten-skule")
}

#[tokio::test]
async fn staff_come_in_at_level_high() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let rektor = &town.own.principal;
    // Who is nobody yet is asked for a login, and comes to where they wanted to go.
    let path = format!("/skule/{}", town.school(&town.own).await?.id.as_str());
    let mut desk = town.idp.browser();
    desk.get(&path).await?;
    assert!(is_asked_to_log_in(&desk) && desk.shows("MinID i skolen"), "{}", desk.at);
    assert!(!desk.shows("Fjorden skole"));
    // A login at substantial is not enough: the same page asks for more.
    let mut desk = town.idp.by_test_id(&town.client, rektor, "substantial").await?;
    desk.get(&path).await?;
    assert!(is_asked_to_log_in(&desk), "{}", desk.at);
    assert!(!desk.cookies.contains_key(COOKIE));
    if desk.page.body.contains("value=\"testid\"") {
        desk.answer(&[("eid", "testid")]).await?;
    }
    assert!(!desk.page.body.contains("idporten-loa-substantial"), "{}", desk.page.body);
    desk.answer(&[("do", "next"), ("fnr", &rektor.fnr), ("acr", "idporten-loa-high")]).await?;
    assert_eq!(desk.at, path);
    assert!(desk.shows("Fjorden skole") && desk.shows("10A") && desk.cookies.contains_key(COOKIE));
    // No code and no state stays in an address, and an answer is taken once.
    desk.get("/skule/callback?code=x&state=y&iss=https%3A%2F%2Fidp.test").await?;
    assert_eq!(desk.at, "/skule");
    let mut stranger = town.idp.browser();
    stranger.get("/skule/callback?code=x&state=y&iss=https%3A%2F%2Fidp.test").await?;
    assert!(stranger.at.starts_with("/skule/ut?") && stranger.shows("Innloggingen gikk ikke"));
    Ok(())
}

#[tokio::test]
async fn a_session_of_staff_ends() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let is_in = async |browser: &mut Browser| {
        browser.get("/skule").await?;
        anyhow::Ok(browser.at == "/skule")
    };
    // Their login at Porten is over after half an hour, and opens no other then.
    let lone = async || {
        let mut browser = town.staff(&town.own.principal).await?;
        browser.cookies.retain(|name, _| name == COOKIE || name.contains("browser") || name.contains("session"));
        anyhow::Ok(browser)
    };
    let mut idle = lone().await?;
    let mut busy = lone().await?;
    town.idp.advance(Duration::from_mins(29));
    assert!(is_in(&mut busy).await?);
    // A list that asks for itself anew is nobody.
    idle.get("/skule?av-seg-selv").await?;
    assert_eq!((idle.page.status, idle.at.as_str()), (StatusCode::OK, "/skule?av-seg-selv"));
    town.idp.advance(Duration::from_mins(2));
    idle.get("/skule?av-seg-selv").await?;
    assert_eq!(idle.page.json()?, json!({ "state": "over" }));
    assert!(!is_in(&mut idle).await?, "nobody was there for half an hour");
    assert!(is_in(&mut busy).await?);
    for _ in 0..15 {
        town.idp.advance(Duration::from_mins(29));
        assert!(is_in(&mut busy).await?);
    }
    town.idp.advance(Duration::from_mins(14));
    assert!(!is_in(&mut busy).await?, "eight hours are the most");

    // Signed out everywhere, locked, and logged out.
    let (world, row) = (&town.idp.app.world, town.idp.row_of(&town.own.principal).await?);
    let mut desk = lone().await?;
    Person::sign_out(world.db.pool(), &row.id, town.idp.now()).await?;
    assert!(!is_in(&mut desk).await?);
    town.idp.advance(Duration::from_mins(1));
    let mut desk = lone().await?;
    Person::lock(world.db.pool(), &row.id, "support", town.idp.now()).await?;
    assert!(!is_in(&mut desk).await?);
    // The login itself ends on a page, and not in a circle.
    let mut again = town.idp.by_test_id(&town.client, &town.own.principal, "high").await?;
    again.get("/skule").await?;
    assert!(again.shows("Du kommer ikke inn nå"), "{} {}", again.at, again.page.body);
    Person::unlock(world.db.pool(), &row.id).await?;
    town.idp.advance(Duration::from_mins(1));
    let mut desk = town.staff(&town.own.principal).await?;
    let before = desk.clone();
    desk.answer(&[("do", "leave")]).await?;
    assert!(desk.at.starts_with("/skule/ut") && desk.shows("Du er logget ut"), "{} {}", desk.at, desk.page.body);
    assert!(!desk.cookies.contains_key(COOKIE));
    assert!(!is_in(&mut desk).await?, "the login at Porten has ended as well");
    let mut copied = before;
    assert!(!is_in(&mut copied).await?, "the cookie is worth nothing");
    Ok(())
}

#[tokio::test]
async fn who_ends_their_login_from_another_machine_leaves_none_behind() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let mut left = town.staff(&town.own.teacher).await?;
    // At home they see where they are logged in, and end what they have left in the classroom.
    let mut home = town.idp.by_test_id(&town.client, &town.own.teacher, "high").await?;
    home.get("/profil/innlogget").await?;
    let sids: Vec<String> = home
        .page
        .body
        .split("name=\"sid\" value=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next().map(str::to_owned))
        .collect();
    ensure!(sids.len() == 2, "{sids:?} {}", home.page.body);
    // The newest is this one.
    home.answer(&[("sid", &sids[1])]).await?;
    left.get("/skule").await?;
    assert!(is_asked_to_log_in(&left), "{} {}", left.at, left.page.body);
    // Who is at home is in.
    home.get("/skule").await?;
    assert_eq!((home.at.as_str(), home.page.status), ("/skule", StatusCode::OK));
    Ok(())
}

#[tokio::test]
async fn on_a_shared_machine_the_session_goes_with_the_login() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let mut machine = town.staff(&town.own.principal).await?;
    assert!(machine.shows("Skoleadministrasjon"), "{}", machine.page.body);
    // Somebody else logs in to another service there, and then comes here.
    let teacher = town.idp.by_test_id(&town.client, &town.own.teacher, "high").await?;
    machine.cookies.extend(teacher.cookies.into_iter().filter(|(name, _)| name.contains("session")));
    machine.get("/skule").await?;
    assert!(machine.at == "/skule" && machine.shows("Klassene dine"), "{} {}", machine.at, machine.page.body);
    assert!(!machine.shows("Skoleadministrasjon"));
    // Logged out at another service: nobody is left in here.
    machine.cookies.retain(|name, _| !name.contains("session"));
    machine.get("/skule").await?;
    assert!(is_asked_to_log_in(&machine), "{}", machine.at);
    Ok(())
}

#[tokio::test]
async fn what_was_chosen_outlives_the_session() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    let mut desk = town.staff(&place.principal).await?;
    town.decide(&mut desk, place, &[(&place.teacher, "yes"), (&place.both, "no")]).await?;
    town.idp.advance(Duration::from_mins(31));
    let elever = format!("{}/elever", town.office(place).await?);
    let mut desk = town.staff(&place.principal).await?;
    desk.get(&elever).await?;
    assert!(desk.at == elever && desk.shows("Lerke Testesen"), "{} {}", desk.at, desk.page.body);
    // Nobody else sees it.
    let mut other = town.staff(&place.both).await?;
    other.get(&elever).await?;
    assert_ne!(other.at, elever);
    Ok(())
}

#[tokio::test]
async fn who_has_no_role_is_told_so() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let kari = unregistered()?;
    let browser = town.staff(&kari).await?;
    assert!(browser.shows("Du er ikke registrert med noen rolle"), "{}", browser.page.body);
    let owner = town.staff(&town.owner).await?;
    assert!(owner.shows("Skoleeier") && !owner.shows("Skoleadministrasjon"));
    let both = town.staff(&town.own.both).await?;
    assert!(both.shows("Skoleadministrasjon") && both.shows("Klassene dine") && !both.shows("Åsen"));
    Ok(())
}

#[tokio::test]
async fn a_form_counts_in_the_session_that_showed_it() -> anyhow::Result<()> {
    let town = Town::open().await?;
    town.let_the_teacher_issue(&town.own).await?;
    let path = town.pupil_path(&town.own, &town.own.pupils[0]).await?;
    let mut screen = town.staff(&town.own.teacher).await?;
    screen.get(&path).await?;
    let foreign = town.staff(&town.own.teacher).await?.csrf()?;
    let mut forged = screen.clone();
    forged.post_only(&path, &[("csrf", &foreign), ("do", "start"), ("once", "a")]).await?;
    assert_eq!(forged.page.status, StatusCode::FORBIDDEN);
    let mut elsewhere = screen.clone();
    elsewhere.headers.push(("origin", "https://evil.test".into()));
    press_start(&mut elsewhere).await?;
    assert_eq!(elsewhere.page.status, StatusCode::FORBIDDEN);
    assert!(kinds_of_events(&town.idp, &town.own.pupils[0]).await?.iter().all(|kind| kind != "school-code-issued"));
    Ok(())
}

#[tokio::test]
async fn nobody_authorises_themselves() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, both) = (&town.own, &town.own.both);
    let mut desk = town.staff(both).await?;
    desk.get(&town.office(place).await?).await?;
    assert!(desk.shows("Du kan ikke autorisere deg selv"), "{}", desk.page.body);
    // Neither with a field that the page does not have, nor for a pupil.
    let own = town.may_issue(place, both).await?;
    let pair = town.issues_to(place, both, &place.pupils[0]).await?;
    let teacher = town.may_issue(place, &place.teacher).await?;
    desk.answer(&[("do", "next"), (&own, "yes"), (&pair, "yes"), (&teacher, "no")]).await?;
    assert!(desk.at.ends_with("/bekreft") && !desk.shows("Orrfugl"), "{} {}", desk.at, desk.page.body);
    save(&mut desk).await?;
    desk.get(&format!("{}/elever", town.office(place).await?)).await?;
    desk.post(
        &format!("{}/elever", town.office(place).await?),
        &[("csrf", &desk.csrf()?), ("do", "next"), (&pair, "yes")],
    )
    .await?;
    let mut screen = town.staff(both).await?;
    screen.get(&town.room(place).await?).await?;
    assert!(screen.shows("Du er ikke autorisert til å utstede MinID i denne klassen"), "{}", screen.page.body);
    assert!(!screen.shows("Alke"), "and sees no pupil");
    let path = town.pupil_path(place, &place.pupils[0]).await?;
    screen.post(&path, &[("csrf", &screen.csrf()?), ("do", "start"), ("once", "a")]).await?;
    assert_eq!(screen.page.status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn what_is_left_out_is_asked_for_and_what_was_chosen_stays() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, [first, second, third]) = (&town.own, [0, 1, 2]);
    let mut desk = town.staff(&place.principal).await?;
    town.decide(&mut desk, place, &[(&place.teacher, "yes")]).await?;
    assert_eq!(desk.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(desk.shows("Noe mangler") && desk.page.body.contains("value=\"yes\" checked"), "{}", desk.page.body);
    town.decide(&mut desk, place, &[(&place.teacher, "yes"), (&place.both, "no")]).await?;
    assert!(desk.at.ends_with("/elever"), "{}", desk.at);
    let field = async |number: usize| town.issues_to(place, &place.teacher, &place.pupils[number]).await;
    let [first, second, third] = [field(first).await?, field(second).await?, field(third).await?];
    desk.answer(&[("do", "next"), (&first, "yes"), (&second, "no")]).await?;
    assert_eq!(desk.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(desk.page.body.contains(&format!("id=\"{first}-yes\" value=\"yes\" checked")), "{}", desk.page.body);
    desk.answer(&[("do", "next"), (&third, "no")]).await?;
    assert!(desk.at.ends_with("/bekreft"), "{}", desk.at);
    let named = ["Lerke Testesen", "Alke Testesen", "Blåmeis Testesen", "Due Testesen"];
    assert!(named.iter().all(|name| desk.shows(name)), "{}", desk.page.body);
    // Another tab has changed its mind: what is saved is what a page has shown.
    let (mark, mut other_tab) = (desk.between("name=\"mark\" value=\"", "\"")?, desk.clone());
    other_tab.get(&format!("{}/elever", town.office(place).await?)).await?;
    other_tab.answer(&[("do", "next"), (&first, "no"), (&second, "no"), (&third, "no")]).await?;
    desk.answer(&[("mark", &mark), ("do", "save")]).await?;
    assert_eq!(desk.page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(desk.shows("ikke lenger de samme"), "{}", desk.page.body);
    save(&mut desk).await?;
    assert!(desk.shows("Lagret.") && desk.at.starts_with("/skule/"), "{} {}", desk.at, desk.page.body);
    desk.get(&format!("{}/bekreft", town.office(place).await?)).await?;
    assert!(desk.shows("Du har ikke endret noe"), "{}", desk.page.body);
    assert_eq!(
        kinds_of_events(&town.idp, &place.teacher).await?.first().map(String::as_str),
        Some("school-authorised")
    );
    assert_eq!(
        kinds_of_events(&town.idp, &place.pupils[0]).await?.first().map(String::as_str),
        Some("school-uncoupled")
    );
    Ok(())
}

#[tokio::test]
async fn two_who_change_the_same_class_see_each_other() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let field = async |number: usize| town.issues_to(place, &place.teacher, &place.pupils[number]).await;
    let (first, second) = (field(0).await?, field(1).await?);
    let elever = format!("{}/elever", town.office(place).await?);
    let (mut slow, mut quick) = (town.staff(&place.principal).await?, town.staff(&place.both).await?);
    for desk in [&mut slow, &mut quick] {
        desk.get(&town.office(place).await?).await?;
        desk.get(&elever).await?;
    }
    slow.answer(&[("do", "next"), (&first, "no")]).await?;
    quick.answer(&[("do", "next"), (&second, "no")]).await?;
    save(&mut quick).await?;
    assert!(quick.shows("Lagret."), "{}", quick.page.body);
    save(&mut slow).await?;
    assert_eq!(slow.page.status, StatusCode::CONFLICT);
    for words in ["Noen andre har endret 10A", "Alke Testesen", "Blåmeis Testesen", "Du valgte:", "Lagret nå:"] {
        assert!(slow.shows(words), "{words}: {}", slow.page.body);
    }
    assert!(!slow.shows("Due Testesen"), "what is the same is not shown");
    save(&mut slow).await?;
    assert!(slow.shows("Lagret."), "{}", slow.page.body);
    // Both changes are there.
    slow.get(&elever).await?;
    for field in [&first, &second] {
        assert!(slow.page.body.contains(&format!("id=\"{field}-no\" value=\"no\" checked")), "{}", slow.page.body);
    }
    // Who keeps what is saved loses what they had in mind, and nothing else.
    for desk in [&mut slow, &mut quick] {
        desk.get(&town.office(place).await?).await?;
        desk.get(&elever).await?;
    }
    slow.answer(&[("do", "next"), (&first, "yes")]).await?;
    quick.answer(&[("do", "next"), (&second, "yes")]).await?;
    save(&mut quick).await?;
    save(&mut slow).await?;
    assert_eq!(slow.page.status, StatusCode::CONFLICT);
    slow.answer(&[("do", "discard")]).await?;
    slow.get(&elever).await?;
    assert!(slow.page.body.contains(&format!("id=\"{first}-no\" value=\"no\" checked")), "{}", slow.page.body);
    Ok(())
}

#[tokio::test]
async fn a_class_gets_minid() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, pupils) = (&town.own, &town.own.pupils);
    town.let_the_teacher_issue(place).await?;
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&town.room(place).await?).await?;
    for words in ["Alke Testesen", "Blåmeis Testesen", "Due Testesen", "Ikke startet", "Har MinID: 0/3"] {
        assert!(screen.shows(words), "{words}: {}", screen.page.body);
    }
    for pupil in pupils {
        let row = town.idp.row_of(pupil).await?;
        assert!(!screen.page.body.contains(&pupil.fnr) && !screen.page.body.contains(row.id.as_str()));
    }
    let path = town.pupil_path(place, &pupils[0]).await?;
    screen.get(&path).await?;
    assert!(screen.shows("Start utstedelse") && screen.shows("Jeg er ikke kvalifisert"), "{}", screen.page.body);
    let once = screen.between("name=\"once\" value=\"", "\"")?;
    press_start(&mut screen).await?;
    let code = shown_code(&screen)?;
    for words in ["Alke Testesen", "Navnet er feil", "Neste elev", "Lukk", "Koden gjelder til kl."] {
        assert!(screen.shows(words), "{words}: {}", screen.page.body);
    }
    assert_eq!(screen.page.header("cache-control"), Some("no-store"));
    // The same form again, a reload or a double click, shows nothing and ends nothing.
    screen.post(&path, &[("csrf", &screen.csrf()?), ("once", &once), ("do", "start")]).await?;
    assert!(screen.shows("vises den ikke igjen") && screen.shows("Kode utstedt"), "{}", screen.page.body);
    assert!(!screen.page.body.contains(&code.grouped()) && !screen.page.body.contains("id=\"letters\""));
    assert!(matches!(town.check(&pupils[0], &code).await?, Checked::Right(_)));

    // The pupil registers, and the teacher sees it.
    let mut phone = to_the_password(&town, &pupils[0], &code.grouped().to_lowercase()).await?;
    choose_password(&mut phone).await?;
    assert!(phone.shows("MinID er klar til bruk"), "{}", phone.page.body);
    let mut wait = screen.clone();
    wait.get(&format!("{path}/vent")).await?;
    assert_eq!(wait.page.json()?, json!({ "state": "approved" }));
    screen.answer(&[("do", "next")]).await?;
    assert!(screen.shows("Registrert") && screen.shows("Start utstedelsen på nytt"), "{}", screen.page.body);
    let pupil = TestPerson { password: NEW.into(), ..pupils[0].clone() };
    let mut service = town.idp.browser();
    service.get(&town.idp.authorize(&town.client, &[])).await?.log_in(&town.idp, &pupil).await?;
    service.sent_back("code")?;

    // The next one cannot be identified.
    let next = screen.between("href=\"/skule/klasse/", "\" id=\"next\"");
    assert!(next.is_ok(), "{}", screen.page.body);
    screen.get(&town.pupil_path(place, &pupils[1]).await?).await?;
    screen.answer(&[("do", "not-qualified")]).await?;
    for words in ["Manuell", "Bestill aktiveringsbrev", ">idp.test/aktiveringsbrev/order<"] {
        assert!(screen.shows(words), "{words}: {}", screen.page.body);
    }
    assert!(!screen.shows("Start utstedelse"), "{}", screen.page.body);
    // And the principal sees it.
    let mut desk = town.staff(&place.principal).await?;
    desk.get(&format!("{}/elever", town.office(place).await?)).await?;
    assert!(desk.shows("Den ansatte kunne ikke identifisere eleven"), "{}", desk.page.body);

    screen.get(&town.room(place).await?).await?;
    assert!(screen.shows("Har MinID: 1/3"), "{}", screen.page.body);
    let trail = town.idp.trail_of(&pupils[0]).await?;
    let issued = trail.iter().find(|entry| entry.kind == "school-code-issued").context("not written down")?;
    let teacher = town.idp.row_of(&place.teacher).await?;
    assert_eq!(issued.actor, Actor::Person(teacher.id));
    for (name, value) in [("school", "Fjorden skole"), ("class", "10A"), ("role", "contact-teacher")] {
        assert_eq!(issued.details.get(name).and_then(Value::as_str), Some(value));
    }
    assert!(!serde_json::to_string(&issued.details)?.contains(code.as_str()));
    Ok(())
}

#[tokio::test]
async fn a_new_code_ends_the_old_one() -> anyhow::Result<()> {
    let town = Town::open().await?;
    town.let_the_teacher_issue(&town.own).await?;
    let pupil = &town.own.pupils[0];
    let mut screen = town.staff(&town.own.teacher).await?;
    let old = town.start(&mut screen, pupil).await?;
    // On the page with the code as well.
    press_start_again(&mut screen, &town.pupil_path(&town.own, pupil).await?).await?;
    let new = shown_code(&screen)?;
    assert_eq!(town.check(pupil, &old).await?, Checked::Over);
    assert!(matches!(town.check(pupil, &new).await?, Checked::Right(_)));
    assert_eq!(town.check(&town.own.pupils[1], &new).await?, Checked::Wrong, "it is nobody else's");
    town.idp.advance(Duration::from_mins(15));
    assert_eq!(town.check(pupil, &new).await?, Checked::Over);
    Ok(())
}

async fn press_start_again(screen: &mut Browser, path: &str) -> anyhow::Result<()> {
    let (csrf, once) = (screen.csrf()?, screen.between("name=\"once\" value=\"", "\"")?);
    screen.post(path, &[("csrf", &csrf), ("once", &once), ("do", "start")]).await.map(|_| ())
}

#[tokio::test]
async fn a_wrong_name_ends_the_code() -> anyhow::Result<()> {
    let town = Town::open().await?;
    town.let_the_teacher_issue(&town.own).await?;
    let (pupil, path) = (&town.own.pupils[0], town.pupil_path(&town.own, &town.own.pupils[0]).await?);
    let mut screen = town.staff(&town.own.teacher).await?;
    let code = town.start(&mut screen, pupil).await?;
    assert!(screen.shows("Navnet er feil"), "{}", screen.page.body);
    assert!(!screen.page.body.contains("class=\"languages\""), "another language would lose the code");
    let csrf = screen.csrf()?;
    for _ in 0..2 {
        screen.post(&path, &[("csrf", &csrf), ("do", "wrong-name")]).await?;
        assert!(screen.at.starts_with(&town.room(&town.own).await?), "{}", screen.at);
        assert!(screen.shows("Koden virker ikke lenger") && screen.shows("Ikke startet"), "{}", screen.page.body);
    }
    assert_eq!(town.check(pupil, &code).await?, Checked::Over);
    let kinds = kinds_of_events(&town.idp, pupil).await?;
    assert_eq!(kinds.iter().filter(|kind| *kind == "school-code-ended").count(), 1, "{kinds:?}");
    Ok(())
}

#[tokio::test]
async fn a_code_that_runs_out_is_no_registration() -> anyhow::Result<()> {
    let town = Town::open().await?;
    town.let_the_teacher_issue(&town.own).await?;
    let (pupil, path) = (&town.own.pupils[0], town.pupil_path(&town.own, &town.own.pupils[0]).await?);
    let mut screen = town.staff(&town.own.teacher).await?;
    let code = town.start(&mut screen, pupil).await?;
    choose_password(&mut to_the_password(&town, pupil, code.as_str()).await?).await?;
    town.idp.advance(Duration::from_mins(1));
    town.start(&mut screen, pupil).await?;
    town.idp.advance(Duration::from_mins(15));
    screen.get(&format!("{path}/vent")).await?;
    assert_eq!(screen.page.json()?, json!({ "state": "over" }));
    screen.get(&path).await?;
    assert!(screen.shows("Registrert"), "{}", screen.page.body);
    Ok(())
}

#[tokio::test]
async fn who_was_not_identified_is_decided_anew() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let path = town.pupil_path(place, &place.pupils[0]).await?;
    let (office, field) = (town.office(place).await?, town.issues_to(place, &place.teacher, &place.pupils[0]).await?);
    // The class is open at the desk meanwhile.
    let mut desk = town.staff(&place.principal).await?;
    desk.get(&office).await?;
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&path).await?;
    let csrf = screen.csrf()?;
    for _ in 0..2 {
        screen.post(&path, &[("csrf", &csrf), ("do", "not-qualified")]).await?;
        assert!(screen.page.status == StatusCode::OK && screen.shows("Manuell"), "{}", screen.page.body);
    }
    desk.get(&format!("{office}/elever")).await?;
    assert!(desk.page.body.contains(&format!("id=\"{field}-no\" value=\"no\" checked")), "{}", desk.page.body);
    desk.answer(&[("do", "next"), (&field, "yes")]).await?;
    save(&mut desk).await?;
    assert!(desk.shows("Lagret."), "{}", desk.page.body);
    screen.get(&path).await?;
    assert!(screen.shows("Start utstedelse"), "{}", screen.page.body);
    Ok(())
}

#[tokio::test]
async fn whose_address_is_protected_is_seen_by_whom_they_are_entrusted_to() -> anyhow::Result<()> {
    let own = Place::new("974589095", "Fjorden skole")?;
    let line = json!({ "fnr": own.pupils[0].fnr, "given_name": "Trost", "family_name": "Testesen", "protected": true });
    let population = Population::read(&line.to_string())?;
    let idp = TestIdp::with(|setup| setup.population = population).await?;
    let town = Town::around(idp, own).await?;
    let place = &town.own;
    let (room, path) = (town.room(place).await?, town.pupil_path(place, &place.pupils[0]).await?);
    let field = town.issues_to(place, &place.teacher, &place.pupils[0]).await?;
    let elever = format!("{}/elever", town.office(place).await?);
    let (mut desk, mut screen) = (town.staff(&place.principal).await?, town.staff(&place.teacher).await?);
    town.let_the_teacher_issue(place).await?;
    for (choice, is_seen) in [("no", false), ("yes", true)] {
        desk.get(&elever).await?;
        desk.answer(&[("do", "next"), (&field, choice)]).await?;
        save(&mut desk).await?;
        screen.get(&room).await?;
        assert!(screen.shows("Blåmeis Testesen"), "{}", screen.page.body);
        assert_eq!(screen.page.body.contains(&path), is_seen, "{choice}: {}", screen.page.body);
        screen.get(&path).await?;
        assert_eq!(screen.page.status == StatusCode::OK, is_seen, "{choice}: {}", screen.page.body);
    }
    screen.answer(&[("do", "not-qualified")]).await?;
    assert!(screen.shows("Manuell"), "{}", screen.page.body);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_codes_at_the_same_instant_one_is_good_and_of_many_who_use_it_one_gets_it() -> anyhow::Result<()> {
    let town = Town::open().await?;
    town.let_the_teacher_issue(&town.own).await?;
    let (pupil, path) = (&town.own.pupils[0], town.pupil_path(&town.own, &town.own.pupils[0]).await?);
    let screen = town.staff(&town.own.teacher).await?;
    let csrf = screen.csrf()?;
    let mut tabs: Vec<(Browser, String)> = (0..10).map(|number| (screen.clone(), format!("tab {number}"))).collect();
    let pressed = tabs.iter_mut().map(|(tab, once)| {
        let (path, csrf) = (&path, &csrf);
        async move { tab.post_only(path, &[("csrf", csrf), ("once", once.as_str()), ("do", "start")]).await.map(|_| ()) }
    });
    for done in join_all(pressed).await {
        done?;
    }
    let mut good = Vec::new();
    for (tab, _) in &tabs {
        let code = shown_code(tab)?;
        if let Checked::Right(_) = town.check(pupil, &code).await? {
            good.push(code);
        }
    }
    assert_eq!(good.len(), 1);
    let code = good[0].grouped();
    // Two telephones at the last step with the same code, and at that instant another pupil who has photographed it,
    // with fewer fingers than would end it.
    let first = to_the_password(&town, pupil, &code).await?;
    town.idp.advance(Duration::from_secs(31));
    let mut phones = [first, to_the_password(&town, pupil, &code).await?];
    let (thief, mut first_page) = (&town.own.pupils[1], town.idp.browser());
    first_page.get("/registrer").await?;
    let mut thieves = vec![first_page; 9];
    let types = [("do", "next"), ("fnr", thief.fnr.as_str()), ("code", code.as_str())];
    let stolen = join_all(thieves.iter_mut().map(|browser| send(browser, &types)));
    let (chosen, stolen) = tokio::join!(join_all(phones.iter_mut().map(choose_password)), stolen);
    chosen.into_iter().chain(stolen).collect::<anyhow::Result<()>>()?;
    for browser in &mut thieves {
        assert!(browser.shows("Fødselsnummeret eller aktiveringskoden er feil"), "{}", browser.page.body);
        browser.get("/registrer").await?;
        assert!(browser.shows("Skriv inn aktiveringskode"), "{}", browser.page.body);
    }
    let of_thief = kinds_of_events(&town.idp, thief).await?;
    assert!(of_thief.iter().all(|kind| kind != "registered"), "{of_thief:?}");
    let ready = phones.iter().filter(|phone| phone.shows("MinID er klar til bruk")).count();
    assert_eq!(ready, 1);
    let registered = kinds_of_events(&town.idp, pupil).await?;
    assert_eq!(registered.iter().filter(|kind| *kind == "registered").count(), 1);
    Ok(())
}

#[tokio::test]
async fn who_has_lost_their_role_is_out_at_once() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let path = town.pupil_path(place, &place.pupils[0]).await?;
    let mut screen = town.staff(&place.teacher).await?;
    screen.get(&path).await?;
    let mut desk = town.staff(&place.principal).await?;
    town.decide(&mut desk, place, &[(&place.teacher, "no"), (&place.both, "no")]).await?;
    let without: String = town
        .file()
        .lines()
        .filter(|line| !line.contains(&place.teacher.fnr) && !line.contains(&place.principal.fnr))
        .map(|line| format!("{line}\n"))
        .collect();
    town.take_in(&without).await?;
    press_start(&mut screen).await?;
    assert_eq!(screen.page.status, StatusCode::NOT_FOUND);
    save(&mut desk).await?;
    assert_eq!(desk.page.status, StatusCode::NOT_FOUND);
    for browser in [&mut screen, &mut desk] {
        browser.get("/skule").await?;
        assert!(browser.shows("Du er ikke registrert med noen rolle"), "{}", browser.page.body);
    }
    let kinds = kinds_of_events(&town.idp, &place.pupils[0]).await?;
    assert!(kinds.iter().all(|kind| kind != "school-code-issued"), "{kinds:?}");
    Ok(())
}

#[tokio::test]
async fn who_is_too_young_or_has_minid_gets_no_code() -> anyhow::Result<()> {
    let mut town = Town::open().await?;
    town.own.pupils[0] = town.idp.person().await?;
    let child = aged(&town.idp, 11)?;
    town.own.pupils[1] = TestPerson { fnr: child, ..unregistered()? };
    town.take_in(&town.file()).await?;
    the_principal_knows(&town).await?;
    town.let_the_teacher_issue(&town.own).await?;
    let mut screen = town.staff(&town.own.teacher).await?;
    screen.get(&town.room(&town.own).await?).await?;
    assert!(screen.shows("For ung") && screen.shows("Har MinID: 1/2"), "{}", screen.page.body);
    for (number, words) in [(0, "Eleven har MinID og trenger ingen kode"), (1, "Eleven er for ung")] {
        let path = town.pupil_path(&town.own, &town.own.pupils[number]).await?;
        screen.get(&path).await?;
        assert!(screen.shows(words) && !screen.shows("Start utstedelse"), "{}", screen.page.body);
        let csrf = screen.csrf()?;
        screen.post(&path, &[("csrf", &csrf), ("once", words), ("do", "start")]).await?;
        assert_eq!(screen.page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(screen.shows(words), "{}", screen.page.body);
    }
    Ok(())
}

/// Who says JA to somebody with MinID or too young reads so, where they say it and before they save it.
async fn the_principal_knows(town: &Town) -> anyhow::Result<()> {
    let (place, teacher) = (&town.own, &town.own.teacher);
    let mut desk = town.staff(&place.principal).await?;
    town.decide(&mut desk, place, &[(teacher, "yes"), (&place.both, "no")]).await?;
    for (pupil, about) in [
        (0, Some("<span class=\"about\">Har MinID</span>")),
        (
            1,
            Some(
                "<span class=\"about\">Eleven er for ung. MinID kan man få fra det året man fyller 13. Du kan vente med å svare.</span>",
            ),
        ),
        (2, None),
    ] {
        let field = town.issues_to(place, teacher, &place.pupils[pupil]).await?;
        let told = desk.between(&format!("id=\"{field}-name\">"), "</p>")?;
        assert_eq!(told.contains("class=\"about\""), about.is_some(), "{told}");
        assert!(about.is_none_or(|about| told.contains(about)), "{told}");
    }
    let all = alias::of(&town.class(place).await?.id, &town.idp.row_of(teacher).await?.id);
    desk.answer(&[("do", &format!("all-yes-{all}"))]).await?;
    desk.answer(&[("do", "next")]).await?;
    for (heading, pupil) in [
        ("JA: kan utstede til", "Due Testesen"),
        ("JA, men for ung ennå: kan få MinID fra det året eleven fyller 13", "Blåmeis Testesen"),
        ("JA, men har MinID: trenger ingen kode", "Alke Testesen"),
    ] {
        let named = desk.between(&format!("{heading}</h3>"), "</ul>")?;
        assert_eq!(named.matches("<li>").count(), 1, "{heading}: {named}");
        assert!(named.contains(&format!("<li>{pupil}</li>")), "{heading}: {named}");
    }
    desk.answer(&[("do", "discard")]).await.map(|_| ())
}

/// A synthetic number of somebody who becomes so old in the calendar year that it is.
pub(crate) fn aged(idp: &TestIdp, age: i64) -> anyhow::Result<String> {
    let year = (1970 + idp.now().seconds() / 31_556_952 - age) % 100;
    let policy = FnrPolicy { real: false, synthetic: true, expanded: false };
    let mut all = (500..1000).flat_map(|n| (0..100).map(move |check| format!("0181{year:02}{n:03}{check:02}")));
    all.find(|fnr| Fnr::parse(fnr, policy).is_ok()).context("no such number")
}

#[tokio::test]
async fn the_owner_sees_how_far_it_has_come() -> anyhow::Result<()> {
    let town = Town::around(TestIdp::start().await?, Place::with("974589095", "Fjorden skole", 6)?).await?;
    town.let_the_teacher_issue(&town.own).await?;
    let mut screen = town.staff(&town.own.teacher).await?;
    town.start(&mut screen, &town.own.pupils[0]).await?;
    let mut owner = town.staff(&town.owner).await?;
    owner.get("/skule/rapport").await?;
    for words in ["Fjordvik kommune", "Fjorden skole", "Åsen skole", "10A", "Kode utstedt", "<meter"] {
        assert!(owner.shows(words), "{words}: {}", owner.page.body);
    }
    for pupil in &town.own.pupils {
        assert!(!owner.page.body.contains(&pupil.fnr));
    }
    assert!(!owner.shows("Alke") && !owner.shows("Lerke"), "nobody is named");
    owner.get(&format!("/skule/rapport/{OWNER}")).await?;
    assert_eq!(owner.page.header("content-type"), Some("text/csv; charset=utf-8"));
    let row = owner.page.body.lines().find(|line| line.starts_with("\"Fjorden skole\"")).context("no row")?;
    assert_eq!(
        row.trim_end(),
        format!(
            "\"Fjorden skole\";974589095;\"10A\";6;0;5;1;0;0;0;0;0;0;0;\"{}\"",
            text::in_norway(town.idp.now(), "%d.%m.%Y")
        )
    );
    Ok(())
}

#[tokio::test]
async fn the_pages_are_in_nynorsk_and_english_as_well() -> anyhow::Result<()> {
    let town = Town::open().await?;
    town.let_the_teacher_issue(&town.own).await?;
    let path = town.pupil_path(&town.own, &town.own.pupils[0]).await?;
    for (language, words) in
        [("nn", ["Eg er ikkje kvalifisert", "Namnet er feil"]), ("en", ["I am not qualified", "The name is wrong"])]
    {
        let mut screen = town.staff(&town.own.teacher).await?;
        screen.get(&format!("/language?to={language}&back=/skule")).await?;
        screen.get(&path).await?;
        assert!(screen.shows(words[0]), "{}", screen.page.body);
        press_start(&mut screen).await?;
        assert!(screen.shows(words[1]), "{}", screen.page.body);
    }
    Ok(())
}

#[tokio::test]
async fn what_staff_do_can_be_read_by_whom_it_concerns() -> anyhow::Result<()> {
    let town = Town::open().await?;
    town.let_the_teacher_issue(&town.own).await?;
    let mut screen = town.staff(&town.own.teacher).await?;
    town.start(&mut screen, &town.own.pupils[0]).await?;
    let kinds = kinds_of_events(&town.idp, &town.own.pupils[0]).await?;
    assert!(kinds.iter().any(|kind| kind == "school-coupled") && kinds.iter().any(|kind| kind == "school-code-issued"));
    assert!(Trail::verify(&town.idp.app.world.db).await? > 3);
    // On their own pages, and in the file of all their data: it was the school, and not they themselves.
    let pupil = TestPerson { fnr: town.own.pupils[0].fnr.clone(), ..unregistered()? };
    for (language, words) in [("nb", "Gjort av skolen"), ("nn", "Gjort av skulen"), ("en", "Done by the school")] {
        let mut browser = town.idp.by_test_id(&town.idp.client().await?, &pupil, "substantial").await?;
        browser.get(&format!("/language?to={language}&back=/profil")).await?;
        browser.get("/profil/hendelser").await?;
        for words in [words, "Fjorden skole", "10A"] {
            assert!(browser.shows(words), "{words}: {}", browser.page.body);
        }
        let as_what = ["Ansatt: kontaktlærer", "Tilsett: kontaktlærar", "Employee: contact teacher"];
        assert!(as_what.iter().any(|words| browser.shows(words)), "{}", browser.page.body);
        let file = browser.get("/profil/data").await?.page.json()?;
        let events = file["events"].as_array().context("no events")?;
        let of = |kind: &str| events.iter().find(|event| event["kind"] == kind).map(|event| event["by"].clone());
        assert_eq!(of("school-code-issued"), Some(json!("school")));
        assert_eq!(of("login"), Some(json!("self")));
        for staff in [&town.own.teacher, &town.own.principal] {
            let id = town.idp.row_of(staff).await?.id;
            assert!(!file.to_string().contains(id.as_str()), "an id of somebody else's: {file}");
        }
    }
    Ok(())
}
