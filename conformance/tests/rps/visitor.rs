//! A citizen with a browser that runs no script: cookies, forms, redirects from one server to another.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use reqwest::header::{LOCATION, SET_COOKIE};
use url::Url;

use crate::stage::{PASSWORD, Stage};

/// A page, or the address of a server that is not there, at which a service would have taken over.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) at: Url,
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Page {
    fn between(&self, before: &str, after: &str) -> anyhow::Result<String> {
        let found = self.text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
        let (found, _) = found.with_context(|| format!("no {before} at {}: {}", self.at, self.text))?;
        Ok(plain(found))
    }

    fn shows(&self, words: &str) -> anyhow::Result<()> {
        ensure!(self.text.contains(words), "no {words:?} at {}: {} {}", self.at, self.status, self.text);
        Ok(())
    }

    /// Whether somebody has to log in.
    pub(crate) fn asks_for_login(&self) -> bool {
        self.text.contains("Logg inn med MinID")
    }

    /// The form that brings an answer to a service, which somebody without scripts sends by its button: where it
    /// goes, and what it holds.
    pub(crate) fn answer_to_service(&self) -> Option<(String, String)> {
        let (_, form) = self.text.split_once("<form id=\"respond\" method=\"post\" action=\"")?;
        let (action, fields) = form.split_once("\">")?;
        let fields = fields.split("<input type=\"hidden\" name=\"").skip(1).filter_map(|field| {
            let (name, rest) = field.split_once("\" value=\"")?;
            Some((name, plain(rest.split_once('"')?.0)))
        });
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Some((plain(action), form))
    }

    /// What the page loads in a frame.
    pub(crate) fn frame(&self) -> anyhow::Result<String> {
        self.between("<iframe", "</iframe>")?;
        self.between("\" src=\"", "\"")
    }
}

fn plain(text: &str) -> String {
    text.replace("&#38;", "&").replace("&amp;", "&")
}

/// A browser.
pub(crate) struct Visitor {
    http: reqwest::Client,
    /// The servers that there are, by their origins.
    servers: Vec<String>,
    jar: BTreeMap<(String, String), String>,
    /// Headers that it adds, as a liar might.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

impl Visitor {
    /// One that finds Porten, and `services`.
    pub(crate) fn new(stage: &Stage, services: &[&str]) -> anyhow::Result<Visitor> {
        let servers = services.iter().map(|server| (*server).to_owned()).chain([stage.issuer.clone()]).collect();
        Ok(Visitor { http: stage.http()?, servers, jar: BTreeMap::new(), headers: Vec::new() })
    }

    /// Goes somewhere, and follows redirects.
    pub(crate) async fn go(&mut self, to: &str) -> anyhow::Result<Page> {
        self.follow(Url::parse(to)?, None).await
    }

    /// Fills a page's form in and sends it.
    pub(crate) async fn answer(&mut self, page: &Page, fields: &[(&str, &str)]) -> anyhow::Result<Page> {
        let csrf = page.between("name=\"csrf\" value=\"", "\"")?;
        let to = page.at.join(&page.between("method=\"post\" action=\"", "\"")?)?;
        let form: Vec<(&str, &str)> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.follow(to, Some(form)).await
    }

    async fn follow(&mut self, mut to: Url, mut form: Option<String>) -> anyhow::Result<Page> {
        for _ in 0..20 {
            let origin = to.origin().ascii_serialization();
            if !self.servers.contains(&origin) {
                return Ok(Page { at: to, status: 0, text: String::new() });
            }
            let answer = self.send(&to, form.take()).await?;
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let (name, value) = cookie.to_str()?.split_once('=').context("an odd cookie")?;
                let value = value.split(';').next().unwrap_or_default().to_owned();
                self.jar.insert((origin.clone(), name.to_owned()), value);
            }
            let status = answer.status();
            match answer.headers().get(LOCATION).filter(|_| status.is_redirection()) {
                Some(next) => to = to.join(next.to_str()?)?,
                None => return Ok(Page { at: to, status: status.as_u16(), text: answer.text().await? }),
            }
        }
        anyhow::bail!("round in circles, last at {to}")
    }

    async fn send(&self, to: &Url, form: Option<String>) -> anyhow::Result<reqwest::Response> {
        let origin = to.origin().ascii_serialization();
        let cookies = self.jar.iter().filter(|((server, _), value)| *server == origin && !value.is_empty());
        let cookies: Vec<String> = cookies.map(|((_, name), value)| format!("{name}={value}")).collect();
        let request = match form {
            Some(form) => {
                self.http.post(to.clone()).header("content-type", "application/x-www-form-urlencoded").body(form)
            }
            None => self.http.get(to.clone()),
        };
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Ok(request.header("cookie", cookies.join("; ")).send().await?)
    }

    /// From Porten's first page to where the login leads; straight there if nobody is asked.
    pub(crate) async fn log_in(&mut self, stage: &Stage, page: Page) -> anyhow::Result<Page> {
        if !page.asks_for_login() {
            return Ok(page);
        }
        let fields = [("fnr", stage.fnr.as_str()), ("password", PASSWORD), ("do", "next")];
        let page = self.answer(&page, &fields).await?;
        page.shows("Vi har sendt en engangskode")?;
        self.answer(&page, &[("code", &stage.code()?), ("do", "next")]).await
    }

    /// Logs out at Porten itself, which asks first.
    pub(crate) async fn log_out(&mut self, stage: &Stage) -> anyhow::Result<Page> {
        let page = self.go(&format!("{}/logout", stage.issuer)).await?;
        page.shows("Vil du logge ut")?;
        let page = self.answer(&page, &[("do", "logout")]).await?;
        page.shows("Du er logget ut")?;
        Ok(page)
    }
}
