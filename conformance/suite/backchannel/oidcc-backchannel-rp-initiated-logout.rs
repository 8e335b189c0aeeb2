//! The provider posts a logout token to the client, and the browser comes back.

use crate::logout;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let logout = logout::log_in(&mut story, "back").await?;
    let answer = logout::returned(&mut story, &logout.whole()).await?;
    let visit = super::told(&mut story, &logout.login).await?;
    super::logout_token(&story, &logout.login, &visit)?;
    logout::has_ended(&mut story, &logout, &answer).await?;
    Ok(Verdict::Passed)
}
