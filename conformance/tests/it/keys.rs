//! The keys: their life from the first publication to the end, seen by services and by several nodes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use authenticators::chance::Chance;
use authenticators::clock::Timestamp;
use authenticators::vault::Vault;
use aws_lc_rs::aead;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use conformance::idp::{ISSUER, TestClient, TestIdp, read};
use idp::keys::{Expected, KEPT, KeyState, Keys, PUBLISHED_AHEAD, SigningAlgorithm, TokenType};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_hours(24);
const SECOND: Duration = Duration::from_secs(1);
const ALMOST_TWO_DAYS: Duration = Duration::from_secs(2 * 86_400 - 1);

/// What a service finds at `/jwks.json`.
async fn jwks(idp: &TestIdp) -> anyhow::Result<JwkSet> {
    let answer = idp.send(Request::get("/jwks.json").body(Body::empty())?).await?;
    assert_eq!(answer.status, StatusCode::OK);
    let json = answer.json()?;
    for key in json["keys"].as_array().context("no keys")? {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{key}");
        }
        assert!(key["kid"].is_string() && key["alg"].is_string() && key["use"] == "sig", "{key}");
    }
    Ok(serde_json::from_value(json)?)
}

fn kid(token: &str) -> anyhow::Result<String> {
    jsonwebtoken::decode_header(token)?.kid.context("no kid")
}

/// Whether a service that holds this JWKS takes the token.
fn takes(jwks: &JwkSet, token: &str) -> anyhow::Result<bool> {
    let header = jsonwebtoken::decode_header(token)?;
    let Some(key) = header.kid.and_then(|kid| jwks.find(&kid).cloned()) else { return Ok(false) };
    let mut validation = Validation::new(Algorithm::try_from(key.common.key_algorithm.context("no alg")?)?);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    Ok(jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(&key)?, &validation).is_ok())
}

/// An access token from the front door, good for a day.
async fn access_token(idp: &TestIdp, client: &TestClient) -> anyhow::Result<String> {
    let (kari, mut browser) = (idp.person().await?, idp.browser());
    browser.get(&idp.authorize(client, &[])).await?.log_in(idp, &kari).await?;
    let tokens = idp.redeem(client, &browser.sent_back("code")?).await?.json()?;
    Ok(tokens["access_token"].as_str().context("no access token")?.to_owned())
}

/// A token that does not expire soon.
fn long(keys: &Keys, algorithm: SigningAlgorithm, now: Timestamp) -> anyhow::Result<String> {
    let claims = json!({ "iss": ISSUER, "exp": now.plus(DAY * 1000) });
    keys.sign(algorithm, TokenType::IdToken, &claims, now)
}

fn verifies(keys: &Keys, token: &str) -> bool {
    let expected = Expected { kind: TokenType::IdToken, issuer: ISSUER, not_after: None };
    keys.verify::<Value>(token, &expected).is_ok()
}

/// The states of an algorithm's keys, the oldest first.
async fn states(idp: &TestIdp, algorithm: SigningAlgorithm) -> anyhow::Result<Vec<KeyState>> {
    let keys = Keys::list(&idp.app.world.db, idp.now()).await?;
    Ok(keys.iter().filter(|key| key.algorithm == algorithm).map(|key| key.state).collect())
}

/// Another node on the same database.
async fn node(idp: &TestIdp) -> anyhow::Result<Keys> {
    Keys::open(&idp.app.world.db, &Chance::System, &idp.app.world.vault, idp.now()).await
}

async fn document(keys: &Keys) -> anyhow::Result<String> {
    Ok(read(keys.document().answer(&HeaderMap::new())).await?.body)
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_kept_after() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (keys, db) = (&idp.app.keys, &idp.app.world.db);
    let client = idp.client_with(json!({ "access_token_lifetime": 86400 })).await?;
    let clean = async || idp::clean(&idp.app, idp.now()).await;
    let signed = || SigningAlgorithm::ALL.map(|algorithm| long(keys, algorithm, idp.now()).unwrap());
    assert_eq!([PUBLISHED_AHEAD, KEPT], [ALMOST_TWO_DAYS + SECOND; 2]);
    let begun = idp.now();
    let first = jwks(&idp).await?;
    let algorithms: Vec<_> =
        first.keys.iter().filter_map(|key| key.common.key_algorithm.map(|known| known.to_string())).collect();
    assert_eq!(algorithms, SigningAlgorithm::ALL.map(SigningAlgorithm::name));
    let of_first = signed();
    assert!(of_first.iter().all(|token| takes(&first, token).unwrap()));

    // Nothing is made too early, and then all at once, each published for 48 hours before it signs.
    idp.advance(DAY * 86 + ALMOST_TWO_DAYS);
    clean().await?;
    assert_eq!(jwks(&idp).await?, first);
    idp.advance(SECOND);
    clean().await?;
    let both = jwks(&idp).await?;
    assert_eq!(both.keys.len(), 8);
    assert!(first.keys.iter().all(|key| both.keys.contains(key)));
    assert_eq!(states(&idp, SigningAlgorithm::PS256).await?, [KeyState::Active, KeyState::Next]);

    idp.advance(ALMOST_TWO_DAYS);
    let before = access_token(&idp, &client).await?;
    assert!(takes(&first, &before)?, "it has not begun");
    assert!(signed().iter().all(|token| takes(&first, token).unwrap()));
    // The switch needs no reading, and whoever has kept the document since it was published knows the new keys.
    idp.advance(SECOND);
    assert_eq!(idp.now(), begun.plus(DAY * 90));
    let of_second = signed();
    let after = access_token(&idp, &client).await?;
    for token in of_second.iter().chain([&after]) {
        assert!(!takes(&first, token)? && takes(&both, token)?);
    }
    for token in [&before, &after] {
        assert_eq!(idp.userinfo(token).await?.status, StatusCode::OK);
    }
    assert_eq!(states(&idp, SigningAlgorithm::RS256).await?, [KeyState::Retiring, KeyState::Active]);

    idp.advance(ALMOST_TWO_DAYS);
    clean().await?;
    assert_eq!(jwks(&idp).await?, both);
    assert!(of_first.iter().all(|token| verifies(keys, token)));
    idp.advance(SECOND);
    keys.refresh(db, idp.now()).await?;
    let second = jwks(&idp).await?;
    assert_eq!(second.keys.len(), 4);
    assert!(of_first.iter().all(|token| !takes(&second, token).unwrap() && !verifies(keys, token)));
    assert!(of_second.iter().all(|token| takes(&second, token).unwrap() && verifies(keys, token)));
    assert_eq!(states(&idp, SigningAlgorithm::EdDSA).await?, [KeyState::Over, KeyState::Active]);
    // What is over can sign nothing any more, whoever reads the database.
    let sealed = "SELECT COUNT(*) FROM signing_key WHERE sealed IS NOT NULL";
    assert_eq!(sqlx::query_scalar::<_, i64>(sealed).fetch_one(db.pool()).await?, 8);
    clean().await?;
    assert_eq!(sqlx::query_scalar::<_, i64>(sealed).fetch_one(db.pool()).await?, 4);
    assert_eq!(jwks(&idp).await?, second);
    Ok(())
}

#[tokio::test]
async fn a_site_that_was_down_for_long_still_publishes_first() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (first, algorithm) = (jwks(&idp).await?, SigningAlgorithm::ES256);
    idp.advance(DAY * 300);
    idp::clean(&idp.app, idp.now()).await?;
    assert!(takes(&first, &long(&idp.app.keys, algorithm, idp.now())?)?);
    idp.advance(ALMOST_TWO_DAYS);
    assert!(takes(&first, &long(&idp.app.keys, algorithm, idp.now())?)?);
    idp.advance(SECOND);
    assert!(!takes(&first, &long(&idp.app.keys, algorithm, idp.now())?)?);
    // And by itself never, where the configuration says so.
    let idp = TestIdp::start().await?;
    let keys = node(&idp).await?.rotated_after(None);
    idp.advance(DAY * 300);
    keys.tend(&idp.app.world.db, &Chance::System, idp.now()).await?;
    assert_eq!(states(&idp, algorithm).await?, [KeyState::Active]);
    Ok(())
}

#[tokio::test]
async fn of_fifty_cleanings_on_five_nodes_one_makes_the_next_key() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let mut nodes = vec![idp.app.keys.clone()];
    for _ in 0..4 {
        nodes.push(Arc::new(node(&idp).await?));
    }
    idp.advance(DAY * 88);
    let cleanings: Vec<_> = (0..50)
        .map(|number| {
            let (keys, db, now) = (nodes[number % 5].clone(), idp.app.world.db.clone(), idp.now());
            tokio::spawn(async move { keys.tend(&db, &Chance::System, now).await })
        })
        .collect();
    for cleaning in cleanings {
        cleaning.await??;
    }
    for algorithm in SigningAlgorithm::ALL {
        assert_eq!(states(&idp, algorithm).await?, [KeyState::Active, KeyState::Next]);
    }
    let expected = document(&nodes[0]).await?;
    idp.advance(PUBLISHED_AHEAD);
    for keys in &nodes {
        assert_eq!(document(keys).await?, expected);
        let token = long(keys, SigningAlgorithm::ES256, idp.now())?;
        assert!(nodes.iter().all(|other| verifies(other, &token)));
        assert_eq!(kid(&token)?, kid(&long(&nodes[0], SigningAlgorithm::ES256, idp.now())?)?);
    }
    Ok(())
}

#[tokio::test]
async fn a_key_that_has_leaked_ends_at_once() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (keys, db, now) = (&idp.app.keys, &idp.app.world.db, idp.now());
    let other = node(&idp).await?;
    let client = idp.client_with(json!({ "access_token_lifetime": 86400 })).await?;
    let token = access_token(&idp, &client).await?;
    let es256 = long(keys, SigningAlgorithm::ES256, now)?;
    assert_eq!(idp.userinfo(&token).await?.status, StatusCode::OK);
    let (rs256, chance) = (SigningAlgorithm::RS256, Chance::System);
    assert_eq!(keys.make_next(db, &chance, rs256, now).await?, Some(now.plus(PUBLISHED_AHEAD)));
    assert_eq!(other.make_next(db, &chance, rs256, now).await?, None, "there is one");
    let leaked = jwks(&idp).await?;

    keys.replace(db, &chance, rs256, now).await?;
    assert_eq!(states(&idp, rs256).await?, [KeyState::Over, KeyState::Over, KeyState::Active]);
    assert_eq!(idp.userinfo(&token).await?.status, StatusCode::UNAUTHORIZED);
    let fresh = long(keys, rs256, now)?;
    assert!(!takes(&leaked, &fresh)? && takes(&jwks(&idp).await?, &fresh)? && verifies(keys, &fresh));
    assert!(verifies(keys, &es256), "the other algorithms' keys go on");
    // The other node follows when it reads the table.
    assert!(!verifies(&other, &fresh));
    other.refresh(db, now).await?;
    assert!(verifies(&other, &fresh) && !verifies(&other, &token));
    assert_eq!(document(&other).await?, document(keys).await?);
    // And its successor comes as if nothing had been.
    idp.advance(DAY * 88);
    idp::clean(&idp.app, idp.now()).await?;
    assert_eq!(states(&idp, rs256).await?, [KeyState::Over, KeyState::Over, KeyState::Active, KeyState::Next]);
    Ok(())
}

#[tokio::test]
async fn an_unknown_key_asks_nothing_of_the_database() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let client = idp.client_with(json!({ "access_token_lifetime": 86400 })).await?;
    let token = access_token(&idp, &client).await?;
    let before = jwks(&idp).await?;
    idp.app.world.db.pool().close().await;
    let (_, rest) = token.split_once('.').context("no dot")?;
    let header = json!({ "alg": "RS256", "typ": "at+jwt", "kid": "nobody-knows-it" });
    let forged = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
    assert_eq!(idp.userinfo(&forged).await?.status, StatusCode::UNAUTHORIZED);
    // A database that is gone takes no key away.
    assert!(idp.app.keys.refresh(&idp.app.world.db, idp.now()).await.is_err());
    assert_eq!(jwks(&idp).await?, before);
    assert!(verifies(&idp.app.keys, &long(&idp.app.keys, SigningAlgorithm::PS256, idp.now())?));
    Ok(())
}

#[tokio::test]
async fn each_kind_of_token_has_its_type() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (keys, now, jwks) = (&idp.app.keys, idp.now(), jwks(&idp).await?);
    let kinds = [
        (TokenType::IdToken, "JWT"),
        (TokenType::AccessToken, "at+jwt"),
        (TokenType::LogoutToken, "logout+jwt"),
        (TokenType::Introspection, "token-introspection+jwt"),
        (TokenType::AuthorizationResponse, "JWT"),
        (TokenType::UserInfo, "JWT"),
    ];
    for algorithm in SigningAlgorithm::ALL {
        for (kind, typ) in kinds {
            let token = keys.sign(algorithm, kind, &json!({ "iss": ISSUER, "exp": now.plus(DAY) }), now)?;
            let header: Value =
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().context("no header")?)?)?;
            assert_eq!(header, json!({ "alg": algorithm.name(), "typ": typ, "kid": kid(&token)? }));
            assert!(takes(&jwks, &token)?, "{algorithm:?} {kind:?}");
            for (other, of_other) in kinds {
                let expected = Expected { kind: other, issuer: ISSUER, not_after: Some(now) };
                assert_eq!(keys.verify::<Value>(&token, &expected).is_ok(), typ == of_other);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_the_database_holds_is_sealed_and_stays_in_its_place() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let pool = idp.app.world.db.pool();
    let rows: Vec<(String, String, String)> =
        sqlx::query_as("SELECT kid, algorithm, sealed FROM signing_key ORDER BY algorithm").fetch_all(pool).await?;
    assert_eq!(rows.len(), 4);
    for (_, algorithm, sealed) in &rows {
        let bytes = URL_SAFE_NO_PAD.decode(sealed)?;
        assert!(!sealed.contains("PRIVATE"));
        // The names of RSA, EC and Ed25519 in each private key's DER.
        for oid in
            [&b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"[..], b"\x2a\x86\x48\xce\x3d\x02\x01", b"\x06\x03\x2b\x65\x70"]
        {
            assert!(!bytes.windows(oid.len()).any(|window| window == oid), "{algorithm}");
        }
    }
    Keys::check(&idp.app.world.db, &idp.app.world.vault).await?;
    let stranger = Vault::parse(&Vault::fresh_master(&Chance::System)?)?;
    assert!(Keys::check(&idp.app.world.db, &stranger).await.is_err());
    assert!(Keys::open(&idp.app.world.db, &Chance::System, &stranger, idp.now()).await.is_err());
    // Whoever can write in the table cannot put one key in the place of another.
    let swap = "UPDATE signing_key SET sealed = $1 WHERE kid = $2";
    sqlx::query(swap).bind(&rows[0].2).bind(&rows[1].0).execute(pool).await?;
    assert!(Keys::check(&idp.app.world.db, &idp.app.world.vault).await.is_err());
    assert!(node(&idp).await.is_err());
    Ok(())
}

/// A row as sites had it before `signing_key`.
async fn old_row(idp: &TestIdp, master: &[u8], made: Timestamp) -> anyhow::Result<EcdsaKeyPair> {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM_SIV, master)?);
    let (nonce, mut sealed) = ([9; 12], document.as_ref().to_vec());
    let place = aead::Aad::from("secret_key/of-old");
    key.seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), place, &mut sealed)?;
    let sql = "INSERT INTO secret_key (id, purpose, sealed, created_at) VALUES ('of-old', 'ES256', $1, $2)";
    let sealed = URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat());
    sqlx::query(sql).bind(sealed).bind(made.seconds()).execute(idp.app.world.db.pool()).await?;
    Ok(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref())?)
}

#[tokio::test]
async fn a_running_site_keeps_the_key_that_it_had() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let (db, es256) = (&idp.app.world.db, SigningAlgorithm::ES256);
    for table in ["DELETE FROM signing_key", "DELETE FROM secret_key"] {
        sqlx::query(table).execute(db.pool()).await?;
    }
    let (bytes, made) = ([7; 32], idp.now());
    let pair = old_row(&idp, &bytes, made).await?;
    let master = Vault::parse(&STANDARD.encode(bytes))?;
    idp.advance(DAY * 10);
    let open = async || Keys::open(db, &Chance::System, &master, idp.now()).await;
    // Several nodes start in the same moment, and again.
    let (one, other) = tokio::try_join!(open(), open())?;
    let again = open().await?;
    assert_eq!(document(&one).await?, document(&other).await?);
    assert_eq!(document(&one).await?, document(&again).await?);
    let published: JwkSet = serde_json::from_str(&document(&one).await?)?;
    assert_eq!(published.keys.len(), 4);
    let of_old = |keys: &Keys| -> anyhow::Result<bool> {
        let token = long(keys, es256, idp.now())?;
        let (signed, signature) = token.rsplit_once('.').context("no dot")?;
        let public = aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref().to_vec();
        let public =
            aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED, public);
        Ok(public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature)?).is_ok())
    };
    assert!(of_old(&one)? && of_old(&again)?);
    let key = Keys::list(db, idp.now()).await?.into_iter().find(|key| key.algorithm == es256).context("none")?;
    assert_eq!((key.state, key.from), (KeyState::Active, made));
    let old = "SELECT COUNT(*) FROM secret_key WHERE purpose = 'ES256'";
    assert_eq!(sqlx::query_scalar::<_, i64>(old).fetch_one(db.pool()).await?, 1, "an old node may still look");

    // Its successor comes when its own time is up, and then the private key is nowhere.
    idp.advance(DAY * 78);
    one.tend(db, &Chance::System, idp.now()).await?;
    assert_eq!(states(&idp, es256).await?, [KeyState::Active, KeyState::Next]);
    assert_eq!(states(&idp, SigningAlgorithm::RS256).await?, [KeyState::Active]);
    idp.advance(DAY * 2);
    assert!(!of_old(&one)?);
    idp.advance(DAY * 2);
    one.tend(db, &Chance::System, idp.now()).await?;
    assert_eq!(sqlx::query_scalar::<_, i64>(old).fetch_one(db.pool()).await?, 0);
    assert!(!of_old(&open().await?)?);
    assert_eq!(states(&idp, es256).await?, [KeyState::Over, KeyState::Active]);
    Ok(())
}

#[tokio::test]
async fn secrets_of_a_purpose_are_the_same_on_every_node() -> anyhow::Result<()> {
    let idp = TestIdp::start().await?;
    let other = node(&idp).await?;
    let tag = |keys: &Keys, purpose: &str| hmac::sign(&keys.secret_for(purpose), b"text").as_ref().to_vec();
    assert_eq!(tag(&idp.app.keys, "dpop-nonce"), tag(&other, "dpop-nonce"));
    assert_ne!(tag(&other, "dpop-nonce"), tag(&other, "something else"));
    let stranger = TestIdp::start().await?;
    assert_ne!(tag(&stranger.app.keys, "dpop-nonce"), tag(&other, "dpop-nonce"));
    Ok(())
}
