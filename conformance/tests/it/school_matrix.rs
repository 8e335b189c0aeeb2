//! Every route of the schools' pages, and everybody who could want it: GET and POST, with the right mark and without.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use admin::school::coupling::{self, Change, Decision, Decisions, Draft, Saved};
use admin::school::import::{self, Import, Sender};
use admin::school::register::{self, Orgno, Title};
use admin::school::roster::Reader;
use admin::school::routes;
use admin::school::sign_in::LEAVE;
use anyhow::{Context, anyhow, ensure};
use authenticators::person::{Fnr, Person};
use authenticators::trail::{Actor, Trail};
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{ISSUER, TestPerson, unregistered};
use tempfile::TempDir;

use crate::forgotten::kinds_of_events;
use crate::school::{COOKIE, OWNER, Place, Town, is_asked_to_log_in};
use crate::school_import::{OTHER, add_owner, seen, well};

/// Whose a route is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Anybody's, logged in or not.
    Anybody,
    /// A machine's, which has a token.
    Machine,
    /// That of all who are logged in at level high.
    Staff,
    /// The school's administration's.
    Administration,
    /// That of those with a role in the class.
    Class,
    /// And of those whom the administration lets issue there.
    Issuer,
    /// The owner's.
    Owner,
    /// That of whoever acts for any owner, who sees their own there.
    AnyOwner,
}

use Whose::{Administration, AnyOwner, Anybody, Class, Issuer, Machine, Owner, Staff};

const TABLE: [(&str, &str, Whose); 23] = [
    ("GET", "/skule", Staff),
    ("GET", "/skule/api/import", Machine),
    ("POST", "/skule/api/import", Machine),
    ("GET", "/skule/callback", Anybody),
    ("GET", "/skule/fil/{owner}", Owner),
    ("POST", "/skule/fil/{owner}", Owner),
    ("GET", "/skule/klasse", Staff),
    ("GET", "/skule/klasse/{class}", Class),
    ("GET", "/skule/klasse/{class}/vent", Class),
    ("GET", "/skule/klasse/{class}/{pupil}", Issuer),
    ("POST", "/skule/klasse/{class}/{pupil}", Issuer),
    ("GET", "/skule/klasse/{class}/{pupil}/vent", Issuer),
    ("POST", "/skule/logg-ut", Staff),
    ("GET", "/skule/rapport", AnyOwner),
    ("GET", "/skule/rapport/{owner}", Owner),
    ("GET", "/skule/ut", Anybody),
    ("GET", "/skule/{school}", Administration),
    ("GET", "/skule/{school}/{class}", Administration),
    ("POST", "/skule/{school}/{class}", Administration),
    ("GET", "/skule/{school}/{class}/bekreft", Administration),
    ("POST", "/skule/{school}/{class}/bekreft", Administration),
    ("GET", "/skule/{school}/{class}/elever", Administration),
    ("POST", "/skule/{school}/{class}/elever", Administration),
];

#[test]
fn every_route_has_a_row() {
    let there = routes::all().into_iter().flat_map(|(path, methods)| methods.iter().map(move |one| (*one, path)));
    let there: BTreeSet<(&str, &str)> = there.collect();
    let rows: BTreeSet<(&str, &str)> = TABLE.into_iter().map(|(method, path, _)| (method, path)).collect();
    assert_eq!(there, rows, "each route says here whose it is");
}

/// Everybody, and what they are at the school, in the class and for the owner whose routes are asked for.
struct Cast {
    second_class: TestPerson,
    former_principal: TestPerson,
    former_teacher: TestPerson,
    former_owner: TestPerson,
    foreign: Place,
    foreign_owner: TestPerson,
    /// Somebody with each title that there is.
    titled: Vec<(Title, TestPerson)>,
    nobody: TestPerson,
}

/// What a file says of somebody with a title at the town's own school: where, as what, and what is theirs by it. Those
/// who work in the class are let issue there.
fn line_of(title: Title) -> (&'static str, &'static str, &'static [Whose]) {
    const SCHOOL: &str = "974589095;Fjorden skole;";
    const CLASS: &str = "974589095;Fjorden skole;10A";
    match title {
        Title::Owner => (";;", "skoleeier", &[Owner, AnyOwner]),
        Title::Principal => (SCHOOL, "rektor", &[Administration]),
        Title::AssistantPrincipal => (SCHOOL, "assisterende rektor", &[Administration]),
        Title::Secretary => (SCHOOL, "sekretær", &[Administration]),
        Title::Inspector => (SCHOOL, "inspektør", &[Administration]),
        Title::ContactTeacher => (CLASS, "kontaktlærer", &[Class, Issuer]),
        Title::SubjectTeacher => (CLASS, "faglærer", &[Class, Issuer]),
        Title::Adviser => (CLASS, "rådgiver", &[Class, Issuer]),
        Title::Assistant => (CLASS, "assistent", &[Class, Issuer]),
    }
}

impl Cast {
    fn new() -> anyhow::Result<Cast> {
        Ok(Cast {
            second_class: unregistered()?,
            former_principal: unregistered()?,
            former_teacher: unregistered()?,
            former_owner: unregistered()?,
            foreign: Place::new("974589117", "Utlandet skole")?,
            foreign_owner: unregistered()?,
            titled: Title::ALL.into_iter().map(|title| Ok((title, unregistered()?))).collect::<anyhow::Result<_>>()?,
            nobody: unregistered()?,
        })
    }

    /// The rows of those who have a role and do not stand in a town by itself; some of them only until later.
    fn rows(&self, is_later: Later) -> String {
        let row = |place: &str, person: &TestPerson| format!("{place};{};Fugl;Testesen\n", person.fnr);
        let mut rows = row("974589095;Fjorden skole;10B;kontaktlærer", &self.second_class);
        for (title, person) in &self.titled {
            let (place, word, _) = line_of(*title);
            rows += &row(&format!("{place};{word}"), person);
        }
        if is_later == Later::No {
            rows += &row("974589095;Fjorden skole;;rektor", &self.former_principal);
            rows += &row("974589095;Fjorden skole;10A;faglærer", &self.former_teacher);
            rows += &row(";;;skoleeier", &self.former_owner);
        }
        rows
    }

    fn all<'a>(&'a self, town: &'a Town) -> Vec<(&'static str, &'a TestPerson, &'static [Whose])> {
        let titled = self.titled.iter().map(|(title, person)| (title.name(), person, line_of(*title).2));
        let others: [(&'static str, &'a TestPerson, &'static [Whose]); 15] = [
            ("the principal", &town.own.principal, &[Administration]),
            ("the teacher", &town.own.teacher, &[Class, Issuer]),
            ("who administers and teaches, and is not let issue", &town.own.both, &[Administration, Class]),
            ("the owner", &town.owner, &[Owner, AnyOwner]),
            ("a teacher of another class", &self.second_class, &[]),
            ("the principal of another school of the owner", &town.other.principal, &[]),
            ("a teacher of another school of the owner", &town.other.teacher, &[]),
            ("the principal of another owner's school", &self.foreign.principal, &[]),
            ("a teacher of another owner's school", &self.foreign.teacher, &[]),
            ("another owner", &self.foreign_owner, &[AnyOwner]),
            ("who was principal", &self.former_principal, &[]),
            ("who was teacher, and let issue", &self.former_teacher, &[]),
            ("who acted for the owner", &self.former_owner, &[]),
            ("a pupil", &town.own.pupils[0], &[]),
            ("nobody", &self.nobody, &[]),
        ];
        others.into_iter().chain(titled).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Later {
    No,
    Yes,
}

/// The principal lets whoever teaches until later, and those with each title in the class, issue to all of it.
async fn let_issue(town: &Town, cast: &Cast) -> anyhow::Result<()> {
    let (world, idp) = (&town.idp.app.world, &town.idp);
    let (class, school) = (town.class(&town.own).await?, town.school(&town.own).await?);
    let principal = idp.row_of(&town.own.principal).await?.id;
    let by = register::may_administer(world.db.pool(), &principal, school.id.as_str()).await?.context("may")?;
    let titled = cast.titled.iter().filter(|(title, _)| line_of(*title).2.contains(&Issuer));
    let (mut changes, decision) = (Vec::new(), Decision::Yes);
    for employee in titled.map(|(_, person)| person).chain([&cast.former_teacher]) {
        let employee = idp.row_of(employee).await?.id;
        changes.push(Change::Authorise { employee: employee.clone(), decision });
        for pupil in &town.own.pupils {
            changes.push(Change::Couple { employee: employee.clone(), pupil: idp.row_of(pupil).await?.id, decision });
        }
    }
    let draft = Draft { class: class.id, version: class.version, changes };
    ensure!(matches!(coupling::save(world, &by, &draft, idp.now()).await?, Saved::Done), "not saved");
    Ok(())
}

/// The routes with the ids of the town's own school.
async fn filled_in(town: &Town) -> anyhow::Result<BTreeMap<&'static str, String>> {
    let (school, class) = (town.school(&town.own).await?, town.class(&town.own).await?);
    let pupil = town.pupil_path(&town.own, &town.own.pupils[0]).await?;
    let pupil = pupil.rsplit('/').next().context("no alias")?;
    let ids =
        [("{school}", school.id.as_str()), ("{class}", class.id.as_str()), ("{pupil}", pupil), ("{owner}", OWNER)];
    let paths = routes::all()
        .into_iter()
        .map(|(path, _)| (path, ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, id))));
    Ok(paths.collect())
}

/// What the buttons of these pages wish for.
const WISHES: [&str; 6] = ["start", "not-qualified", "wrong-name", "next", "save", "discard"];

/// What is answered to a GET, or to a form that wishes for nothing that is there.
async fn asked(browser: &Browser, method: &str, path: &str, csrf: &str) -> anyhow::Result<Browser> {
    let mut browser = browser.clone();
    match method {
        "GET" => browser.get(path).await?,
        _ => browser.post_only(path, &[("csrf", csrf), ("do", "look")]).await?,
    };
    Ok(browser)
}

#[tokio::test]
async fn every_route_is_for_those_whose_it_is() -> anyhow::Result<()> {
    let (town, cast) = (Town::open().await?, Cast::new()?);
    town.let_the_teacher_issue(&town.own).await?;
    town.take_in(&format!("{}{}", town.file(), cast.rows(Later::No))).await?;
    add_owner(&town.idp, OTHER).await?;
    let head = "orgno;skole;klasse;rolle;fnr;fornavn;etternavn";
    let foreign = format!("{head}\n;;;skoleeier;{};Elg;Testesen\n{}", cast.foreign_owner.fnr, cast.foreign.rows());
    well(&town.idp, OTHER, &foreign).await?;
    let_issue(&town, &cast).await?;
    let mut desks = Vec::new();
    for (who, person, roles) in cast.all(&town) {
        desks.push((who, person, roles, town.staff(person).await?));
    }
    let paths = filled_in(&town).await?;
    // Those whose role ends had it: the page opens, and after the next file it does not.
    for (who, path) in [
        ("who was principal", "/skule/{school}/{class}"),
        ("who was teacher, and let issue", "/skule/klasse/{class}/{pupil}"),
        ("who acted for the owner", "/skule/rapport"),
    ] {
        let (.., desk) = desks.iter().find(|(name, ..)| *name == who).context("nobody")?;
        let path = paths.get(path).context("no path")?;
        assert_eq!(asked(desk, "GET", path, "").await?.page.status, StatusCode::OK, "{who} {path}");
    }
    town.take_in(&format!("{}{}", town.file(), cast.rows(Later::Yes))).await?;

    for (who, person, roles, desk) in &desks {
        let (csrf, mut denied) = (desk.csrf()?, 0);
        for (method, pattern, whose) in TABLE {
            let path = paths.get(pattern).context("no path")?;
            if method == "POST" && whose != Machine {
                // None does anything without the mark in its form.
                for wrong in ["", "x"] {
                    let answer = asked(desk, method, path, wrong).await?.page;
                    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{who}: {method} {path} without the mark");
                }
            }
            if pattern == LEAVE {
                continue;
            }
            let answer = asked(desk, method, path, &csrf).await?;
            let (status, is_in) = (answer.page.status, !is_asked_to_log_in(&answer));
            let is_theirs = matches!(whose, Anybody | Staff) || roles.contains(&whose);
            let fits = match (whose, is_theirs) {
                (Machine, _) => status == StatusCode::UNAUTHORIZED,
                // A form that wishes for nothing is gone on from, or asked for again; one that does not tell what its
                // page has shown changes nothing.
                (_, true) => {
                    let again = [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::CONFLICT];
                    let good = [StatusCode::OK, StatusCode::SEE_OTHER].into_iter().chain(again).collect::<Vec<_>>();
                    is_in && good.contains(&status) && (method == "POST" || status == StatusCode::OK)
                }
                (_, false) => status == StatusCode::NOT_FOUND,
            };
            ensure!(fits, "{who}: {method} {path} is {status} {}", answer.page.body);
            // The first page names the schools and classes of whoever reads it.
            let tells = answer.shows("Fjorden skole") || answer.shows("Alke");
            let may_tell = matches!(whose, Staff | Anybody) || roles.iter().any(|role| *role != AnyOwner);
            ensure!(!tells || may_tell, "{who}: {method} {path} tells of the school");
            denied += usize::from(!is_theirs && whose != Machine);
            // Nor is there a button that does something by itself.
            if method == "POST" && !is_theirs && whose != Machine {
                for wish in WISHES {
                    let mut answer = desk.clone();
                    let form = [("csrf", csrf.as_str()), ("do", wish), ("once", "a"), ("mark", "b")];
                    let status = answer.post_only(path, &form).await?.page.status;
                    ensure!(status == StatusCode::NOT_FOUND, "{who}: {wish} at {path} is {status}");
                }
                denied += WISHES.len();
            }
        }
        // Each denial is written down, and says nothing of whom it was about.
        let trail = town.idp.trail_of(person).await?;
        let found: Vec<_> = trail.iter().filter(|entry| entry.kind == "school-denied").collect();
        assert_eq!(found.len(), denied, "{who}");
        let class = town.class(&town.own).await?;
        for entry in found {
            let text = serde_json::to_string(&entry.details)?;
            assert!(entry.details["reason"] == "not-theirs" && !text.contains(class.id.as_str()), "{text}");
        }
    }
    // What a route is not for it does not answer, whoever asks.
    let (.., desk) = desks.first().context("nobody")?;
    for (pattern, methods) in routes::all() {
        for method in ["GET", "POST"].into_iter().filter(|method| !methods.contains(method)) {
            let answer = asked(desk, method, paths.get(pattern).context("no path")?, &desk.csrf()?).await?;
            assert_eq!(answer.page.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {pattern}");
        }
    }
    // Nobody has done anything to the pupil whose page it was.
    let kinds = kinds_of_events(&town.idp, &town.own.pupils[0]).await?;
    let done = kinds.iter().filter(|kind| kind.starts_with("school-code") || *kind == "school-not-identified");
    assert_eq!(done.count(), 0, "{kinds:?}");
    assert!(Trail::verify(&town.idp.app.world.db).await? > 0);
    Ok(())
}

/// A form that does something when its button is pressed.
struct Form {
    route: &'static str,
    path: String,
    fields: Vec<(String, &'static str)>,
    /// What was sent before, on whose page it stands.
    file: Option<String>,
}

impl Form {
    fn new(route: &'static str, path: &str, wish: &'static str) -> Form {
        Form { route, path: path.to_owned(), fields: vec![("do".to_owned(), wish)], file: None }
    }

    /// Out of these pages.
    fn leave() -> Form {
        Form::new(LEAVE, LEAVE, "leave")
    }

    /// The page on which it stands.
    async fn page(&self, desk: &Browser) -> anyhow::Result<Browser> {
        let mut page = desk.clone();
        page.get(if self.path == LEAVE { "/skule" } else { &self.path }).await?;
        if let Some(file) = &self.file {
            page.attach_only(file.as_bytes()).await?;
        }
        Ok(page)
    }

    /// Sends it from its page with a mark, as a browser that says this of where it comes from.
    async fn send(&self, page: &Browser, mark: &str, said: &[(&'static str, &str)]) -> anyhow::Result<StatusCode> {
        let mut sender = page.clone();
        sender.headers.extend(said.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let hidden = ["seen", "once", "mark", "key"].into_iter();
        let hidden =
            hidden.filter_map(|name| Some((name, page.between(&format!("name=\"{name}\" value=\""), "\"").ok()?)));
        let hidden: Vec<(&str, String)> = hidden.chain([("csrf", mark.to_owned())]).collect();
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), *value));
        let all: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (*name, value.as_str())).chain(fields).collect();
        sender.post_only(&self.path, &all).await?;
        Ok(sender.page.status)
    }
}

/// What the administration does, in its order: lets somebody issue and thinks better of it, and lets them again, to whom,
/// and saves it.
async fn in_the_office(town: &Town) -> anyhow::Result<Vec<Form>> {
    let (place, office) = (&town.own, town.office(&town.own).await?);
    let authorise = || async {
        let mut form = Form::new("/skule/{school}/{class}", &office, "next");
        form.fields.push((town.may_issue(place, &place.both).await?, "yes"));
        anyhow::Ok(form)
    };
    let mut couple = Form::new("/skule/{school}/{class}/elever", &format!("{office}/elever"), "next");
    for pupil in &place.pupils {
        couple.fields.push((town.issues_to(place, &place.both, pupil).await?, "yes"));
    }
    let confirm = |wish| Form::new("/skule/{school}/{class}/bekreft", &format!("{office}/bekreft"), wish);
    Ok(vec![authorise().await?, confirm("discard"), authorise().await?, couple, confirm("save"), Form::leave()])
}

/// What somebody does who issues.
async fn in_the_room(town: &Town) -> anyhow::Result<Vec<Form>> {
    let mut all = Vec::new();
    for (pupil, wish) in town.own.pupils.iter().zip(["start", "not-qualified"]) {
        let path = town.pupil_path(&town.own, pupil).await?;
        all.push(Form::new("/skule/klasse/{class}/{pupil}", &path, wish));
    }
    // The name on the screen is the wrong one, when there is a code beside it.
    let path = town.pupil_path(&town.own, &town.own.pupils[0]).await?;
    all.extend([Form::new("/skule/klasse/{class}/{pupil}", &path, "wrong-name"), Form::leave()]);
    Ok(all)
}

/// What the owner does: takes in a file by which somebody comes.
fn at_the_owners(town: &Town) -> anyhow::Result<Vec<Form>> {
    let mut take_in = Form::new("/skule/fil/{owner}", &format!("/skule/fil/{OWNER}"), "save");
    let row = format!("974589095;Fjorden skole;10C;elev;{};Ørn;Testesen\n", unregistered()?.fnr);
    take_in.file = Some(town.file() + &row);
    Ok(vec![take_in, Form::leave()])
}

/// Marks that this program has really given, and not for the forms of this session: another person's, the same person's
/// in another browser and in another session in the same one, and those of other pages in it.
async fn foreign_marks(
    town: &Town,
    (desk, person): (&Browser, &TestPerson),
    another: &Browser,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut again = desk.clone();
    again.cookies.remove(COOKIE);
    again.get("/skule").await?;
    ensure!(again.at == "/skule" && again.cookies.get(COOKIE) != desk.cookies.get(COOKIE), "the same session");
    let mut profile = desk.clone();
    profile.get("/profil/kontakt").await?;
    let marks = [
        ("another person's", another.csrf()?),
        ("their own in another browser", town.staff(person).await?.csrf()?),
        ("their own in another session", again.csrf()?),
        ("their profile's", profile.csrf()?),
    ];
    let own = desk.csrf()?;
    ensure!(marks.iter().all(|(_, mark)| *mark != own), "this session's own");
    Ok(marks.into())
}

/// What there is that a form could change: how long the trail is, which version the class has, what its administration
/// has in mind for it, and whether the session of whoever sends the form goes on.
async fn stands(
    town: &Town,
    principal: &Browser,
    sender: &Browser,
) -> anyhow::Result<(i64, i64, Option<String>, bool)> {
    let (mut principal, mut sender) = (principal.clone(), sender.clone());
    principal.get(&format!("{}/bekreft", town.office(&town.own).await?)).await?;
    ensure!(principal.page.status == StatusCode::OK, "{}", principal.page.body);
    let in_mind = principal.between("name=\"mark\" value=\"", "\"").ok();
    // Who is out comes in by another session, as they are logged in at Porten.
    let session = sender.cookies.get(COOKIE).cloned();
    sender.get("/skule").await?;
    let goes_on = sender.cookies.get(COOKIE) == session.as_ref();
    let entries = Trail::verify(&town.idp.app.world.db).await?;
    Ok((entries, town.class(&town.own).await?.version, in_mind, goes_on))
}

/// By what a browser tells that a page of somebody else has sent the form.
const FROM_ELSEWHERE: [&[(&str, &str)]; 5] = [
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("origin", "https://evil.test")],
    &[("origin", "null")],
    &[("sec-fetch-site", "cross-site"), ("origin", ISSUER)],
];

// Attack: CSRF on the forms of staff.
#[tokio::test]
async fn no_form_of_staff_counts_that_comes_from_elsewhere() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let place = &town.own;
    town.let_the_teacher_issue(place).await?;
    let (principal, teacher) = (town.staff(&place.principal).await?, town.staff(&place.teacher).await?);
    let owner = town.staff(&town.owner).await?;
    let of_owner = foreign_marks(&town, (&owner, &town.owner), &teacher).await?;
    let of_principal = foreign_marks(&town, (&principal, &place.principal), &teacher).await?;
    let of_teacher = foreign_marks(&town, (&teacher, &place.teacher), &principal).await?;
    let at_work = in_the_room(&town).await?.into_iter().map(|form| (&teacher, &of_teacher, form));
    let deciding = in_the_office(&town).await?.into_iter().map(|form| (&principal, &of_principal, form));
    let owning = at_the_owners(&town)?.into_iter().map(|form| (&owner, &of_owner, form));
    let mut tried = BTreeSet::new();
    for (desk, marks, form) in at_work.chain(owning).chain(deciding) {
        let (page, told) = (form.page(desk).await?, format!("{} {:?}", form.route, form.fields));
        let (own, before) = (page.csrf()?, stands(&town, &principal, desk).await?);
        for (whose, mark) in marks {
            assert_eq!(form.send(&page, mark, &[]).await?, StatusCode::FORBIDDEN, "{told} with {whose}");
        }
        for said in FROM_ELSEWHERE {
            assert_eq!(form.send(&page, &own, said).await?, StatusCode::FORBIDDEN, "{told} and {said:?}");
        }
        assert_eq!(stands(&town, &principal, desk).await?, before, "{told}");
        // The same form from its own page does something: none of these has used it up.
        let from_here = [("sec-fetch-site", "same-origin"), ("origin", ISSUER)];
        let status = form.send(&page, &own, &from_here).await?;
        ensure!(status.is_success() || status.is_redirection(), "{told}: {status}");
        assert_ne!(stands(&town, &principal, desk).await?, before, "{told}");
        tried.insert(form.route);
    }
    let all = TABLE.into_iter().filter(|(method, _, whose)| *method == "POST" && *whose != Machine);
    assert_eq!(tried, all.map(|(_, path, _)| path).collect(), "a form of each route");
    Ok(())
}

#[tokio::test]
async fn who_has_no_session_or_one_that_is_too_low_is_asked_to_log_in() -> anyhow::Result<()> {
    let town = Town::open().await?;
    town.let_the_teacher_issue(&town.own).await?;
    let paths = filled_in(&town).await?;
    let low = [&town.own.principal, &town.own.teacher, &town.owner];
    let mut browsers = vec![("a stranger", town.idp.browser())];
    for person in low {
        browsers.push(("at substantial", town.idp.by_test_id(&town.client, person, "substantial").await?));
    }
    for (who, browser) in browsers {
        for (method, pattern, whose) in TABLE.into_iter().filter(|(.., whose)| *whose != Anybody) {
            let path = paths.get(pattern).context("no path")?;
            let mut answer = asked(&browser, method, path, "x").await?;
            if whose == Machine {
                assert_eq!(answer.page.status, StatusCode::UNAUTHORIZED, "{who}: {method} {path}");
                continue;
            }
            if pattern.ends_with("/vent") {
                assert_eq!(answer.page.body, "{\"state\":\"over\"}", "{who}: {method} {path}");
                continue;
            }
            answer.follow().await?;
            ensure!(is_asked_to_log_in(&answer), "{who}: {method} {path} leads to {}", answer.at);
            assert!(!answer.shows("Fjorden skole") && !answer.shows("Alke"), "{who}: {path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn one_schools_class_below_anothers_name_is_nobodys() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (own, other) = (town.school(&town.own).await?, town.school(&town.other).await?);
    let mixed = town.office(&town.own).await?.replace(own.id.as_str(), other.id.as_str());
    let pupil = town.pupil_path(&town.own, &town.own.pupils[0]).await?;
    let class = |path: &str, id: &str| path.replace(&pupil_class(path), id);
    let mixed_pupil = class(&pupil, town.class(&town.other).await?.id.as_str());
    for (person, path) in [
        (&town.own.principal, &mixed),
        (&town.other.principal, &mixed),
        (&town.own.teacher, &mixed_pupil),
        (&town.other.teacher, &mixed_pupil),
    ] {
        let desk = town.staff(person).await?;
        for method in ["GET", "POST"] {
            assert_eq!(asked(&desk, method, path, &desk.csrf()?).await?.page.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    Ok(())
}

/// What `OneRoster` says of somebody: as whom they are a user, with which title of their own, as what they are in the
/// class and whether they are its first teacher; and what it makes them here.
type Said = (&'static str, &'static str, &'static str, &'static str, Option<Title>);

const SAID: [Said; 13] = [
    ("administrator", "Rektor", "", "", Some(Title::Principal)),
    ("administrator", "Assisterende rektor", "", "", Some(Title::AssistantPrincipal)),
    ("administrator", "sekretær", "", "", Some(Title::Secretary)),
    ("administrator", "inspektør", "", "", Some(Title::Inspector)),
    ("teacher", "", "teacher", "true", Some(Title::ContactTeacher)),
    ("teacher", "", "teacher", "false", Some(Title::SubjectTeacher)),
    ("teacher", "Rådgivar", "teacher", "false", Some(Title::Adviser)),
    ("teacher", "", "aide", "false", Some(Title::Assistant)),
    ("aide", "", "aide", "false", Some(Title::Assistant)),
    ("aide", "", "teacher", "true", Some(Title::Assistant)),
    // Whoever watches an examination, or administers somewhere else, has no part in a class; a title by itself is none.
    ("teacher", "", "proctor", "false", None),
    ("teacher", "", "administrator", "false", None),
    ("guardian", "rektor", "", "", None),
];

/// The files that say so of these people; the last one acts for the owner.
fn one_roster(folder: &Path, people: &[TestPerson]) -> anyhow::Result<()> {
    let mut users =
        vec!["sourcedId,enabledUser,orgSourcedIds,role,userIds,givenName,familyName,metadata.title".to_owned()];
    let mut enrollments = vec!["sourcedId,classSourcedId,userSourcedId,role,primary".to_owned()];
    let owner = ("administrator", "Skuleeigar", "", "", None);
    for (number, (person, (role, title, in_class, first, _))) in
        people.iter().zip(SAID.into_iter().chain([owner])).enumerate()
    {
        let org = if number == SAID.len() { "o0" } else { "o1" };
        users.push(format!("u{number},true,{org},{role},{{Fnr:{}}},Fugl,Testesen,{title}", person.fnr));
        if !in_class.is_empty() {
            enrollments.push(format!("e{number},c1,u{number},{in_class},{first}"));
        }
    }
    let manifest = "propertyName,propertyValue\noneroster.version,1.1\nfile.orgs,bulk\nfile.users,bulk\n\
                    file.classes,bulk\nfile.enrollments,bulk\n";
    let orgs = "sourcedId,name,type,identifier\no0,Fjordvik kommune,district,\no1,Fjorden skole,school,974589095\n";
    let classes = "sourcedId,title,schoolSourcedId\nc1,10A,o1\n";
    for (file, text) in [
        ("manifest.csv", manifest),
        ("orgs.csv", orgs),
        ("users.csv", &users.join("\n")),
        ("classes.csv", classes),
        ("enrollments.csv", &enrollments.join("\n")),
    ] {
        std::fs::write(folder.join(file), text)?;
    }
    Ok(())
}

#[tokio::test]
async fn each_word_of_one_roster_makes_somebody_what_it_says() -> anyhow::Result<()> {
    let (town, folder) = (Town::open().await?, TempDir::new()?);
    let people = (0..=SAID.len()).map(|_| unregistered()).collect::<anyhow::Result<Vec<_>>>()?;
    one_roster(folder.path(), &people)?;
    let (world, owner) = (&town.idp.app.world, Orgno::parse(OWNER).context("nine digits")?);
    let reader = Reader { owner: &owner, people: town.idp.app.config.people, rows_at_most: 100 };
    let roster = reader.oneroster(folder.path(), town.idp.now()).map_err(|objections| anyhow!("{objections:?}"))?;
    // Whoever was there before is not in it.
    let import = Import {
        owner: &owner,
        roster: &roster,
        actor: Actor::System,
        sender: Sender::Operator,
        seen: seen(world, &owner).await?,
        accept_removals: None,
    };
    let refused = import::apply(world, &import, town.idp.now()).await?.err().context("taken in")?;
    let import = Import { accept_removals: refused.accept_removals.as_deref(), ..import };
    import::apply(world, &import, town.idp.now()).await?.map_err(|objections| anyhow!("{objections:?}"))?;
    let (school, class) = (town.school(&town.own).await?, town.class(&town.own).await?);
    let employees = Decisions::of(world, &class.id).await?.context("no class")?.employees;
    for (person, said) in people.iter().zip(SAID) {
        // Whoever has no part in it is not in the register.
        let row = match said.4 {
            Some(_) => town.idp.row_of(person).await?,
            None => match Person::by_fnr(world.db.pool(), &fnr_of(&town, person)?).await? {
                Some(row) => row,
                None => continue,
            },
        };
        let decides = register::may_administer(world.db.pool(), &row.id, school.id.as_str()).await?;
        let mut titles: Vec<Title> = decides.map(|administrator| administrator.title()).into_iter().collect();
        titles.extend(employees.iter().filter(|one| one.person == row.id).flat_map(|one| one.titles.clone()));
        assert_eq!(titles, said.4.into_iter().collect::<Vec<_>>(), "{said:?}");
        assert!(register::owners_of(world.db.pool(), &row.id).await?.is_empty(), "{said:?}");
    }
    let row = town.idp.row_of(people.last().context("nobody")?).await?;
    assert_eq!(register::owners_of(world.db.pool(), &row.id).await?.len(), 1);
    Ok(())
}

fn fnr_of(town: &Town, person: &TestPerson) -> anyhow::Result<Fnr> {
    Fnr::parse(&person.fnr, town.idp.app.config.people).map_err(|problem| anyhow!("{problem:?}"))
}

/// The class in the path of a pupil.
fn pupil_class(path: &str) -> String {
    path.split('/').nth(3).unwrap_or_default().to_owned()
}
