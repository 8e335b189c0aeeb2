//! `OneRoster` 1.2, which has a file of its own for what somebody is at which organisation.

use std::fs;
use std::path::Path;

use admin::school::coupling::Decisions;
use admin::school::import::{self, Import, Naming, Sender};
use admin::school::register::{self, Orgno, Owner, Title};
use admin::school::roster::{Objections, Reader, Roster};
use anyhow::{Context, anyhow};
use authenticators::person::{Fnr, Person};
use authenticators::trail::Actor;
use conformance::idp::{TestIdp, TestPerson, unregistered};
use tempfile::TempDir;

use crate::school::OWNER;
use crate::school_import::seen;

/// What the files say of somebody: their title in all that they are, their roles (as what, whether it is the primary one, at
/// which organisation, with which title in it, and until when), and what they are in the class, and whether first.
struct Said {
    title: &'static str,
    roles: &'static [[&'static str; 5]],
    in_class: (&'static str, &'static str),
    /// What it makes them.
    titles: &'static [Title],
}

const NOWHERE: (&str, &str) = ("", "");
const TEACHES: (&str, &str) = ("teacher", "false");
const TEACHES_FIRST: (&str, &str) = ("teacher", "true");
const OVER: &str = "2020-06-30";

const SAID: [Said; 18] = [
    said("", &[["principal", "primary", "o1", "", ""]], NOWHERE, &[Title::Principal]),
    said("Vaktmester", &[["principal", "primary", "o1", "", "2999-06-30"]], NOWHERE, &[Title::Principal]),
    said("", &[["principal", "primary", "o1", "Assisterande rektor", ""]], NOWHERE, &[Title::AssistantPrincipal]),
    said("sekretær", &[["siteAdministrator", "primary", "o1", "", ""]], NOWHERE, &[Title::Secretary]),
    said(
        "",
        &[["teacher", "primary", "o1", "", ""], ["siteAdministrator", "secondary", "o1", "Inspektør", ""]],
        TEACHES_FIRST,
        &[Title::Inspector, Title::ContactTeacher],
    ),
    // A rektor who acts for the owner as well, and one who stands at the owner too.
    said(
        "Skoleeier",
        &[["principal", "primary", "o1", "", ""], ["districtAdministrator", "primary", "o0", "", ""]],
        NOWHERE,
        &[Title::Owner, Title::Principal],
    ),
    said(
        "Rektor",
        &[["systemAdministrator", "primary", "o1", "", ""], ["districtAdministrator", "primary", "o0", "", ""]],
        NOWHERE,
        &[Title::Principal],
    ),
    said("skuleeigar", &[["districtAdministrator", "primary", "o0", "", ""]], NOWHERE, &[Title::Owner]),
    said("", &[["teacher", "primary", "o1", "", ""]], TEACHES_FIRST, &[Title::ContactTeacher]),
    said("", &[["teacher", "primary", "o1", "", ""]], TEACHES, &[Title::SubjectTeacher]),
    said("", &[["aide", "primary", "o1", "", ""]], TEACHES_FIRST, &[Title::Assistant]),
    said("", &[["counselor", "primary", "o1", "", ""]], TEACHES, &[Title::Adviser]),
    said("Rådgiver", &[["teacher", "primary", "o1", "", ""]], TEACHES, &[Title::Adviser]),
    // Of several at one school the primary one counts in its classes, and what they are at another does not.
    said(
        "",
        &[["aide", "secondary", "o1", "", ""], ["teacher", "primary", "o1", "", ""]],
        TEACHES,
        &[Title::SubjectTeacher],
    ),
    said(
        "",
        &[["aide", "primary", "o2", "", ""], ["teacher", "primary", "o1", "", ""]],
        TEACHES,
        &[Title::SubjectTeacher],
    ),
    // What is over is nothing, and whoever is nothing any more is left out.
    said(
        "",
        &[["principal", "primary", "o1", "", OVER], ["teacher", "primary", "o1", "", ""]],
        TEACHES,
        &[Title::SubjectTeacher],
    ),
    said("", &[["principal", "primary", "o1", "", OVER]], TEACHES, &[]),
    said("rektor", &[["guardian", "primary", "o1", "", ""]], NOWHERE, &[]),
];

const fn said(
    title: &'static str,
    roles: &'static [[&'static str; 5]],
    in_class: (&'static str, &'static str),
    titles: &'static [Title],
) -> Said {
    Said { title, roles, in_class, titles }
}

/// The files that say so of these people; two more are pupils.
fn write(folder: &Path, people: &[TestPerson]) -> anyhow::Result<()> {
    let pupil = || said("", &[["student", "primary", "o1", "", ""]], ("student", ""), &[]);
    let users =
        "sourcedId,enabledUser,username,userIds,givenName,familyName,identifier,userMasterIdentifier,metadata.title";
    let mut users = vec![users.to_owned()];
    let mut roles =
        vec!["sourcedId,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,metadata.title".to_owned()];
    let mut enrollments = vec!["sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role,primary".to_owned()];
    for (number, (person, said)) in people.iter().zip(SAID.into_iter().chain([pupil(), pupil()])).enumerate() {
        let fnr = &person.fnr;
        let ids = match number % 3 {
            0 => format!("{{Fnr:{fnr}}},Fugl,Testesen,e{number},m{number}"),
            1 => format!("{{Feide:u{number}@x.test}},Fugl,Testesen,{fnr},m{number}"),
            _ => format!(",Fugl,Testesen,,{fnr}"),
        };
        users.push(format!("u{number},true,u{number},{ids},{}", said.title));
        for [role, kind, org, title, until] in said.roles {
            roles.push(format!("r,u{number},{kind},{role},2019-08-01,{until},{org},{title}"));
        }
        let (in_class, first) = said.in_class;
        if !in_class.is_empty() {
            enrollments.push(format!("e{number},c1,o1,u{number},{in_class},{first}"));
        }
    }
    let manifest = "propertyName,propertyValue\nmanifest.version,1.0\noneroster.version,1.2\nfile.orgs,bulk\n\
                    file.users,bulk\nfile.roles,bulk\nfile.classes,bulk\nfile.enrollments,bulk\nfile.userProfiles,absent\n";
    let orgs = "sourcedId,name,type,identifier\no0,Fjordvik kommune,local,\no1,Fjorden skole,school,974589095\n\
                o2,Åsen skole,school,974589109\n";
    let classes = "sourcedId,title,classType,schoolSourcedId\nc1,10A,homeroom,o1\n";
    for (file, text) in [
        ("manifest.csv", manifest),
        ("orgs.csv", orgs),
        ("users.csv", &users.join("\n")),
        ("roles.csv", &roles.join("\n")),
        ("classes.csv", classes),
        ("enrollments.csv", &enrollments.join("\n")),
    ] {
        fs::write(folder.join(file), text)?;
    }
    Ok(())
}

fn people() -> anyhow::Result<Vec<TestPerson>> {
    (0..SAID.len() + 2).map(|_| unregistered()).collect()
}

fn orgno() -> anyhow::Result<Orgno> {
    Orgno::parse(OWNER).context("nine digits")
}

fn read(idp: &TestIdp, folder: &Path) -> anyhow::Result<Result<Roster, Objections>> {
    let owner = orgno()?;
    Ok(Reader { rows_at_most: 100, ..idp.reader(&owner) }.oneroster(folder, idp.now()))
}

#[tokio::test]
async fn what_somebody_is_at_which_organisation() -> anyhow::Result<()> {
    let (idp, folder, people, owner) = (TestIdp::start().await?, TempDir::new()?, people()?, orgno()?);
    write(folder.path(), &people)?;
    let (world, name) = (&idp.app.world, "Fjordvik kommune".to_owned());
    register::add_owner(world.db.pool(), &Owner { orgno: owner.clone(), name }, idp.now()).await?;
    let roster = read(&idp, folder.path())?.map_err(|objections| anyhow!("{objections:?}"))?;
    let import = Import {
        owner: &owner,
        roster: &roster,
        actor: Actor::System,
        sender: Sender::Operator,
        seen: seen(world, &owner).await?,
        accept_removals: None,
    };
    import::apply(world, &import, idp.now()).await?.map_err(|objections| anyhow!("{objections:?}"))?;

    let schools = register::schools(world.db.pool(), &owner).await?;
    let school = schools.iter().find(|school| school.name == "Fjorden skole").context("no school")?;
    let class = register::classes(world.db.pool(), &school.id).await?.into_iter().next().context("no class")?;
    let decisions = Decisions::of(world, &class.id).await?.context("no class")?;
    for (person, said) in people.iter().zip(SAID) {
        let fnr = Fnr::parse(&person.fnr, idp.app.config.people).map_err(|problem| anyhow!("{problem:?}"))?;
        let mut titles = Vec::new();
        if let Some(row) = Person::by_fnr(world.db.pool(), &fnr).await? {
            let owners = register::owners_of(world.db.pool(), &row.id).await?;
            titles.extend(owners.iter().map(|_| Title::Owner));
            let decides = register::may_administer(world.db.pool(), &row.id, school.id.as_str()).await?;
            titles.extend(decides.map(|administrator| administrator.title()));
            let works = decisions.employees.iter().filter(|employee| employee.person == row.id);
            titles.extend(works.flat_map(|employee| employee.titles.clone()));
            let elsewhere = schools.iter().find(|other| other.id != school.id).context("no other")?;
            assert!(register::may_administer(world.db.pool(), &row.id, elsewhere.id.as_str()).await?.is_none());
        }
        assert_eq!(titles, said.titles, "{:?} {:?}", said.title, said.roles);
    }
    assert_eq!(decisions.pupils.len(), 2);

    // Who teaches a group of a subject first is nobody's kontaktlærer by that, who has the word for an administrator and no
    // title has no right by it, and a pupil without a number stops nobody else.
    for (file, from, to) in [
        ("classes.csv", "homeroom", "scheduled"),
        ("roles.csv", "principal,2019-08-01,,o1", "siteAdministrator,2019-08-01,,o1"),
        ("users.csv", &format!("{},m19", people[19].fnr), ","),
    ] {
        let path = folder.path().join(file);
        fs::write(&path, fs::read_to_string(&path)?.replacen(from, to, 1))?;
    }
    let roster = read(&idp, folder.path())?.map_err(|objections| anyhow!("{objections:?}"))?;
    let import = Import { roster: &roster, ..import };
    let preview =
        import::preview(world, &import, Naming::Rows).await?.map_err(|objections| anyhow!("{objections:?}"))?;
    for line in [
        "left out: an administrator whose metadata.title is not skoleeier, ",
        "left out: a pupil without a f",
        "+ subject-teacher in 10A at Fjorden skole ",
        "- contact-teacher in 10A at Fjorden skole",
        "- principal at Fjorden skole",
        "pupils in 10A at Fjorden skole: +0 -1",
    ] {
        assert!(preview.lines.iter().any(|told| told.starts_with(line)), "{line}: {:?}", preview.lines);
    }
    assert_eq!(preview.left_out, 2);
    Ok(())
}

#[tokio::test]
async fn what_is_missing_is_told_in_words() -> anyhow::Result<()> {
    let (idp, folder, people) = (TestIdp::start().await?, TempDir::new()?, people()?);
    let first = "u0,primary,principal,2019-08-01,,o1,";
    for (file, from, to, words) in [
        ("manifest.csv", "roles,bulk", "roles,delta", "manifest.csv row 6: the files of orgs, users, roles, "),
        ("manifest.csv", "1.2", "1.3", "manifest.csv row 1: oneroster.version must be 1.1 or 1.2"),
        // The older version says it in the users' file.
        ("manifest.csv", "version,1.2", "version,1.1", "users.csv row 1: the first row must name the columns "),
        ("roles.csv", "roleType", "kind", "roles.csv row 1: the first row must name the columns "),
        ("roles.csv", first, "u0,,principal,2019-08-01,,o1,", "roles.csv row 2: roleType: "),
        ("roles.csv", first, "u0,primary,principal,,,o9,", "roles.csv row 2: orgSourcedId: not in orgs.csv"),
        ("roles.csv", first, "u0,primary,principal,,,,", "roles.csv row 2: orgSourcedId: not in orgs.csv"),
        ("roles.csv", first, "u0,primary,principal,,,o0,", "roles.csv row 2: orgSourcedId: a skoleeier belongs to "),
        ("orgs.csv", "o2,", "o1,", "orgs.csv row 4: sourcedId: stands in a row before"),
        ("classes.csv", "o1\n", "o1\nc1,10B,homeroom,o1\n", "classes.csv row 3: sourcedId: stands in a row before"),
        ("users.csv", "\nu1,", "\nu0,", "users.csv row 3: sourcedId: stands in a row before"),
        ("roles.csv", first, "u99,primary,principal,,,o1,", "roles.csv row 2: userSourcedId: not in users.csv"),
        (
            "roles.csv",
            "r,u9,primary,teacher",
            "r,u8,secondary,teacher",
            "users.csv row 11: sourcedId: not in roles.csv",
        ),
        ("users.csv", "userMasterIdentifier", "x", "users.csv row 4: fnr: is missing"),
    ] {
        write(folder.path(), &people)?;
        let path = folder.path().join(file);
        let good = fs::read_to_string(&path)?;
        anyhow::ensure!(good.contains(from), "{file} has no {from}");
        fs::write(&path, good.replacen(from, to, 1))?;
        let objections = read(&idp, folder.path())?.err().with_context(|| format!("{file} {to}: nothing is wrong"))?;
        let told = objections.errors.first().map(ToString::to_string).unwrap_or_default();
        assert!(told.starts_with(words), "{file} {to}: {told}");
    }
    write(folder.path(), &people)?;
    fs::remove_file(folder.path().join("roles.csv"))?;
    let told = read(&idp, folder.path())?.err().map(|objections| objections.errors).unwrap_or_default();
    assert_eq!(told.first().map(ToString::to_string).as_deref(), Some("roles.csv row 0: the file cannot be opened"));
    Ok(())
}
