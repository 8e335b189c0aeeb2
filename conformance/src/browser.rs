//! A browser without a screen: it keeps cookies, follows redirects while they stay here, and fills in forms.

use std::collections::BTreeMap;
use std::convert::Infallible;

use anyhow::{Context, bail};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode, header};
use cookie::Cookie;
use futures_util::stream;
use url::Url;

use crate::idp::{Answer, TestIdp, TestPerson, ask};

/// The browser.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    origin: String,
    /// The cookies that it holds.
    pub cookies: BTreeMap<String, String>,
    /// Headers that it adds to each request.
    pub headers: Vec<(&'static str, String)>,
    /// The answer that it shows.
    pub page: Answer,
    /// Where it is: a path of ours, or an address elsewhere that it was sent to.
    pub at: String,
    /// Where it has been, and where it was sent.
    pub been: Vec<String>,
}

impl Browser {
    pub(crate) fn new(router: Router, origin: &str) -> Browser {
        let page = Answer { status: StatusCode::OK, headers: axum::http::HeaderMap::new(), body: String::new() };
        let (cookies, headers) = (BTreeMap::new(), Vec::new());
        Browser { router, origin: origin.to_owned(), cookies, headers, page, at: String::new(), been: Vec::new() }
    }

    /// Opens an address of ours and follows where it leads.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<&mut Browser> {
        self.send("GET", path, None).await?;
        self.follow().await
    }

    /// Asks for an address as a link scanner does, with HEAD, and stays at the answer.
    pub async fn head(&mut self, path: &str) -> anyhow::Result<&mut Browser> {
        self.send("HEAD", path, None).await?;
        Ok(self)
    }

    /// Sends a form and follows where it leads.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<&mut Browser> {
        self.post_only(path, fields).await?;
        self.follow().await
    }

    /// Sends a form and stays at the answer.
    pub async fn post_only(&mut self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<&mut Browser> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, Some(("application/x-www-form-urlencoded".to_owned(), body.into()))).await?;
        Ok(self)
    }

    /// Sends the form on the page with a file, as whoever has chosen one does, and stays at the answer.
    pub async fn attach_only(&mut self, content: &[u8]) -> anyhow::Result<&mut Browser> {
        let (action, csrf) = (self.action()?, self.csrf()?);
        self.attach_to(&action, &csrf, content).await
    }

    /// Sends a form with this mark and a file, and stays at the answer.
    pub async fn attach_to(&mut self, path: &str, csrf: &str, content: &[u8]) -> anyhow::Result<&mut Browser> {
        const BOUNDARY: &str = "----FormBoundaryOfATest";
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=");
        let mut body = format!("{head}\"csrf\"\r\n\r\n{csrf}\r\n").into_bytes();
        let file = "\"file\"; filename=\"skoler.csv\"\r\nContent-Type: text/csv\r\n\r\n";
        body.extend(format!("{head}{file}").into_bytes());
        body.extend_from_slice(content);
        body.extend(format!("\r\n{head}\"do\"\r\n\r\nlook\r\n--{BOUNDARY}--\r\n").into_bytes());
        self.send("POST", path, Some((format!("multipart/form-data; boundary={BOUNDARY}"), body))).await?;
        Ok(self)
    }

    /// The same browser, for which another Porten answers from now on.
    pub fn goes_to(&mut self, router: Router) {
        self.router = router;
    }

    /// Sends the form on the page with these fields alone, and its marks: that it is ours, and what its page has shown.
    pub async fn answer(&mut self, fields: &[(&str, &str)]) -> anyhow::Result<&mut Browser> {
        self.answer_only(fields).await?;
        self.follow().await
    }

    /// The same, and stays at the answer.
    pub async fn answer_only(&mut self, fields: &[(&str, &str)]) -> anyhow::Result<&mut Browser> {
        let (action, csrf, turn) = (self.action()?, self.csrf()?, self.turn());
        let seen = between(&self.page.body, "name=\"seen\" value=\"", "\"");
        let marks = [("csrf", Some(csrf.as_str())), ("turn", turn.as_deref()), ("seen", seen.as_deref())];
        let marks = marks.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let marks = marks.filter(|(mark, _)| fields.iter().all(|(name, _)| name != mark));
        let all: Vec<(&str, &str)> = marks.chain(fields.iter().copied()).collect();
        self.post_only(&action, &all).await
    }

    /// Where the form on the page says that one stands, if it does.
    pub fn turn(&self) -> Option<String> {
        between(&self.page.body, "name=\"turn\" value=\"", "\"").map(|text| unescape(&text))
    }

    /// Sends the form on the page as it stands, as whoever changes nothing but these fields does: with what is hidden in
    /// it, what is filled in, and what is chosen already.
    pub async fn answer_as_it_stands(&mut self, fields: &[(&str, &str)]) -> anyhow::Result<&mut Browser> {
        let action = self.action()?;
        let form = between(&self.page.body, "<form", "</form>").context("no form on the page")?;
        let standing: Vec<(String, String)> = form.split("<input ").skip(1).filter_map(field_as_it_stands).collect();
        let standing = standing.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let untouched = standing.filter(|(name, _)| fields.iter().all(|(other, _)| other != name));
        let all: Vec<(&str, &str)> = untouched.chain(fields.iter().copied()).collect();
        self.post(&action, &all).await
    }

    /// Where the form on the page goes.
    pub fn action(&self) -> anyhow::Result<String> {
        between(&self.page.body, " action=\"", "\"").context("no form on the page").map(|text| unescape(&text))
    }

    /// The mark that the form on the page carries.
    pub fn csrf(&self) -> anyhow::Result<String> {
        between(&self.page.body, "name=\"csrf\" value=\"", "\"")
            .context("no mark in the form")
            .map(|text| unescape(&text))
    }

    async fn send(&mut self, method: &str, path: &str, form: Option<(String, Vec<u8>)>) -> anyhow::Result<()> {
        let mut request = Request::builder().method(method).uri(path);
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let (kind, form) = form.unzip();
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(over_the_wire(form.unwrap_or_default()))?;
        self.page = ask(&self.router, request).await?;
        path.clone_into(&mut self.at);
        self.been.push(path.to_owned());
        self.been.extend(self.page.header("location").map(str::to_owned));
        for line in self.page.headers.get_all(header::SET_COOKIE) {
            let cookie = Cookie::parse(line.to_str()?.to_owned())?;
            if cookie.max_age() == Some(cookie::time::Duration::ZERO) {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        Ok(())
    }

    /// Follows redirects while they stay here.
    pub async fn follow(&mut self) -> anyhow::Result<&mut Browser> {
        for _ in 0..10 {
            let refresh = between(&self.page.body, "http-equiv=\"refresh\" content=\"0; url=", "\"");
            let location = self.page.header("location").map(str::to_owned).or(refresh.map(|to| unescape(&to)));
            let Some(location) = location else { return Ok(self) };
            let path = location.strip_prefix(&self.origin).unwrap_or(&location).to_owned();
            if !path.starts_with('/') {
                self.at = location;
                return Ok(self);
            }
            self.send("GET", &path, None).await?;
        }
        bail!("redirected in circles at {}", self.at)
    }

    /// What the service was sent, by name.
    pub fn sent_back(&self, name: &str) -> anyhow::Result<String> {
        let url = Url::parse(&self.at).with_context(|| format!("not at a service: {} {}", self.at, self.page.body))?;
        let mut values = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        values.next().with_context(|| format!("no {name} in {url}"))
    }

    /// Whether the page has these words.
    pub fn shows(&self, words: &str) -> bool {
        unescape(&self.page.body).contains(words)
    }

    /// What stands on the page between these two.
    pub fn between(&self, before: &str, after: &str) -> anyhow::Result<String> {
        let found = between(&self.page.body, before, after);
        found.map(|text| unescape(&text)).with_context(|| format!("no {before} at {}: {}", self.at, self.page.body))
    }

    /// From the picker or MinID's first page to the page for the code.
    pub async fn give_password(&mut self, person: &TestPerson) -> anyhow::Result<&mut Browser> {
        if self.page.body.contains("value=\"minid\"") {
            self.answer(&[("eid", "minid")]).await?;
        }
        self.answer(&[("do", "next"), ("fnr", &person.fnr), ("password", &person.password)]).await
    }

    /// The whole login with MinID, from the first page back to the service.
    pub async fn log_in(&mut self, idp: &TestIdp, person: &TestPerson) -> anyhow::Result<&mut Browser> {
        self.give_password(person).await?;
        let code = idp.last_code(person)?;
        self.answer(&[("do", "next"), ("code", &code)]).await
    }
}

/// What is long comes bit by bit.
fn over_the_wire(content: Vec<u8>) -> Body {
    const BIT: usize = 64 * 1024;
    match content.len() > BIT {
        true => {
            let content = Bytes::from(content);
            let bits = (0..content.len().div_ceil(BIT)).map(move |number| {
                Ok::<Bytes, Infallible>(content.slice(number * BIT..content.len().min((number + 1) * BIT)))
            });
            Body::from_stream(stream::iter(bits))
        }
        false => Body::from(content),
    }
}

/// What an input sends that nobody touches.
fn field_as_it_stands(input: &str) -> Option<(String, String)> {
    let tag = format!(" {}", input.split_once('>')?.0);
    let value = |name: &str| between(&tag, &format!(" {name}=\""), "\"").map(|text| unescape(&text));
    let is_choice = matches!(value("type").as_deref(), Some("radio" | "checkbox"));
    if is_choice && !tag.contains(" checked") {
        return None;
    }
    Some((value("name")?, value("value").unwrap_or_default()))
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let rest = text.split_once(before)?.1;
    Some(rest.split_once(after)?.0.to_owned())
}

/// The characters that the templates escape.
fn unescape(text: &str) -> String {
    let text = text.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"");
    text.replace("&#39;", "'").replace("&#38;", "&").replace("&amp;", "&")
}
