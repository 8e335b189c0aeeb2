//! All of `acr_values_supported`: `acr` is one of them.

use serde_json::Value;

use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let values = story.metadata["acr_values_supported"].as_array().cloned().unwrap_or_default();
    let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
    let asked = if values.is_empty() { "1 2".to_owned() } else { values.join(" ") };
    let request = story.request("basic-1")?.with("acr_values", &asked);
    let login = story.log_in(&request).await?;
    if !login.claim("acr").as_str().is_some_and(|acr| asked.split(' ').any(|own| own == acr)) {
        story.warn(format!("acr is {}", login.claim("acr")));
    }
    Ok(Verdict::Passed)
}
