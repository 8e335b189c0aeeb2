//! Rows of a school owner's system that take longer than somebody waits: what came of them is told later.

use std::time::Duration;

use admin::endpoints::import::{self as endpoint, Pace};
use admin::school::{import, register};
use anyhow::{Context, bail, ensure};
use authenticators::chance::Token;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use conformance::idp::{Answer, ISSUER, TestIdp};

use crate::school_import::{
    Fjorden, OTHER, OWNER, SCHOOL, add_owner, ask, ask_at, by_a_test, door, orgno, tell, token_of,
};

/// Rows on their way.
fn request(token: &str, rows: String) -> anyhow::Result<Request<Body>> {
    Ok(Request::post("/skule/api/import")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "text/csv")
        .body(Body::from(rows))?)
}

/// Sends rows to an endpoint that waits for nothing.
async fn send(idp: &TestIdp, token: &str, rows: String) -> anyhow::Result<Answer> {
    ask(idp, request(token, rows)?, Duration::ZERO).await
}

/// Where it says that it will tell.
fn place_in(answer: &Answer) -> anyhow::Result<String> {
    ensure!(answer.status == StatusCode::ACCEPTED && answer.body.is_empty(), "{answer:?}");
    let place = answer.header("location").context("nowhere")?;
    place.strip_prefix(ISSUER).map(str::to_owned).context("somewhere else")
}

/// What came of them, once it has.
async fn outcome(idp: &TestIdp, place: &str, token: &str) -> anyhow::Result<Answer> {
    for _ in 0..500 {
        let answer = tell(idp, place, token).await?;
        match answer.status {
            // As long as there is nothing to tell.
            StatusCode::ACCEPTED => tokio::time::sleep(Duration::from_millis(10)).await,
            _ => return Ok(answer),
        }
    }
    bail!("nothing comes of it")
}

#[tokio::test]
async fn what_takes_its_time_is_told_later() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::new()?;
    for owner in [OWNER, OTHER] {
        add_owner(&idp, owner).await?;
    }
    let (owner, school) = (orgno(OWNER)?, orgno(SCHOOL)?);
    import::add_school(&idp.app.world, &owner, (&school, "Fjorden skole"), by_a_test(), idp.now()).await?;
    let token = token_of(&idp, OWNER, endpoint::SCOPE).await?;
    let place = place_in(&send(&idp, &token, fjorden.file()).await?)?;
    let done = outcome(&idp, &place, &token).await?;
    assert_eq!((done.status, done.header("content-type")), (StatusCode::OK, Some("application/json")));
    assert_eq!(done.json()?["pupils"]["added"], 2);
    assert_eq!(register::schools(idp.app.world.db.pool(), &owner).await?.len(), 1);
    // As often as it is asked, and nobody else.
    assert_eq!(tell(&idp, &place, &token).await?.body, done.body);
    let stranger = token_of(&idp, OTHER, endpoint::SCOPE).await?;
    assert_eq!(tell(&idp, &place, &stranger).await?.status, StatusCode::NOT_FOUND);
    assert_eq!(tell(&idp, &place, "x").await?.status, StatusCode::UNAUTHORIZED);

    // What is wrong with rows is told as it would have been at once.
    let fnr = &fjorden.rektor.who.fnr;
    let mut wrong = send(&idp, &token, fjorden.file().replace(";rektor;", ";vaktmester;")).await?;
    // What is refused in no time may be told in none.
    if wrong.status == StatusCode::ACCEPTED {
        wrong = outcome(&idp, &place_in(&wrong)?, &token).await?;
    }
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.header("content-type"), Some("application/problem+json"));
    assert!(wrong.json()?["errors"][0]["row"] == 2 && !wrong.body.contains(fnr.as_str()), "{}", wrong.body);

    // And for a day.
    idp.advance(Duration::from_hours(25));
    assert_eq!(tell(&idp, &place, &token_of(&idp, OWNER, endpoint::SCOPE).await?).await?.status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn rows_that_nobody_takes_in_any_more_are_asked_for_again() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    add_owner(&idp, OWNER).await?;
    let token = token_of(&idp, OWNER, endpoint::SCOPE).await?;
    // Whoever took them in is stopped.
    let key = Token::presented("abc").hash();
    let pending = endpoint::Outcome { owner: OWNER.to_owned(), seen: idp.now(), answer: None };
    idp.app.world.scratch.put(&key, &pending, idp.now()).await?;
    let place = "/skule/api/import?result=abc";
    idp.advance(endpoint::LEASE.saturating_sub(Duration::from_secs(1)));
    assert_eq!(tell(&idp, place, &token).await?.status, StatusCode::ACCEPTED);
    idp.advance(Duration::from_secs(1));
    let lost = tell(&idp, place, &token).await?;
    assert_eq!((lost.status, lost.header("content-type")), (StatusCode::GONE, Some("application/problem+json")));
    assert!(lost.body.contains("Send them again"), "{}", lost.body);
    Ok(())
}

#[tokio::test]
async fn rows_that_take_long_are_still_taken_in_as_long_as_somebody_says_so() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    if !idp.is_on_postgres() {
        // There, whoever asks waits for the transaction as well.
        return Ok(());
    }
    let (fjorden, owner) = (Fjorden::open(&idp).await?, orgno(OWNER)?);
    let token = token_of(&idp, OWNER, endpoint::SCOPE).await?;
    let mut held = idp.app.world.db.begin().await?;
    register::change(&mut held, &owner).await?;
    let door = door(&idp, Pace::of(Duration::ZERO, Duration::from_millis(20)));
    let renamed = fjorden.file().replace("Fjorden skole", "Fjorden ungdomsskole");
    let place = place_in(&ask_at(&door, request(&token, renamed.clone())?).await?)?;
    // Three times as long as it would be believed of somebody who says nothing.
    for _ in 0..6 {
        idp.advance(endpoint::LEASE / 2);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let token = token_of(&idp, OWNER, endpoint::SCOPE).await?;
        assert_eq!(tell(&idp, &place, &token).await?.status, StatusCode::ACCEPTED);
    }
    // Meanwhile the owner's system sends no others, and another owner's does.
    let token = token_of(&idp, OWNER, endpoint::SCOPE).await?;
    let busy = ask_at(&door, request(&token, renamed.clone())?).await?;
    assert_eq!((busy.status, busy.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, Some("0")));
    add_owner(&idp, OTHER).await?;
    let other = token_of(&idp, OTHER, endpoint::SCOPE).await?;
    let answer = ask_at(&door, request(&other, renamed.clone())?).await?;
    assert_ne!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    held.rollback().await?;
    let done = outcome(&idp, &place, &token).await?;
    assert_eq!((done.status, &done.json()?["schools"]["changed"]), (StatusCode::OK, &1.into()), "{}", done.body);
    let again = ask_at(&door, request(&token, renamed)?).await?;
    assert_eq!(again.status, StatusCode::ACCEPTED, "the turn is free again");
    Ok(())
}
