//! What is never said, whatever somebody has and does: no secret of theirs stands in the log, at any level, nor in an address.

use std::time::Duration;

use anyhow::{Context, ensure};
use authenticators::activation::Source;
use conformance::authenticator::asked;
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson};
use conformance::overheard::listen;
use serde_json::json;
use tracing::Instrument;

use crate::activate::{self, NEW, PATH, begin, code_for, send, with_letter};
use crate::app::{Telephone, goes_on, invite, number_on, type_number};
use crate::forgotten::{self, at_the_question, digits, next_message};
use crate::passkey::add_passkey;
use crate::push::{self, Service, Subscriber, subscribe};
use crate::recovery_code::add_list;
use crate::totp::{add_app, code_of};

/// A password that somebody tries.
const GUESSED: &str = "gjettet-passord-77";
/// Another one, after it was forgotten.
const LATER: &str = "fire kyr spiste 9 gule tog";
/// A code that nobody has.
const NO_CODE: &str = "BCDFG-HKLMN-PRSTX";
/// Whatever comes of a registration by code.
const PROOF: &str = "Koden som bekrefter";

/// What came up and is nobody else's business, by what it is.
#[derive(Default)]
struct Marks(Vec<(&'static str, String)>);

impl Marks {
    fn add(&mut self, what: &'static str, mark: &str) {
        assert!(mark.len() >= 5, "{what} is no mark: {mark:?}");
        self.0.push((what, mark.to_owned()));
    }

    fn of_page(&mut self, browser: &Browser) -> anyhow::Result<()> {
        self.add("the mark of a form", &browser.csrf()?);
        browser.cookies.values().filter(|value| value.len() > 8).for_each(|value| self.add("a cookie", value));
        Ok(())
    }

    /// A few digits come by chance in many a line, so they count where they stand by themselves in one of ours.
    fn is_in(mark: &str, line: &str) -> bool {
        let is_short = mark.len() < 9 && mark.bytes().all(|byte| byte.is_ascii_digit());
        let is_ours = ["idp::", "authenticators::", "admin::"].iter().any(|ours| line.starts_with(ours));
        match is_short {
            true => is_ours && line.split(|c: char| !c.is_alphanumeric()).any(|word| word == mark),
            false => line.contains(mark),
        }
    }

    /// Those of these lines that say too much.
    fn told_in(&self, lines: &[String]) -> Vec<String> {
        let mut told = Vec::new();
        for (what, mark) in &self.0 {
            told.extend(lines.iter().filter(|line| Marks::is_in(mark, line)).map(|line| format!("{what}: {line}")));
        }
        told
    }
}

/// A story while it is told.
struct Life<'a> {
    idp: &'a TestIdp,
    client: TestClient,
    kari: TestPerson,
    marks: Marks,
    been: Vec<String>,
}

impl Life<'_> {
    fn leave(&mut self, browser: Browser) -> anyhow::Result<()> {
        if browser.page.body.contains("name=\"csrf\"") {
            self.marks.of_page(&browser)?;
        }
        browser.cookies.values().filter(|value| value.len() > 8).for_each(|value| self.marks.add("a cookie", value));
        self.been.extend(browser.been);
        Ok(())
    }

    /// After the password, at the page for this method.
    async fn at(&mut self, method: &str) -> anyhow::Result<Browser> {
        self.idp.advance(Duration::from_mins(20));
        let mut browser = self.idp.browser();
        browser.get(&self.idp.authorize(&self.client, &[])).await?.answer(&[("eid", "minid")]).await?;
        browser.answer(&[("do", "next"), ("fnr", &self.kari.fnr), ("password", GUESSED)]).await?;
        browser.give_password(&self.kari).await?;
        browser.answer(&[("do", "method")]).await?.answer(&[("method", method)]).await?;
        self.marks.of_page(&browser)?;
        Ok(browser)
    }

    /// Gives a code, and is at the service.
    async fn with_code(&mut self, mut browser: Browser, code: &str) -> anyhow::Result<()> {
        browser.answer(&[("do", "next"), ("code", code)]).await?;
        browser.sent_back("code").context("not logged in")?;
        self.leave(browser)
    }

    async fn registers(&mut self, code: &str) -> anyhow::Result<()> {
        let mut browser = self.idp.browser();
        browser.get(PATH).await?;
        begin(&mut browser, &self.kari.fnr, NO_CODE).await?;
        begin(&mut browser, &self.kari.fnr, code).await?;
        for (name, to) in [("mobile", self.kari.phone.clone()), ("email", self.kari.email.clone())] {
            send(&mut browser, &[("do", "next"), (name, &to)]).await?;
            let code = digits(&next_message(self.idp, &to, PROOF, 0).await?);
            let wrong = code.chars().rev().map(|c| if c == '5' { '6' } else { '5' }).collect::<String>();
            for typed in [&wrong, &code] {
                send(&mut browser, &[("do", "next"), ("code", typed)]).await?;
                self.marks.add("a code of a registration", typed);
            }
        }
        activate::choose(&mut browser, NEW).await?;
        ensure!(browser.shows(activate::READY), "{}", browser.page.body);
        self.marks.add("an activation code", code);
        self.marks.add("an activation code", &code.replace('-', ""));
        self.leave(browser)
    }

    async fn logs_in_by_sms(&mut self) -> anyhow::Result<()> {
        let mut browser = self.idp.browser();
        browser.get(&self.idp.authorize(&self.client, &[])).await?.log_in(self.idp, &self.kari).await?;
        self.marks.add("a code by SMS", &self.idp.last_code(&self.kari)?);
        let code = browser.sent_back("code")?;
        self.marks.add("the code for the service", &code);
        let tokens = self.idp.redeem(&self.client, &code).await?.json()?;
        for name in ["access_token", "refresh_token", "id_token"] {
            self.marks.add(name, tokens[name].as_str().context("a token")?);
        }
        let refresh = tokens["refresh_token"].as_str().unwrap_or_default();
        let next = self.idp.refresh(&self.client, refresh).await?.json()?;
        self.marks.add("a refresh token", next["refresh_token"].as_str().context("a token")?);
        self.idp.userinfo(tokens["access_token"].as_str().unwrap_or_default()).await?;
        // Used twice, it ends what came of it.
        self.idp.redeem(&self.client, &code).await?;
        self.marks.add("the secret of the service", &self.client.secret);
        self.leave(browser)
    }

    async fn logs_in_by_codes(&mut self) -> anyhow::Result<()> {
        let app = add_app(self.idp, &self.kari, "Kodeappen").await?;
        self.marks.add("the key of an app", &app.typed());
        self.marks.add("the key of an app", &app.typed().replace(' ', ""));
        let browser = self.at("totp").await?;
        let code = code_of(&app.typed(), self.idp.now())?;
        self.with_code(browser, &code).await?;
        self.marks.add("the code of an app", &code);

        let list = add_list(self.idp, &self.kari).await?;
        let mut browser = self.at("recovery_code").await?;
        browser.answer(&[("do", "next"), ("code", "aaaaa-aaaaa")]).await?;
        let code = list.first().context("no code")?;
        self.with_code(browser, code).await?;
        for code in &list {
            self.marks.add("a code of the list", code);
            self.marks.add("a code of the list", &code.replace('-', ""));
        }
        Ok(())
    }

    async fn logs_in_by_passkey(&mut self) -> anyhow::Result<()> {
        let mut own = add_passkey(self.idp, &self.kari).await?;
        let mut browser = self.idp.browser();
        browser.get(&self.idp.authorize(&self.client, &[])).await?.answer(&[("eid", "minid")]).await?;
        let signed = own.sign(&asked(&browser.page.body, "data-conditional")?)?;
        browser.answer(&[("do", "passkey"), ("credential", &signed)]).await?;
        browser.sent_back("code").context("not logged in")?;
        let signed: serde_json::Value = serde_json::from_str(&signed)?;
        self.marks.add("a signature", signed["response"]["signature"].as_str().context("no signature")?);
        self.leave(browser)
    }

    async fn logs_in_by_the_app(&mut self, service: &Service) -> anyhow::Result<()> {
        let mut browser = self.idp.by_test_id(&self.client, &self.kari, "substantial").await?;
        let invitation = invite(&mut browser).await?;
        let (mut telephone, number) = Telephone::come(self.idp, &invitation, "Telefonen").await?;
        ensure!(type_number(&mut browser, &number).await?, "{}", browser.page.body);
        self.marks.add("an invitation", &invitation);
        self.marks.add("the token of a device", &telephone.token);
        let address = Subscriber::fresh()?.address(&format!("{}/hemmelig-adresse-1", service.origin));
        subscribe(self.idp, &telephone, &address).await?;
        for name in ["p256dh", "auth"] {
            self.marks.add("a key of a push address", address[name].as_str().context("no key")?);
        }
        self.marks.add("a push address", "hemmelig-adresse-1");
        self.leave(browser)?;
        let mut browser = self.at("app").await?;
        service.got("/hemmelig-adresse-1", 1).await?;
        let number = number_on(&browser)?;
        telephone.say_yes(self.idp, &number).await?;
        ensure!(goes_on(&mut browser).await?, "{}", browser.page.body);
        self.leave(browser)
    }

    async fn forgets_the_password(&mut self) -> anyhow::Result<()> {
        self.idp.advance(Duration::from_mins(61));
        let mut browser = at_the_question(self.idp, &self.client, &self.kari).await?;
        browser.answer(&[("do", "next"), ("fnr", &self.kari.fnr)]).await?;
        for to in [self.kari.phone.clone(), self.kari.email.clone()] {
            let code = digits(&next_message(self.idp, &to, forgotten::CODE, 0).await?);
            browser.answer(&[("do", "next"), ("code", &code)]).await?;
            self.marks.add("a code for another password", &code);
        }
        forgotten::choose(&mut browser, LATER).await?;
        ensure!(!browser.shows("Velg nytt passord"), "{}", browser.page.body);
        self.marks.add("another password", LATER);
        LATER.clone_into(&mut self.kari.password);
        self.leave(browser)
    }

    async fn is_a_guest(&mut self) -> anyhow::Result<()> {
        let address = "gjest.hemmelig@example.no";
        let mut browser = self.idp.browser();
        browser.get(&self.idp.authorize(&self.client, &[("acr_values", "selfregistered-email")])).await?;
        browser.answer(&[("do", "next"), ("email", address)]).await?;
        let text = self.idp.messages_to(address).into_iter().next().context("no mail")?.text;
        let code =
            text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 8).context("no code")?.to_owned();
        self.marks.add("the address of a guest", address);
        self.with_code(browser, &code).await?;
        self.marks.add("the code of a guest", &code);
        Ok(())
    }
}

#[tokio::test]
async fn a_whole_life_with_every_factor_leaves_no_secret() -> anyhow::Result<()> {
    let (idp, service) = (push::start().await?, Service::start().await?);
    let client = idp.client_with(json!({ "grant_types": ["authorization_code", "refresh_token"] })).await?;
    let listener = listen();
    let (kari, letter) = with_letter(&idp).await?;
    let mut life = Life { idp: &idp, client, kari, marks: Marks::default(), been: Vec::new() };
    life.marks.add("the identifier", &life.kari.fnr.clone());
    life.marks.add("the telephone", &life.kari.phone[3..]);
    life.marks.add("the mailbox", &life.kari.email.clone());
    life.marks.add("the name", "Rolig Elv");
    for password in [NEW, GUESSED, "reven+rusler", "reven%20rusler"] {
        life.marks.add("a password", password);
    }
    async {
        life.registers(&letter).await?;
        life.logs_in_by_sms().await?;
        life.logs_in_by_codes().await?;
        life.logs_in_by_passkey().await?;
        life.logs_in_by_the_app(&service).await?;
        life.forgets_the_password().await?;
        life.is_a_guest().await?;
        // A school gives her a new one, which she types wrongly first.
        let code = code_for(&idp, &life.kari, Source::School).await?.grouped();
        let mut browser = idp.browser();
        browser.get(PATH).await?;
        begin(&mut browser, &life.kari.fnr, &code.replace(&code[..2], "BB")).await?;
        begin(&mut browser, &life.kari.fnr, &code).await?;
        life.marks.add("the code of a school", &code);
        life.marks.add("the code of a school", &code.replace('-', ""));
        life.leave(browser)
    }
    .instrument(listener.span())
    .await?;
    idp.app.world.tasks.settle().await;
    idp.app.world.trail.settle().await?;

    let lines = listener.lines();
    assert!(lines.iter().filter(|line| line.contains("message=answered")).count() > 60, "it said something");
    assert!(lines.iter().any(|line| line.starts_with("sqlx::query DEBUG")), "and a lot");
    let told = life.marks.told_in(&lines);
    assert!(told.is_empty(), "{told:#?}");
    // What a browser shows above the page, keeps in its history and sends along; not what a service is sent, nor what one
    // that tests asks for.
    let is_ours = |at: &String| !at.starts_with("https://a.test/") && !at.contains("login_hint=testid");
    let own: Vec<String> = life.been.iter().filter(|at| is_ours(at)).cloned().collect();
    assert!(own.len() > 60);
    let secret = Marks(life.marks.0.into_iter().filter(|(what, _)| *what != "a cookie").collect());
    let told: Vec<_> = secret.0.iter().filter(|(_, mark)| own.iter().any(|at| at.contains(mark.as_str()))).collect();
    assert!(told.is_empty(), "{told:?} in {own:?}");
    Ok(())
}
