//! An assertion of eight seconds ahead at the push: accepted.

use crate::jose::now;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let at = now()? + 8;
    let call = story.push(&request)?.asserting(|draft| draft.with("iat", at).with("nbf", at).with("exp", at + 60));
    match story.pushed(call).await {
        Ok(request_uri) => {
            super::log_in_with(&mut story, &request, &request_uri).await?;
        }
        Err(error) => story.warn(format!("{error:#}")),
    }
    Ok(Verdict::Passed)
}
