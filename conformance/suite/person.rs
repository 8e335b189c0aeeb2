//! A citizen with a browser that runs no scripts: cookies, redirects, forms, frames.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, bail};
use reqwest::RequestBuilder;
use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use url::Url;

use crate::jose::Jwt;
use crate::op::Fields;
use crate::provider::{Citizen, Provider};

/// How an answer came to the relying party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// In the query of a redirect.
    Query,
    /// In a form that the browser posted.
    Post,
}

/// What a relying party got.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) how: How,
    /// Where the browser was sent.
    pub(crate) url: Url,
    /// The parameters of the answer.
    pub(crate) fields: Fields,
    /// The signed answer that they were in (JARM).
    pub(crate) signed: Option<Jwt>,
}

impl Answer {
    /// A parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The code.
    pub(crate) fn code(&self) -> &str {
        self.get("code").unwrap_or_default()
    }
}

/// Where the browser ends up.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// At a relying party.
    Back(Answer),
    /// On a page of the provider.
    Page(Page),
}

/// A page of the provider.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    url: Url,
}

struct Form {
    id: String,
    /// Whether it is sent as `application/x-www-form-urlencoded` in a POST.
    is_post: bool,
    action: String,
    hidden: Fields,
    inputs: Vec<String>,
    buttons: Fields,
}

impl Page {
    /// Its first heading, for the report.
    pub(crate) fn title(&self) -> String {
        let title = self.text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
        unescape(title.map_or("no title", |(title, _)| title).trim())
    }

    /// The form that has this button.
    fn with_button(&self, name: &str, value: &str) -> Option<Form> {
        self.forms().into_iter().find(|form| form.buttons.iter().any(|(n, v)| n == name && v == value))
    }

    /// Whether it asks who one is.
    pub(crate) fn asks_for_login(&self) -> bool {
        self.forms().iter().any(|form| form.inputs.iter().any(|name| name == "fnr" || name == "code"))
    }

    /// Whether it asks if one wants to log out.
    pub(crate) fn asks_for_logout(&self) -> bool {
        self.with_button("do", "logout").is_some()
    }

    fn forms(&self) -> Vec<Form> {
        let forms = self.text.split("<form ").skip(1).filter_map(|rest| rest.split_once("</form>"));
        forms.map(|(text, _)| form(text)).collect()
    }

    /// The addresses in its frames.
    fn frames(&self) -> Vec<String> {
        tags(&self.text, "iframe").filter_map(|tag| attribute(tag, "src")).collect()
    }

    /// Where it leads by itself, or by the one link that goes on.
    fn leads_to(&self) -> Option<String> {
        let refresh = self.headers.get("refresh").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let meta = tags(&self.text, "meta")
            .find(|tag| attribute(tag, "http-equiv").is_some_and(|name| name.eq_ignore_ascii_case("refresh")))
            .and_then(|tag| attribute(tag, "content"));
        let by_itself =
            refresh.or(meta).and_then(|text| text.split_once("url=").map(|(_, url)| url.trim_matches('\'').to_owned()));
        let link = || {
            let link =
                tags(&self.text, "a").find(|tag| attribute(tag, "class").is_some_and(|c| c.contains("ds-button")));
            link.and_then(|tag| attribute(tag, "href"))
        };
        by_itself.or_else(|| if self.frames().is_empty() { None } else { link() })
    }
}

fn tags<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let open = format!("<{name} ");
    let starts: Vec<usize> = text.match_indices(&open).map(|(at, _)| at).collect();
    starts.into_iter().filter_map(move |at| text.get(at..).and_then(|rest| rest.split_once('>')).map(|(tag, _)| tag))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescape(rest.split_once('"')?.0))
}

fn unescape(text: &str) -> String {
    let marks = [("&#38;", "&"), ("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&amp;", "&")];
    marks.into_iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn form(text: &str) -> Form {
    let head = format!("<form {}", text.split('>').next().unwrap_or_default());
    let value = |tag: &str, name: &str| attribute(tag, name).unwrap_or_default();
    let (hidden, inputs): (Vec<&str>, Vec<&str>) =
        tags(text, "input").partition(|tag| attribute(tag, "type").as_deref() == Some("hidden"));
    Form {
        id: value(&head, "id"),
        is_post: value(&head, "method").eq_ignore_ascii_case("post")
            && matches!(value(&head, "enctype").as_str(), "" | "application/x-www-form-urlencoded"),
        action: value(&head, "action"),
        hidden: hidden.iter().map(|tag| (value(tag, "name"), value(tag, "value"))).collect(),
        inputs: inputs.iter().map(|tag| value(tag, "name")).collect(),
        buttons: tags(text, "button").map(|tag| (value(tag, "name"), value(tag, "value"))).collect(),
    }
}

/// A citizen and their browser.
pub(crate) struct Person {
    provider: Arc<Provider>,
    citizen: Citizen,
    jar: BTreeMap<String, String>,
    address: String,
    /// How many times the browser has shown the page that asks who one is.
    pub(crate) asked: usize,
}

impl Person {
    /// Somebody new.
    pub(crate) async fn new(provider: &Arc<Provider>) -> anyhow::Result<Person> {
        let citizen = provider.citizen().await?;
        let tail: String = citizen.mobile.chars().skip(4).collect();
        let number: u32 = tail.parse()?;
        let address = format!("10.{}.{}.{}", number / 65_536 % 256, number / 256 % 256, number % 256);
        Ok(Person { provider: provider.clone(), citizen, jar: BTreeMap::new(), address, asked: 0 })
    }

    /// Goes to an address, and logs in if that is asked.
    pub(crate) async fn go(&mut self, url: &str) -> anyhow::Result<End> {
        let end = self.visit(url).await?;
        self.finish(end).await
    }

    /// Goes to an address, as far as redirects lead.
    pub(crate) async fn visit(&mut self, url: &str) -> anyhow::Result<End> {
        let request = self.provider.http.get(url);
        self.follow(Url::parse(url)?, request).await
    }

    /// Posts a form from another site: cookies that are `SameSite=Lax` stay at home.
    pub(crate) async fn post(&mut self, url: &str, fields: &Fields) -> anyhow::Result<End> {
        let jar = std::mem::take(&mut self.jar);
        let page = self.send(Url::parse(url)?, self.provider.http.post(url).form(fields)).await;
        let fresh = std::mem::replace(&mut self.jar, jar);
        self.jar.extend(fresh);
        self.follow_on(page?).await
    }

    async fn follow(&mut self, url: Url, request: RequestBuilder) -> anyhow::Result<End> {
        let page = self.send(url, request).await?;
        self.follow_on(page).await
    }

    async fn follow_on(&mut self, mut page: Page) -> anyhow::Result<End> {
        for _ in 0..20 {
            if page.asks_for_login() && page.text.contains("name=\"fnr\"") {
                self.asked += 1;
            }
            let next = match page.status {
                301..=303 | 307 | 308 => Some(page.headers.get(LOCATION).context("no location")?.to_str()?.to_owned()),
                _ => self.leave(&page).await?,
            };
            let Some(next) = next else { return Ok(self.read(page)) };
            let url = page.url.join(&next)?;
            if !self.is_own(&url) {
                let fields = url.query_pairs().into_owned().collect();
                return Ok(End::Back(Answer { how: How::Query, url, fields, signed: None }));
            }
            page = self.send(url.clone(), self.provider.http.get(url)).await?;
        }
        bail!("redirected for ever");
    }

    /// Loads the frames of a page, and says where it leads then.
    async fn leave(&self, page: &Page) -> anyhow::Result<Option<String>> {
        for frame in page.frames() {
            let url = page.url.join(&frame)?;
            let _ = self.provider.http.get(url).send().await;
        }
        Ok(page.leads_to())
    }

    fn is_own(&self, url: &Url) -> bool {
        url.as_str().starts_with(&format!("{}/", self.provider.issuer))
    }

    /// A form that leads to a relying party is pressed.
    fn read(&self, page: Page) -> End {
        let leaving = page.forms().into_iter().find(|form| form.id == "respond" && form.is_post);
        match leaving.and_then(|form| Url::parse(&form.action).ok().map(|url| (form, url))) {
            Some((form, url)) if !self.is_own(&url) => {
                End::Back(Answer { how: How::Post, url, fields: form.hidden, signed: None })
            }
            _ => End::Page(page),
        }
    }

    async fn send(&mut self, url: Url, request: RequestBuilder) -> anyhow::Result<Page> {
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = match cookies.is_empty() {
            true => request,
            false => request.header("cookie", cookies.join("; ")),
        };
        let answer = request.header("x-forwarded-for", &self.address).send().await?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let (name, value) = cookie.to_str()?.split_once('=').context("an odd cookie")?;
            let (value, attributes) = value.split_once(';').unwrap_or((value, ""));
            match attributes.to_ascii_lowercase().contains("max-age=0") {
                true => self.jar.remove(name),
                false => self.jar.insert(name.to_owned(), value.to_owned()),
            };
        }
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Page { status, headers, text: answer.text().await?, url })
    }

    /// Answers whatever the provider asks, until it asks no more.
    pub(crate) async fn finish(&mut self, mut end: End) -> anyhow::Result<End> {
        for _ in 0..12 {
            let End::Page(page) = &end else { return Ok(end) };
            let Some((form, fields)) = self.step(page)? else { return Ok(end) };
            end = self.answer(page, form, &fields).await?;
        }
        bail!("the pages never end");
    }

    fn step(&self, page: &Page) -> anyhow::Result<Option<(Form, Fields)>> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        if let Some(form) = page.with_button("eid", "minid") {
            return Ok(Some((form, vec![pair("eid", "minid")])));
        }
        let Some(form) = page.with_button("do", "next") else { return Ok(None) };
        let has = |name: &str| form.inputs.iter().any(|input| input == name);
        let mut fields = vec![pair("do", "next")];
        if has("fnr") {
            fields.extend([pair("fnr", &self.citizen.fnr), pair("password", self.citizen.password)]);
        }
        if has("code") {
            fields.push(pair("code", &self.provider.gateway.code(&self.citizen.mobile)?));
        }
        // A page that says what was wrong says it again.
        match page.text.contains("aria-invalid=\"true\"") || page.text.contains("id=\"problem\"") {
            true => bail!("the log-in failed: {}", page.title()),
            false => Ok(Some((form, fields))),
        }
    }

    /// Presses a button on a page.
    pub(crate) async fn press(&mut self, page: &Page, name: &str, value: &str) -> anyhow::Result<End> {
        let form = page.with_button(name, value).with_context(|| format!("no {value} on {}", page.title()))?;
        self.answer(page, form, &vec![(name.to_owned(), value.to_owned())]).await
    }

    async fn answer(&mut self, page: &Page, form: Form, fields: &Fields) -> anyhow::Result<End> {
        let url = page.url.join(&form.action)?;
        let fields: Fields = form.hidden.into_iter().chain(fields.iter().cloned()).collect();
        let request = self.provider.http.post(url.clone()).form(&fields);
        self.follow(url, request).await
    }
}
