//! The scheme `dPoP`: userinfo opens.

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let login = story.log_in_at("fapi-1").await?;
    let token = login.token("access_token");
    let call = story.resource(&login.request.client, token)?.headless("authorization");
    let reply = call.header("authorization", &format!("dPoP {token}")).send().await?;
    check::userinfo(&reply, login.claim("sub"))?;
    Ok(Verdict::Passed)
}
