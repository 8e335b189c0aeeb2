//! Two clients, one after the other, and what their tokens open and do not open.

use anyhow::ensure;

use crate::check;
use crate::jose::{Key, random};
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let binding = story.dpop.thumbprint()?;
    let request = story.request("fapi-1")?.with("nonce", &random(43)?).with("dpop_jkt", &binding);
    let first = story.log_in(&request).await?;
    let token = first.token("access_token");
    let client = &first.request.client;
    for accept in ["*/*", "application/json", "application/json;q=0.9, */*;q=0.1", "application/json; charset=utf-8"] {
        let reply = story.resource(client, token)?.header("accept", accept).send().await?;
        check::userinfo(&reply, first.claim("sub"))?;
    }
    let mut in_query = story.resource(client, token)?.headless("authorization");
    in_query.url = format!("{}?access_token={token}", in_query.url);
    super::opens_nothing(in_query, "a token in the query").await?;

    story.dpop = Key::es256("dpop-2")?;
    let second = story.log_in_at("fapi-2").await?;
    ensure!(second.token("access_token") != token, "two clients have one token");
    super::opens_nothing(story.resource(client, token)?, "the other client's key").await?;
    super::tls::is_up_to_date(&story.provider.issuer).await?;
    Ok(Verdict::Passed)
}
