//! The browser loads the client's address with issuer and session, and comes back.

use anyhow::{Context, ensure};

use crate::logout;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let logout = logout::log_in(&mut story, "front").await?;
    let answer = logout::returned(&mut story, &logout.whole()).await?;
    let sid = logout.login.claim("sid").as_str().context("no sid in the ID token")?;
    let visits = story.provider.party.visits("/frontchannel/front");
    let own = visits.iter().find(|visit| visit.fields.iter().any(|(name, value)| name == "sid" && value == sid));
    let own = own.with_context(|| format!("the client was not told: {visits:?}"))?;
    let issuer = story.provider.issuer.clone();
    ensure!(own.fields.contains(&("iss".to_owned(), issuer)), "the client was told {:?}", own.fields);
    logout::has_ended(&mut story, &logout, &answer).await?;
    Ok(Verdict::Passed)
}
