//! The ways of a pupil to MinID that lead past the shortest one: with the MinID app, by a letter, with a code anew; a
//! list that goes on by itself; and two people who decide on the same class. A principal, a teacher and a pupil at the same time, in both Norwegian
//! languages. What is scanned is read from pictures of the screen and of the printed letter.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use authenticators::activation::ActivationCode;
use serde_json::Value;
use tempfile::TempDir;

use crate::camera::{read_letter, text_of_letter};
use crate::chromium::Chromium;
use crate::school::Story;
use crate::stage::Person;

/// The places of pupils in the class's list.
const GRAN: usize = 1;
const BEKK: usize = 2;
const SKY: usize = 3;
const BIRCH: usize = 4;

const EMAIL: &str = "lett.sky@example.no";

/// How a pupil's status is coloured on their page.
const ON_THE_WAY: &str = "#status .ds-tag[data-color=info]";
const DONE: &str = "#status .ds-tag[data-color=success]";

/// One story, in Bokmål and in Nynorsk.
macro_rules! in_both {
    ($($story:ident),+ $(,)?) => {
        mod bokmal {
            $(#[tokio::test]
            async fn $story() -> anyhow::Result<()> {
                super::$story("nb").await
            })+
        }
        mod nynorsk {
            $(#[tokio::test]
            async fn $story() -> anyhow::Result<()> {
                super::$story("nn").await
            })+
        }
    };
}

in_both!(
    the_app_in_one_go,
    without_a_phone,
    in_the_app,
    the_connection_is_gone,
    the_wrong_name,
    by_letter,
    anew,
    two_administrators,
    the_list_by_itself
);

/// The pupil's telephone becomes the MinID app right after the password, and approves a login on the school's machine.
async fn the_app_in_one_go(language: &'static str) -> anyhow::Result<()> {
    let story = in_class(&format!("{language}-school-app"), language).await?;
    let (screen, phone) = (&story.screen, &story.phone);
    phone.has_an_authenticator().await?;
    let scanned = story.issues_to(SKY).await?;
    phone.open(&scanned).await?;
    let pupil = story.registers(phone, ("Lett Sky", "+4740123456"), "Skyen-driver-15").await?;
    story.look(phone, "05-ready").await?;
    screen.see(DONE).await?;

    phone.press("#app-here").await?;
    phone.see("#enrol:not([hidden])").await?;
    story.look(phone, "06-app-enrol").await?;
    phone.fill("#name", "Mobilen til Lett").await?;
    phone.see("#enrol-form button").await?.click().await?;
    phone.see("#home:not([hidden])").await?;
    story.look(phone, "07-app-home").await?;

    let desk = &story.office;
    story.leaves(desk).await?;
    story.goes_to(desk, "/demo/byggesak/login").await?;
    story.stage.password(desk, &pupil).await?;
    let number = desk.text(".number").await?;
    phone.see("#request:not([hidden])").await?;
    phone.fill("#number", &number).await?;
    phone.see("#request-form button[type=submit]").await?.click().await?;
    story.is_greeted(desk, &pupil).await?;
    story.was_quiet().await
}

/// Who has no mobile notes the letters as they stand on the screen, and types them at the school's machine.
async fn without_a_phone(language: &'static str) -> anyhow::Result<()> {
    let story = in_class(&format!("{language}-school-web"), language).await?;
    let (desk, screen) = (&story.office, &story.screen);
    story.leaves(desk).await?;
    story.pupil(SKY).await?;
    screen.press("button[value=start]").await?;
    let (address, noted) = (screen.text(".code-type .address").await?, screen.text("#letters").await?);
    ensure!(noted.split_whitespace().map(str::len).eq([5, 5, 5]), "not in groups: {noted:?}");
    desk.open(&address).await?;
    ensure!(desk.url().await? == format!("{}/registrer", story.stage.porten), "{address} leads elsewhere");
    story.look(desk, "01-types").await?;
    desk.fill("#activation-code", &noted.to_lowercase().replace('\n', " ")).await?;
    let sky = story.stage.person("Lett Sky").await?;
    story.proves_mobile(desk, &sky, "+4740123456").await?;
    desk.fill("#email", EMAIL).await?;
    desk.press("button[value=next]").await?;
    desk.fill("#code", &story.stage.proof_code("mail", EMAIL).await?).await?;
    desk.press("button[value=next]").await?;
    let pupil = chooses_password(desk, sky, "Skyen-driver-15").await?;
    story.look(desk, "02-ready").await?;
    screen.see(DONE).await?;
    story.look(screen, "03-registered").await?;
    story.logs_in_at_demo(desk, &pupil).await?;
    story.was_quiet().await
}

/// Who has the MinID app already scans in it, and registers there.
async fn in_the_app(language: &'static str) -> anyhow::Result<()> {
    let story = in_class(&format!("{language}-school-in-app"), language).await?;
    let (desk, screen, phone) = (&story.office, &story.screen, &story.phone);
    let scanned = story.issues_to(SKY).await?;
    let app = format!("{}/app", story.stage.porten);
    // The camera opens the browser, and from there it goes on in the app.
    phone.open(&scanned).await?;
    phone.see("#in-app:not([hidden])").await?;
    story.look(phone, "00-scanned").await?;
    phone.press("#in-app a").await?;
    phone.arrives(&format!("{app}/registrer")).await?;
    phone.see("#activation-code:valid").await?;
    ensure!(!phone.url().await?.contains('#'), "the code stays in the address");
    story.look(phone, "01-in-the-app").await?;
    let pupil = story.registers(phone, ("Lett Sky", "+4740123456"), "Skyen-driver-15").await?;
    ensure!(phone.url().await?.starts_with(&app), "it has left the app");
    story.look(phone, "02-ready").await?;
    screen.see(DONE).await?;
    story.leaves(desk).await?;
    story.logs_in_at_demo(desk, &pupil).await?;
    story.was_quiet().await
}

/// The school's network is away for a while, with the code on the screen, and comes back.
async fn the_connection_is_gone(language: &'static str) -> anyhow::Result<()> {
    const GOES: &str = "
        const [ask, later] = [window.fetch, window.setTimeout];
        window.isGone = true;
        window.asked = 0;
        // The pauses, but not the patience, of a page at which nobody wants to wait.
        window.setTimeout = (then, pause) => later(then, pause > 10000 ? pause : pause / 1000);
        window.fetch = (...what) => {
            window.asked += 1;
            if (window.isGone) return Promise.reject(new TypeError('gone'));
            window.fetch = ask;
            return Promise.resolve(new Response('{\"state\":\"waiting\"}'));
        };
        window.dispatchEvent(new Event('online'));";
    let story = in_class(&format!("{language}-school-gone"), language).await?;
    let (screen, phone) = (&story.screen, &story.phone);
    let scanned = story.issues_to(SKY).await?;
    let before = screen.text("#waiting").await?;
    screen.run(GOES, Vec::new()).await?;
    let (gone, back) = match language {
        "nn" => ("Sambandet er brote", "Sambandet er tilbake."),
        _ => ("Forbindelsen er brutt", "Forbindelsen er tilbake."),
    };
    reads(screen, gone).await?;
    // It does not give up, however long it takes.
    let mut asked = 0;
    for _ in 0..200 {
        asked = screen.run("return window.asked", Vec::new()).await?.as_u64().context("no number")?;
        if asked >= 50 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    ensure!(asked >= 50, "it has asked {asked} times and stopped");
    ensure!(screen.see("#waiting").await?.attr("role").await?.as_deref() == Some("status"), "nobody hears of it");
    story.look(screen, "01-gone").await?;
    screen.run("window.isGone = false", Vec::new()).await?;
    reads(screen, &format!("{back} {before}")).await?;
    phone.open(&scanned).await?;
    story.registers(phone, ("Lett Sky", "+4740123456"), "Skyen-driver-15").await?;
    screen.see(DONE).await?;
    story.was_quiet().await
}

/// A press on "Navnet er feil" ends the code, and that is told on the page before the press is answered.
async fn the_wrong_name(language: &'static str) -> anyhow::Result<()> {
    const OVERTAKES: &str = "
        const told = () => new Response('{\"state\":\"over\"}');
        window.fetch = () => new Promise((tell) => {
            document.addEventListener('submit', () => setTimeout(() => tell(told()), 0), { once: true });
        });
        window.dispatchEvent(new Event('online'));";
    let story = in_class(&format!("{language}-school-name"), language).await?;
    let screen = &story.screen;
    story.issues_to(SKY).await?;
    screen.run(OVERTAKES, Vec::new()).await?;
    screen.press("button[value=wrong-name]").await?;
    screen.see("#notice").await?;
    story.was_quiet().await
}

/// Waits until the page that waits says so.
async fn reads(screen: &Chromium, words: &str) -> anyhow::Result<()> {
    for _ in 0..200 {
        if screen.text("#waiting").await?.starts_with(words) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    bail!("the page does not say {words:?} but {:?}", screen.text("#waiting").await?)
}

/// Høy Gran is "Manuell", and nobody can tell who Lys Bjørk is. The code of one letter is typed at a desk, the picture in
/// the other one is scanned.
async fn by_letter(language: &'static str) -> anyhow::Result<()> {
    let story = in_class(&format!("{language}-school-letter"), language).await?;
    let (desk, screen, phone) = (&story.office, &story.screen, &story.phone);
    story.pupil(GRAN).await?;
    ensure!(screen.text("h1").await? == "Høy Gran", "another pupil");
    screen.see("#status .ds-tag[data-color=warning]").await?;
    story.look(screen, "01-manual").await?;
    ensure!(!screen.has("button[value=start]").await?, "NEI is no NEI");
    story.orders(("Høy Gran", "+4740111111")).await?;
    story.look(screen, "02-manual-ordered").await?;
    story.pupil(BIRCH).await?;
    screen.press("button[value=not-qualified]").await?;
    story.orders(("Lys Bjørk", "+4740222222")).await?;

    let (_folder, letters) = story.gets_letters(2).await?;
    let (gran, birch) = (letter_to("Høy Gran", &letters)?, letter_to("Lys Bjørk", &letters)?);
    // The teacher's page goes on by itself, whenever the letter comes.
    phone.open(&read_letter(birch)?).await?;
    story.registers(phone, ("Lys Bjørk", "+4740222222"), "Bladene-rasler-15").await?;
    screen.see(DONE).await?;
    story.look(screen, "03-registered").await?;

    story.leaves(desk).await?;
    story.goes_to(desk, "/registrer").await?;
    let text = text_of_letter(gran)?;
    let code = text.lines().find_map(ActivationCode::parse).with_context(|| format!("no code in {text}"))?;
    desk.fill("#activation-code", &code.grouped().to_lowercase()).await?;
    let pupil = story.registers(desk, ("Høy Gran", "+4740111111"), "Grana-er-høg-15").await?;
    story.pupil(GRAN).await?;
    screen.see(DONE).await?;
    story.logs_in_at_demo(desk, &pupil).await?;
    story.was_quiet().await
}

/// The teacher starts again: while the pupil is registering, and when they have MinID already.
async fn anew(language: &'static str) -> anyhow::Result<()> {
    let story = in_class(&format!("{language}-school-anew"), language).await?;
    let (screen, phone) = (&story.screen, &story.phone);
    let first = story.issues_to(BEKK).await?;
    phone.open(&first).await?;
    phone.fill("#fnr", &story.stage.person("Kvikk Bekk").await?.fnr).await?;
    phone.press("button[value=next]").await?;
    phone.see("#mobile").await?;
    screen.press("button[value=start]").await?;
    let second = screen.camera().await?;
    ensure!(second != first, "the same code");

    // What was begun with the first code comes to an end, and it is not taken again.
    phone.fill("#mobile", "40 33 33 33").await?;
    phone.press("button[value=next]").await?;
    if phone.has("#code").await? {
        phone.fill("#code", &story.stage.proof_code("sms", "+4740333333").await?).await?;
        phone.press("button[value=next]").await?;
    }
    story.look(phone, "01-over").await?;
    let (over, newest) = match language {
        "nn" => ("Koden gjeld ikkje lenger", "Bruk den nyaste koden"),
        _ => ("Koden gjelder ikke lenger", "Bruk den nyeste koden"),
    };
    ensure!(phone.text("h1").await? == over, "{}", phone.text("h1").await?);
    phone.open(&first).await?;
    phone.fill("#fnr", &story.stage.person("Kvikk Bekk").await?.fnr).await?;
    phone.press("button[value=next]").await?;
    let said = phone.text("#problem").await?;
    ensure!(said.contains(newest), "{said}");
    story.look(phone, "02-used-the-first").await?;

    phone.open(&second).await?;
    let before = story.registers(phone, ("Kvikk Bekk", "+4740333333"), "Bekken-renner-15").await?;
    screen.see(DONE).await?;
    story.look(screen, "03-registered").await?;
    // Without a reason there is no code over a MinID.
    screen.press("button[value=start]").await?;
    screen.see("#problem").await?;
    story.look(screen, "04-why").await?;
    screen.see("#why-forgotten-password").await?.click().await?;
    screen.press("button[value=start]").await?;
    phone.open(&screen.camera().await?).await?;
    let after = story.registers(phone, ("Kvikk Bekk", "+4740333333"), "Bekken-fryser-16").await?;
    screen.see(DONE).await?;

    let desk = &story.office;
    story.leaves(desk).await?;
    story.goes_to(desk, "/demo/byggesak/login").await?;
    story.stage.password(desk, &before).await?;
    desk.see("#problem").await?;
    story.logs_in_at_demo(desk, &after).await?;
    story.was_quiet().await
}

/// The teacher has closed the code and looks at the class: it turns green there, without a touch.
async fn the_list_by_itself(language: &'static str) -> anyhow::Result<()> {
    let story = in_class(&format!("{language}-school-list"), language).await?;
    let (screen, phone) = (&story.screen, &story.phone);
    let scanned = story.issues_to(SKY).await?;
    screen.press("#close").await?;
    let of = |color: &str| format!(".line:nth-child({SKY}) .ds-tag[data-color={color}]");
    screen.see(&of("info")).await?;
    story.look(screen, "01-waiting").await?;
    phone.open(&scanned).await?;
    story.registers(phone, ("Lett Sky", "+4740123456"), "Skyen-driver-15").await?;
    screen.see(&of("success")).await?;
    story.look(screen, "02-registered").await?;
    story.was_quiet().await
}

/// The inspector has begun before the principal saves. In Nynorsk they give in.
async fn two_administrators(language: &'static str) -> anyhow::Result<()> {
    let story = Story::open(&format!("{language}-school-two"), language).await?;
    let (principal, inspector) = (&story.office, &story.screen);
    story.comes_in(principal, "Trygg Bjørn").await?;
    story.comes_in(inspector, "Varm Sommerdag").await?;
    // Klok Ugle is to issue to nobody, and Glad Foss to the whole class.
    story.chooses_class(inspector).await?;
    chooses(inspector, 1, "yes").await?;
    chooses(inspector, 2, "no").await?;
    inspector.press(".go button[value=next]").await?;
    inspector.press("button[id^=all-yes]").await?;
    inspector.press(".go button[value=next]").await?;
    story.lets_issue(principal).await?;

    inspector.press("button[value=save]").await?;
    ensure!(inspector.text("#problem").await?.len() > 20, "nothing is said of the other one");
    ensure!(inspector.text("main").await?.contains("Trygg Bjørn"), "who it was is not told");
    story.look(inspector, "01-conflict").await?;
    let gives_in = language == "nn";
    inspector.press(if gives_in { "button[value=discard]" } else { "button[value=save]" }).await?;
    // What both of them see now is the same, and what was chosen last.
    for desk in [inspector, principal] {
        story.chooses_class(desk).await?;
        let foss = desk.has(".pair:nth-child(1) input[value=yes]:checked").await?;
        let owl = desk.has(".pair:nth-child(2) input[value=yes]:checked").await?;
        ensure!(foss != gives_in && owl == gives_in, "Foss {foss}, Ugle {owl}");
    }
    story.look(principal, "02-what-holds").await?;
    story.comes_in(&story.phone, "Klok Ugle").await?;
    story.phone.press("a[href^='/skule/klasse/']").await?;
    ensure!(story.phone.has(".line").await? == gives_in, "who was let issue by the other one");
    story.look(&story.phone, "03-teacher").await?;
    // Who takes a right away reads of whom before it is so.
    chooses(principal, if gives_in { 2 } else { 1 }, "no").await?;
    principal.press(".go button[value=next]").await?;
    ensure!(principal.has(".ds-list li").await?, "nobody is named");
    story.look(principal, "04-takes-away").await?;
    story.was_quiet().await
}

/// From the page for the password to the last one.
async fn chooses_password(on: &Chromium, person: Person, password: &str) -> anyhow::Result<Person> {
    on.fill("#password", password).await?;
    on.fill("#repeat", password).await?;
    on.press("button[value=next]").await?;
    on.see("#log-in").await?;
    Ok(Person { password: password.to_owned(), ..person })
}

/// The principal has let Klok Ugle issue to all but Høy Gran, and the lesson begins.
async fn in_class(name: &str, language: &'static str) -> anyhow::Result<Story> {
    let story = Story::open(name, language).await?;
    story.comes_in(&story.office, "Trygg Bjørn").await?;
    story.lets_issue(&story.office).await?;
    story.comes_in(&story.screen, "Klok Ugle").await?;
    Ok(story)
}

/// JA or NEI for whoever has this place on the page.
async fn chooses(desk: &Chromium, place: usize, choice: &str) -> anyhow::Result<()> {
    Ok(desk.see(&format!(".pair:nth-child({place}) input[value={choice}]")).await?.click().await?)
}

impl Story {
    /// From the first page to who may issue in 10A.
    async fn chooses_class(&self, desk: &Chromium) -> anyhow::Result<()> {
        self.goes_to(desk, "/skule").await?;
        desk.press("a.choice").await?;
        desk.press("a.choice").await
    }

    async fn lets_issue(&self, desk: &Chromium) -> anyhow::Result<()> {
        self.chooses_class(desk).await?;
        // By name: Glad Foss and Klok Ugle, and Høy Gran is the first pupil.
        chooses(desk, 1, "no").await?;
        chooses(desk, 2, "yes").await?;
        desk.press(".go button[value=next]").await?;
        desk.press("button[id^=all-yes]").await?;
        chooses(desk, 1, "no").await?;
        desk.press(".go button[value=next]").await?;
        desk.press("button[value=save]").await?;
        desk.see("#notice").await.map(|_| ())
    }

    async fn leaves(&self, desk: &Chromium) -> anyhow::Result<()> {
        desk.press("button[value=leave]").await?;
        desk.arrives(&format!("{}/skule/ut", self.stage.porten)).await
    }

    /// What the pupil's camera sees of the code.
    async fn issues_to(&self, place: usize) -> anyhow::Result<String> {
        self.pupil(place).await?;
        self.screen.press("button[value=start]").await?;
        self.screen.camera().await
    }

    /// From the page on which the code stands already, to the last one.
    pub(crate) async fn registers(&self, on: &Chromium, who: (&str, &str), password: &str) -> anyhow::Result<Person> {
        let person = self.stage.person(who.0).await?;
        self.proves_mobile(on, &person, who.1).await?;
        on.press("button[value=skip]").await?;
        chooses_password(on, person, password).await
    }

    /// As far as the page for the e-mail address.
    async fn proves_mobile(&self, on: &Chromium, person: &Person, mobile: &str) -> anyhow::Result<()> {
        on.see("#activation-code:valid").await?;
        on.fill("#fnr", &person.fnr).await?;
        on.press("button[value=next]").await?;
        on.fill("#mobile", mobile).await?;
        on.press("button[value=next]").await?;
        on.fill("#code", &self.stage.proof_code("sms", mobile).await?).await?;
        on.press("button[value=next]").await
    }

    /// The pupil scans the teacher's page, which shows by itself that the letter is ordered.
    async fn orders(&self, (name, mobile): (&str, &str)) -> anyhow::Result<()> {
        let (screen, phone) = (&self.screen, &self.phone);
        phone.open(&screen.camera_further_down().await?).await?;
        phone.fill("#fnr", &self.stage.person(name).await?.fnr).await?;
        phone.press("button[value=order]").await?;
        phone.fill("#mobile", mobile).await?;
        phone.press("button[value=send]").await?;
        phone.fill("#code", &self.stage.proof_code("sms", mobile).await?).await?;
        phone.press("button[value=next]").await?;
        // The next one orders on the same telephone.
        phone.press("button[value=again]").await?;
        screen.see(ON_THE_WAY).await.with_context(|| format!("the teacher does not see that {name} has ordered"))?;
        Ok(())
    }

    /// The letters that are printed, all in this language. They are ordered a moment after the page has said so.
    async fn gets_letters(&self, count: usize) -> anyhow::Result<(TempDir, Vec<PathBuf>)> {
        let folder = TempDir::new()?;
        let print_house = folder.path().to_str().context("a folder whose name is no text")?;
        for _ in 0..100 {
            self.stage.porten_with(&["letter", "batch"], &["--folder", print_house], "")?;
            let letters = letters_in(folder.path(), self.language)?;
            if letters.len() == count {
                return Ok((folder, letters));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("fewer than {count} letters")
    }

    /// At a demonstration service, with a code by SMS.
    async fn logs_in_at_demo(&self, desk: &Chromium, pupil: &Person) -> anyhow::Result<()> {
        self.goes_to(desk, "/demo/byggesak/login").await?;
        self.stage.minid(desk, pupil).await?;
        self.is_greeted(desk, pupil).await
    }

    async fn is_greeted(&self, desk: &Chromium, pupil: &Person) -> anyhow::Result<()> {
        desk.arrives(&format!("{}/demo/byggesak", self.stage.porten)).await?;
        let greeting = desk.text(".said").await?;
        ensure!(greeting.contains(&pupil.fnr), "the service says {greeting:?}");
        Ok(())
    }
}

/// What the batches in a folder hold.
fn letters_in(folder: &Path, language: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let manifest = entry?.path().join("manifest.json");
        if !manifest.exists() {
            continue;
        }
        let told: Value = serde_json::from_str(&std::fs::read_to_string(&manifest)?)?;
        for letter in told["letters"].as_array().context("no letters")? {
            ensure!(letter["language"] == language, "{letter}");
            found.push(manifest.with_file_name(letter["file"].as_str().context("no file")?));
        }
    }
    Ok(found)
}

/// The letter that has this name in its window.
fn letter_to<'a>(name: &str, letters: &'a [PathBuf]) -> anyhow::Result<&'a PathBuf> {
    for letter in letters {
        if text_of_letter(letter)?.contains(name) {
            return Ok(letter);
        }
    }
    bail!("no letter to {name}")
}
