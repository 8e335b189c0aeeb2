//! `oidcc-rp-initiated-logout-certification-test-plan`

#[path = "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri.rs"]
mod bad_address;
#[path = "oidcc-rp-initiated-logout-bad-id-token-hint.rs"]
mod bad_hint;
#[path = "oidcc-rp-initiated-logout-discovery-endpoint-verification.rs"]
mod discovery;
#[path = "oidcc-rp-initiated-logout-modified-id-token-hint.rs"]
mod modified_hint;
#[path = "oidcc-rp-initiated-logout-no-post-logout-redirect-uri.rs"]
mod no_address;
#[path = "oidcc-rp-initiated-logout-no-id-token-hint.rs"]
mod no_hint;
#[path = "oidcc-rp-initiated-logout-no-params.rs"]
mod no_params;
#[path = "oidcc-rp-initiated-logout-no-state.rs"]
mod no_state;
#[path = "oidcc-rp-initiated-logout-only-state.rs"]
mod only_state;
#[path = "oidcc-rp-initiated-logout.rs"]
mod plain;
#[path = "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri.rs"]
mod query_added;

use anyhow::{bail, ensure};

use crate::basic::NOBODY;
use crate::jose::random;
use crate::op::{Fields, with_query};
use crate::person::{Answer, End};
use crate::plan::Module;
use crate::story::{Login, Story};

/// Its modules, in the suite's order.
pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::new("oidcc-rp-initiated-logout-discovery-endpoint-verification", discovery::run),
        Module::new("oidcc-rp-initiated-logout", plain::run),
        Module::new("oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", bad_address::run),
        Module::new("oidcc-rp-initiated-logout-modified-id-token-hint", modified_hint::run),
        Module::new("oidcc-rp-initiated-logout-no-id-token-hint", no_hint::run),
        Module::new("oidcc-rp-initiated-logout-no-params", no_params::run),
        Module::new("oidcc-rp-initiated-logout-no-post-logout-redirect-uri", no_address::run),
        Module::new("oidcc-rp-initiated-logout-no-state", no_state::run),
        Module::new("oidcc-rp-initiated-logout-only-state", only_state::run),
        Module::new("oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", query_added::run),
        Module::new("oidcc-rp-initiated-logout-bad-id-token-hint", bad_hint::run),
    ]
}

/// A log-in that is about to end.
pub(crate) struct Logout {
    pub(crate) login: Login,
    /// Registered for the client.
    pub(crate) address: String,
    state: String,
}

/// What is sent to the `end_session_endpoint`.
#[derive(Clone)]
pub(crate) struct Asked(pub(crate) Fields);

impl Asked {
    fn with(mut self, name: &str, value: &str) -> Asked {
        self.0.retain(|(own, _)| own != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Asked {
        self.0.retain(|(own, _)| own != name);
        self
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl Logout {
    /// Hint, address and state.
    pub(crate) fn whole(&self) -> Asked {
        Asked(Vec::new())
            .with("id_token_hint", self.login.token("id_token"))
            .with("post_logout_redirect_uri", &self.address)
            .with("state", &self.state)
    }
}

/// Logs in at a client.
pub(crate) async fn log_in(story: &mut Story, client: &str) -> anyhow::Result<Logout> {
    let login = story.log_in_at(client).await?;
    let address = format!("{}/loggedout/{client}", story.provider.party.url);
    Ok(Logout { login, address, state: random(128)? })
}

async fn send(story: &mut Story, asked: &Asked) -> anyhow::Result<End> {
    let url = with_query(&story.endpoint("end_session_endpoint")?, &asked.0);
    story.person().await?.visit(&url).await
}

/// A logout that must lead back to the address, with the state.
pub(crate) async fn returned(story: &mut Story, asked: &Asked) -> anyhow::Result<Answer> {
    let answer = match send(story, asked).await? {
        End::Back(answer) => answer,
        End::Page(page) => bail!("it ended on a page: {} {}", page.status, page.title()),
    };
    let own = asked.get("post_logout_redirect_uri").unwrap_or_default();
    ensure!(answer.url.as_str().split('?').next() == Some(own), "sent to {}", answer.url);
    ensure!(answer.get("state") == asked.get("state"), "the state is {:?}", answer.get("state"));
    Ok(answer)
}

/// The session is over: `prompt=none` gives an error.
pub(crate) async fn has_ended(story: &mut Story, logout: &Logout, answer: &Answer) -> anyhow::Result<()> {
    if let Some((name, _)) = answer.fields.iter().find(|(name, _)| name != "state") {
        story.warn(format!("an unknown parameter {name}"));
    }
    let request = story.request(&logout.login.request.client.id)?.with("prompt", "none");
    story.told(&request, NOBODY).await
}

/// A logout that must not lead anywhere, not even when the question is answered.
async fn stays(story: &mut Story, asked: &Asked) -> anyhow::Result<()> {
    match send(story, asked).await? {
        End::Back(answer) => bail!("the browser was sent to {}", answer.url),
        End::Page(page) if page.asks_for_logout() => match story.person().await?.press(&page, "do", "logout").await? {
            End::Back(answer) => bail!("after the question the browser was sent to {}", answer.url),
            End::Page(page) => ensure!(page.status == 200, "{} {}", page.status, page.title()),
        },
        End::Page(page) => ensure!(page.status >= 400, "{} {}", page.status, page.title()),
    }
    Ok(())
}

/// A logout that must end on a page that says so, after a question maybe; then the session is over.
async fn says_goodbye(story: &mut Story, asked: &Asked) -> anyhow::Result<()> {
    let mut end = send(story, asked).await?;
    if let End::Page(page) = &end
        && page.asks_for_logout()
    {
        end = story.person().await?.press(page, "do", "logout").await?;
    }
    match end {
        End::Back(answer) => bail!("the browser was sent to {}", answer.url),
        End::Page(page) => ensure!(page.status == 200, "{} {}", page.status, page.title()),
    }
    let request = story.request("logout")?.with("prompt", "none");
    story.told(&request, NOBODY).await
}
