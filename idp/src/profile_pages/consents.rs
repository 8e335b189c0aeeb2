//! The services that the citizen has agreed to share something with.

use askama::Template;
use axum::response::Response;

use super::{Page, Visit};
use crate::app::App;
use crate::client::ClientId;
use crate::consent::{self, Consent, With};
use crate::error::Refusal;
use crate::page::Frame;
use crate::params::Params;
use crate::scope::ScopeName;
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
#[template(path = "profile_consents.html")]
struct Consents {
    frame: Frame,
    action: &'static str,
    csrf: String,
    name: String,
    fnr: String,
    services: Vec<Service>,
    withdrawn: Option<Service>,
    profile: &'static str,
}

/// The page.
pub async fn show(visit: &Visit<'_>) -> Result<Response, Refusal> {
    page(visit, None).await
}

/// A consent is withdrawn.
pub async fn act(visit: &Visit<'_>, form: &Params) -> Result<Response, Refusal> {
    let Some(client) = form.field("client").and_then(ClientId::named) else { return Ok(visit.go(visit.page)) };
    let (call, with) =
        (&visit.call, With { client: &client, onbehalfof: form.field("onbehalfof").unwrap_or_default() });
    let scopes = consent::withdraw(call, &visit.person.id, with).await.map_err(Refusal::ToPerson)?;
    let onbehalfof = with.onbehalfof.to_owned();
    let given = scopes.into_iter().map(|scope| Consent {
        client: client.clone(),
        onbehalfof: onbehalfof.clone(),
        scope,
        given_at: call.now,
    });
    page(visit, services(visit, given.collect()).await?.pop()).await
}

async fn page(visit: &Visit<'_>, withdrawn: Option<Service>) -> Result<Response, Refusal> {
    let given = consent::all(visit.call.app, &visit.person.id).await?;
    let page = Consents {
        frame: visit.frame(),
        action: visit.page.path(),
        csrf: visit.csrf(),
        name: visit.person.name(),
        fnr: visit.person.fnr.as_str().to_owned(),
        services: services(visit, given).await?,
        withdrawn,
        profile: Page::Overview.path(),
    };
    Ok(visit.html(&page, false))
}

/// What was agreed to, by service.
async fn services(visit: &Visit<'_>, given: Vec<Consent>) -> anyhow::Result<Vec<Service>> {
    let (app, reader) = (visit.call.app, visit.text().language);
    let mut services: Vec<Service> = Vec::new();
    for consent in given {
        let (words, lang) = described(app, &consent.scope, reader).await?;
        let item = Item { words, lang, since: text::in_norway(consent.given_at, "%d.%m.%Y") };
        let is_its = |service: &&mut Service| {
            service.client == consent.client.as_str() && service.onbehalfof == consent.onbehalfof
        };
        match services.last_mut().filter(is_its) {
            Some(service) => service.items.push(item),
            None => {
                let client = app.client(&consent.client).await?;
                let customer = Some(consent.onbehalfof.as_str()).filter(|customer| !customer.is_empty());
                let name = client.map(|client| client.registration.shown_name_for(customer, reader).to_owned());
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
