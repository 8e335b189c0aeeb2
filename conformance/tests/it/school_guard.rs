//! What keeps a school owner's file, and whoever sends it, from ending more than they meant.

use admin::endpoints::import as endpoint;
use admin::school::coupling::{self, Change, Coupling, Decision, Draft, Saved};
use admin::school::import::{self, Import, Naming, Sender};
use admin::school::issuing::{self, Started};
use admin::school::register;
use anyhow::{Context, anyhow, bail, ensure};
use authenticators::person::{Fnr, Person};
use authenticators::trail::Actor;
use axum::http::StatusCode;
use conformance::idp::{TestIdp, TestPerson};
use serde_json::{Value, json};

use crate::school::{self, Town};
use crate::school_import::{
    Fjorden, OTHER as SMALL, OWNER, SCHOOL, Somebody, add_owner, by_a_test, file, id_of, is_over, kinds, let_go, orgno,
    post, seen, somebody, take_in, take_in_with, token_of, well,
};

/// A class of a school with so many pupils.
fn class(school: &str, name: &str, pupils: usize) -> anyhow::Result<Vec<Somebody>> {
    (0..pupils).map(|_| somebody(&format!("{school};{name};elev"), "Spurv")).collect()
}

fn all<'a>(parts: &[&'a [Somebody]]) -> Vec<&'a Somebody> {
    parts.iter().flat_map(|part| part.iter()).collect()
}

#[tokio::test]
async fn a_file_that_is_cut_short_is_refused_until_somebody_has_seen_what_would_go() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    add_owner(&idp, OWNER).await?;
    let ten_a = class(&format!("{SCHOOL};Fjorden skole"), "10A", 100)?;
    let ten_b = class(&format!("{SCHOOL};Fjorden skole"), "10B", 30)?;
    let small = class("974589109;Åsen skole", "8A", 20)?;
    well(&idp, OWNER, &file(&all(&[&ten_a, &ten_b, &small]))).await?;
    // A fifth may go: 30 of 150.
    well(&idp, OWNER, &file(&all(&[&ten_a, &small]))).await?;
    well(&idp, OWNER, &file(&all(&[&ten_a, &ten_b, &small]))).await?;
    // One more is too much, and a mark that is not the preview's lets nothing through: neither a number, nor that of a file
    // by which as many others go.
    let (fewer, _) = ten_a.split_at(69);
    let cut = file(&all(&[fewer, &ten_b, &small]));
    let (_, others) = ten_a.split_at(31);
    let cut_otherwise =
        take_in(&idp, OWNER, &file(&all(&[others, &ten_b, &small]))).await?.err().context("taken in")?;
    let mark_of_another = cut_otherwise.accept_removals.context("no mark")?;
    assert!(mark_of_another.starts_with("31-"), "{mark_of_another}");
    let mut mark = String::new();
    for accepted in [None, Some(""), Some("31"), Some("31-BCDFGHKL"), Some(&*mark_of_another)] {
        let refused = take_in_with(&idp, OWNER, &cut, accepted).await?.err().context("taken in")?;
        mark = refused.accept_removals.context("no mark")?;
        assert!(mark.starts_with("31-") && mark.len() == 11, "{mark}");
        let words = "0 of 2 schools, 0 of 3 classes, 0 of 0 roles and 31 of 150 pupils would be gone";
        assert_eq!(refused.errors[0].to_string(), words);
    }
    assert!(well(&idp, OWNER, &file(&all(&[&ten_a, &ten_b, &small]))).await?.is_empty(), "nothing was done");
    let done = take_in_with(&idp, OWNER, &cut, Some(&mark)).await?.ok().context("refused")?;
    assert_eq!((done.pupils.removed, done.accept_removals), (31, Some(mark)));
    // In autumn all are in another class, and nobody has gone.
    let grown = file(&all(&[&ten_a, &ten_b, &small])).replace(";10A;", ";11A;").replace(";10B;", ";11B;");
    let taken = well(&idp, OWNER, &grown).await?;
    assert_eq!((taken.pupils.removed, taken.accept_removals), (99, None));
    // All pupils of a school, who are few of the owner's.
    well(&idp, OWNER, &file(&all(&[&ten_a, &ten_b, &small]))).await?;
    let head = somebody("974589109;Åsen skole;;rektor", "Ravn")?;
    let none_there = file(&all(&[&ten_a, &ten_b, std::slice::from_ref(&head)]));
    let refused = take_in(&idp, OWNER, &none_there).await?.err().context("taken in")?;
    assert!(refused.accept_removals.is_some_and(|mark| mark.starts_with("21-")));
    let fnr = Fnr::parse(&head.who.fnr, idp.app.config.people).map_err(|problem| anyhow!("{problem:?}"))?;
    assert!(Person::by_fnr(idp.app.world.db.pool(), &fnr).await?.is_none(), "somebody in a refused file is known");
    Ok(())
}

#[tokio::test]
async fn much_is_so_many_who_work_there_and_half_of_a_school_however_small_its_owner() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    add_owner(&idp, OWNER).await?;
    let one = |_| somebody(&format!("{SCHOOL};Fjorden skole;10A;faglærer"), "Ravn");
    let teachers = (0..60).map(one).collect::<anyhow::Result<Vec<_>>>()?;
    well(&idp, OWNER, &file(&all(&[&teachers]))).await?;
    // Fewer than twenty may always go, however many that is of those who work there.
    let (stay, go) = teachers.split_at(41);
    well(&idp, OWNER, &file(&all(&[stay]))).await?;
    well(&idp, OWNER, &file(&all(&[stay, go]))).await?;
    let words = "0 of 1 schools, 0 of 1 classes, 20 of 60 roles and 0 of 0 pupils would be gone";
    let fewer = file(&all(&[&teachers[20..]]));
    let refused = take_in(&idp, OWNER, &fewer).await?.err().context("taken in")?;
    assert_eq!(refused.errors[0].to_string(), words);
    let_go(&idp, OWNER, &fewer, 20).await?;
    // Who has another role has not gone.
    well(&idp, OWNER, &file(&all(&[&teachers]))).await?;
    let advises = file(&all(&[&teachers])).replace(";faglærer;", ";rådgiver;");
    assert_eq!(well(&idp, OWNER, &advises).await?.roles.removed, 60);

    // Of a school with eight pupils four may leave, and not five.
    add_owner(&idp, SMALL).await?;
    let pupils = class("974589109;Åsen skole", "1A", 8)?;
    well(&idp, SMALL, &file(&all(&[&pupils]))).await?;
    well(&idp, SMALL, &file(&all(&[&pupils[4..]]))).await?;
    well(&idp, SMALL, &file(&all(&[&pupils]))).await?;
    let_go(&idp, SMALL, &file(&all(&[&pupils[5..]])), 5).await?;
    Ok(())
}

#[tokio::test]
async fn a_file_that_came_before_another_was_taken_in_brings_nobody_back() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    let owner = orgno(OWNER)?;
    // It came while the head was still there, and took its time.
    let came = seen(&idp.app.world, &owner).await?;
    let corrected = file(&[&fjorden.teacher, &fjorden.pupils[0], &fjorden.pupils[1]]);
    let_go(&idp, OWNER, &corrected, 1).await?;
    let roster = idp.reader(&owner).plain(fjorden.file().as_bytes()).map_err(|objections| anyhow!("{objections:?}"))?;
    let late = Import {
        owner: &owner,
        roster: &roster,
        actor: Actor::System,
        sender: Sender::Operator,
        seen: came,
        accept_removals: None,
    };
    let refused = import::apply(&idp.app.world, &late, idp.now()).await?.err().context("taken in")?;
    assert!(refused.is_superseded && refused.errors[0].detail.contains("send it again"), "{refused:?}");
    assert_eq!(kinds(&idp, &fjorden.rektor).await?, ["school-role-ended", "school-role-given"]);
    // Who says that it is the newer one sends it again.
    well(&idp, OWNER, &fjorden.file()).await?;
    assert_eq!(kinds(&idp, &fjorden.rektor).await?[0], "school-role-given");
    Ok(())
}

#[tokio::test]
async fn a_school_keeps_half_of_its_staff_and_somebody_who_decides() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    add_owner(&idp, OWNER).await?;
    let at = |role: &str| somebody(&format!("{SCHOOL};Fjorden skole;{role}"), "Ravn");
    let others =
        (0..20).map(|_| somebody("974589109;Åsen skole;10A;faglærer", "Lom")).collect::<anyhow::Result<Vec<_>>>()?;
    let (rektor, inspector) = (at(";rektor")?, at(";inspektør")?);
    let teachers = [at("10A;faglærer")?, at("10A;faglærer")?, at("10A;faglærer")?];
    let text = |staff: &[&Somebody]| file(&staff.iter().copied().chain(&others).collect::<Vec<_>>());
    let [one, two, three] = &teachers;
    let whole = text(&[&rektor, &inspector, one, two, three]);
    well(&idp, OWNER, &whole).await?;
    // Of five two may go, and not three (and their class), few as they are of the owner's.
    well(&idp, OWNER, &text(&[&rektor, one, two])).await?;
    well(&idp, OWNER, &whole).await?;
    let_go(&idp, OWNER, &text(&[&rektor, &inspector]), 4).await?;
    well(&idp, OWNER, &whole).await?;
    // One goes after the other, and somebody comes in their place: not when that is nobody.
    well(&idp, OWNER, &text(&[&inspector, one, two, three])).await?;
    let_go(&idp, OWNER, &text(&[one, two, three]), 1).await?;
    well(&idp, OWNER, &text(&[&at(";rektor")?, one, two, three])).await?;
    well(&idp, OWNER, &text(&[&at(";sekretær")?, one, two, three])).await?;
    Ok(())
}

#[tokio::test]
async fn a_preview_tells_row_by_row_who_comes_and_is_called_otherwise() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::open(&idp).await?;
    let new = somebody(&format!("{SCHOOL};Fjorden skole;10A;elev"), "Ask")?;
    let [bo, gone] = [&fjorden.pupils[1], &fjorden.pupils[0]];
    let text = file(&[&fjorden.rektor, &fjorden.teacher, bo, &new]);
    let text = text.replace("Lise;Testesen", "Lise;Bakken").replace("Bo;", "Bjarte;");
    let owner = orgno(OWNER)?;
    let roster = idp.reader(&owner).plain(text.as_bytes()).map_err(|objections| anyhow!("{objections:?}"))?;
    let import = Import {
        owner: &owner,
        roster: &roster,
        actor: Actor::System,
        sender: Sender::Operator,
        seen: seen(&idp.app.world, &owner).await?,
        accept_removals: None,
    };
    for (naming, expected) in [
        (
            Naming::Rows,
            [
                "~ contact-teacher in 10A at Fjorden skole (row 3): another name",
                "pupils in 10A at Fjorden skole: +1 -1",
                "+ pupil in 10A at Fjorden skole (row 5)",
                "~ pupil in 10A at Fjorden skole (row 4): another name",
            ]
            .as_slice(),
        ),
        (
            Naming::Names,
            &[
                "~ contact-teacher in 10A at Fjorden skole (row 3): from Lise Testesen to Lise Bakken",
                "pupils in 10A at Fjorden skole: +1 -1",
                "+ pupil in 10A at Fjorden skole (row 5): Ask Testesen",
                "~ pupil in 10A at Fjorden skole (row 4): from Bo Testesen to Bjarte Testesen",
                "- pupil in 10A at Fjorden skole: Åse Testesen",
            ],
        ),
    ] {
        let preview = import::preview(&idp.app.world, &import, naming).await?;
        assert_eq!(preview.map_err(|objections| anyhow!("{objections:?}"))?.lines, expected);
    }
    assert_eq!(kinds(&idp, gone).await?, ["school-pupil-added"], "a preview changes nothing");
    Ok(())
}

#[tokio::test]
async fn a_machine_is_told_how_much_would_go() -> anyhow::Result<()> {
    const PATH: &str = "/skule/api/import";
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::new()?;
    add_owner(&idp, OWNER).await?;
    let (owner, token) = (orgno(OWNER)?, token_of(&idp, OWNER, endpoint::SCOPE).await?);
    for (school, name) in [(SCHOOL, "Fjorden skole"), ("974589109", "Åsen skole")] {
        import::add_school(&idp.app.world, &owner, (&orgno(school)?, name), by_a_test(), idp.now()).await?;
    }
    let send = async |query: &str, text: &str| {
        post(&idp, (&format!("{PATH}{query}"), "text/csv"), &token, text.to_owned()).await
    };
    assert_eq!(send("", &fjorden.file()).await?.status, StatusCode::OK);
    let other = file(&[&somebody("974589109;Åsen skole;;rektor", "Ravn")?]);
    let preview = send("?preview=1", &other).await?;
    let mark = preview.json()?["accept_removals"].as_str().context("no mark")?.to_owned();
    assert!(preview.status == StatusCode::OK && mark.starts_with("6-"), "{}", preview.body);
    for query in ["", "?accept_removals=6", "?accept_removals=6-BCDFGHKL", "?accept_removals=x"] {
        let refused = send(query, &other).await?;
        assert_eq!(
            (refused.status, refused.header("content-type")),
            (StatusCode::CONFLICT, Some("application/problem+json"))
        );
        assert_eq!(refused.json()?["accept_removals"], mark.as_str());
        assert!(refused.body.contains("1 of 1 schools"), "{}", refused.body);
    }
    let schools = register::schools(idp.app.world.db.pool(), &owner).await?;
    assert_eq!(schools.iter().map(|school| school.name.as_str()).collect::<Vec<_>>(), ["Fjorden skole"]);
    // A row that is none is told of by its number, among however many.
    let row = |rolle: Value| json!({ "orgno": SCHOOL, "skole": "S", "klasse": "10A", "rolle": rolle, "fnr": "x" });
    let rows = json!({ "rows": [row("elev".into()), row(Value::Null)] }).to_string();
    let wrong = post(&idp, (PATH, "application/json"), &token, rows).await?;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.body);
    assert_eq!(wrong.json()?["errors"], json!([{ "row": 2, "detail": "rolle: not a text" }]));
    let done = send(&format!("?accept_removals={mark}"), &other).await?;
    assert_eq!((done.status, &done.json()?["schools"]["removed"]), (StatusCode::OK, &1.into()), "{}", done.body);
    Ok(())
}

/// A class with two teachers who may both issue to a pupil.
struct Two {
    idp: TestIdp,
    fjorden: Fjorden,
    other: Somebody,
}

impl Two {
    async fn open() -> anyhow::Result<Two> {
        let idp = TestIdp::start().await?;
        let fjorden = Fjorden::open(&idp).await?;
        let other = somebody(&format!("{SCHOOL};Fjorden skole;10A;faglærer"), "Mons")?;
        let two = Two { idp, fjorden, other };
        two.come_and_go(&[&two.fjorden.teacher, &two.other]).await?;
        two.decide(&two.fjorden.teacher, Decision::Yes).await?;
        two.decide(&two.other, Decision::Yes).await?;
        Ok(two)
    }

    fn pupil(&self) -> &Somebody {
        &self.fjorden.pupils[0]
    }

    /// These teach the class from now on.
    async fn come_and_go(&self, teachers: &[&Somebody]) -> anyhow::Result<()> {
        let [one, other] = &self.fjorden.pupils;
        let all: Vec<&Somebody> =
            [&self.fjorden.rektor, one, other].into_iter().chain(teachers.iter().copied()).collect();
        well(&self.idp, OWNER, &file(&all)).await.map(|_| ())
    }

    async fn decide(&self, teacher: &Somebody, decision: Decision) -> anyhow::Result<()> {
        let class = self.fjorden.class(&self.idp).await?;
        let (employee, pupil) = (id_of(&self.idp, teacher).await?, id_of(&self.idp, self.pupil()).await?);
        let authorise = Change::Authorise { employee: employee.clone(), decision };
        let changes = vec![authorise, Change::Couple { employee, pupil, decision }];
        let draft = Draft { class: class.id, version: class.version, changes };
        let by = self.fjorden.administrator(&self.idp).await?;
        let saved = coupling::save(&self.idp.app.world, &by, &draft, self.idp.now()).await?;
        ensure!(matches!(saved, Saved::Done), "{saved:?}");
        Ok(())
    }

    async fn coupling(&self, teacher: &Somebody) -> anyhow::Result<Coupling> {
        let (teacher, pupil) = (id_of(&self.idp, teacher).await?, id_of(&self.idp, self.pupil()).await?);
        let class = self.fjorden.class(&self.idp).await?;
        let found = Coupling::find(&self.idp.app.world.db, &teacher, class.id.as_str(), pupil.as_str()).await?;
        found.context("not coupled")
    }

    /// A code on this teacher's screen.
    async fn shown(&self, teacher: &Somebody) -> anyhow::Result<Started> {
        let coupling = self.coupling(teacher).await?;
        match issuing::start(&self.idp.app.world, &coupling, Some(issuing::Why::Other), self.idp.now()).await? {
            code @ Started::Code(..) => Ok(code),
            refused => bail!("{refused:?}"),
        }
    }

    async fn is_over(&self, shown: Started) -> anyhow::Result<bool> {
        is_over(&self.idp, self.pupil(), shown).await
    }
}

#[tokio::test]
async fn a_code_ends_with_the_right_of_whoever_shows_it_and_no_other() -> anyhow::Result<()> {
    let two = Two::open().await?;
    let (world, teacher, other) = (&two.idp.app.world, &two.fjorden.teacher, &two.other);
    // The other loses the right while the pupil is registering, by a NEI, by a file, and by their own word.
    let shown = two.shown(teacher).await?;
    two.decide(other, Decision::No).await?;
    assert!(!two.is_over(shown).await?, "set to NEI");
    two.decide(other, Decision::Yes).await?;
    let shown = two.shown(teacher).await?;
    two.come_and_go(&[teacher]).await?;
    assert!(!two.is_over(shown).await?, "left the class");
    two.come_and_go(&[teacher, other]).await?;
    two.decide(other, Decision::Yes).await?;
    let shown = two.shown(teacher).await?;
    issuing::wrong_name(world, &two.coupling(other).await?, two.idp.now()).await?;
    assert!(!kinds(&two.idp, two.pupil()).await?.contains(&"school-code-ended".to_owned()), "nothing has ended");
    assert!(issuing::not_qualified(world, &two.coupling(other).await?, two.idp.now()).await?);
    assert!(!two.is_over(shown).await?, "said that they cannot tell who it is");
    // Their own codes do end so.
    let shown = two.shown(teacher).await?;
    two.decide(teacher, Decision::No).await?;
    assert!(two.is_over(shown).await?, "their own NEI");
    two.decide(teacher, Decision::Yes).await?;
    let shown = two.shown(teacher).await?;
    two.come_and_go(&[other]).await?;
    assert!(two.is_over(shown).await?, "left the class themselves");
    Ok(())
}

#[tokio::test]
async fn what_is_dropped_and_what_is_read_is_told() -> anyhow::Result<()> {
    let town = Town::open().await?;
    let (place, both) = (&town.own, &town.own.both);
    let told = async |person: &TestPerson, kind: &str, detail: &str| {
        let entries = town.idp.trail_of(person).await?.into_iter().filter(|entry| entry.kind == kind);
        anyhow::Ok(entries.map(|entry| entry.details[detail].clone()).collect::<Vec<Value>>())
    };
    // A field that no page has: whether they may issue themselves, to whom, and who may issue to them.
    let own = town.may_issue(place, both).await?;
    let pair = town.issues_to(place, both, &place.pupils[0]).await?;
    let to_them = town.issues_to(place, &place.teacher, both).await?;
    let teacher = town.may_issue(place, &place.teacher).await?;
    let mut desk = town.staff(both).await?;
    desk.get(&town.office(place).await?).await?;
    desk.answer(&[("do", "next"), (&teacher, "yes")]).await?;
    assert!(told(both, "school-denied", "reason").await?.is_empty(), "an honest form");
    for (step, field) in [("", &own), ("/elever", &pair), ("/elever", &to_them)] {
        let path = format!("{}{step}", town.office(place).await?);
        desk.get(&path).await?;
        let csrf = desk.csrf()?;
        desk.post_only(&path, &[("csrf", &csrf), ("do", "next"), (field, "yes")]).await?;
    }
    assert_eq!(told(both, "school-denied", "reason").await?, ["oneself"; 3]);
    assert_eq!(told(both, "school-denied", "school").await?, ["Fjorden skole"; 3]);
    let mut own_page = town.idp.by_test_id(&town.client, both, "substantial").await?;
    own_page.get("/profil/hendelser").await?;
    assert!(own_page.shows("Du fikk ikke lagret et valg i MinID i skolen"), "{}", own_page.page.body);
    // Who has read the report, and how.
    let mut owner = town.staff(&town.owner).await?;
    for path in ["/skule/rapport".to_owned(), format!("/skule/rapport/{}", school::OWNER)] {
        owner.get(&path).await?;
    }
    assert_eq!(told(&town.owner, "school-report-read", "form").await?, ["csv", "page"]);
    assert_eq!(told(&town.owner, "school-report-read", "owner").await?, [school::OWNER; 2]);
    Ok(())
}
