//! A school owner's file that somebody who acts for the owner sends from a page. First they look at what it would change;
//! meanwhile it is kept, sealed. Then it is taken in, once, if it still changes just that.

use std::time::Duration;

use authenticators::chance::{Token, TokenHash};
use authenticators::clock::Timestamp;
use authenticators::person::{Person, PersonId};
use authenticators::scratch::Kept;
use authenticators::trail::{Actor, Entry};
use idp::app::App;
use serde::{Deserialize, Serialize};
use tokio::time;

use super::changes::{self, Change};
use super::import::{self, Changes, Diff, Import, Looked, Naming, Sender, Step};
use super::register::{self, Orgno, Stored, Title, Version};
use super::roster::{Objections, Reader, Roster};
use super::told;

/// How long somebody looks at what a file would change, and how long it is told what came of it.
const KEPT_FOR: Duration = Duration::from_mins(30);
/// How often it is asked whether another request has taken the file in.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How long a page or a machine waits for a file that is taken in.
#[derive(Debug, Clone, Copy)]
pub struct Patience(pub Duration);

/// Whose file, and who sends it.
#[derive(Clone)]
pub struct Desk {
    /// The program's inside.
    pub app: App,
    /// Who sends it.
    pub person: PersonId,
    /// Whose.
    pub owner: Orgno,
    /// When.
    pub now: Timestamp,
}

/// How many there are, and what a file changes of them.
#[derive(Debug)]
pub struct Count {
    /// Words for what is counted.
    pub what: &'static str,
    /// How many there are now.
    pub now: usize,
    /// What changes.
    pub changes: Changes,
}

/// A file that somebody looks at.
pub struct Seen {
    /// How much changes.
    pub counts: Vec<Count>,
    /// What, one by one.
    pub changes: Vec<Change>,
    /// How much there is besides.
    pub more: usize,
    /// The rows of pupils who have no number, and are left out.
    pub without_number: Vec<u64>,
    /// So much goes that it has to be seen first.
    pub is_much: bool,
    /// Whoever sends it acts for the owner no longer by it.
    pub ends_own_role: bool,
    /// What it is kept under; nothing, if it changes nothing.
    pub confirmation: Option<Token>,
}

/// What became of a file that was to be taken in.
pub enum Taken {
    /// It is.
    Done,
    /// It takes its time.
    UnderWay,
    /// What is registered has changed meanwhile: nothing was taken in, and this is what the file says now.
    Changed(Box<Result<Seen, Objections>>),
    /// It was not, and somebody else has been told why.
    Not,
    /// It is not kept any more.
    Gone,
}

/// A file on its own.
#[derive(Serialize, Deserialize)]
struct Sealed {
    content: String,
    /// What was registered when it was looked at: if something else is now, it is looked at again.
    seen: Version,
    accept_removals: Option<String>,
}

impl Kept for Sealed {
    const KIND: &'static str = "school-file";
    const FOR: Duration = KEPT_FOR;
}

/// Under which key the last file is that somebody has looked at for an owner: there is one at a time.
#[derive(Serialize, Deserialize)]
struct Latest(TokenHash);

impl Kept for Latest {
    const KIND: &'static str = "school-file-latest";
    const FOR: Duration = KEPT_FOR;
}

/// And the last one that they wanted taken in.
#[derive(Serialize, Deserialize)]
struct Begun(TokenHash);

impl Kept for Begun {
    const KIND: &'static str = "school-file-begun";
    const FOR: Duration = KEPT_FOR;
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It is being taken in.
    UnderWay,
    /// It is taken in.
    Done,
    /// It is not.
    Not,
}

impl Kept for State {
    const KIND: &'static str = "school-file-state";
    const FOR: Duration = KEPT_FOR;
}

/// The last file of an owner that was taken in.
pub struct Last {
    /// When.
    pub at: Timestamp,
    /// Words for where it came from.
    pub from: &'static str,
    /// Who took it in, if that was one of the owner's.
    pub by: Option<String>,
    /// What it changed, as far as that is still known.
    pub changed: Vec<(&'static str, Changes)>,
}

/// What a file changes, by its name in the trail, and words for it.
const COUNTED: [(&str, &str); 4] = [
    ("schools", "school-file-schools"),
    ("classes", "school-file-classes"),
    ("roles", "school-file-roles"),
    ("pupils", "school-file-pupils"),
];

impl Desk {
    /// Looks at what a file would change, and keeps it until that is confirmed.
    pub async fn look(&self, content: Vec<u8>) -> anyhow::Result<Result<Seen, Objections>> {
        let (content, roster) = self.read(content).await?;
        let roster = match roster {
            Ok(roster) => roster,
            Err(objections) => return Ok(Err(objections)),
        };
        let seen = register::version(&self.app.world.db, &self.owner).await?.unwrap_or_default();
        let looked = import::look(&self.app.world, &self.import(&roster, (seen, None)), Naming::Rows).await?;
        let looked = match looked {
            Ok(looked) => looked,
            Err(objections) => return Ok(Err(objections)),
        };
        let confirmation = match looked.diff.is_empty() {
            true => None,
            false => Some(self.keep(&content, (looked.stored.version, looked.diff.accept_removals.clone())).await?),
        };
        Ok(Ok(self.seen(&roster, &looked, confirmation)))
    }

    /// Reads a file, where nobody waits for it but who has sent it.
    async fn read(&self, content: Vec<u8>) -> anyhow::Result<(Vec<u8>, Result<Roster, Objections>)> {
        let (owner, app) = (self.owner.clone(), self.app.clone());
        let reading = move || {
            let (people, rows_at_most) = (app.config.people, app.config.school.rows_at_most);
            let roster = Reader { owner: &owner, people, rows_at_most }.plain(content.as_slice());
            (content, roster)
        };
        Ok(tokio::task::spawn_blocking(reading).await?)
    }

    fn import<'a>(&'a self, roster: &'a Roster, (seen, accept_removals): (Version, Option<&'a str>)) -> Import<'a> {
        let actor = Actor::Person(self.person.clone());
        Import { owner: &self.owner, roster, actor, sender: Sender::Staff, seen, accept_removals }
    }

    fn seen(&self, roster: &Roster, looked: &Looked, confirmation: Option<Token>) -> Seen {
        let Looked { diff, stored, .. } = looked;
        let is_ended = |step: &Step| match step {
            Step::EndRole(index) => stored
                .roles
                .get(*index)
                .is_some_and(|role| role.title == Title::Owner && role.school.is_empty() && role.person == self.person),
            _ => false,
        };
        let (changes, more) = changes::of(roster, looked);
        let counts = COUNTED.into_iter().zip(counted(diff)).zip(there(stored));
        let counts = counts.map(|(((_, what), changes), now)| Count { what, now, changes }).collect();
        Seen {
            counts,
            changes,
            more,
            without_number: roster.left_out.iter().map(|((_, row), _)| *row).collect(),
            is_much: diff.accept_removals.is_some(),
            ends_own_role: diff.steps.iter().any(is_ended),
            confirmation,
        }
    }

    fn key(&self, token: &str) -> TokenHash {
        self.key_of(&format!("sent {token}"))
    }

    /// What something of this person's for this owner is kept under.
    fn key_of(&self, what: &str) -> TokenHash {
        TokenHash::of(&format!("school file {} {} {what}", self.person.as_str(), self.owner.as_str()))
    }

    /// Keeps a file in the place of the one before.
    async fn keep(&self, content: &[u8], (seen, accept_removals): (Version, Option<String>)) -> anyhow::Result<Token> {
        let world = &self.app.world;
        let token = world.chance.token()?;
        let key = self.key(token.reveal());
        let content = world.vault.seal(&world.chance, &place(&key), content)?;
        world.scratch.put(&key, &Sealed { content, seen, accept_removals }, self.now).await?;
        let (latest, last) = (self.key_of("latest"), Latest(key));
        match world.scratch.swap(&latest, &last, self.now).await? {
            Some(Latest(before)) => drop(world.scratch.take::<Sealed>(&before, self.now).await?),
            None => world.scratch.put(&latest, &last, self.now).await?,
        }
        Ok(token)
    }

    /// Takes a file in that somebody has looked at, by what it is kept under. Of many who want the same one does it, and
    /// the others wait. It goes on, whether or not somebody does.
    pub async fn take_in(&self, token: &str, patience: Patience) -> anyhow::Result<Taken> {
        let (scratch, key) = (&self.app.world.scratch, self.key(token));
        if !scratch.claim(&key, &State::UnderWay, self.now).await? {
            return self.wait(&key, patience).await;
        }
        let Some(sealed) = scratch.take::<Sealed>(&key, self.now).await? else {
            scratch.take::<State>(&key, self.now).await?;
            return Ok(Taken::Gone);
        };
        scratch.put(&self.key_of("begun"), &Begun(key.clone()), self.now).await?;
        let order = Order { desk: self.clone(), key, sealed };
        let mut work = tokio::spawn(order.carry_out());
        match time::timeout(patience.0, &mut work).await {
            Ok(done) => {
                let done = done??;
                // Whoever reads this answer knows what came of it.
                scratch.take::<Begun>(&self.key_of("begun"), self.now).await?;
                Ok(done)
            }
            Err(_) => Ok(Taken::UnderWay),
        }
    }

    /// Waits for what comes of another request's file.
    async fn wait(&self, key: &TokenHash, patience: Patience) -> anyhow::Result<Taken> {
        let waiting = async {
            loop {
                match self.app.world.scratch.get::<State>(key, self.now).await?.map(|read| read.value) {
                    Some(State::UnderWay) => time::sleep(LOOK_AGAIN).await,
                    Some(State::Done) => return anyhow::Ok(Taken::Done),
                    Some(State::Not) => return Ok(Taken::Not),
                    None => return Ok(Taken::Gone),
                }
            }
        };
        time::timeout(patience.0, waiting).await.unwrap_or(Ok(Taken::UnderWay))
    }

    /// How far the last file has come that this person wanted taken in, if nobody has told them.
    pub async fn state(&self) -> anyhow::Result<Option<State>> {
        let scratch = &self.app.world.scratch;
        let Some(begun) = scratch.get::<Begun>(&self.key_of("begun"), self.now).await? else { return Ok(None) };
        Ok(scratch.get::<State>(&begun.value.0, self.now).await?.map(|read| read.value))
    }

    /// The last file that was taken in for the owner, by whomever.
    pub async fn last(&self) -> anyhow::Result<Option<Last>> {
        let world = &self.app.world;
        let entry = world.trail.latest_of_organisation(world.db.pool(), self.owner.as_str(), "school-imported").await?;
        let Some(entry) = entry else { return Ok(None) };
        let by = match &entry.actor {
            Actor::Person(person) => Person::by_id(world.db.pool(), person).await?.map(|person| person.name()),
            Actor::Operator(_) | Actor::Organisation(_) | Actor::Register | Actor::System => None,
        };
        let from = match detail(&entry, "role") {
            Some("owner") => "school-file-from-page",
            Some("owner-system") => "school-file-from-system",
            _ => "school-file-from-operator",
        };
        let counted = |(name, words): (&str, &'static str)| Some((words, told::changes(detail(&entry, name)?)?));
        let changed = COUNTED.into_iter().filter_map(counted).collect();
        Ok(Some(Last { at: entry.at, from, by: by.filter(|name| !name.is_empty()), changed }))
    }
}

fn detail<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    entry.details.get(name)?.as_str()
}

fn counted(diff: &Diff) -> [Changes; 4] {
    [diff.schools, diff.classes, diff.roles, diff.pupils]
}

fn there(stored: &Stored) -> [usize; 4] {
    let schools = stored.schools.iter().filter(|school| school.removed_at.is_none());
    let classes = stored.classes.iter().filter(|class| class.removed_at.is_none());
    [schools.count(), classes.count(), stored.roles.len(), stored.pupils.len()]
}

fn place(key: &TokenHash) -> String {
    format!("school-file/{}", key.as_str())
}

/// A file that is to be taken in.
struct Order {
    desk: Desk,
    key: TokenHash,
    sealed: Sealed,
}

impl Order {
    /// Takes it in, and says what came of it for whoever asks later.
    async fn carry_out(self) -> anyhow::Result<Taken> {
        let taken = self.take_in().await;
        if let Err(error) = &taken {
            tracing::error!(error = format!("{error:#}"), "a school owner's file was not taken in");
        }
        let state = if matches!(taken, Ok(Taken::Done)) { State::Done } else { State::Not };
        let world = &self.desk.app.world;
        world.scratch.put(&self.key, &state, world.clock.now()).await?;
        taken
    }

    async fn take_in(&self) -> anyhow::Result<Taken> {
        let (desk, sealed) = (&self.desk, &self.sealed);
        let content = desk.app.world.vault.open(&place(&self.key), &sealed.content)?;
        let (content, roster) = desk.read(content).await?;
        if let Ok(roster) = roster {
            let import = desk.import(&roster, (sealed.seen, sealed.accept_removals.as_deref()));
            if import::apply(&desk.app.world, &import, desk.now).await?.is_ok() {
                return Ok(Taken::Done);
            }
        }
        Ok(Taken::Changed(Box::new(desk.look(content).await?)))
    }
}
