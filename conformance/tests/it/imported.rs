//! Passwords that were hashed elsewhere: each opens the door once as it is, and is hashed anew by that.

use authenticators::password;
use axum::http::StatusCode;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson};
use futures_util::future::join_all;

/// What all of them are of. Made by Python: `bcrypt`, and `hashlib` for the rest.
const PASSWORD: &str = "Elva renner 7";
const HASHES: [&str; 10] = [
    "$2b$04$WS7WDu3E3xUfkZJKXvW5lufzQAEzBA4FO/8DE32wwebDX6zZ41NGi",
    "$2a$04$WS7WDu3E3xUfkZJKXvW5lufzQAEzBA4FO/8DE32wwebDX6zZ41NGi",
    "$2y$04$WS7WDu3E3xUfkZJKXvW5lufzQAEzBA4FO/8DE32wwebDX6zZ41NGi",
    "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$yi2mzpKV+jyiJI4DPqbMNF4TZwM0RS0MAKWIid8Dl3c",
    "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$\
     11ylPg6qR6XgQl22L0eZBcudDQVLgo4EHJgvjy.IJJvFiS/rXbl98AcL0CVYXMVQAbJrUZl25vi3MvotHpC9Og",
    "$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$Xg0P3wfxAeDbBhc/ht7klvUNAF0",
    "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$qwHm+a9UaE93y9EK46TX+Xiv1Sdx1b2XfLOc3BnaN3A",
    "{SSHA}+T2vUxF34t1jjGrIfq7Qjy3o8i4wMTIzNDU2Nw==",
    "{SSHA256}mcRt2Az9bOEekXwm3rhPprfxNRu+nQlC9SsibXLaNPowMTIzNDU2Nw==",
    "{SSHA512}qr3G+pkRk//SeZ6BkImjgCt+pOIvhU8ZO8alJlGpjyK6ENFtFrSoOSxSpPsEGLu9z2Dez+5wey1xWdnEZH081zAxMjM0NTY3",
];

/// A person who comes with a hash of an older kind.
async fn moved_here(idp: &TestIdp, hash: &str) -> anyhow::Result<TestPerson> {
    let kari = TestPerson { password: PASSWORD.to_owned(), ..idp.person().await? };
    let row = idp.row_of(&kari).await?;
    let mut tx = idp.app.world.db.begin().await?;
    password::set(&mut tx, &row.id, hash, idp.now()).await?;
    tx.commit().await?;
    Ok(kari)
}

async fn stored(idp: &TestIdp, person: &TestPerson) -> anyhow::Result<String> {
    let phc = password::stored(idp.app.world.db.pool(), Some(&idp.row_of(person).await?.id)).await?;
    Ok(phc.unwrap_or_default())
}

/// Where a password leads.
async fn try_password(
    idp: &TestIdp,
    client: &TestClient,
    person: &TestPerson,
    password: &str,
) -> anyhow::Result<Browser> {
    let mut browser = idp.browser();
    let typed = TestPerson { password: password.to_owned(), ..person.clone() };
    browser.get(&idp.authorize(client, &[])).await?.give_password(&typed).await?;
    Ok(browser)
}

#[tokio::test]
async fn an_older_hash_opens_once_and_is_argon2_from_then_on() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for hash in HASHES {
        let kari = moved_here(&idp, hash).await?;
        for wrong in ["elva renner 7", "Elva renner 7 ", "Elva renner 77"] {
            let browser = try_password(&idp, &client, &kari, wrong).await?;
            assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{hash}: {wrong}");
            assert_eq!(stored(&idp, &kari).await?, hash, "a wrong one changes nothing");
        }
        let mut browser = try_password(&idp, &client, &kari, PASSWORD).await?;
        assert!(browser.shows("Skriv inn koden fra SMS-en"), "{hash}: {}", browser.page.body);
        let renewed = stored(&idp, &kari).await?;
        assert!(renewed.starts_with("$argon2id$v=19$"), "{hash} became {renewed}");
        let code = idp.last_code(&kari)?;
        browser.answer(&[("do", "next"), ("code", &code)]).await?;
        assert!(browser.sent_back("code").is_ok(), "{hash}: {}", browser.page.body);
        // And it is the same password.
        let again = try_password(&idp, &client, &kari, PASSWORD).await?;
        assert!(again.shows("Skriv inn koden fra SMS-en"), "{hash}: {}", again.page.body);
        let wrong = try_password(&idp, &client, &kari, "elva renner 7").await?;
        assert_eq!(wrong.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{hash}");
        assert_eq!(stored(&idp, &kari).await?, renewed, "hashed anew once");
    }
    Ok(())
}

#[tokio::test]
async fn an_older_hash_itself_is_no_password() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    for hash in [HASHES[0], HASHES[7]] {
        let kari = moved_here(&idp, hash).await?;
        let browser = try_password(&idp, &client, &kari, hash).await?;
        assert_eq!(browser.page.status, StatusCode::UNPROCESSABLE_ENTITY, "{hash}");
        assert_eq!(stored(&idp, &kari).await?, hash);
    }
    Ok(())
}

// Guesses at an older hash are counted like any others.
#[tokio::test]
async fn five_wrong_ones_pause_minid_whatever_the_hash() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let kari = moved_here(&idp, HASHES[7]).await?;
    for _ in 0..5 {
        try_password(&idp, &client, &kari, "wrong").await?;
    }
    let browser = try_password(&idp, &client, &kari, PASSWORD).await?;
    assert!(browser.shows("MinID er satt på pause"), "{}", browser.page.body);
    assert_eq!(stored(&idp, &kari).await?, HASHES[7], "nobody got in yet");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_first_logins_at_once_all_are_right() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client().await?;
    let kari = moved_here(&idp, HASHES[3]).await?;
    let tried = join_all((0..4).map(|_| try_password(&idp, &client, &kari, PASSWORD))).await;
    for browser in tried.into_iter().collect::<anyhow::Result<Vec<Browser>>>()? {
        assert!(browser.shows("Skriv inn koden fra SMS-en"), "{}", browser.page.body);
    }
    assert!(stored(&idp, &kari).await?.starts_with("$argon2id$"));
    let again = try_password(&idp, &client, &kari, PASSWORD).await?;
    assert!(again.shows("Skriv inn koden fra SMS-en"), "{}", again.page.body);
    Ok(())
}
