//! The JWT grant (RFC 7523 2.1) as Maskinporten has it: a machine asks for a token in its own name.

use authenticators::clock::Timestamp;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use crate::access_token::{self, AccessToken, Confirmation, Form};
use crate::app::App;
use crate::claims::{self, Tokens};
use crate::client::{Client, ClientId};
use crate::client_auth::{self, ASSERTION_FOR, Caller, LEEWAY, time};
use crate::error::OAuthError;
use crate::grant::GrantId;
use crate::params::Params;
use crate::registration::GrantType;
use crate::request;
use crate::scope;

/// Who asks: the assertion says it, and proves it. Nothing else does (RFC 7521 4.1).
pub async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
    now: Timestamp,
) -> Result<(Caller, Map<String, Value>), OAuthError> {
    let refused = |why: &str| OAuthError::invalid_grant(format!("Invalid parameter assertion. {why}"));
    let others = [params.one("client_secret")?, params.one("client_assertion")?];
    if headers.contains_key(header::AUTHORIZATION) || others.iter().any(Option::is_some) {
        return Err(OAuthError::invalid_client("The assertion alone proves the client."));
    }
    let assertion =
        params.one("assertion")?.ok_or_else(|| OAuthError::invalid_request("Missing parameter assertion."))?;
    // One answer, whether the client or its signature is unknown.
    let unknown = || refused("Not signed by a client that is known.");
    let issuer = client_auth::issuer_of(assertion).ok_or_else(|| refused("Not a JWT."))?;
    let client = app.client(&ClientId::named(&issuer).ok_or_else(unknown)?).await?.ok_or_else(unknown)?;
    let (verified, amr) = client_auth::signature(app, &client, assertion, now).await?.map_err(|_| unknown())?;
    if !client.registration.grant_types.contains(&GrantType::JwtBearer) {
        return Err(OAuthError::unauthorized_client("The client is not registered for the JWT grant."));
    }
    let claims = verified.claims;
    // What asks a person to log in stands in addresses for everybody to see.
    if ["client_id", "response_type", "redirect_uri"].iter().any(|name| claims.contains_key(*name)) {
        return Err(refused("It is a request object."));
    }
    if claims.get("aud").and_then(Value::as_str) != Some(app.config.issuer.as_str()) {
        return Err(refused("aud must be the issuer."));
    }
    client_auth::times(&claims, now).map_err(refused)?;
    is_short(&claims, now).map_err(refused)?;
    client_auth::spend(app, &client, &claims, now).await?.map_err(refused)?;
    Ok((Caller { client, amr }, claims))
}

/// Maskinporten: `iat` is now, and `exp` two minutes later at the most.
fn is_short(claims: &Map<String, Value>, now: Timestamp) -> Result<(), &'static str> {
    let (Some(iat), Some(exp)) = (time(claims, "iat"), time(claims, "exp")) else {
        return Err("iat and exp are needed.");
    };
    match now.since(iat) > LEEWAY || exp.since(iat) > ASSERTION_FOR {
        true => Err("iat must be now, and exp 120 seconds later at the most."),
        false => Ok(()),
    }
}

/// A token for the scopes that the assertion names.
pub async fn token(
    app: &App,
    caller: &Caller,
    asked: &Map<String, Value>,
    jkt: Option<String>,
    now: Timestamp,
) -> Result<Tokens, OAuthError> {
    let (client, issuer) = (&caller.client, app.config.issuer.as_str());
    let registration = &client.registration;
    let scopes = scopes(client, asked)?;
    scope::may_use(app, client, &scopes).await?;
    let rules = scope::rules(app, &scopes).await?;
    if rules.fresh || !rules.consent.is_empty() {
        return Err(OAuthError::invalid_scope("Invalid claim scope. It is given by citizens alone."));
    }
    let details = Params::of_json(asked.get_key_value("authorization_details").map(|(k, v)| (k.clone(), v.clone())));
    let details = request::authorization_details(client, &details)?;
    let resource = Params::of_json(asked.get("resource").map(|value| ("resource".to_owned(), value.clone())));
    let claims = AccessToken {
        iss: issuer.to_owned(),
        sub: client.id.as_str().to_owned(),
        aud: access_token::audience(issuer, &request::resource(&resource)?),
        client_id: client.id.clone(),
        client_amr: caller.amr.to_owned(),
        consumer: access_token::organisation(registration.client_orgno.as_ref()),
        supplier: access_token::organisation(registration.supplier_orgno.as_ref()),
        scope: scopes.join(" "),
        pid: None,
        acr: None,
        locale: None,
        authorization_details: (!details.is_empty()).then(|| details.clone()),
        cnf: jkt.map(|jkt| Confirmation { jkt }),
        exp: now.plus(claims::lifetime(caller, &rules)),
        iat: now,
        jti: GrantId::fresh(app)?.token_id(app)?,
    };
    let form = if rules.opaque { Form::Opaque } else { Form::SelfContained(registration.id_token_signed_response_alg) };
    let token = access_token::issue(app, claims.clone(), form, None, now).await?;
    Ok(Tokens::of_a_machine(token, &claims, now))
}

fn scopes(client: &Client, asked: &Map<String, Value>) -> Result<Vec<String>, OAuthError> {
    let asked = asked.get("scope").and_then(Value::as_str).unwrap_or_default();
    let scopes = scope::names(asked);
    // There is no person who could be told of.
    let personal = |scope: &String| matches!(scope.as_str(), "openid" | "profile");
    match scopes.iter().find(|scope| personal(scope) || !client.registration.scopes.contains(scope)) {
        Some(_) => Err(OAuthError::invalid_scope("Invalid claim scope. Not registered on client.")),
        None if scopes.is_empty() => Err(OAuthError::invalid_scope("Missing claim scope.")),
        None => Ok(scopes),
    }
}
