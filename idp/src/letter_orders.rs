//! Letters that somebody was told are ordered: written down while they wait for the page, and ordered behind their back,
//! where nobody learns from the time that it takes what is true of whom.

use std::time::Duration;

use anyhow::Context;
use authenticators::chance::TokenHash;
use authenticators::clock::Timestamp;
use authenticators::contact::{Channel, Contact, Phone};
use authenticators::letter;
use authenticators::password;
use authenticators::person::{Fnr, NewPerson, Person};
use authenticators::population::{self, Address, Resident};
use authenticators::scratch::Kept;
use authenticators::trail::Event;
use authenticators::wanted::{self, Waiting, Wanted};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::browser::Call;
use crate::notify::{self, Listener, Notice};
use crate::text::Language;

/// Writes down what somebody has asked for, by the id of their order; for everybody in the same way.
pub async fn keep(call: &Call<'_>, id: &str, who: (Fnr, Phone), language: Language) -> anyhow::Result<()> {
    let (fnr, phone) = who;
    let details = call.whence().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let wanted = Wanted { fnr, phone, language: language.of_words().code().to_owned(), details };
    wanted::keep(&call.app.world, id, &wanted, call.now).await
}

/// Orders what was written down, while whoever asked is answered.
pub fn begin(app: &App) {
    let app = app.clone();
    app.world.tasks.clone().spawn(async move {
        if let Err(error) = work_off(&app).await {
            tracing::warn!(error = format!("{error:#}"), "the letters that are wanted are ordered later");
        }
    });
}

/// Orders the letters that are due. What does not work now is tried again later.
pub async fn work_off(app: &App) -> anyhow::Result<()> {
    let now = app.world.clock.now();
    for waiting in wanted::take_due(&app.world.db, now).await? {
        if let Err(error) = attempt(app, &waiting, now).await {
            let error = format!("{error:#}");
            if !waiting.is_given_up() {
                tracing::warn!(error, "an order of a letter has failed, and is tried again");
                continue;
            }
            tracing::error!(error, "a letter that somebody was told is ordered is not");
        }
        wanted::forget(&app.world.db, &waiting).await?;
    }
    Ok(())
}

async fn attempt(app: &App, waiting: &Waiting, now: Timestamp) -> anyhow::Result<()> {
    let wanted = waiting.open(&app.world)?;
    let (world, db) = (&app.world, app.world.db.pool());
    let known = Person::by_fnr(db, &wanted.fnr).await?;
    // Who has got another number stands under that one in the register, and nobody begins with an old one.
    let fnr = known.as_ref().map_or(&wanted.fnr, |person| &person.fnr);
    let resident = match &known {
        Some(person) => world.population.find_known(person).await?,
        None => world.population.find(fnr).await?,
    };
    // Those who mourn are told nothing.
    if resident.as_ref().is_some_and(|resident| resident.is_dead(now)) {
        return Ok(());
    }
    let Some(resident) = resident.filter(|resident| may_get_one(fnr, known.as_ref(), resident, now)) else {
        return tell_refused(app, known.as_ref(), now).await;
    };
    let Resident { given_name, family_name, .. } = resident;
    Person::register(&world.db, &world.chance, fnr, NewPerson { given_name, family_name }, now).await?;
    let person = Person::by_fnr(db, fnr).await?.context("a person who was just registered is gone")?;
    let at = Channel::Mobile(wanted.phone.clone());
    let mut event = Event::by_oneself("letter-ordered", &person.id).with("to", at.masked());
    event.details.extend(wanted.details.clone());
    let language = language_of(app, &person, &wanted).await?;
    // One that is under way already is as good.
    match letter::order(world, &person.id, (language.code(), &at), &event, now).await? {
        true => notify::deliver_due(app).await,
        false => Ok(()),
    }
}

/// The language in which they want to be written to, where they have chosen one: it may be somebody else who asks.
async fn language_of(app: &App, person: &Person, wanted: &Wanted) -> anyhow::Result<Language> {
    let chosen = Contact::of(app.world.db.pool(), &person.id).await?.language;
    let language = chosen.as_deref().and_then(Language::parse).or_else(|| Language::parse(&wanted.language));
    Ok(language.unwrap_or_default().of_words())
}

/// Whether a letter goes to somebody. Whoever has MinID gets one as well: they may have lost all that they log in with, or
/// have locked it themselves. Until its code is used the letter changes nothing. A secret address is no hindrance: the
/// letter finds its way.
fn may_get_one(fnr: &Fnr, known: Option<&Person>, resident: &Resident, now: Timestamp) -> bool {
    let is_stopped = known.is_some_and(|person| person.is_locked_by_others() || person.is_closed_for_good());
    let is_old_enough = population::may_have_minid(fnr, Some(resident), now) != Some(false);
    !is_stopped && is_old_enough && resident.address != Address::Unknown
}

/// That somebody was told that a letter was refused.
#[derive(Serialize, Deserialize)]
struct Told;

impl Kept for Told {
    const KIND: &'static str = "letter-refused";
    const FOR: Duration = Duration::from_hours(24);
}

/// Whoever has MinID hears that somebody wanted a letter in their name, and that none is sent, once a day.
async fn tell_refused(app: &App, known: Option<&Person>, now: Timestamp) -> anyhow::Result<()> {
    let has_minid = password::stored(app.world.db.pool(), known.map(|person| &person.id)).await?.is_some();
    let Some(person) = known.filter(|_| has_minid) else { return Ok(()) };
    // Before it is counted: where that fails it is tried again.
    let owner = Listener::of(app, &person.id).await?;
    let whom = TokenHash::of(&format!("letter refused to {}", person.id.as_str()));
    if app.world.scratch.claim(&whom, &Told, now).await? {
        owner.tell(app, Notice::LetterRefused, now);
    }
    Ok(())
}
