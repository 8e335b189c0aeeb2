//! Hint and address: back there without a state, and the session is over.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let logout = super::log_in(&mut story, "logout").await?;
    let answer = super::returned(&mut story, &logout.whole().without("state")).await?;
    super::has_ended(&mut story, &logout, &answer).await?;
    Ok(Verdict::Passed)
}
