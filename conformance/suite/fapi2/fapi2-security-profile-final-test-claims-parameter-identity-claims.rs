//! `claims` asks for all of `claims_supported` in several forms, and for one that nobody knows.

use serde_json::{Map, Value, json};

use crate::story::{Story, Told, Verdict, skipped};

pub(crate) async fn run(mut story: Story) -> Told {
    if story.metadata["claims_parameter_supported"] != true {
        return Ok(skipped("claims_parameter_supported is not true"));
    }
    let supported = story.metadata["claims_supported"].as_array().cloned().unwrap_or_default();
    let forms = [Value::Null, json!({ "essential": true }), json!({ "essential": false })];
    let names = supported.iter().filter_map(Value::as_str).chain(["of_another_world"]);
    let asked: Map<String, Value> = names.map(str::to_owned).zip(forms.into_iter().cycle()).collect();
    let claims = json!({ "userinfo": asked, "id_token": asked }).to_string();
    let request = story.request("fapi-1")?.with("claims", &claims);
    let login = story.log_in(&request).await?;
    let missing = asked.keys().filter(|name| login.userinfo[*name].is_null() && login.claim(name).is_null());
    let missing: Vec<&str> = missing.map(String::as_str).filter(|name| *name != "of_another_world").collect();
    if !missing.is_empty() {
        story.warn(format!("nowhere: {}", missing.join(", ")));
    }
    Ok(Verdict::Passed)
}
