//! `/authorize`: OpenID Connect Core 3.1.2.

use authenticators::person::Person;
use axum::extract::State;
use axum::http::Method;
use axum::response::Response;

use crate::app::App;
use crate::browser::{Browser, Call};
use crate::claims;
use crate::client::ClientId;
use crate::consent;
use crate::error::{OAuthError, Refusal};
use crate::finish::{self, How};
use crate::flow::{self, Authentication, Decision};
use crate::grant::GrantId;
use crate::page;
use crate::params::Params;
use crate::request::AuthorizationRequest;
use crate::session;
use crate::steps;

/// `GET` or `POST /authorize`
pub async fn ask(
    State(app): State<App>,
    browser: Browser,
    method: Method,
    params: Params,
) -> Result<Response, Refusal> {
    let now = app.world.clock.now();
    let call = Call { app: &app, browser: &browser, now };
    let request = match AuthorizationRequest::parse(&app, &params, now).await {
        Err(Refusal::ToPerson(error)) => return Err(astray(&app, &params, error).await),
        parsed => parsed?,
    };
    // A form posted from the service comes without our cookies, which are SameSite=Lax; a redirect brings them.
    if method == Method::POST && browser.session.is_none() {
        return Ok(page::see_other(&format!("/authorize?{}", params.encode())));
    }
    if let Some((fnr, acr)) = request.test_id.clone().filter(|_| !request.prompt.none) {
        let person = Person::ensure(&app.world.db, &app.world.chance, &fnr, now).await?;
        let Some(proved) = Authentication::by_test_id(person, acr, now) else {
            let error = OAuthError::access_denied("The account is closed.");
            return Err(request.end_with(&app, error, now).await);
        };
        let token = app.world.chance.token()?;
        return finish::login(&call, &request, proved, &token).await;
    }
    let session = session::find(&app, &browser, now).await?;
    let offered = app.offered(&request.acr);
    let name = |who: &Authentication| claims::subject(&app, &request.return_to.client, who);
    let known = session.as_ref().map(|read| &read.value);
    let who = known.and_then(|session| session.proofs_for(&request).next());
    let agreed = consent::agreed(&app, &request, who).await?;
    let with_consents = known.map(|session| (session, agreed.as_slice()));
    let proved = match flow::decide(&request, with_consents, &offered, name, now) {
        Err(error) => return Err(request.end_with(&app, error, now).await),
        Ok(Decision::Ask(step, proved)) => return steps::open(&call, request, (step, proved)).await,
        Ok(Decision::Grant(proved)) => proved,
    };
    request.end_pushed(&app, now).await?;
    let id = GrantId::fresh(&app)?;
    let sid = known.map(|session| session.sid.clone()).unwrap_or_default();
    let goes_on = match (&browser.session, session) {
        (Some(token), Some(read)) => session::visit(&app, &token.hash(), read, (&request, &id), now).await?,
        _ => false,
    };
    if goes_on {
        return finish::grant(&call, &request, proved, (id, &sid), How::Sso).await;
    }
    // The session has ended in the meantime: once more, with what the browser has now.
    Ok(page::see_other(&format!("/authorize?{}", params.encode())))
}

/// What the service may not be told, its citizen is told, and is led back to it.
async fn astray(app: &App, params: &Params, error: OAuthError) -> Refusal {
    let Some(id) = params.field("client_id").and_then(ClientId::named) else { return Refusal::ToPerson(error) };
    match app.client(&id).await {
        Ok(Some(client)) => Refusal::Astray(error, client),
        _ => Refusal::ToPerson(error),
    }
}
