//! The end of a login: session, grant, and back to the service.

use std::time::Duration;

use authenticators::chance::{Token, TokenHash};
use authenticators::scratch::Kept;
use authenticators::trail::Event;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::browser::{self, Call, CookieName};
use crate::claims;
use crate::client::PROFILE;
use crate::consent;
use crate::error::{OAuthError, Refusal};
use crate::flow::Authentication;
use crate::grant::{self, Grant, GrantId};
use crate::page;
use crate::request::AuthorizationRequest;
use crate::session;

/// How a service came to its code, as the trail tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The citizen has proved who they are.
    Login,
    /// Single sign-on: they had, for another.
    Sso,
}

/// Issues a code in the session `sid`, and sends the citizen back with it.
pub async fn grant(
    call: &Call<'_>,
    request: &AuthorizationRequest,
    authentication: Authentication,
    (id, sid): (GrantId, &str),
    how: How,
) -> Result<Response, Refusal> {
    write_down(call, request, &authentication, (how, sid)).await?;
    if !consent::note(call, request, &authentication, &id).await? {
        return Err(request.refuse(OAuthError::consent_required("The citizen has withdrawn the consent.")));
    }
    let grant = Grant {
        id,
        client: request.return_to.client.clone(),
        authentication,
        sid: sid.to_owned(),
        scope: request.scope.clone(),
        nonce: request.nonce.clone(),
        locale: page::text_for(call.app, call.browser, request.return_to.language).language,
        resource: request.resource.clone(),
        authorization_details: request.authorization_details.clone(),
        dpop_jkt: request.dpop_jkt.clone(),
        onbehalfof: request.onbehalfof.clone(),
    };
    let code = grant::issue(call.app, request, grant, call.now).await?;
    let fields = vec![("code", code.reveal().to_owned())];
    Ok(page::answer(call.app, call.browser, &request.return_to, fields).await?)
}

/// That a session's silent logins to a service are written down already.
#[derive(Serialize, Deserialize)]
struct Written;

impl Kept for Written {
    const KIND: &'static str = "sso-written";
    const FOR: Duration = Duration::from_mins(10);
}

/// Single sign-on is written down soon, a login before it goes on. A page that asks again and again in one session is
/// written down once in ten minutes: what it does tells nothing, and every writer would wait for it.
async fn write_down(
    call: &Call<'_>,
    request: &AuthorizationRequest,
    who: &Authentication,
    (how, sid): (How, &str),
) -> anyhow::Result<()> {
    let client = &request.return_to.client;
    if how == How::Sso {
        let visit = TokenHash::of(&format!("{sid} {}", client.as_str()));
        let is_new = async || call.app.world.scratch.claim(&visit, &Written, call.now).await;
        if client.as_str() == PROFILE || !is_new().await? {
            return Ok(());
        }
    }
    let service = call.app.client(client).await?;
    let reader = page::text_for(call.app, call.browser, request.return_to.language).language;
    let customer = request.onbehalfof.as_deref();
    let service = service.map(|client| client.registration.shown_name_for(customer, reader).to_owned());
    let event = Event::by_oneself("login", who.person())
        .with("client", client.as_str())
        .with("service", service)
        .with("amr", who.amr())
        .with("acr", who.acr().name())
        .with("sso", how == How::Sso);
    let event = call.told(event);
    match how {
        How::Login => call.app.world.trail.write(event, call.now).await,
        How::Sso => {
            call.app.world.trail.note(event, call.now).await;
            Ok(())
        }
    }
}

/// Opens a session under the name `token` for somebody who has just proved who they are, and issues a code.
pub async fn login(
    call: &Call<'_>,
    request: &AuthorizationRequest,
    proved: Authentication,
    token: &Token,
) -> Result<Response, Refusal> {
    // OpenID Connect Core 3.1.2.1: a hint names who is to log in.
    let subject = claims::subject(call.app, &request.return_to.client, &proved);
    if request.subject.as_ref().is_some_and(|expected| *expected != subject) {
        let error = OAuthError::login_required("Another person logged in than id_token_hint names.");
        return Err(request.end_with(call.app, error, call.now).await);
    }
    request.end_pushed(call.app, call.now).await?;
    let id = GrantId::fresh(call.app)?;
    let session = session::establish(call, token, &proved, (request, &id)).await?;
    // Whatever the service is told, the session has its new name.
    let granted = grant(call, request, proved, (id, &session.sid), How::Login).await;
    let mut response = granted.unwrap_or_else(IntoResponse::into_response);
    browser::set(call.app, response.headers_mut(), CookieName::Session, token.reveal());
    Ok(response)
}
