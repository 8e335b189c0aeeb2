//! A school owner's secretary sends the owner's file from a page, on a desktop and on a telephone, in both Norwegian
//! languages: first one that is wrong, then one that would end much, and then the right one.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::chromium::Chromium;
use crate::school::Story;

const HEAD: &str = "orgno;skole;klasse;rolle;fnr;fornavn;etternavn\n";
const SCHOOL: &str = "974500013;Fjordvik ungdomsskole";
/// The places of `porten dev`'s school, as its owner's file has them.
const PLACES: [(&str, &str); 18] = [
    (";;;skoleeier", "Rolig Elv"),
    ("S;;rektor", "Trygg Bjørn"),
    ("S;;inspektør", "Varm Sommerdag"),
    ("S;10A;kontaktlærer", "Klok Ugle"),
    ("S;10A;assistent", "Glad Foss"),
    ("S;10B;kontaktlærer", "Glad Foss"),
    ("S;10B;faglærer", "Klok Ugle"),
    ("S;10A;elev", "Lett Sky"),
    ("S;10A;elev", "Kvikk Bekk"),
    ("S;10A;elev", "Lys Bjørk"),
    ("S;10A;elev", "Høy Gran"),
    ("S;10A;elev", "Modig Rev"),
    ("S;10A;elev", "Ung Ekorn"),
    ("S;10B;elev", "Blid Måke"),
    ("S;10B;elev", "Rund Stein"),
    ("S;10B;elev", "Myk Mose"),
    ("S;10B;elev", "Åpen Vidde"),
    ("S;10B;elev", "Liten Foss"),
];

#[tokio::test]
async fn in_bokmal() -> anyhow::Result<()> {
    story("nb").await
}

#[tokio::test]
async fn in_nynorsk() -> anyhow::Result<()> {
    story("nn").await
}

async fn story(language: &'static str) -> anyhow::Result<()> {
    let (story, folder) = (Story::open(&format!("{language}-file"), language).await?, TempDir::new()?);
    let whole = story.file(&PLACES).await?;
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).map(|()| path)
    };
    for desk in [&story.office, &story.phone] {
        story.comes_in(desk, "Rolig Elv").await?;
        desk.press("a[href^='/skule/fil/']").await?;
        story.look(desk, "01-page").await?;
        // How the file has to be stands on the page, and opens without a script.
        desk.see("details.more summary").await?.click().await?;
        story.look(desk, "02-how").await?;
    }
    let (office, phone) = (&story.office, &story.phone);
    office.press("button[value=look]").await?;
    office.see("#problem").await?;
    story.look(office, "03-none").await?;
    let mut wrong = whole.replace(";kontaktlærer;", ";vaktmester;");
    writeln!(wrong, "{SCHOOL};10A;elev;123;Kort;Nummer")?;
    chooses(office, &write("feil.csv", wrong.as_bytes())?).await?;
    let said = office.text("#problem").await?;
    ensure!(said.contains("Rad 5:") && said.contains("Rad 20:") && !said.contains("123"), "{said}");
    story.look(office, "04-wrong").await?;
    chooses(office, &write("stor.csv", &vec![b'x'; 20 * 1024 * 1024])?).await?;
    ensure!(office.text("#problem").await?.contains("8 MB"), "{}", office.text("#problem").await?);
    story.look(office, "05-too-large").await?;

    // Half of the file, as when it was cut short: their own row is gone as well.
    let cut = story.file(&PLACES[1..12]).await?;
    chooses(phone, &write("halv.csv", cut.as_bytes())?).await?;
    phone.see("#much").await?;
    phone.see("#own").await?;
    story.look(phone, "06-much").await?;

    // The right one, as a spreadsheet of today writes it: somebody is new, somebody is gone, and somebody has married.
    let right = whole.replace(";Klok;Ugle", ";Klok;Ugle Myr");
    let stay = right.lines().filter(|line| !line.ends_with(";Myk;Mose"));
    let mut right = stay.fold("\u{feff}".to_owned(), |file, line| format!("{file}{line}\r\n"));
    write!(right, "{SCHOOL};10A;elev;{};Frisk;Bris\r\n", story.stage.person("Stille Skog").await?.fnr)?;
    for desk in [office, phone] {
        chooses(desk, &write("skoler.csv", right.as_bytes())?).await?;
        let said = desk.text("#changes").await?;
        ensure!(["Frisk Bris", "Myk Mose", "Klok Ugle Myr"].iter().all(|name| said.contains(name)), "{said}");
        story.look(desk, "07-seen").await?;
    }
    phone.press("button[value=save]").await?;
    phone.see("#notice").await?;
    phone.see("#last-at").await?;
    story.look(phone, "08-taken-in").await?;
    // What they had looked at on the desktop before that is not there any more, and changes nothing.
    office.press("button[value=save]").await?;
    office.see("#problem").await?;
    story.look(office, "09-not-kept").await?;
    story.goes_to(phone, "/skule/rapport").await?;
    ensure!(phone.has("a[href^='/skule/fil/']").await?, "no way from the report");
    story.look(phone, "10-report").await?;
    story.was_quiet().await
}

/// Chooses a file as a person does, and looks at what it changes.
async fn chooses(desk: &Chromium, file: &Path) -> anyhow::Result<()> {
    let back = "a.ds-button[href^='/skule/fil/']";
    if desk.has(back).await? {
        desk.press(back).await?;
    }
    desk.see("#file").await?.send_keys(file.to_str().context("a path that is no text")?).await?;
    desk.press("button[value=look]").await
}

impl Story {
    /// A file with these rows.
    async fn file(&self, places: &[(&str, &str)]) -> anyhow::Result<String> {
        let mut file = HEAD.to_owned();
        for (place, name) in places {
            let place = place.replacen('S', SCHOOL, usize::from(place.starts_with('S')));
            let (given, family) = name.split_once(' ').context("one name")?;
            writeln!(file, "{place};{};{given};{family}", self.stage.person(name).await?.fnr)?;
        }
        Ok(file)
    }
}
