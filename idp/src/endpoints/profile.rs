//! `/profil`: the citizen's own page. So far, the services that they have agreed to share something with.

use askama::Template;
use authenticators::person::Person;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::acr::Acr;
use crate::app::App;
use crate::browser::{Browser, Call};
use crate::client::{ClientId, PROFILE, PROFILE_PATH};
use crate::consent::{self, Consent, With};
use crate::error::{Dead, DeadKind, Refusal};
use crate::flow::Authentication;
use crate::page::{self, Frame};
use crate::params::Params;
use crate::scope::ScopeName;
use crate::session;
use crate::text::{self, Language};

/// Something that was agreed to.
struct Item {
    words: String,
    lang: &'static str,
    since: String,
}

/// A service, and what was agreed to with it.
struct Service {
    client: String,
    onbehalfof: String,
    name: String,
    items: Vec<Item>,
}

#[derive(Template)]
#[template(path = "profile.html")]
struct Profile {
    frame: Frame,
    action: &'static str,
    csrf: String,
    name: String,
    fnr: String,
    services: Vec<Service>,
    withdrawn: Option<Service>,
}

/// `GET /profil`
pub async fn show(State(app): State<App>, browser: Browser, params: Params) -> Result<Response, Refusal> {
    let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
    match who(&call).await? {
        // The citizen turned back at the login.
        None if params.field("error").is_some() => Ok(page::see_other("/")),
        None => Ok(page::see_other(&login(&app))),
        Some(_) if !params.encode().is_empty() => Ok(page::see_other(PROFILE_PATH)),
        Some(proved) => profile(&call, &proved, None).await,
    }
}

/// `POST /profil`: a consent is withdrawn.
pub async fn withdraw(State(app): State<App>, browser: Browser, form: Params) -> Result<Response, Refusal> {
    let call = Call { app: &app, browser: &browser, now: app.world.clock.now() };
    let Some(proved) = who(&call).await? else { return Ok(page::see_other(PROFILE_PATH)) };
    if !browser.has_sent(&purpose(&proved), form.field("csrf")) {
        let dead = Dead { status: StatusCode::FORBIDDEN, kind: DeadKind::Csrf, service: None };
        return Err(Refusal::Page(Box::new(dead)));
    }
    let Some(client) = form.field("client").and_then(ClientId::named) else {
        return Ok(page::see_other(PROFILE_PATH));
    };
    let with = With { client: &client, onbehalfof: form.field("onbehalfof").unwrap_or_default() };
    let scopes = consent::withdraw(&app, proved.person(), with, call.now).await.map_err(Refusal::ToPerson)?;
    let onbehalfof = with.onbehalfof.to_owned();
    let given = scopes.into_iter().map(|scope| Consent {
        client: client.clone(),
        onbehalfof: onbehalfof.clone(),
        scope,
        given_at: call.now,
    });
    profile(&call, &proved, services(&call, given.collect()).await?.pop()).await
}

/// Who is logged in here, in the session that the services share.
async fn who(call: &Call<'_>) -> anyhow::Result<Option<Authentication>> {
    let session = session::find(call.app, call.browser, call.now).await?;
    let proved = session.and_then(|read| read.value.shared().cloned());
    Ok(proved.filter(|proved| proved.acr().satisfies_one_of(&[Acr::SUBSTANTIAL])))
}

/// A form counts for the person to whom it was shown: somebody else may have logged in meanwhile.
fn purpose(proved: &Authentication) -> String {
    format!("profile {}", proved.person().as_str())
}

/// The authorization request by which one logs in to this page.
fn login(app: &App) -> String {
    let redirect_uri = format!("{}{PROFILE_PATH}", app.config.issuer.as_str());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", PROFILE)
        .append_pair("response_type", "code")
        .append_pair("scope", "openid")
        .append_pair("redirect_uri", &redirect_uri)
        .finish();
    format!("/authorize?{query}")
}

async fn profile(call: &Call<'_>, proved: &Authentication, withdrawn: Option<Service>) -> Result<Response, Refusal> {
    let person = Person::by_fnr(call.app.world.db.pool(), proved.fnr()).await?;
    let name = person.map(|person| format!("{} {}", person.given_name, person.family_name)).unwrap_or_default();
    let page = Profile {
        frame: Frame::new(page::text_for(call.app, call.browser, None), None, PROFILE_PATH),
        action: PROFILE_PATH,
        csrf: call.browser.csrf(&purpose(proved)),
        name: name.trim().to_owned(),
        fnr: proved.fnr().as_str().to_owned(),
        services: services(call, consent::all(call.app, proved.person()).await?).await?,
        withdrawn,
    };
    let mut response = page::html(StatusCode::OK, &page, &[]);
    call.browser.settle(call.app, response.headers_mut());
    Ok(response)
}

/// What was agreed to, by service.
async fn services(call: &Call<'_>, given: Vec<Consent>) -> anyhow::Result<Vec<Service>> {
    let reader = page::text_for(call.app, call.browser, None).language;
    let mut services: Vec<Service> = Vec::new();
    for consent in given {
        let (words, lang) = described(call.app, &consent.scope, reader).await?;
        let item = Item { words, lang, since: text::in_norway(consent.given_at, "%d.%m.%Y") };
        let is_its = |service: &&mut Service| {
            service.client == consent.client.as_str() && service.onbehalfof == consent.onbehalfof
        };
        match services.last_mut().filter(is_its) {
            Some(service) => service.items.push(item),
            None => {
                let client = call.app.client(&consent.client).await?;
                let customer = Some(consent.onbehalfof.as_str()).filter(|customer| !customer.is_empty());
                let name = client.map(|client| client.registration.shown_name_for(customer).to_owned());
                let client = consent.client.as_str().to_owned();
                let name = name.unwrap_or_else(|| client.clone());
                services.push(Service { client, onbehalfof: consent.onbehalfof, name, items: vec![item] });
            }
        }
    }
    Ok(services)
}

/// What a scope gives, and the language of those words.
async fn described(app: &App, name: &ScopeName, reader: Language) -> anyhow::Result<(String, &'static str)> {
    let scope = app.scope(name.as_str()).await?;
    Ok(match &scope {
        Some(scope) => {
            let (language, words) = scope.registration.said(reader);
            (words.to_owned(), language.code())
        }
        None => (name.as_str().to_owned(), reader.of_words().code()),
    })
}
