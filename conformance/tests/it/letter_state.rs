//! What has become of a letter, as the verb that lists them tells it.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use authenticators::activation::{self, ActivationCode, Source};
use authenticators::clock::Timestamp;
use authenticators::contact::{Channel, Phone};
use authenticators::letter::{self, Begun, Printing, State};
use authenticators::person::{Fnr, Person, PersonId};
use authenticators::population::Population;
use authenticators::trail::Event;
use conformance::idp::{TestIdp, TestPerson, unregistered};
use serde_json::json;

use crate::activate::{MOBILE_PAGE, NEW, PATH, READY, activated, begin};

const PRINTING: Printing<'_> =
    Printing { at_most: 10, protected_via: &[], has_test: false, destination: String::new() };
const DAY: Duration = Duration::from_hours(24);

/// A Porten with a population register, and the one who is in it.
async fn start() -> anyhow::Result<(TestIdp, TestPerson)> {
    let kari = unregistered()?;
    let line = json!({ "fnr": kari.fnr, "given_name": "Kari", "family_name": "Nordmann", "address": ["Storgata 1"] });
    let population = Population::read(&line.to_string())?;
    Ok((TestIdp::with(|setup| setup.population = population).await?, kari))
}

async fn order(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<PersonId> {
    let (world, now) = (&idp.app.world, idp.now());
    let fnr = Fnr::parse(&person.fnr, idp.app.config.people).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    let id = Person::ensure(&world.db, &world.chance, &fnr, now).await?.id;
    let (at, event) =
        (Channel::Mobile(Phone::parse("+4740000009").context("a number")?), Event::by_oneself("letter-ordered", &id));
    ensure!(letter::order(world, &id, ("nb", &at), &event, now).await?, "one is under way");
    Ok(id)
}

/// Everything that waits goes to the print house: one letter, with this code.
async fn hand_over(idp: &TestIdp) -> anyhow::Result<ActivationCode> {
    let (world, now) = (&idp.app.world, idp.now());
    let Begun::Batch(batch) = letter::begin(world, &PRINTING, now).await? else { bail!("nothing waits") };
    let mut letters = letter::ready(world, &batch, &PRINTING, now).await?;
    ensure!(letters.len() == 1, "not one letter");
    letter::mark_written(world, &batch, now).await?;
    letter::mark_handed_over(world, &batch, now).await?;
    letters.pop().map(|letter| letter.code).context("no letter")
}

/// A teacher shows a code.
async fn show(idp: &TestIdp, person: &PersonId) -> anyhow::Result<()> {
    let (world, now) = (&idp.app.world, idp.now());
    let mut tx = world.db.begin().await?;
    let times = (now, now.plus(Source::School.valid()));
    activation::issue(&mut tx, (&world.vault, &world.chance), person, Source::School, times).await?;
    Ok(tx.commit().await?)
}

/// The states of all letters, the newest first.
async fn states(idp: &TestIdp) -> anyhow::Result<Vec<State>> {
    let letters = letter::since(idp.app.world.db.pool(), Timestamp::from_seconds(0)).await?;
    Ok(letters.iter().map(|letter| letter.state(idp.now())).collect())
}

#[tokio::test]
async fn a_letter_whose_code_another_has_ended_is_not_on_its_way() -> anyhow::Result<()> {
    let (idp, kari) = start().await?;
    let id = order(&idp, &kari).await?;
    // One that waits gets a code that is good, whatever a teacher shows before that.
    show(&idp, &id).await?;
    assert_eq!(states(&idp).await?, [State::Ordered]);
    idp.advance(DAY);
    hand_over(&idp).await?;
    assert_eq!(states(&idp).await?, [State::HandedOver]);
    show(&idp, &id).await?;
    assert_eq!(states(&idp).await?, [State::Ended]);
    assert!(letter::awaited(&idp.app.world.db, &[id], idp.now()).await?.is_empty());
    // And so it stays when its time would have been over.
    idp.advance(DAY * 60);
    assert_eq!(states(&idp).await?, [State::Ended]);
    Ok(())
}

#[tokio::test]
async fn a_registration_makes_its_letter_used() -> anyhow::Result<()> {
    let (idp, kari) = start().await?;
    let kari = TestPerson { password: NEW.to_owned(), ..kari };
    order(&idp, &kari).await?;
    let code = hand_over(&idp).await?.grouped();
    idp.advance(DAY);
    // Whoever only begins has used nothing.
    let mut browser = idp.browser();
    browser.get(PATH).await?;
    begin(&mut browser, &kari.fnr, &code).await?;
    assert!(browser.shows(MOBILE_PAGE), "{}", browser.page.body);
    assert_eq!(states(&idp).await?, [State::HandedOver]);
    assert!(activated(&idp, &kari, &code).await?.shows(READY));
    assert_eq!(states(&idp).await?, [State::Used]);
    idp.advance(DAY * 60);
    assert_eq!(states(&idp).await?, [State::Used], "and so it stays");
    Ok(())
}

#[tokio::test]
async fn a_letter_whose_time_was_over_was_not_ended_by_the_next_one() -> anyhow::Result<()> {
    let (idp, kari) = start().await?;
    order(&idp, &kari).await?;
    hand_over(&idp).await?;
    idp.advance(DAY * 60);
    assert_eq!(states(&idp).await?, [State::Expired]);
    order(&idp, &kari).await?;
    hand_over(&idp).await?;
    assert_eq!(states(&idp).await?, [State::HandedOver, State::Expired]);
    Ok(())
}

#[tokio::test]
async fn a_letter_that_would_come_too_late_is_not_printed() -> anyhow::Result<()> {
    for (waited, is_printed) in [(DAY * 40, true), (DAY * 41, false)] {
        let (idp, kari) = start().await?;
        let (world, id) = (&idp.app.world, order(&idp, &kari).await?);
        idp.advance(waited);
        let begun = letter::begin(world, &PRINTING, idp.now()).await?;
        if is_printed {
            // Nor is one that was drawn in time, if its batch is not finished before it is too late.
            let Begun::Batch(batch) = begun else { bail!("nothing waits") };
            assert_eq!(letter::ready(world, &batch, &PRINTING, idp.now()).await?.len(), 1);
            idp.advance(DAY);
            assert_eq!(letter::ready(world, &batch, &PRINTING, idp.now()).await?, []);
        } else {
            assert_eq!(begun, Begun::Nothing { held: 0 });
        }
        let letters = letter::of_person(world.db.pool(), &id).await?;
        let [letter] = letters.as_slice() else { bail!("not one letter") };
        assert_eq!((letter.state(idp.now()), letter.returned_code.as_deref()), (State::Returned, Some("too-late")));
        let entries = world.trail.of(world.db.pool(), &id, i64::MAX, 10).await?;
        let returned =
            entries.iter().find(|entry| entry.kind == "letter-returned").context("nothing is written down")?;
        assert_eq!(returned.details["reason"], "too-late");
        // And another one can be ordered.
        order(&idp, &kari).await?;
    }
    Ok(())
}
