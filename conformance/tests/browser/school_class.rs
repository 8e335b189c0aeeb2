//! MinID in a school where it has to go quickly, and where there is no JavaScript: a class of thirty in a lesson, and the
//! pages of teachers and of the administration as forms alone.

use anyhow::{Context, bail, ensure};
use authenticators::person::{Fnr, FnrPolicy};

use crate::chromium::{Chromium, Size};
use crate::stage::Stage;

const OWNER: &str = "964338531";
const SCHOOL: &str = "974589095;Fjellet ungdomsskole";
const PUPILS: usize = 30;
/// What the server may take of the half minute that there is for each pupil.
const A_PUPIL: f64 = 5000.0;

on_both!(staff_without_script);

/// Synthetic people who were born in one year, on a day each.
fn people(count: usize) -> anyhow::Result<Vec<String>> {
    let policy = FnrPolicy { real: false, synthetic: true, expanded: false };
    let days = (81..=92).flat_map(|month| (1..=28).map(move |day| format!("{day:02}{month}08")));
    let on = |day: String| {
        let mut all = (50_000..100_000).map(|rest| format!("{day}{rest}"));
        all.find(|number| Fnr::parse(number, policy).is_ok())
    };
    let people: Vec<String> = days.filter_map(on).take(count).collect();
    ensure!(people.len() == count, "only {} people", people.len());
    Ok(people)
}

/// A school with a class of thirty: its principal, and its teacher.
fn open_school(stage: &Stage) -> anyhow::Result<(String, String)> {
    let people = people(PUPILS + 2)?;
    let [principal, teacher, pupils @ ..] = people.as_slice() else { bail!("nobody works there") };
    let mut rows = vec![
        "orgno;skole;klasse;rolle;fnr;fornavn;etternavn".to_owned(),
        format!("{SCHOOL};;rektor;{principal};Snill;Ravn"),
        format!("{SCHOOL};10C;kontaktlærer;{teacher};Rask;Svale"),
    ];
    let row = |(number, fnr): (usize, &String)| format!("{SCHOOL};10C;elev;{fnr};Elev {number:02};Testesen");
    rows.extend((1..).zip(pupils).map(row));
    let owner = [OWNER, "--name", "Fjellet kommune", "--by", "Kari", "--reason", "avtale"];
    stage.porten_with(&["school", "owner", "add"], &owner, "")?;
    stage.porten_with(&["school", "import"], &["--owner", OWNER, "--file", "-", "--by", "Kari"], &rows.join("\n"))?;
    Ok((principal.clone(), teacher.clone()))
}

/// By `TestID` at level high, to the first page of staff.
async fn comes_in(stage: &Stage, chromium: &Chromium, fnr: &str) -> anyhow::Result<()> {
    chromium.open(&format!("{}/skule", stage.porten)).await?;
    if chromium.has("button[value=testid]").await? {
        chromium.press("button[value=testid]").await?;
    }
    chromium.fill("#fnr", fnr).await?;
    chromium.press("button[value=next]").await?;
    chromium.arrives(&format!("{}/skule", stage.porten)).await
}

/// A teacher at work: counts what they press, and what the server takes for it.
struct Lesson {
    screen: Chromium,
    presses: usize,
    server: f64,
}

impl Lesson {
    async fn press(&mut self, css: &str) -> anyhow::Result<()> {
        const TOOK: &str = "const [page] = performance.getEntriesByType('navigation'); \
            return page.responseEnd - page.requestStart";
        self.screen.press(css).await?;
        self.presses += 1;
        self.server += self.screen.run(TOOK, Vec::new()).await?.as_f64().context("no time")?;
        Ok(())
    }
}

#[tokio::test]
async fn thirty_pupils_in_a_quarter_of_an_hour() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let (principal, teacher) = open_school(&stage)?;
    let office = Chromium::start("class-office", Size::Desktop).await?;
    comes_in(&stage, &office, &principal).await?;
    for css in ["a.choice", "a.choice"] {
        office.press(css).await?;
    }
    office.see(".pair:nth-child(1) input[value=yes]").await?.click().await?;
    for css in [".go button[value=next]", "button[id^=all-yes]", ".go button[value=next]", "button[value=save]"] {
        office.press(css).await?;
    }
    office.see("#notice").await?;

    let screen = Chromium::start("class-screen", Size::Desktop).await?;
    comes_in(&stage, &screen, &teacher).await?;
    screen.press("a[href^='/skule/klasse/']").await?;
    let mut lesson = Lesson { screen, presses: 0, server: 0.0 };
    lesson.press(".line:nth-child(1) a").await?;
    for number in 1..=PUPILS {
        let name = format!("Elev {number:02} Testesen");
        ensure!(lesson.screen.text("h1").await? == name, "{name} does not come next");
        lesson.press("button[value=start]").await?;
        // The name to confirm, and the code below it, without another press.
        ensure!(lesson.screen.text("#name").await? == name, "another name");
        let code = lesson.screen.text("#letters").await?.replace(char::is_whitespace, "");
        ensure!(code.len() == 15, "no code for {name}: {code}");
        lesson.press(if number == PUPILS { "#close" } else { "#next" }).await?;
    }
    let issued = lesson.screen.run("return document.querySelectorAll('.line [data-color=info]').length", Vec::new());
    ensure!(issued.await?.as_u64() == Some(PUPILS.try_into()?), "not all have a code");
    // Two presses for each pupil, and one to begin with: a page each.
    ensure!(lesson.presses == 2 * PUPILS + 1, "{} presses", lesson.presses);
    let each = lesson.server / f64::from(u32::try_from(PUPILS)?);
    ensure!(each < A_PUPIL, "the server takes {each} ms for each pupil");
    for chromium in [&office, &lesson.screen] {
        chromium.was_quiet(&stage).await?;
    }
    Ok(())
}

/// The pages as they are without their scripts, and axe after that.
async fn look(chromium: &Chromium, name: &str) -> anyhow::Result<()> {
    chromium.let_scripts_run(true).await?;
    chromium.check(name).await?;
    chromium.let_scripts_run(false).await
}

async fn staff_without_script(size: Size) -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    let chromium = Chromium::start("no-script-school", size).await?;
    chromium.let_scripts_run(false).await?;
    administration(&stage, &chromium).await?;
    leave(&stage, &chromium).await?;
    lesson(&stage, &chromium).await?;
    leave(&stage, &chromium).await?;
    comes_in(&stage, &chromium, &stage.person("Rolig Elv").await?.fnr).await?;
    chromium.press("a[href='/skule/rapport']").await?;
    look(&chromium, "report").await?;
    chromium.was_quiet(&stage).await
}

async fn leave(stage: &Stage, chromium: &Chromium) -> anyhow::Result<()> {
    chromium.press("button[value=leave]").await?;
    chromium.arrives(&format!("{}/skule/ut", stage.porten)).await?;
    look(chromium, "left").await
}

/// From the school to what is saved.
async fn administration(stage: &Stage, chromium: &Chromium) -> anyhow::Result<()> {
    comes_in(stage, chromium, &stage.person("Trygg Bjørn").await?.fnr).await?;
    look(chromium, "start").await?;
    chromium.press("a.choice").await?;
    look(chromium, "classes").await?;
    chromium.press("a.choice").await?;
    look(chromium, "employees").await?;
    chromium.press(".go button[value=next]").await?;
    chromium.see("#problem").await?;
    look(chromium, "employees-wrong").await?;
    // By name: Glad Foss and Klok Ugle.
    chromium.see(".pair:nth-child(1) input[value=no]").await?.click().await?;
    chromium.see(".pair:nth-child(2) input[value=yes]").await?.click().await?;
    chromium.press(".go button[value=next]").await?;
    look(chromium, "pupils").await?;
    chromium.press("button[id^=all-yes]").await?;
    chromium.press(".go button[value=next]").await?;
    look(chromium, "confirm").await?;
    chromium.press("button[value=save]").await?;
    chromium.see("#notice").await?;
    look(chromium, "saved").await
}

/// From the list to a code, and to a letter.
async fn lesson(stage: &Stage, chromium: &Chromium) -> anyhow::Result<()> {
    comes_in(stage, chromium, &stage.person("Klok Ugle").await?.fnr).await?;
    chromium.press("a[href^='/skule/klasse/']").await?;
    look(chromium, "list").await?;
    chromium.press(".line:nth-child(1) a").await?;
    look(chromium, "identify").await?;
    chromium.press("button[value=start]").await?;
    look(chromium, "code").await?;
    ensure!(chromium.shows("#letters").await?, "no code");
    // It is hidden by the browser itself, and asked for by a form.
    chromium.see("#code summary").await?.click().await?;
    ensure!(!chromium.shows("#letters").await?, "the code stays");
    chromium.press("#answered button").await?;
    ensure!(!chromium.has("#letters").await?, "the code is shown again");
    look(chromium, "issued").await?;
    chromium.press("#next").await?;
    chromium.press("button[value=not-qualified]").await?;
    ensure!(chromium.shows("#letter .address").await?, "no way to a letter");
    look(chromium, "letter").await?;
    chromium.press("#close").await?;
    look(chromium, "list-again").await
}
