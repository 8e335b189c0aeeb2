//! The end of a login: session, grant, and back to the service.

use authenticators::chance::Token;
use axum::response::{IntoResponse, Response};

use crate::browser::{self, Call, CookieName};
use crate::claims;
use crate::consent;
use crate::error::{OAuthError, Refusal};
use crate::flow::Authentication;
use crate::grant::{self, Grant, GrantId};
use crate::page;
use crate::request::AuthorizationRequest;
use crate::session;

/// Issues a code in the session `sid`, and sends the citizen back with it.
pub async fn grant(
    call: &Call<'_>,
    request: &AuthorizationRequest,
    authentication: Authentication,
    id: GrantId,
    sid: &str,
) -> Result<Response, Refusal> {
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
    let granted = grant(call, request, proved, id, &session.sid).await;
    let mut response = granted.unwrap_or_else(IntoResponse::into_response);
    browser::set(call.app, response.headers_mut(), CookieName::Session, token.reveal());
    Ok(response)
}
