//! `max_age=15000`, then 10000: one log-in, the same `auth_time`.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?.with("max_age", "15000");
    let first = story.log_in(&request).await?;
    let request = story.request("basic-1")?.with("max_age", "10000");
    super::same_without_a_page(&mut story, &first, &request).await?;
    Ok(Verdict::Passed)
}
