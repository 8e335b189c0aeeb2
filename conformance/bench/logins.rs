//! Citizens who log in with MinID: identifier, password, the code by SMS.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::flows::Service;
use crate::http::{Line, between};
use crate::load::Tally;
use crate::process::verb;

const PASSWORD: &str = "Bench-passord-2026";
/// Codes to one telephone in an hour: the server's own limit, which starts over with it.
const CODES: usize = 5;
/// How often the inbox is read; reading it costs the server something.
const LOOK: Duration = Duration::from_millis(150);

/// A synthetic person.
pub(crate) struct Citizen {
    fnr: String,
    mobile: String,
}

/// People, each with a telephone of their own.
pub(crate) fn people(many: usize) -> Vec<Citizen> {
    let numbers = (1..=28).flat_map(|day| (100..500).filter_map(move |n| complete(&format!("{day:02}8150{n}"))));
    numbers.take(many).zip(0..).map(|(fnr, n)| Citizen { fnr, mobile: format!("+479{n:07}") }).collect()
}

/// Puts the check digits to the first nine.
fn complete(nine: &str) -> Option<String> {
    let digits: Vec<u32> = nine.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum = |weights: &[u32], digits: &[u32]| weights.iter().zip(digits).map(|(w, d)| w * d).sum::<u32>() % 11;
    let first = (11 - sum(&[3, 7, 6, 1, 8, 9, 4, 5, 2], &digits)) % 11;
    let ten = [digits.as_slice(), &[first]].concat();
    let second = (11 - sum(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2], &ten)) % 11;
    (first < 10 && second < 10).then(|| format!("{nine}{first}{second}"))
}

/// Registers them, two at a time.
pub(crate) fn register(porten: &Path, data: &Path, citizens: &[Citizen]) -> anyhow::Result<()> {
    let one = |citizen: &Citizen| {
        let arguments = ["person", "add", &citizen.fnr, "--mobile", &citizen.mobile, "--password-file", "-"];
        verb(porten, &arguments, data, PASSWORD)
    };
    let (some, others) = citizens.split_at(citizens.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| others.iter().try_for_each(one));
        some.iter().try_for_each(one)?;
        other.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?
    })
}

/// One of this machine's loopback addresses: the server counts passwords by address.
fn address(n: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + n)
}

/// Who has logged in how often.
#[derive(Clone)]
pub(crate) struct Turnstile {
    citizens: Arc<Vec<Citizen>>,
    passed: Arc<AtomicUsize>,
}

impl Turnstile {
    /// All may come.
    pub(crate) fn new(citizens: Arc<Vec<Citizen>>) -> Turnstile {
        Turnstile { citizens, passed: Arc::default() }
    }

    fn next(&self) -> anyhow::Result<&Citizen> {
        let n = self.passed.fetch_add(1, Ordering::Relaxed);
        let citizen = self.citizens.get(n % self.citizens.len().max(1));
        citizen.filter(|_| n / self.citizens.len() < CODES).context("too few people for a window this long")
    }
}

/// The inbox, read for many at once.
#[derive(Clone)]
pub(crate) struct Inbox(mpsc::UnboundedSender<(String, oneshot::Sender<String>)>);

impl Inbox {
    /// Begins to read, until nobody asks any more.
    pub(crate) async fn open(server: SocketAddr) -> anyhow::Result<Inbox> {
        let mut line = Line::open(Ipv4Addr::LOCALHOST, server).await?;
        let (ask, mut asked) = mpsc::unbounded_channel::<(String, oneshot::Sender<String>)>();
        tokio::spawn(async move {
            while let Some(first) = asked.recv().await {
                sleep(LOOK).await;
                let mut waiting = vec![first];
                waiting.extend(std::iter::from_fn(|| asked.try_recv().ok()));
                let messages: Vec<Value> = serde_json::from_str(line.get("/dev/inbox.json", "").await?.text()?)?;
                let text = |message: &Value, name: &str| message.get(name).and_then(Value::as_str).map(str::to_owned);
                for (mobile, answer) in waiting {
                    // The newest stands first.
                    let found = messages.iter().find(|message| text(message, "to").as_ref() == Some(&mobile));
                    let code = found.and_then(|message| Some(text(message, "text")?.rsplit_once('#')?.1.to_owned()));
                    let _ = code.map(|code| answer.send(code));
                }
            }
            anyhow::Ok(())
        });
        Ok(Inbox(ask))
    }

    async fn code(&self, mobile: &str) -> anyhow::Result<String> {
        let (answer, code) = oneshot::channel();
        let _ = self.0.send((mobile.to_owned(), answer));
        code.await.context("no code came")
    }
}

/// A login as far as the page that asks for the password.
struct Begun {
    path: String,
    csrf: String,
    browser: String,
}

async fn begin(line: &mut Line, service: Service) -> anyhow::Result<Begun> {
    let page = line.get(&service.authorize(), "").await?.expect(200)?;
    let (browser, text) = (page.cookie("porten-browser")?, page.text()?);
    let path = between(text, "action=\"/login", "\"").map(|rest| format!("/login{rest}")).context("no form")?;
    let csrf = between(text, "name=\"csrf\" value=\"", "\"").context("no csrf")?.to_owned();
    line.post(&path, &browser, &format!("csrf={csrf}&eid=minid")).await?.expect(303)?;
    line.get(&path, &browser).await?.expect(200)?;
    Ok(Begun { path, csrf, browser })
}

async fn login(line: &mut Line, service: Service, citizen: &Citizen, inbox: &Inbox) -> anyhow::Result<()> {
    let Begun { path, csrf, browser } = begin(line, service).await?;
    let form = format!("csrf={csrf}&fnr={}&password={PASSWORD}&do=next", citizen.fnr);
    line.post(&path, &browser, &form).await?.expect(303)?;
    line.get(&path, &browser).await?.expect(200)?;
    let code = inbox.code(&citizen.mobile).await?;
    let code = line.post(&path, &browser, &format!("csrf={csrf}&code={code}&do=next")).await?.expect(303)?.code()?;
    line.ask(&service.redeem(&code)).await?.expect(200)?;
    Ok(())
}

/// Logs in one after the other in fresh browsers, from the authorization request to the tokens.
pub(crate) async fn log_in(
    server: SocketAddr,
    n: u32,
    turnstile: Turnstile,
    inbox: Inbox,
    tally: Tally,
) -> anyhow::Result<()> {
    let mut line = Line::open(address(n), server).await?;
    while tally.goes_on() {
        login(&mut line, Service::Rs256, turnstile.next()?, &inbox).await?;
        tally.one();
    }
    Ok(())
}

/// Tries wrong passwords of somebody whom nobody knows, as fast as the server takes them. Counts those that it
/// sends away because too many wait.
pub(crate) async fn guess(server: SocketAddr, n: u32, tally: Tally) -> anyhow::Result<()> {
    let mut line = Line::open(address(n), server).await?;
    let fnr = (100..500).filter_map(|n| complete(&format!("018151{n}"))).nth(usize::try_from(n)? % 200);
    let fnr = fnr.context("too few numbers")?;
    let Begun { path, csrf, browser } = begin(&mut line, Service::Rs256).await?;
    let form = format!("csrf={csrf}&fnr={fnr}&password=A-guess-{n}&do=next");
    while tally.goes_on() {
        match line.post(&path, &browser, &form).await?.status {
            422 => {}
            503 => {
                tally.one();
                sleep(Duration::from_millis(100)).await;
            }
            other => bail!("a wrong password is answered with {other}"),
        }
    }
    Ok(())
}
