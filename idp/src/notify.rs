//! Telling people what has happened to their account, where they were reached before it did: at once, or from the queue
//! in which support's command line has left it.

use std::time::Duration;

use authenticators::clock::Timestamp;
use authenticators::contact::{Channel, Contact};
use authenticators::factor::FactorKind;
use authenticators::notice::{self, Waiting};
use authenticators::person::PersonId;
use authenticators::sms::Failed;
use tokio::task::JoinSet;

use crate::app::App;
use crate::text::{Language, Text};

/// Notices by SMS to one person in a day.
const SMS_A_DAY: i64 = 20;

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Another password.
    PasswordChanged,
    /// Another mobile number.
    MobileChanged,
    /// Another e-mail address.
    EmailChanged,
    /// A way to log in was added.
    FactorAdded(FactorKind),
    /// A way to log in was removed.
    FactorRemoved(FactorKind),
    /// MinID is locked.
    Blocked,
    /// MinID is open again.
    Reopened,
    /// The app is left alone after too many refusals.
    AppQuiet,
    /// Somebody has said in the app that it was not them.
    NotMe,
    /// The app is asked about another password no more for a while, after too many refusals.
    NewPasswordQuiet,
    /// Somebody has said in the app that it was not them who wanted another password.
    NotMyNewPassword,
    /// A code from the list was used.
    RecoveryCodeUsed,
    /// Somebody has got MinID by an activation code, who had none.
    Registered,
    /// Somebody has got MinID by an activation code, over what there was before.
    RegisteredAgain,
    /// Somebody wanted a letter in their name, who have MinID, and none is sent.
    LetterRefused,
    /// A letter with an activation code is on its way to them.
    LetterOrdered,
    /// No such letter is on its way any more.
    LetterStopped,
    /// MinID is closed.
    Closed,
    /// All ways to log in are gone.
    Reset,
    /// Whoever was logged in is logged out.
    SignedOut,
    /// Another fødselsnummer or D-number.
    NumberChanged,
    /// The same, as the population register tells.
    NumberTold,
    /// A school has made a code by which MinID can be had, perhaps anew.
    SchoolCode,
    /// There is a digital postbox, where there was none.
    PostboxRegistered,
    /// The digital postbox is at another supplier.
    PostboxMoved,
}

impl Notice {
    /// What is told of what others have done, or may have done, by the kind of its entry in the trail.
    fn of_others(kind: &str) -> Option<Notice> {
        match kind {
            "locked" => Some(Notice::Blocked),
            "opened" => Some(Notice::Reopened),
            "closed" => Some(Notice::Closed),
            "reset" => Some(Notice::Reset),
            "signed-out" => Some(Notice::SignedOut),
            "number-changed" => Some(Notice::NumberChanged),
            "number-changed-by-register" => Some(Notice::NumberTold),
            "school-code-issued" => Some(Notice::SchoolCode),
            "postbox-registered" => Some(Notice::PostboxRegistered),
            "postbox-moved" => Some(Notice::PostboxMoved),
            "letter-ordered" => Some(Notice::LetterOrdered),
            _ => None,
        }
    }

    /// By whom it was, and what to do about it.
    fn by_others(self) -> &'static str {
        match self {
            Notice::SchoolCode | Notice::PostboxRegistered | Notice::PostboxMoved => "tell-not-you",
            Notice::NumberTold => "tell-register-wrong",
            Notice::LetterOrdered => "tell-letter-not-you",
            _ => "tell-by-support",
        }
    }

    fn words(self, text: Text) -> String {
        let kind = |kind: FactorKind| match kind {
            FactorKind::App => "method-app",
            FactorKind::Passkey => "method-passkey",
            FactorKind::Totp => "method-totp",
            FactorKind::RecoveryCode => "method-recovery",
            FactorKind::Otc | FactorKind::Password => "method-otc",
        };
        let key = match self {
            Notice::PasswordChanged => "tell-password-changed",
            Notice::MobileChanged => "tell-mobile-changed",
            Notice::EmailChanged => "tell-email-changed",
            Notice::FactorAdded(added) => return text.with("tell-factor-added", "what", text.t(kind(added))),
            Notice::FactorRemoved(removed) => return text.with("tell-factor-removed", "what", text.t(kind(removed))),
            Notice::Blocked => "tell-blocked",
            Notice::Reopened => "tell-reopened",
            Notice::AppQuiet => "tell-app-quiet",
            Notice::NotMe => "tell-not-me",
            Notice::NewPasswordQuiet => "tell-new-password-quiet",
            Notice::NotMyNewPassword => "tell-not-my-new-password",
            Notice::RecoveryCodeUsed => "tell-recovery-code-used",
            Notice::Registered => "tell-registered",
            Notice::RegisteredAgain => "tell-registered-again",
            Notice::LetterRefused => "tell-letter-refused",
            Notice::LetterOrdered => "tell-letter-ordered",
            Notice::LetterStopped => "tell-letter-stopped",
            Notice::Closed => "tell-closed",
            Notice::Reset => "tell-reset",
            Notice::SignedOut => "tell-signed-out",
            Notice::NumberChanged => "tell-number-changed",
            Notice::NumberTold => "tell-number-told",
            Notice::SchoolCode => "tell-school-code",
            Notice::PostboxRegistered => "tell-postbox-registered",
            Notice::PostboxMoved => "tell-postbox-moved",
        };
        text.t(key)
    }
}

/// Where a person is told of what is about to be changed: read it before the change, and tell after it.
pub struct Listener {
    person: PersonId,
    channels: Vec<Channel>,
    language: Language,
}

impl Listener {
    /// As the register has it now.
    pub async fn of(app: &App, person: &PersonId) -> anyhow::Result<Listener> {
        let contact = Contact::of(app.world.db.pool(), person).await?;
        let language = contact.language.as_deref().and_then(Language::parse).unwrap_or_default();
        Ok(Listener { person: person.clone(), channels: contact.channels(), language })
    }

    /// The same without these, where whoever is told of it has just been reached.
    #[must_use]
    pub fn but(mut self, these: &[Channel]) -> Listener {
        self.channels.retain(|channel| !these.contains(channel));
        self
    }

    /// Tells, behind the back of whoever waits for a page. There is no link in it: whoever is afraid of fraud can do
    /// what it says.
    pub fn tell(self, app: &App, notice: Notice, now: Timestamp) {
        let (app, tasks) = (app.clone(), app.world.tasks.clone());
        tasks.spawn(async move {
            let text = app.words.text(self.language);
            let words = format!("{} {}", notice.words(text), text.t("tell-not-you"));
            for channel in &self.channels {
                if matches!(channel, Channel::Mobile(_)) && !may_cost(&app, &self.person, now).await {
                    continue;
                }
                // It does not count with the codes, and is not tried again: why is in the log.
                let _ = send(&app, channel, (text, &words), now).await;
            }
        });
    }
}

async fn send(app: &App, to: &Channel, (text, words): (Text, &str), now: Timestamp) -> Result<(), Failed> {
    match to {
        Channel::Mobile(phone) => app.world.sms.send(phone, words, now).await,
        Channel::Email(email) => app.world.mail.send(email, (&text.t("tell-subject"), words), now).await,
    }
}

/// Tells people what support, a school, the population register or a supplier of postboxes has done, where that waits to be
/// told. What does not go out now is tried again later.
pub async fn deliver_due(app: &App) -> anyhow::Result<()> {
    let now = app.world.clock.now();
    let mut tries = JoinSet::new();
    for waiting in notice::take_due(&app.world.db, now).await? {
        let app = app.clone();
        tries.spawn(async move {
            if let Err(error) = attempt(&app, &waiting, now).await {
                tracing::warn!(error = format!("{error:#}"), "a notice is left for later");
            }
        });
    }
    tries.join_all().await;
    Ok(())
}

async fn attempt(app: &App, waiting: &Waiting, now: Timestamp) -> anyhow::Result<()> {
    let channel = waiting.channel()?;
    let is_possible = match channel {
        Channel::Mobile(_) => !waiting.is_new() || may_cost(app, &waiting.person, now).await,
        Channel::Email(_) => app.world.mail.is_there(),
    };
    let done = match Notice::of_others(&waiting.kind) {
        Some(notice) if is_possible => {
            let language = waiting.language.as_deref().and_then(Language::parse).unwrap_or_default();
            let text = app.words.text(language);
            let words = format!("{} {}", notice.words(text), text.t(notice.by_others()));
            send(app, &channel, (text, &words), now).await
        }
        _ => Ok(()),
    };
    if done.is_ok() || waiting.is_given_up() {
        notice::forget(&app.world.db, waiting).await?;
    }
    Ok(())
}

/// An SMS costs money, and whoever changes something again and again is told by e-mail.
async fn may_cost(app: &App, person: &PersonId, now: Timestamp) -> bool {
    let name = format!("notices to {}", person.as_str());
    let count = app.world.scratch.count(&name, Duration::from_hours(24), now).await;
    count.is_ok_and(|count| count <= SMS_A_DAY)
}
