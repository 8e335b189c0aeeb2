//! What each story plays on: `porten dev`, and a service on `openid-client` that is registered with it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use conformance::program::{Program, binary, install_tls};
use serde_json::{Value, json};

use crate::chromium::Chromium;

const CLIENT: &str = "klatreparken";
const SECRET: &str = "a secret that is long enough";

/// The name that citizens see.
pub(crate) const SERVICE: &str = "Klatreparken i Fjordvik";

/// A customer of the service, and the name that citizens see when it asks on their behalf.
pub(crate) const CUSTOMER: (&str, &str) = ("fjordvik-kultur", "Fjordvik kommune, kultur og idrett");

/// The scopes that it may ask for besides: one with all that can be said, one that is described in Bokmål alone.
pub(crate) const ASKED: [&str; 2] = ["klatring:kort.read", "klatring:time.write"];

const OWNER: &str = "999999999";

/// The folder of the npm part.
pub(crate) fn npm() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("browser")
}

/// A file of an npm package.
pub(crate) fn installed(file: &str) -> anyhow::Result<PathBuf> {
    let path = npm().join("node_modules").join(file);
    ensure!(path.exists(), "node_modules/{file} is missing: run `npm ci` in conformance/browser");
    Ok(path)
}

/// The service, a process of node; ended when dropped.
struct Service {
    child: Child,
    url: String,
}

impl Service {
    fn start(issuer: &str) -> anyhow::Result<Service> {
        installed("openid-client/package.json")?;
        let mut command = Command::new("node");
        command.arg(npm().join("rp.mjs")).args([issuer, CLIENT, SECRET, "0"]).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start node")?;
        let mut lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let first = lines.next().context("the service said nothing")??;
        let url = first.split_whitespace().last().context("no address")?.to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Service { child, url })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A synthetic person of `porten dev`.
pub(crate) struct Person {
    pub(crate) fnr: String,
    pub(crate) password: String,
}

/// Both programs.
pub(crate) struct Stage {
    /// Porten's address.
    pub(crate) porten: String,
    /// The service's address: another site than Porten's, 127.0.0.1 and not localhost.
    pub(crate) service: String,
    program: Program,
    _service: Service,
    http: reqwest::Client,
}

impl Stage {
    pub(crate) async fn open() -> anyhow::Result<Stage> {
        Stage::open_with(&[]).await
    }

    /// The same, where `porten dev` gets more arguments.
    pub(crate) async fn open_with(more: &[&str]) -> anyhow::Result<Stage> {
        install_tls();
        let program = Program::dev_with(more).await?;
        let service = Service::start(&program.url)?;
        let (porten, url, http) = (program.url.clone(), service.url.clone(), reqwest::Client::new());
        let stage = Stage { porten, service: url, program, _service: service, http };
        stage.add_scopes()?;
        stage.register(&json!({
            "client_id": CLIENT,
            "client_secret": SECRET,
            "client_name": SERVICE,
            "client_uri": format!("{}/me", stage.service),
            "client_orgno": OWNER,
            "scopes": ["openid", "profile", ASKED[0], ASKED[1]],
            "onbehalfof": [{ "onbehalfof": CUSTOMER.0, "display_name": CUSTOMER.1 }],
            "redirect_uris": [format!("{}/cb", stage.service)],
            "post_logout_redirect_uris": [format!("{}/bye", stage.service)],
        }))?;
        Ok(stage)
    }

    /// As the scopes' owner does it: `porten scope add`.
    fn add_scopes(&self) -> anyhow::Result<()> {
        let scopes = [
            json!({
                "name": ASKED[0],
                "description": "Hente klatrekortet ditt fra Norges klatreforbund",
                "description#nn": "Hente klatrekortet ditt frå Noregs klatreforbund",
                "description#en": "Get your climbing card from the Norwegian Climbing Federation",
                "long_description": "Klatrekortet viser om du kan **sikre** andre. Tjenesten ser hvilket kort \
                    du har, *ikke* når du tok det.\n\n[Mer om klatrekortet](https://klatring.example/kort)",
                "long_description#nn": "Klatrekortet viser om du kan **sikre** andre. Tenesta ser kva for kort \
                    du har, *ikkje* når du tok det.\n\n[Meir om klatrekortet](https://klatring.example/kort)",
                "long_description#en": "The climbing card shows whether you can **belay** others. The service sees \
                    which card you have, *not* when you took it.\n\n[More about the card](https://klatring.example/kort)",
                "owner_orgno": OWNER,
                "requires_user_consent": true,
            }),
            json!({
                "name": ASKED[1],
                "description": "Bestille og avbestille klatretimer for deg",
                "owner_orgno": OWNER,
                "requires_user_consent": true,
            }),
        ];
        scopes.iter().try_for_each(|scope| self.porten_with(&["scope", "add"], &["--file", "-"], &scope.to_string()))
    }

    /// As an operator does it: `porten client add`.
    pub(crate) fn register(&self, registration: &Value) -> anyhow::Result<()> {
        self.porten_with(&["client", "add"], &["--file", "-"], &registration.to_string())
    }

    /// A person who has MinID and no telephone: `porten person add`.
    pub(crate) fn add_person_without_telephone(&self) -> anyhow::Result<Person> {
        let person = Person { fnr: unused_fnr()?, password: "Uten-mobil-12".into() };
        self.porten_with(&["person", "add"], &[&person.fnr, "--password-file", "-"], &person.password)?;
        Ok(person)
    }

    /// A verb of the program, on the same data.
    pub(crate) fn porten_with(&self, verb: &[&str], arguments: &[&str], input: &str) -> anyhow::Result<()> {
        let folder = self.program.folder.as_ref().context("porten dev has no folder")?;
        let mut command = Command::new(binary());
        command.args(verb).arg("--data").arg(folder.path()).args(arguments).env_remove("PORTEN_CONFIG");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().context("cannot run porten")?;
        child.stdin.take().context("no standard input")?.write_all(input.as_bytes())?;
        ensure!(child.wait()?.success(), "porten {verb:?} failed");
        Ok(())
    }

    async fn get(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let answer = self.http.get(format!("{}{path}", self.porten)).send().await?.error_for_status()?;
        serde_json::from_slice(&answer.bytes().await?).with_context(|| format!("{path} is no list"))
    }

    /// Somebody of `/dev/people.json`.
    pub(crate) async fn person(&self, name: &str) -> anyhow::Result<Person> {
        let people = self.get("/dev/people.json").await?;
        let person = people.iter().find(|person| person["name"] == name).with_context(|| format!("no {name}"))?;
        let text = |field: &str| person[field].as_str().unwrap_or_default().to_owned();
        Ok(Person { fnr: text("fnr"), password: text("password") })
    }

    /// What the last SMS says.
    pub(crate) async fn last_sms(&self) -> anyhow::Result<String> {
        let messages = self.get("/dev/inbox.json").await?;
        let newest = messages.first().context("no SMS has come")?;
        Ok(newest["text"].as_str().context("an SMS without words")?.to_owned())
    }

    /// The newest message of a kind to somebody that fits, which comes soon.
    async fn message(&self, to: &str, fits: impl Fn(&Value) -> bool) -> anyhow::Result<String> {
        for _ in 0..100 {
            let messages = self.get("/dev/inbox.json").await?;
            if let Some(found) = messages.iter().find(|message| message["to"] == to && fits(message)) {
                return Ok(found["text"].as_str().context("a message without words")?.to_owned());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        anyhow::bail!("nothing of that kind has come to {to}")
    }

    /// The code of the last login that went to a number.
    pub(crate) async fn code_to(&self, number: &str) -> anyhow::Result<String> {
        let is_code = |message: &Value| message["text"].as_str().is_some_and(|text| text.contains('#'));
        let text = self.message(number, is_code).await?;
        text.rsplit('#').next().map(str::to_owned).context("no code")
    }

    /// The code that proves a number or an address.
    pub(crate) async fn proof_code(&self, kind: &str, to: &str) -> anyhow::Result<String> {
        let digits = |text: &str| -> Option<String> {
            let words = text.split(|c: char| !c.is_ascii_digit());
            words.into_iter().find(|word| (5..=6).contains(&word.len())).map(str::to_owned)
        };
        let has_code = |message: &Value| {
            message["kind"] == kind && message["text"].as_str().is_some_and(|text| digits(text).is_some())
        };
        digits(&self.message(to, has_code).await?).context("no code")
    }

    /// The code by which a mailbox logs in.
    pub(crate) async fn login_code(&self, address: &str) -> anyhow::Result<String> {
        let digits = |text: &str| -> Option<String> {
            text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 8).map(str::to_owned)
        };
        let has_code = |message: &Value| message["text"].as_str().is_some_and(|text| digits(text).is_some());
        digits(&self.message(address, has_code).await?).context("no code")
    }

    /// The code in it. Its last line is `@host #code`.
    pub(crate) async fn code(&self) -> anyhow::Result<String> {
        let sms = self.last_sms().await?;
        let code = sms.rsplit('#').next().filter(|code| code.len() == 5);
        Ok(code.with_context(|| format!("no code in {sms:?}"))?.to_owned())
    }

    /// Another code of the same length.
    pub(crate) async fn wrong_code(&self) -> anyhow::Result<String> {
        let number: u32 = self.code().await?.parse()?;
        Ok(format!("{:05}", (number + 1) % 100_000))
    }

    /// Begins a login at the service, with more parameters if need be (`prompt=consent`).
    pub(crate) async fn begin(&self, chromium: &Chromium, more: &str) -> anyhow::Result<()> {
        chromium.open(&format!("{}/?{more}", self.service)).await
    }

    /// A login without pages, by TestID.
    pub(crate) async fn test_id(&self, chromium: &Chromium, person: &Person) -> anyhow::Result<Value> {
        self.begin(chromium, &format!("login_hint=testid:{}_idporten-loa-substantial", person.fnr)).await?;
        self.is_in(chromium, person).await
    }

    /// From the picker to the page for the code.
    pub(crate) async fn password(&self, chromium: &Chromium, person: &Person) -> anyhow::Result<()> {
        if chromium.has("button[value=minid]").await? {
            chromium.press("button[value=minid]").await?;
        }
        chromium.fill("#fnr", &person.fnr).await?;
        chromium.fill("#password", &person.password).await?;
        chromium.press("button[value=next]").await
    }

    /// From the picker to the service.
    pub(crate) async fn minid(&self, chromium: &Chromium, person: &Person) -> anyhow::Result<()> {
        self.password(chromium, person).await?;
        chromium.fill("#code", &self.code().await?).await?;
        chromium.press("button[value=next]").await
    }

    /// The browser is at the service, which knows the person. What the service knows.
    pub(crate) async fn is_in(&self, chromium: &Chromium, person: &Person) -> anyhow::Result<Value> {
        chromium.arrives(&format!("{}/me", self.service)).await?;
        let known = chromium.json("#claims").await?;
        ensure!(known["claims"]["pid"] == person.fnr.as_str(), "somebody else is in: {known}");
        ensure!(known["userinfo"]["pid"] == person.fnr.as_str(), "userinfo is of somebody else: {known}");
        Ok(known)
    }

    /// A page of Porten on the way of a login at the service.
    pub(crate) fn login(&self, rest: &str) -> String {
        format!("{}/login/{CLIENT}/{rest}", self.porten)
    }

    /// `/logout` or `/authorize` with this service's name.
    pub(crate) fn asks(&self, path: &str, more: &[(&str, &str)]) -> anyhow::Result<String> {
        let mut url = url::Url::parse(&self.porten)?.join(path)?;
        url.query_pairs_mut().append_pair("client_id", CLIENT).extend_pairs(more);
        Ok(url.into())
    }
}

/// A synthetic number that nobody in `porten dev` has.
fn unused_fnr() -> anyhow::Result<String> {
    use authenticators::person::{Fnr, FnrPolicy};
    let policy = FnrPolicy { real: false, synthetic: true, expanded: false };
    let mut numbers = (0..40_000).map(|n| format!("118455{n:05}"));
    numbers.find(|number| Fnr::parse(number, policy).is_ok()).context("no synthetic number on that day")
}
