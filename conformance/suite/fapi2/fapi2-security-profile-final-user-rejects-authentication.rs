//! The citizen turns back: `access_denied` with the state.

use anyhow::bail;

use crate::person::End;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let request = story.request("fapi-1")?;
    let front = story.front(&request).await?;
    let person = story.person().await?;
    let End::Page(page) = person.visit(&front).await? else { bail!("no log-in page") };
    let end = person.press(&page, "do", "cancel").await?;
    match story.open(&request, end)? {
        End::Back(answer) => story.is_error(&request, &answer, &["access_denied"])?,
        End::Page(page) => bail!("it ended on a page: {} {}", page.status, page.title()),
    }
    Ok(Verdict::Passed)
}
