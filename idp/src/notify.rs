//! Telling people what has happened to their account, where they were reached before it did.

use std::time::Duration;

use authenticators::clock::Timestamp;
use authenticators::contact::{Channel, Contact};
use authenticators::factor::FactorKind;
use authenticators::person::PersonId;

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
    /// A code from the list was used.
    RecoveryCodeUsed,
}

impl Notice {
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
            Notice::RecoveryCodeUsed => "tell-recovery-code-used",
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

    /// Tells, behind the back of whoever waits for a page. There is no link in it: whoever is afraid of fraud can do
    /// what it says.
    pub fn tell(self, app: &App, notice: Notice, now: Timestamp) {
        let app = app.clone();
        tokio::spawn(async move {
            let text = app.words.text(self.language);
            let words = format!("{} {}", notice.words(text), text.t("tell-not-you"));
            for channel in &self.channels {
                if matches!(channel, Channel::Mobile(_)) && !may_cost(&app, &self.person, now).await {
                    continue;
                }
                // It does not count with the codes, and is not tried again: why is in the log.
                let _ = match channel {
                    Channel::Mobile(phone) => app.world.sms.send(phone, &words, now).await,
                    Channel::Email(email) => app.world.mail.send(email, (&text.t("tell-subject"), &words), now).await,
                };
            }
        });
    }
}

/// An SMS costs money, and whoever changes something again and again is told by e-mail.
async fn may_cost(app: &App, person: &PersonId, now: Timestamp) -> bool {
    let name = format!("notices to {}", person.as_str());
    let count = app.world.scratch.count(&name, Duration::from_hours(24), now).await;
    count.is_ok_and(|count| count <= SMS_A_DAY)
}
