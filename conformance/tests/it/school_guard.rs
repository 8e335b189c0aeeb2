//! What keeps a school owner's file, and whoever sends it, from ending more than they meant.

use admin::endpoints::import as endpoint;
use admin::school::{import, register};
use anyhow::Context;
use axum::http::StatusCode;
use conformance::idp::TestIdp;

use crate::school_import::{
    Fjorden, OWNER, SCHOOL, Somebody, add_owner, file, orgno, post, somebody, take_in, take_in_with, token_of, well,
};

/// A class of a school with so many pupils.
fn class(school: &str, name: &str, pupils: usize) -> anyhow::Result<Vec<Somebody>> {
    (0..pupils).map(|_| somebody(&format!("{school};{name};elev"), "Spurv")).collect()
}

fn all<'a>(parts: &[&'a [Somebody]]) -> Vec<&'a Somebody> {
    parts.iter().flat_map(|part| part.iter()).collect()
}

#[tokio::test]
async fn a_file_that_is_cut_short_is_refused_until_somebody_has_seen_what_would_go() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    add_owner(&idp, OWNER).await?;
    let ten_a = class(&format!("{SCHOOL};Fjorden skole"), "10A", 100)?;
    let ten_b = class(&format!("{SCHOOL};Fjorden skole"), "10B", 30)?;
    let small = class("974589109;Åsen skole", "8A", 20)?;
    well(&idp, OWNER, &file(&all(&[&ten_a, &ten_b, &small]))).await?;
    // A fifth may go: 30 of 150.
    well(&idp, OWNER, &file(&all(&[&ten_a, &small]))).await?;
    well(&idp, OWNER, &file(&all(&[&ten_a, &ten_b, &small]))).await?;
    // One more is too much, and a number that is not the preview's lets nothing through.
    let (fewer, _) = ten_a.split_at(69);
    let cut = file(&all(&[fewer, &ten_b, &small]));
    for accepted in [None, Some(0), Some(30), Some(32)] {
        let refused = take_in_with(&idp, OWNER, &cut, accepted).await?.err().context("taken in")?;
        assert_eq!(refused.accept_removals, Some(31));
        let words = "0 of 2 schools, 0 of 3 classes, 0 of 0 roles and 31 of 150 pupils would be gone";
        assert_eq!(refused.errors[0].to_string(), words);
    }
    assert!(well(&idp, OWNER, &file(&all(&[&ten_a, &ten_b, &small]))).await?.is_empty(), "nothing was done");
    let done = take_in_with(&idp, OWNER, &cut, Some(31)).await?.ok().context("refused")?;
    assert_eq!((done.pupils.removed, done.accept_removals), (31, Some(31)));
    // All pupils of a school, who are few of the owner's.
    well(&idp, OWNER, &file(&all(&[&ten_a, &ten_b, &small]))).await?;
    let head = somebody("974589109;Åsen skole;;rektor", "Ravn")?;
    let none_there = file(&all(&[&ten_a, &ten_b, std::slice::from_ref(&head)]));
    let refused = take_in(&idp, OWNER, &none_there).await?.err().context("taken in")?;
    assert_eq!(refused.accept_removals, Some(21));
    Ok(())
}

#[tokio::test]
async fn a_machine_is_told_how_much_would_go() -> anyhow::Result<()> {
    const PATH: &str = "/skule/api/import";
    let idp = TestIdp::start().await?;
    let fjorden = Fjorden::new()?;
    add_owner(&idp, OWNER).await?;
    let (owner, token) = (orgno(OWNER)?, token_of(&idp, OWNER, endpoint::SCOPE).await?);
    for (school, name) in [(SCHOOL, "Fjorden skole"), ("974589109", "Åsen skole")] {
        import::add_school(&idp.app.world, &owner, (&orgno(school)?, name), idp.now()).await?;
    }
    let send = async |query: &str, text: &str| {
        post(&idp, (&format!("{PATH}{query}"), "text/csv"), &token, text.to_owned()).await
    };
    assert_eq!(send("", &fjorden.file()).await?.status, StatusCode::OK);
    let other = file(&[&somebody("974589109;Åsen skole;;rektor", "Ravn")?]);
    let preview = send("?preview=1", &other).await?;
    assert_eq!((preview.status, &preview.json()?["accept_removals"]), (StatusCode::OK, &6.into()), "{}", preview.body);
    for query in ["", "?accept_removals=5", "?accept_removals=x"] {
        let refused = send(query, &other).await?;
        assert_eq!(
            (refused.status, refused.header("content-type")),
            (StatusCode::CONFLICT, Some("application/problem+json"))
        );
        assert_eq!(refused.json()?["accept_removals"], 6);
        assert!(refused.body.contains("1 of 1 schools"), "{}", refused.body);
    }
    let schools = register::schools(idp.app.world.db.pool(), &owner).await?;
    assert_eq!(schools.iter().map(|school| school.name.as_str()).collect::<Vec<_>>(), ["Fjorden skole"]);
    let done = send("?accept_removals=6", &other).await?;
    assert_eq!((done.status, &done.json()?["schools"]["removed"]), (StatusCode::OK, &1.into()), "{}", done.body);
    Ok(())
}
