//! Some thirty proofs at userinfo that are not good, and a few that are odd.

use anyhow::Context;
use jsonwebtoken::Algorithm;

use crate::check;
use crate::jose::{Draft, Key, now, random, sha256};
use crate::op::Call;
use crate::provider::Client;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(mut story: Story) -> Told {
    let login = story.log_in_at("fapi-1").await?;
    let (client, token) = (&login.request.client, login.token("access_token"));
    for (what, call) in bad(&story, client, token)? {
        super::opens_nothing(call, what).await?;
    }
    let place = story.endpoint("userinfo_endpoint")?;
    for htu in [format!("{place}?one=1"), format!("{place}#two")] {
        let reply = story.resource(client, token)?.proving(|proof| proof.with("htu", htu)).send().await?;
        check::userinfo(&reply, login.claim("sub")).context("htu with a query or a fragment")?;
    }
    let reply = story.resource(client, token)?.proving(|proof| proof.with("of_another_world", 1)).send().await?;
    check::userinfo(&reply, login.claim("sub")).context("a proof with more claims")?;

    let shouted = story.resource(client, token)?.headless("authorization");
    let shouted = shouted.header("authorization", &format!("DPOP {token}"));
    let capitals = place.replace("https://localhost", "HTTPS://LOCALHOST");
    let capitals = story.resource(client, token)?.proving(|proof| proof.with("htu", capitals));
    for (what, call) in [("DPOP", shouted), ("htu with capitals", capitals)] {
        if let Err(error) = check::userinfo(&call.send().await?, login.claim("sub")) {
            story.warn(format!("{what}: {error:#}"));
        }
    }
    let call = story.resource(client, token)?;
    check::userinfo(&call.clone().send().await?, login.claim("sub"))?;
    if call.send().await?.status == 200 {
        story.warn("a proof can be used twice");
    }
    Ok(Verdict::Passed)
}

/// Proofs of which none is good.
fn bad(story: &Story, client: &Client, token: &str) -> anyhow::Result<Vec<(&'static str, Call)>> {
    let with = |change: &dyn Fn(Draft) -> Draft| Ok::<_, anyhow::Error>(story.resource(client, token)?.proving(change));
    let (other, now, ours) = (Key::es256("other")?, now()?, story.dpop.bare()?);
    let (rs256, ps256) = (client.key.with(Algorithm::RS256), client.key.bare()?);
    let (public, spoken) = (other.bare()?, story.proof("GET", &story.endpoint("userinfo_endpoint")?)?);
    let mut private = ours;
    private["d"] = random(43)?.into();
    let bearer = || Ok::<_, anyhow::Error>(with(&|proof| proof)?.headless("authorization"));
    Ok(vec![
        ("not a JWT", with(&|proof| proof)?.unproved().header("dpop", "not a JWT")),
        ("nothing", with(&|proof| proof)?.unproved().header("dpop", "")),
        ("no typ", with(&|proof| proof.beheaded("typ"))?),
        ("no alg", with(&|proof| proof.beheaded("alg"))?),
        ("no jwk", with(&|proof| proof.beheaded("jwk"))?),
        ("no jti", with(&|proof| proof.without("jti"))?),
        ("no htm", with(&|proof| proof.without("htm"))?),
        ("no htu", with(&|proof| proof.without("htu"))?),
        ("no iat", with(&|proof| proof.without("iat"))?),
        ("no ath", with(&|proof| proof.without("ath"))?),
        ("typ JWT", with(&|proof| proof.headed("typ", "JWT"))?),
        ("typ dpop", with(&|proof| proof.headed("typ", "dpop"))?),
        ("RS256", with(&|proof| proof.by(&rs256).headed("jwk", ps256.clone()))?),
        ("alg RS256 in name alone", with(&|proof| proof.headed("alg", "RS256"))?),
        ("alg none", with(&Draft::unsigned)?),
        ("a bad signature", with(&Draft::spoilt)?),
        ("a private key", with(&|proof| proof.headed("jwk", private.clone()))?),
        ("htm POST", with(&|proof| proof.with("htm", "POST"))?),
        ("htm of nothing", with(&|proof| proof.with("htm", ""))?),
        ("another htu", with(&|proof| proof.with("htu", "https://other1.example.com/userinfo"))?),
        ("another path", with(&|proof| proof.with("htu", format!("{}/other", story.provider.issuer)))?),
        ("another ath", with(&|proof| proof.with("ath", sha256("another")))?),
        ("an ath of nothing", with(&|proof| proof.with("ath", ""))?),
        ("an hour ago", with(&|proof| proof.with("iat", now - 3600))?),
        ("in an hour", with(&|proof| proof.with("iat", now + 3600))?),
        ("iat in words", with(&|proof| proof.with("iat", "now"))?),
        ("another key", with(&|proof| proof.by(&other).headed("jwk", public.clone()))?),
        ("another key's name", with(&|proof| proof.headed("jwk", public.clone()))?),
        ("another key's signature", with(&|proof| proof.by(&other))?),
        ("two proofs", with(&|proof| proof)?.header("dpop", &spoken.with("ath", sha256(token)).token()?)),
        ("no proof", with(&|proof| proof)?.unproved()),
        ("as Bearer", bearer()?.header("authorization", &format!("Bearer {token}"))),
        ("as Bearer without a proof", bearer()?.unproved().header("authorization", &format!("Bearer {token}"))),
    ])
}
