//! A request object for the issuer and others: success.

use crate::story::{Story, Told};

pub(crate) async fn run(story: Story) -> Told {
    super::accepted(story, |object, _| {
        let issuer = object.claims["aud"].clone();
        object.with("aud", vec![issuer, "https://other1.example.com".into(), "invalid".into()])
    })
    .await
}
