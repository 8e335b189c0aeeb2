//! `request` holds an unsigned request object: it is honoured, or refused as not supported.

use crate::person::End;
use crate::story::{Story, Told, skipped};

pub(crate) async fn run(mut story: Story) -> Told {
    let algorithms = "request_object_signing_alg_values_supported";
    if story.metadata[algorithms].is_array() && !story.supports(algorithms, "none") {
        return Ok(skipped(format!("none is not in {algorithms}")));
    }
    // The state stands in the object alone: who passes over the object cannot give it back.
    let inside = story.request("basic-1")?;
    let object = story.object(&inside)?.unsigned().token()?;
    let outside = inside.clone().with("request", &object).without("state").without("nonce");
    let end = story.end(&outside).await?;
    let asked = match &end {
        End::Back(answer) if answer.get("error").is_some() => outside,
        _ => inside,
    };
    super::honoured_or_not_supported(&story, &asked, end, "request_not_supported").await
}
