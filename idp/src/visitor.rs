//! Somebody who is not logged in, and does something here in several steps: ordering a letter, or registering. What they
//! have come to is kept on our side, and bound to their browser.

use askama::DynTemplate;
use authenticators::chance::TokenHash;
use authenticators::scratch::{Kept, Read};
use axum::http::StatusCode;
use axum::response::Response;

use crate::browser::Call;
use crate::error::{Dead, DeadKind, Refusal};
use crate::page::{self, Frame};
use crate::params::Params;
use crate::text::Text;

/// Where the MinID app is.
pub const APP_PATH: &str = "/app";

/// A visitor on a page that takes several steps.
pub struct Visitor<'a> {
    /// The request.
    pub call: Call<'a>,
    /// Where the page is: below the app's own path, if it is shown in the app's window.
    ///
    /// An installed web app keeps in its window what lies below its scope. A scope with these pages at their other
    /// address in it would be `/`, and draw the services' logins out of the browser in which they were begun.
    pub path: &'static str,
}

impl Visitor<'_> {
    /// Where another such page is for this visitor: whoever is in the app's window stays there.
    pub fn link(&self, path: &str) -> String {
        if self.home() == self.path { path.to_owned() } else { format!("{APP_PATH}{path}") }
    }

    /// The page's address in a browser. What was begun there goes on in the app's window, and the other way.
    fn home(&self) -> &'static str {
        self.path.strip_prefix(APP_PATH).unwrap_or(self.path)
    }

    /// The reader's words.
    pub fn text(&self) -> Text {
        page::text_for(self.call.app, self.call.browser, None)
    }

    /// The frame around the page.
    pub fn frame(&self) -> Frame {
        Frame::new(self.text(), None, self.path)
    }

    /// The mark in its forms.
    pub fn csrf(&self) -> String {
        self.call.browser.csrf(self.path)
    }

    /// Refuses a form that is not from this page in this browser.
    pub fn has_sent(&self, form: &Params) -> Result<(), Refusal> {
        if self.call.browser.has_sent(self.path, form.field("csrf")) {
            return Ok(());
        }
        let dead = Dead { status: StatusCode::FORBIDDEN, kind: DeadKind::Csrf, service: None };
        Err(Refusal::Page(Box::new(dead)))
    }

    /// The page, which is an answer to something wrong if `is_wrong`.
    pub fn html(&self, page: &dyn DynTemplate, is_wrong: bool) -> Response {
        let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let mut response = page::html(status, page, &[]);
        self.call.browser.settle(self.call.app, response.headers_mut());
        response
    }

    /// On to the page as it is now.
    pub fn go(&self) -> Response {
        page::see_other(self.path)
    }

    fn key(&self) -> TokenHash {
        TokenHash::of(&self.call.browser.secret.derive(&format!("visit {}", self.home())))
    }

    /// What is under way.
    pub async fn task<T: Kept>(&self) -> anyhow::Result<Option<Read<T>>> {
        self.call.app.world.scratch.get(&self.key(), self.call.now).await
    }

    /// Something is under way now, and whatever was no longer.
    pub async fn begin<T: Kept>(&self, task: &T) -> anyhow::Result<()> {
        self.call.app.world.scratch.put(&self.key(), task, self.call.now).await
    }

    /// Changes what is under way; false if another has done so meanwhile.
    pub async fn change<T: Kept>(&self, read: &Read<T>, task: &T) -> anyhow::Result<bool> {
        self.call.app.world.scratch.replace(&self.key(), read, task, self.call.now).await
    }

    /// Ends what is under way: of many who do so one gets it.
    pub async fn end<T: Kept>(&self) -> anyhow::Result<Option<T>> {
        self.call.app.world.scratch.take(&self.key(), self.call.now).await
    }
}
