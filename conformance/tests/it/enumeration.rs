//! Who has an account, and how it stands, is told to nobody without the password.

use std::collections::BTreeSet;

use authenticators::person::Person;
use conformance::idp::{Answer, TestIdp, TestPerson, unregistered};

/// All that an outsider sees, with what differs from one login to the next taken out.
fn seen(answer: &Answer, path: &str, csrf: &str, fnr: &str) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-trace-id")
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default()))
        .collect();
    headers.sort();
    // What a passkey would sign is another each time.
    let challenge = answer.body.split("challenge&#34;:&#34;").nth(1).and_then(|rest| rest.split('&').next());
    let body = answer.body.replace(challenge.unwrap_or(csrf), "CHALLENGE");
    let body = body.replace(path, "PATH").replace(csrf, "CSRF").replace(fnr, "FNR");
    let encoded = path.replace('/', "%2F");
    format!("{}\n{}\n{}", answer.status, headers.join("\n"), body.replace(&encoded, "PATH"))
}

async fn try_wrong(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<String> {
    let client = idp.client().await?;
    let mut browser = idp.browser();
    browser.get(&idp.authorize(&client, &[])).await?.answer(&[("eid", "minid")]).await?;
    browser.answer(&[("do", "next"), ("fnr", &person.fnr), ("password", "not the one")]).await?;
    let (action, csrf) = (browser.action()?, browser.csrf()?);
    Ok(seen(&browser.page, &action, &csrf, &person.fnr))
}

#[tokio::test]
async fn known_unknown_locked_and_quarantined_look_the_same() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (known, unknown) = (idp.person().await?, unregistered()?);
    let (locked, quarantined, without) = (idp.person().await?, idp.person().await?, idp.person().await?);
    Person::lock(idp.app.world.db.pool(), &idp.row_of(&locked).await?.id, "support", idp.now()).await?;
    for _ in 0..7 {
        try_wrong(&idp, &quarantined).await?;
    }
    let row = idp.row_of(&without).await?;
    sqlx::query("DELETE FROM password WHERE person = $1")
        .bind(row.id.as_str())
        .execute(idp.app.world.db.pool())
        .await?;
    let mut all = BTreeSet::new();
    for person in [&known, &unknown, &locked, &quarantined, &without] {
        all.insert(try_wrong(&idp, person).await?);
    }
    assert_eq!(all.len(), 1, "{all:#?}");
    // With the right password each learns how they stand, and is told no code.
    for (person, words) in [(&locked, "sperret"), (&quarantined, "pause")] {
        let client = idp.client().await?;
        let mut browser = idp.browser();
        browser.get(&idp.authorize(&client, &[])).await?.give_password(person).await?;
        assert!(browser.page.body.to_lowercase().contains(words), "{words}: {}", browser.page.body);
        assert_eq!(idp.sms_count(person), 0);
        browser.answer(&[("do", "cancel")]).await?;
        assert_eq!(browser.sent_back("error")?, "access_denied");
    }
    Ok(())
}
