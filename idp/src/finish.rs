//! The end of a login: session, grant, and back to the service.

use authenticators::clock::Timestamp;
use axum::response::Response;

use crate::app::App;
use crate::browser::{self, Browser, CookieName};
use crate::claims;
use crate::error::{OAuthError, Refusal};
use crate::flow::Authentication;
use crate::grant::{self, Grant, GrantId};
use crate::page;
use crate::request::AuthorizationRequest;
use crate::session;

/// What a grant belongs to.
pub struct Belongs<'a> {
    /// Its name.
    pub id: GrantId,
    /// The session's public name.
    pub sid: &'a str,
}

/// Issues a code and sends the citizen back with it.
pub async fn grant(
    app: &App,
    browser: &Browser,
    request: &AuthorizationRequest,
    proved: Authentication,
    belongs: Belongs<'_>,
    now: Timestamp,
) -> Result<Response, Refusal> {
    let grant = Grant {
        id: belongs.id,
        client: request.return_to.client.clone(),
        authentication: proved,
        sid: belongs.sid.to_owned(),
        scope: request.scope.clone(),
        nonce: request.nonce.clone(),
        locale: page::text_for(app, browser, request.return_to.language).language,
    };
    let code = grant::issue(app, request, grant, now).await?;
    Ok(page::answer(app, browser, &request.return_to, vec![("code", code.reveal().to_owned())]).await?)
}

/// Opens a session under the name `token` for somebody who has just proved who they are, and issues a code.
pub async fn login(
    app: &App,
    browser: &Browser,
    request: &AuthorizationRequest,
    proved: Authentication,
    token: &authenticators::chance::Token,
    now: Timestamp,
) -> Result<Response, Refusal> {
    // OpenID Connect Core 3.1.2.1: a hint names who is to log in.
    let subject = claims::subject(app, &request.return_to.client, &proved);
    if request.subject.as_ref().is_some_and(|expected| *expected != subject) {
        return Err(request.refuse(OAuthError::login_required("Another person logged in than id_token_hint names.")));
    }
    let id = GrantId::fresh(app)?;
    let session = session::establish(app, browser, token, &proved, (request, &id), now).await?;
    let mut response = grant(app, browser, request, proved, Belongs { id, sid: &session.sid }, now).await?;
    browser::set(app, response.headers_mut(), CookieName::Session, token.reveal());
    Ok(response)
}
