//! A hint that somebody else has signed: no redirect.

use jsonwebtoken::Algorithm;

use crate::jose::{Jwt, Key};
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let logout = super::log_in(&mut story, "logout").await?;
    let hint = Jwt::read(logout.login.token("id_token"))?;
    let hint = Key::ps256("bad")?.with(Algorithm::RS256).sign(&hint.header, &hint.claims)?;
    super::stays(&mut story, &logout.whole().with("id_token_hint", &hint)).await?;
    Ok(Verdict::Passed)
}
