//! `porten school`: owners, their files, and how far their schools have come.

use std::path::Path;

use serde_json::{Value, json};

use crate::site::Site;
use crate::visitor::real_fnr;

const OWNER: &str = "958935420";
/// Who does something for an owner, and why.
const WHY: [&str; 4] = ["--by", "Kari", "--reason", "avtale 4711"];
const HEAD: &str = "orgno;skole;klasse;rolle;fnr;fornavn;etternavn";

/// A site with a school owner.
async fn owned() -> anyhow::Result<Site> {
    let site = Site::new().await?;
    let arguments = [&[OWNER, "--name", "Fjord kommune"], &WHY[..]].concat();
    assert_eq!(site.run("school owner add", arguments).await?.well()?, "Registered.\n");
    Ok(site)
}

fn rows() -> String {
    let school = "974589095;Fjorden skole";
    let rows = [
        format!("{OWNER};;;skoleeier;{};Eva;Eier", real_fnr(0)),
        format!("{school};;rektor;{};Ravn;Rektor", real_fnr(1)),
        format!("{school};10A;kontaktlærer;{};Lise;Lærer", real_fnr(2)),
        format!("{school};10A;elev;{};Åse;Elev", real_fnr(3)),
        format!("{school};10A;elev;{};Bo;Elev", real_fnr(4)),
    ];
    format!("{HEAD}\n{}\n", rows.join("\n"))
}

#[tokio::test]
async fn a_file_is_previewed_and_taken_in() -> anyhow::Result<()> {
    let site = owned().await?;
    let line = site.run("school owner add", [&[OWNER, "--name", "x"], &WHY[..]].concat()).await?.refused()?;
    assert!(line.contains("already"), "{line}");
    let file = site.file("rows.csv", &rows())?;
    let file = file.to_str().unwrap();
    let preview = site.run("school import", ["--owner", OWNER, "--file", file, "--preview"]).await?.well()?;
    for part in [
        "+ school 974589095 Fjorden skole",
        "+ principal at Fjorden skole (row 3)",
        "pupils   2 new",
        "nothing was changed",
    ] {
        assert!(preview.contains(part), "{preview}");
    }
    for name in ["Åse", "Lærer", &real_fnr(3)] {
        assert!(!preview.contains(name), "{preview}");
    }
    let listed = site.run("school list", ["--json"]).await?.well()?;
    assert_eq!(serde_json::from_str::<Value>(&listed)?[0]["schools"], json!([]));
    let done = site.run("school import", ["--owner", OWNER, "--file", file, "--by", "Kari"]).await?.well()?;
    assert!(done.ends_with("Imported.\n"), "{done}");
    let again =
        site.run_with("school import", &["--owner", OWNER, "--file", "-", "--by", "Kari"], &rows()).await?.well()?;
    assert!(again.ends_with("All was as the file says.\n"), "{again}");
    let listed = site.run("school list", [""; 0]).await?.well()?;
    assert_eq!(listed, "958935420  Fjord kommune\n  974589095  Fjorden skole\n");
    let report = site.run("school report", [&["--owner", OWNER], &WHY[..]].concat()).await?.well()?;
    assert_eq!(report, "974589095  Fjorden skole\n  2 pupils: 0 with MinID\n");
    let csv = site.run("school report", [&["--owner", OWNER, "--csv"], &WHY[..]].concat()).await?.well()?;
    assert!(csv.contains("\"Fjorden skole\";974589095;\"\";2;\"\";\"\";"), "{csv}");
    let count = site.run("audit verify", [""; 0]).await?.well()?;
    assert!(
        count.contains(" 11 "),
        "an owner, a school, a class, three roles, two pupils, a file, and two reports: {count}"
    );
    let line = site.run("school trail", ["--owner", "964338531"]).await?.refused()?;
    assert!(line.contains("no such owner"), "{line}");
    let told = site.run("school trail", ["--owner", OWNER, "--json"]).await?.well()?;
    assert!(told.contains("school-imported") && told.contains("2 added, 0 changed, 0 removed"), "{told}");
    assert_eq!(told.matches("avtale 4711").count(), 3, "the owner, and its report twice: {told}");
    let desk = [real_fnr(1).as_str(), "--case", "1", "--by", "Kari", "--json"].map(str::to_owned);
    let trail = site.run("person trail", desk).await?.well()?;
    assert!(trail.contains("school-role-given") && trail.contains("Kari"), "{trail}");
    let said = site.run("school import", ["--owner", OWNER, "--file", file]).await?;
    assert!(said.code != Some(0) && said.err.contains("--by"), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn what_would_end_a_whole_school_is_let_through_by_whoever_has_seen_what_it_is() -> anyhow::Result<()> {
    let site = owned().await?;
    let file = site.file("rows.csv", &rows())?;
    site.run("school import", ["--owner", OWNER, "--file", file.to_str().unwrap(), "--by", "Kari"]).await?.well()?;
    let other = site.file("other.csv", &rows().replace("974589095;Fjorden", "974589096;Fjellet"))?;
    let arguments = ["--owner", OWNER, "--file", other.to_str().unwrap()];
    let preview = site.run("school import", [&arguments[..], &["--preview"]].concat()).await?.well()?;
    let mark = preview.split("--accept-removals ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    assert!(mark.starts_with("6-"), "{preview}");
    assert!(!preview.contains("Elev"), "{preview}");
    // By name it is told to whoever says why, and that is written down.
    let named = [&arguments[..], &["--preview", "--names", "sak 4712"]].concat();
    assert!(site.run("school import", named.clone()).await?.err.contains("--by"));
    let named = site.run("school import", [&named[..], &["--by", "Kari"]].concat()).await?.well()?;
    assert!(named.contains("- pupil in 10A at Fjorden skole: Åse Elev"), "{named}");
    let told = site.run("school trail", ["--owner", OWNER]).await?.well()?;
    assert!(told.contains("school-names-read") && told.contains("sak 4712"), "{told}");
    let arguments = [&arguments[..], &["--by", "Kari"]].concat();
    let said = site.run("school import", arguments.clone()).await?;
    assert!(
        said.code == Some(1) && said.err.contains("nothing was imported: ") && said.err.contains(&mark),
        "{said:?}"
    );
    assert_eq!(said.out, "1 of 1 schools, 1 of 1 classes, 2 of 3 roles and 2 of 2 pupils would be gone\n");
    let done = site.run("school import", [&arguments[..], &["--accept-removals", &mark]].concat()).await?.well()?;
    assert!(done.ends_with("Imported.\n"), "{done}");
    Ok(())
}

#[tokio::test]
async fn nothing_is_done_for_an_owner_without_a_reason() -> anyhow::Result<()> {
    let site = owned().await?;
    for (verb, arguments) in [
        ("school owner add", &["964338531", "--name", "x"][..]),
        ("school add", &["974589109", "--name", "x", "--owner", OWNER]),
        ("school report", &["--owner", OWNER]),
    ] {
        let silent = site.run(verb, [arguments, &["--by", "Kari"]].concat()).await?;
        let words = "the following required arguments were not provided:\n  --reason";
        assert!(silent.code == Some(2) && silent.err.contains(words), "{verb}: {silent:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_said_without_whose_it_is() -> anyhow::Result<()> {
    let site = owned().await?;
    let mistyped = real_fnr(3).replace(['1', '2'], "3");
    let text = format!("{}974589095;Fjorden skole;10A;elev;{mistyped};Åse;Elev\n", rows());
    let file = site.file("rows.csv", &text)?;
    let said = site.run("school import", ["--owner", OWNER, "--file", file.to_str().unwrap(), "--by", "x"]).await?;
    assert!(said.code == Some(1) && said.out.starts_with("row 7: fnr: not a f"), "{said:?}");
    assert!(said.err.contains("nothing was imported: 1 to mend"), "{said:?}");
    assert!(!format!("{}{}", said.out, said.err).contains(&mistyped), "{said:?}");
    let listed = site.run("school list", ["--json"]).await?.well()?;
    assert_eq!(serde_json::from_str::<Value>(&listed)?[0]["schools"], json!([]), "nothing was taken in");
    for (arguments, words) in [
        (["--owner", "12345678", "--file", "-"], "nine digits"),
        (["--owner", "911111111", "--file", "-"], "no such owner"),
        (["--owner", OWNER, "--file", "/nowhere/rows.csv"], "/nowhere/rows.csv"),
    ] {
        let line = site.run("school import", arguments.into_iter().chain(["--by", "x"])).await?.refused()?;
        assert!(line.contains(words), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn a_school_goes_to_another_owner() -> anyhow::Result<()> {
    const OTHER: &str = "964338531";
    let site = owned().await?;
    let file = site.file("rows.csv", &rows())?;
    let file = file.to_str().unwrap();
    site.run("school import", ["--owner", OWNER, "--file", file, "--by", "Kari"]).await?.well()?;
    let wish = ["974589095", "--to", OTHER, "--reason", "kommunesammenslåing", "--by", "Kari"];
    let line = site.run("school move", wish).await?.refused()?;
    assert!(line.contains("no such owner"), "{line}");
    site.run("school owner add", [&[OTHER, "--name", "Ås kommune"], &WHY[..]].concat()).await?.well()?;
    let preview = site.run("school move", [&wish[..5], &["--preview"][..]].concat()).await?.well()?;
    let head = "Fjorden skole (974589095) from Fjord kommune (958935420) to Ås kommune (964338531)\nroles     2 end\n";
    assert!(preview.starts_with(head) && preview.contains("classes   1 stay, with 2 pupils"), "{preview}");
    assert!(preview.ends_with("This is a preview: nothing was changed.\n"), "{preview}");
    let done = site.run("school move", wish).await?.well()?;
    assert!(done.starts_with(head) && done.ends_with("Moved.\n"), "{done}");
    let listed = site.run("school list", [""; 0]).await?.well()?;
    assert_eq!(listed, "958935420  Fjord kommune\n964338531  Ås kommune\n  974589095  Fjorden skole\n");
    let line = site.run("school move", wish).await?.refused()?;
    assert!(line.contains("already"), "{line}");
    site.run("audit verify", [""; 0]).await?.well()?;
    // One that no file has named is added, and is nobody else's.
    let add = |name, owner| [&["974589109", "--name", name, "--owner", owner], &WHY[..]].concat();
    assert!(site.run("school add", add("Åsen skole", OTHER)).await?.well()?.starts_with("Added."));
    let line = site.run("school add", add("x", OWNER)).await?.refused()?;
    assert!(line.contains("a school of 964338531"), "{line}");
    // Who has added and moved them is written down.
    let trail = site.run("school trail", ["--owner", OTHER, "--json"]).await?.well()?;
    let trail: Value = serde_json::from_str(&trail)?;
    let told = |nth: usize| (trail[nth]["kind"].clone(), trail[nth]["actor"].clone());
    assert_eq!(told(0), (json!("school-added"), json!("operator:Kari")), "{trail}");
    assert_eq!(told(1), (json!("school-moved"), json!("operator:Kari")), "{trail}");
    assert_eq!(told(2), (json!("school-owner-added"), json!("operator:Kari")), "{trail}");
    let line = site.run("school trail", ["--owner", OTHER]).await?.well()?;
    assert!(line.contains("school_orgno=\"974589109\""), "{line}");
    site.run("audit verify", [""; 0]).await?.well()?;
    Ok(())
}

/// The files of `OneRoster` 1.1 for a school with a class.
fn one_roster(folder: &Path) -> anyhow::Result<()> {
    let users = [
        ("u1", "administrator", "o1", 1),
        ("u2", "teacher", "o1", 2),
        ("u3", "student", "o1", 3),
        ("u4", "administrator", "o0", 4),
        ("u5", "teacher", "o1", 5),
        ("u6", "guardian", "o1", 6),
    ];
    let user = |(id, role, org, nth): (&str, &str, &str, usize)| {
        // Whoever has no part in a school may be without a number.
        let fnr = if role == "guardian" { String::new() } else { format!("{{Fnr:{}}}", real_fnr(nth)) };
        let title = match (role, org) {
            ("administrator", "o0") => "skoleeier",
            ("administrator", _) => "rektor",
            _ => "",
        };
        format!("{id},active,,true,{org},{role},{id},{fnr},Given{nth},Family,,,,,,,,,{title}\n")
    };
    let users: String = users.into_iter().map(user).collect();
    let files = [
        (
            "manifest.csv",
            "propertyName,propertyValue\nmanifest.version,1.0\noneroster.version,1.1\nfile.orgs,bulk\nfile.users,bulk\n\
             file.classes,bulk\nfile.enrollments,bulk\n"
                .to_owned(),
        ),
        (
            "orgs.csv",
            format!(
                "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\no0,active,,Fjord kommune,district,{OWNER},\n\
                 o1,active,,Fjorden skole,school,974589095,o0\no2,tobedeleted,,Gamle skole,school,974589096,o0\n"
            ),
        ),
        (
            "users.csv",
            format!(
                "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,\
                 middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,metadata.title\n{users}"
            ),
        ),
        (
            "classes.csv",
            "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,\
             termSourcedIds,subjects,subjectCodes,periods\nc1,active,,10A,10,,,homeroom,,o1,,,,\n"
                .to_owned(),
        ),
        (
            "enrollments.csv",
            "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n\
             e1,active,,c1,o1,u2,teacher,true,,\ne2,active,,c1,o1,u3,student,false,2020-08-01,2999-06-30\n\
             e3,active,,c1,o1,u5,teacher,false,2019-08-01,2020-06-30\n"
                .to_owned(),
        ),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}

#[tokio::test]
async fn oneroster_is_read() -> anyhow::Result<()> {
    let site = owned().await?;
    let folder = tempfile::TempDir::new()?;
    one_roster(folder.path())?;
    let path = folder.path().to_str().unwrap().to_owned();
    let arguments = ["--owner", OWNER, "--oneroster", path.as_str(), "--by", "Kari"];
    let done = site.run("school import", arguments).await?.well()?;
    for part in [
        "+ school 974589095 Fjorden skole",
        "+ class 10A at Fjorden skole",
        "+ principal at Fjorden skole (users.csv row 2)",
        "+ owner of the owner",
        "+ contact-teacher in 10A at Fjorden skole (enrollments.csv row 2)",
        "pupils in 10A at Fjorden skole: +1 -0",
        "roles    3 new",
    ] {
        assert!(done.contains(part), "{part}: {done}");
    }
    // Nobody gets a right from the standard's word alone, nor at a place that the files do not name.
    let users = folder.path().join("users.csv");
    let good = std::fs::read_to_string(&users)?;
    for title in ["Vaktmester", ""] {
        std::fs::write(&users, good.replace(",rektor", &format!(",{title}")))?;
        let said = site.run("school import", [&arguments[..], &["--preview"]].concat()).await?.well()?;
        for words in
            ["left out: an administrator whose ", "(users.csv row 2)", "- principal at ", "1 rows are left out."]
        {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
    for (from, to, words) in [
        (",skoleeier", ",rektor", "users.csv row 5: orgSourcedIds: "),
        (",rektor", ",skoleeier", "users.csv row 2: orgSourcedIds: "),
        ("true,o1,administrator", "true,o9,administrator", "users.csv row 2: orgSourcedIds: "),
    ] {
        std::fs::write(&users, good.replace(from, to))?;
        let said = site.run("school import", arguments).await?;
        assert!(said.code == Some(1) && said.out.contains(words), "{words}: {said:?}");
    }
    // A rektor who stands at the owner too is one of the school; at a school that is left out they are nothing.
    for orgs in ["\"o1,o0\"", "\"o0,o1,o2\""] {
        std::fs::write(&users, good.replace("true,o1,administrator", &format!("true,{orgs},administrator")))?;
        let done = site.run("school import", arguments).await?.well()?;
        assert!(done.ends_with("All was as the file says.\n"), "{orgs}: {done}");
    }
    std::fs::write(&users, good)?;
    // A delta says less than all, and what it does not say would end.
    let manifest = folder.path().join("manifest.csv");
    std::fs::write(&manifest, std::fs::read_to_string(&manifest)?.replace("users,bulk", "users,delta"))?;
    let said = site.run("school import", arguments).await?;
    assert!(said.code == Some(1) && said.out.contains("manifest.csv row 5: ") && said.out.contains("bulk"), "{said:?}");
    one_roster(folder.path())?;
    std::fs::remove_file(folder.path().join("classes.csv"))?;
    let said = site.run("school import", arguments).await?;
    assert!(said.out.contains("classes.csv row 0: the file cannot be opened"), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn each_version_of_oneroster_says_in_its_own_file_who_is_what() -> anyhow::Result<()> {
    let (site, folder) = (owned().await?, tempfile::TempDir::new()?);
    one_roster(folder.path())?;
    let path = folder.path().to_str().unwrap().to_owned();
    let arguments = ["--owner", OWNER, "--oneroster", path.as_str(), "--by", "Kari"];
    site.run("school import", arguments).await?.well()?;
    let manifest = folder.path().join("manifest.csv");
    let older = std::fs::read_to_string(&manifest)?;
    for (version, words) in [
        ("1.0", "manifest.csv row 1: oneroster.version must be 1.1 or 1.2"),
        ("1.2", "roles.csv row 0: the file cannot be opened"),
    ] {
        std::fs::write(&manifest, older.replace("oneroster.version,1.1", &format!("oneroster.version,{version}")))?;
        let said = site.run("school import", arguments).await?;
        assert!(said.code == Some(1) && said.out.contains(words), "{version}: {said:?}");
    }
    let roles = "sourcedId,userSourcedId,roleType,role,orgSourcedId\nr1,u1,primary,principal,o1\nr2,u2,primary,teacher,o1\n\
                 r3,u3,primary,student,o1\nr4,u4,primary,districtAdministrator,o0\nr5,u5,primary,teacher,o1\n\
                 r6,u6,primary,guardian,o1\n";
    std::fs::write(folder.path().join("roles.csv"), roles)?;
    let done = site.run("school import", arguments).await?.well()?;
    assert!(done.ends_with("All was as the file says.\n"), "{done}");
    Ok(())
}
