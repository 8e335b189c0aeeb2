//! The digital postbox, as its supplier tells the register of it: that somebody has one there, at another address, or none
//! any more.
//!
//! People choose a postbox at its supplier, to whom they prove who they are. So the last one who tells of a postbox is
//! right, whoever ran the one before, and the person is told that there is one and where.

use crate::clock::Timestamp;
use crate::contact::{self, Contact, Postbox};
use crate::notice;
use crate::person::{Person, PersonId};
use crate::trail::{Actor, Event};
use crate::world::World;

/// A supplier of digital postboxes.
#[derive(Debug, PartialEq, Eq)]
pub struct Supplier {
    /// Its organisation number, which is its address in digital post.
    pub number: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// Where people choose it.
    pub site: &'static str,
}

/// Those that people can choose (Digdir, Digital postkasse: `postkasseleverandoeradresse`).
pub const SUPPLIERS: [Supplier; 2] = [
    Supplier { number: "984661185", name: "Digipost", site: "https://www.digipost.no/" },
    Supplier { number: "922020175", name: "e-Boks", site: "https://www.e-boks.com/norge/nb/" },
];

/// The number that e-Boks had before: it may still stand in what was registered then.
const E_BOKS_BEFORE: &str = "996460320";

/// The supplier with an organisation number.
pub fn supplier(number: &str) -> Option<&'static Supplier> {
    SUPPLIERS.iter().find(|supplier| supplier.number == number)
}

/// What a supplier is called; its number where nobody knows.
pub fn name_of(number: &str) -> &str {
    let known = if number == E_BOKS_BEFORE { supplier("922020175") } else { supplier(number) };
    known.map_or(number, |supplier| supplier.name)
}

/// What the trail calls what has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Registered,
    Moved,
    Changed,
    Removed,
}

impl Change {
    /// What it is that somebody has this postbox from now on; nothing, if they have it already.
    fn to(before: &Contact, postbox: &Postbox) -> Option<Change> {
        let is_same = before.postbox.as_ref() == Some(&postbox.address)
            && before.postbox_certificate == postbox.certificate
            && before.postbox_provider.as_ref() == Some(&postbox.provider);
        match (&before.postbox, &before.postbox_provider) {
            _ if is_same => None,
            (None, _) => Some(Change::Registered),
            (Some(_), Some(provider)) if *provider == postbox.provider => Some(Change::Changed),
            (Some(_), _) => Some(Change::Moved),
        }
    }

    fn by(self, person: &PersonId, provider: &str, client: &str) -> Event {
        let kind = match self {
            Change::Registered => "postbox-registered",
            Change::Moved => "postbox-moved",
            Change::Changed => "postbox-changed",
            Change::Removed => "postbox-removed",
        };
        let event = Event::by(kind, person, Actor::Organisation(provider.to_owned()));
        event.with("provider", provider).with("client", client)
    }
}

/// Its supplier says that a person has this postbox. False if nothing can be registered of them any more. `client` is by
/// whom the supplier says so.
pub async fn register(
    world: &World,
    person: &Person,
    postbox: &Postbox,
    client: &str,
    now: Timestamp,
) -> anyhow::Result<bool> {
    if person.is_closed_for_good() {
        return Ok(false);
    }
    // Suppliers tell again what they have told before; that holds nobody up.
    let known = Contact::of(world.db.pool(), &person.id).await?;
    if Change::to(&known, postbox).is_none() {
        return Ok(true);
    }
    let mut tx = world.db.begin().await?;
    Person::hold(&mut tx, &person.id).await?;
    let person = Person::by_id(&mut *tx, &person.id).await?;
    let Some(person) = person.filter(|person| !person.is_closed_for_good()) else {
        tx.rollback().await?;
        return Ok(false);
    };
    let before = Contact::of(&mut *tx, &person.id).await?;
    let Some(change) = Change::to(&before, postbox) else {
        tx.rollback().await?;
        return Ok(true);
    };
    let event = change.by(&person.id, &postbox.provider, client).with("postbox", postbox.address.as_str());
    let event = match before.postbox_provider {
        Some(provider) if change == Change::Moved => event.with("before", provider),
        _ => event,
    };
    // Who reads the post there is theirs to choose.
    if matches!(change, Change::Registered | Change::Moved) {
        notice::queue(&mut tx, &world.chance, &event, now).await?;
    }
    contact::set_postbox(&mut tx, &person.id, Some(postbox), now).await?;
    world.trail.append(&mut tx, &event, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// A supplier says that a person has no postbox there any more. What they have elsewhere is no business of its.
pub async fn remove(
    world: &World,
    person: &PersonId,
    supplier: &Supplier,
    client: &str,
    now: Timestamp,
) -> anyhow::Result<()> {
    let has_one =
        |known: &Contact| known.postbox.is_some() && known.postbox_provider.as_deref() == Some(supplier.number);
    if !has_one(&Contact::of(world.db.pool(), person).await?) {
        return Ok(());
    }
    let mut tx = world.db.begin().await?;
    Person::hold(&mut tx, person).await?;
    if !has_one(&Contact::of(&mut *tx, person).await?) {
        return Ok(tx.rollback().await?);
    }
    contact::set_postbox(&mut tx, person, None, now).await?;
    world.trail.append(&mut tx, &Change::Removed.by(person, supplier.number, client), now).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suppliers_have_names() {
        assert_eq!(["984661185", "922020175", "996460320"].map(name_of), ["Digipost", "e-Boks", "e-Boks"]);
        assert_eq!(name_of("999999999"), "999999999");
        assert_eq!(supplier("996460320"), None, "nobody writes by that number any more");
    }

    #[test]
    fn what_it_is_that_has_happened() {
        let postbox = |address: &str, provider: &str| Postbox {
            address: address.to_owned(),
            provider: provider.to_owned(),
            certificate: Some("A".to_owned()),
        };
        let has = |postbox: Postbox| Contact {
            postbox: Some(postbox.address),
            postbox_provider: Some(postbox.provider),
            postbox_certificate: postbox.certificate,
            ..Contact::default()
        };
        let one = postbox("kari#1", "984661185");
        assert_eq!(Change::to(&Contact::default(), &one), Some(Change::Registered));
        assert_eq!(Change::to(&has(one.clone()), &one), None);
        assert_eq!(Change::to(&has(one.clone()), &postbox("kari#2", "984661185")), Some(Change::Changed));
        assert_eq!(Change::to(&has(one.clone()), &Postbox { certificate: None, ..one.clone() }), Some(Change::Changed));
        assert_eq!(Change::to(&has(one), &postbox("kari#1", "922020175")), Some(Change::Moved));
        let nobodys = Contact { postbox: Some("kari#1".into()), ..Contact::default() };
        assert_eq!(Change::to(&nobodys, &postbox("kari#1", "922020175")), Some(Change::Moved));
    }
}
