//! A device becomes somebody's MinID app: the picture that it scans, and what is written down and told of it.

use authenticators::chance::TokenHash;
use authenticators::enrolment::{self, Newcomer};
use authenticators::factor::FactorKind;
use authenticators::password;
use authenticators::person::{Person, PersonId};
use authenticators::trail::Event;

use crate::browser::Call;
use crate::notify::{Listener, Notice};
use crate::qr;

/// What a device opens that is invited.
pub struct Invitation {
    /// The picture that it scans.
    pub qr: String,
    /// The same as a link, for a device that has the page itself.
    pub link: String,
    /// The same for an app that is open and has no camera: `BCDF GHKL MNPR`.
    pub typed: String,
}

impl Invitation {
    /// A fresh one.
    pub async fn fresh(call: &Call<'_>, person: &PersonId) -> anyhow::Result<Invitation> {
        let code = enrolment::invite(&call.app.world, person, call.now).await?;
        // Behind the sign, so that it is in no log.
        let link = format!("{}/app#{}", call.app.config.issuer.as_str(), code.reveal());
        let letters = code.reveal();
        let typed = [letters.get(..4), letters.get(4..8), letters.get(8..)];
        let typed = typed.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Ok(Invitation { qr: qr::image(&link)?, link, typed })
    }
}

/// The device that waits for a person's number: what it is called, and what it runs on.
pub async fn waiting(call: &Call<'_>, person: &PersonId) -> anyhow::Result<Option<String>> {
    let device = enrolment::waiting(&call.app.world, person, call.now).await?;
    Ok(device.map(|(name, system)| if system.is_empty() { name } else { format!("{name} ({system})") }))
}

/// Whether nothing has come in between since somebody chose the password behind this hash: their account is open, and
/// the password is theirs still. Another registration brings another one.
pub fn is_undisturbed(person: &Person, phc: Option<&str>, chosen: &TokenHash) -> bool {
    let is_open = person.locked_at.is_none() && person.closed_at.is_none();
    is_open && phc.is_some_and(|phc| TokenHash::of(phc) == *chosen)
}

/// It is kept: whoever is logged in may have that at any time, and whoever has chosen a password here and is not, as
/// long as nothing comes in between. False if it is not kept.
pub async fn keep(call: &Call<'_>, new: &Newcomer, chosen: Option<&TokenHash>) -> anyhow::Result<bool> {
    let (app, now, person) = (call.app, call.now, &new.person);
    let listener = Listener::of(app, person).await?;
    let event = call.told(Event::by_oneself("factor-added", person).with("factor", FactorKind::App.name()));
    let mut tx = app.world.db.begin().await?;
    // Whoever locks the account meanwhile, or registers anew, waits here.
    Person::hold(&mut tx, person).await?;
    let Some(known) = Person::by_id(&mut *tx, person).await? else {
        tx.rollback().await?;
        return Ok(false);
    };
    let phc = password::stored(&mut *tx, Some(person)).await?;
    let may = chosen.is_none_or(|chosen| is_undisturbed(&known, phc.as_deref(), chosen));
    if !may || !new.keep(&mut tx, now).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    app.world.trail.append(&mut tx, &event, now).await?;
    tx.commit().await?;
    new.arrive(&app.world, now).await?;
    listener.tell(app, Notice::FactorAdded(FactorKind::App), now);
    Ok(true)
}
