//! A hint whose `alg` is none: no redirect.

use crate::jose::{Jwt, unsigned};
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let logout = super::log_in(&mut story, "logout").await?;
    let mut hint = Jwt::read(logout.login.token("id_token"))?;
    hint.header["alg"] = "none".into();
    let hint = unsigned(&hint.header, &hint.claims);
    super::stays(&mut story, &logout.whole().with("id_token_hint", &hint)).await?;
    Ok(Verdict::Passed)
}
