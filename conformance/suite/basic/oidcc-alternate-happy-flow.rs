//! `email openid`, and the parameters in another order.

use crate::story::{Story, Told, Verdict, skipped};

pub(crate) async fn run(mut story: Story) -> Told {
    if !story.supports("scopes_supported", "email") {
        return Ok(skipped("email is not in scopes_supported"));
    }
    let mut request = story.request("basic-1")?.with("scope", "email openid");
    request.fields.reverse();
    let login = story.log_in(&request).await?;
    super::has_claims_of(&story, &login, "email");
    Ok(Verdict::Passed)
}
