//! The code again at once: `invalid_grant`.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let login = story.log_in_at("basic-1").await?;
    let reply = story.token(&login.request, login.answer.code())?.send().await?;
    match reply.status {
        200 => story.warn("a code can be used twice"),
        _ => check::refused(&reply, &["invalid_grant"])?,
    }
    Ok(Verdict::Passed)
}
