//! A good `redirect_uri` in a request object and a bad one beside it: the good one, or an error page.

use crate::jose::random;
use crate::person::End;
use crate::story::{Story, Told, Verdict, is_stop};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("basic-1")?;
    let object = story.object(&request)?.unsigned().token()?;
    let bad = format!("{}/{}", request.client.redirect_uri, random(10)?);
    let outside = request.clone().with("request", &object).with("redirect_uri", &bad);
    match story.end(&outside).await? {
        End::Page(page) => is_stop(&page)?,
        end @ End::Back(_) => {
            let answer = story.is_granted(&request, end)?;
            story.exchange(&request, answer).await?;
        }
    }
    Ok(Verdict::Passed)
}
