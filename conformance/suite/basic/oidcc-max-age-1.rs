//! `max_age=1` two seconds after a log-in: the log-in page again, and a later `auth_time`.

use anyhow::ensure;

use crate::jose::now;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let first = story.log_in_at("basic-1").await?;
    story.wait(2).await?;
    let asked = story.asked();
    let request = story.request("basic-1")?.with("max_age", "1");
    let second = story.log_in(&request).await?;
    ensure!(story.asked() > asked, "no log-in page");
    let (before, after) = (first.auth_time()?, second.auth_time()?);
    ensure!(after > before && now()? - after < 60, "auth_time was {before} and is {after}");
    Ok(Verdict::Passed)
}
