//! The password, and with it all of it at once: the code is used, and there is MinID.

use askama::Template;
use authenticators::activation::Source;
use authenticators::contact::{self, Channel, Contact};
use authenticators::person::Person;
use authenticators::trail::{Actor, Event};
use authenticators::{account, activation, letter};
use axum::response::Response;
use migrations::Tx;
use serde_json::Value;

use super::app::Ticket;
use super::{Activation, Applicant, Before, Marks, Stage, Stop, TERMS};
use crate::error::Refusal;
use crate::notify::{Listener, Notice};
use crate::page::Frame;
use crate::params::Params;
use crate::password_change::{self, Chosen, Objection};
use crate::session_list;

#[derive(Template)]
#[template(path = "activate_password.html")]
struct NewPassword {
    frame: Frame,
    marks: Marks,
    whose: String,
    /// Whether it takes the place of what they log in with now.
    is_over_minid: bool,
    /// For the browser's store of passwords.
    fnr: String,
    password_problem: Option<&'static str>,
    hints: Vec<&'static str>,
    repeat_problem: Option<&'static str>,
}

/// The page.
pub fn page(who: &Applicant<'_>, objection: &Objection) -> Response {
    let page = NewPassword {
        frame: who.visitor.frame(),
        marks: who.marks(),
        whose: who.whose(),
        is_over_minid: who.before != Before::Nothing,
        fnr: who.person.fnr.as_str().to_owned(),
        password_problem: objection.password,
        hints: objection.hints.clone(),
        repeat_problem: objection.repeat,
    };
    who.visitor.html(&page, *objection != Objection::default())
}

/// One was chosen. The next page tells how it stands: they have MinID, or somebody has used the code meanwhile.
pub async fn answer(who: &Applicant<'_>, form: &Params) -> Result<Response, Refusal> {
    let typed = (form.field("password").unwrap_or_default(), form.field("repeat").unwrap_or_default());
    match password_change::choose(who.visitor.call.app, &who.person, typed).await? {
        Chosen::Good(phc) => finish(who, &phc).await?,
        Chosen::Bad(objection) => return Ok(page(who, &objection)),
        Chosen::Busy => {
            let busy = Objection { password: Some("problem-busy"), ..Objection::default() };
            return Ok(page(who, &busy));
        }
    }
    Ok(who.visitor.go())
}

/// Who at which school has shown a school's code, as the trail tells it: a code that is good is the newest.
async fn issued(who: &Applicant<'_>) -> anyhow::Result<Vec<(&'static str, Value)>> {
    const TOLD: [(&str, &str); 4] =
        [("role", "issued_as"), ("school", "school"), ("school_orgno", "school_orgno"), ("class", "class")];
    let world = &who.visitor.call.app.world;
    if who.read.value.source != Source::School.name() {
        return Ok(Vec::new());
    }
    let entry = world.trail.latest(world.db.pool(), &who.person.id, "school-code-issued").await?;
    let Some(entry) = entry else { return Ok(Vec::new()) };
    let told = TOLD.into_iter().filter_map(|(name, of)| Some((of, entry.details.get(name)?.clone())));
    let by = match &entry.actor {
        Actor::Person(by) => Some(("issued_by", Value::from(by.as_str()))),
        _ => None,
    };
    Ok(told.chain(by).collect())
}

fn at_school(event: Event, issued: Vec<(&'static str, Value)>) -> Event {
    issued.into_iter().fold(event, |event, (name, value)| event.with(name, value))
}

/// Whoever has typed a school's code says that the name is not theirs: it is dead, and the teacher's page sees it. What
/// came by post stays good: its person may have it still.
pub async fn not_theirs(who: &Applicant<'_>) -> anyhow::Result<()> {
    let (call, task) = (&who.visitor.call, &who.read.value);
    if task.source != Source::School.name() {
        return Ok(());
    }
    let event = ended(who, "wrong-name", issued(who).await?);
    let mut tx = call.app.world.db.begin().await?;
    Person::hold(&mut tx, &who.person.id).await?;
    if !activation::is_good(&mut *tx, &task.code, task.judged_at(call.now)).await? {
        return Ok(tx.rollback().await?);
    }
    activation::end(&mut tx, &task.code, call.now).await?;
    call.app.world.trail.append(&mut tx, &event, call.now).await?;
    Ok(tx.commit().await?)
}

/// What is told of a school's code that is ended here.
fn ended(who: &Applicant<'_>, reason: &'static str, issued: Vec<(&'static str, Value)>) -> Event {
    let event = who.visitor.call.told(Event::by_oneself("school-code-ended", &who.person.id));
    at_school(event.with("reason", reason), issued)
}

/// Whether a school's code is good, and would go over what its person has made their own since it was shown.
async fn is_own_by_now(who: &Applicant<'_>, tx: &mut Tx) -> anyhow::Result<bool> {
    let (task, id, now) = (&who.read.value, &who.person.id, who.visitor.call.now);
    if task.source != Source::School.name() || !activation::is_good(&mut **tx, &task.code, task.judged_at(now)).await? {
        return Ok(false);
    }
    let has_minid = authenticators::password::stored(&mut **tx, Some(id)).await?.is_some();
    Ok(has_minid && account::has_own(tx, id).await?)
}

async fn finish(who: &Applicant<'_>, phc: &str) -> anyhow::Result<()> {
    let (call, task, id) = (&who.visitor.call, &who.read.value, &who.person.id);
    let (app, now) = (call.app, call.now);
    let (channels, language) = (task.channels(), who.visitor.text().language.of_words().code());
    let Some((mobile, _)) = channels.first() else { return Ok(()) };
    let event = call.told(Event::by_oneself("registered", id));
    let event = event.with("source", task.source.as_str()).with("to", mobile.masked()).with("terms", TERMS);
    let issued = issued(who).await?;
    // Who was reached elsewhere before is told there.
    let listener = Listener::of(app, id).await?;

    let mut tx = app.world.db.begin().await?;
    // Whoever else holds the code waits here, and so does support that locks the account.
    Person::hold(&mut tx, id).await?;
    let may_have_it = |person: &Person| Stop::of(person, who.resident.as_ref(), now).is_none();
    let person = Person::by_id(&mut *tx, id).await?.filter(may_have_it);
    let Some(person) = person else { return Ok(tx.rollback().await?) };
    if is_own_by_now(who, &mut tx).await? {
        activation::end(&mut tx, &task.code, now).await?;
        app.world.trail.append(&mut tx, &ended(who, "has-own", issued), now).await?;
        return Ok(tx.commit().await?);
    }
    if !activation::redeem(&mut tx, &task.code, (task.judged_at(now), now)).await? {
        return Ok(tx.rollback().await?);
    }
    // Before it is so: the second half of a double click comes right after, and finds it. If it does not become so the
    // code is still good, and that is looked at first. And before what everybody else waits for: the trail.
    let ticket = Some(Ticket::fresh(phc, now));
    who.visitor.change(&who.read, &Activation { ticket, ..who.at(Stage::Ready) }).await?;
    letter::note_used(&mut tx, &task.code, now).await?;
    let had_minid = account::begin(&mut tx, &person, phc, now).await?;
    let has_chosen = Contact::of(&mut *tx, id).await?.language.is_some();
    for (channel, known) in &channels {
        contact::set(&mut tx, id, channel, *known, now).await?;
    }
    if had_minid && task.forgets_email() && task.email.is_none() {
        contact::remove_email(&mut tx, id, now).await?;
    }
    if call.browser.language.is_some() || !has_chosen {
        contact::set_language(&mut tx, id, language, now).await?;
    }
    app.world.trail.append(&mut tx, &at_school(event, issued), now).await?;
    tx.commit().await?;

    let own: Vec<Channel> = channels.into_iter().map(|(channel, _)| channel).collect();
    let notice = if had_minid { Notice::RegisteredAgain } else { Notice::Registered };
    listener.but(&own).tell(app, notice, now);
    if had_minid {
        session_list::end_all(app, id, None, now).await?;
    }
    Ok(())
}
