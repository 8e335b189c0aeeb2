//! Changing how a person is reached: the register, the trail, and the old channels in one place.

use authenticators::contact::{self, Channel, Contact, Known};
use authenticators::person::PersonId;
use authenticators::trail::Event;

use crate::browser::Call;
use crate::notify::{Listener, Notice};

/// Registers a channel. Where it is another than before, the old ones are told.
pub async fn set(call: &Call<'_>, person: &PersonId, to: &Channel, known: Known) -> anyhow::Result<()> {
    let (app, now) = (call.app, call.now);
    let before = Contact::of(app.world.db.pool(), person).await?;
    let listener = Listener::of(app, person).await?;
    let (kind, notice, is_new) = match to {
        Channel::Mobile(phone) => ("mobile-changed", Notice::MobileChanged, before.mobile.as_ref() != Some(phone)),
        Channel::Email(email) => ("email-changed", Notice::EmailChanged, before.email.as_ref() != Some(email)),
    };
    let kind = if is_new { kind } else { "contact-proved" };
    let event = call.told(Event::by_oneself(kind, person).with("to", to.masked()));
    let mut tx = app.world.db.begin().await?;
    contact::set(&mut tx, person, to, known, now).await?;
    app.world.trail.append(&mut tx, &event, now).await?;
    tx.commit().await?;
    if is_new {
        listener.tell(app, notice, now);
    }
    Ok(())
}

/// There is no e-mail address any more.
pub async fn remove_email(call: &Call<'_>, person: &PersonId) -> anyhow::Result<()> {
    let (app, now) = (call.app, call.now);
    let listener = Listener::of(app, person).await?;
    let mut tx = app.world.db.begin().await?;
    contact::remove_email(&mut tx, person, now).await?;
    app.world.trail.append(&mut tx, &call.told(Event::by_oneself("email-removed", person)), now).await?;
    tx.commit().await?;
    listener.tell(app, Notice::EmailChanged, now);
    Ok(())
}
