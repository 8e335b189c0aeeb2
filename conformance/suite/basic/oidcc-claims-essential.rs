//! `name` is asked for as an essential claim of userinfo: there, and not in the ID token.

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?.with("claims", r#"{"userinfo":{"name":{"essential":true}}}"#);
    let login = story.log_in(&request).await?;
    if login.userinfo["name"].is_null() {
        story.warn("no name at userinfo");
    }
    if !login.claim("name").is_null() {
        story.warn("a name in the ID token");
    }
    Ok(Verdict::Passed)
}
