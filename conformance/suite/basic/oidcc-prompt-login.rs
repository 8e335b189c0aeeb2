//! `prompt=login` a second after a log-in: the log-in page again, and a later `auth_time`.

use anyhow::ensure;

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let first = story.log_in_at("basic-1").await?;
    story.wait(1).await?;
    let asked = story.asked();
    let request = story.request("basic-1")?.with("prompt", "login");
    let second = story.log_in(&request).await?;
    ensure!(story.asked() > asked, "no log-in page");
    ensure!(second.claim("sub") == first.claim("sub"), "another sub");
    ensure!(second.auth_time()? > first.auth_time()?, "auth_time has not moved on");
    Ok(Verdict::Passed)
}
