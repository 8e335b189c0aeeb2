//! Whoever has SMS sent at our cost, or to annoy somebody: each cap holds by itself, in a burst as well, and is in nobody
//! else's way.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use anyhow::Context;
use authenticators::activation::Source;
use authenticators::contact::{self, Channel, Known, Phone};
use conformance::browser::Browser;
use conformance::idp::{TestClient, TestIdp, TestPerson, unregistered};
use conformance::overheard::listen;
use futures_util::future::join_all;
use tracing::Instrument;

use crate::activate::{FIRST_PAGE, MOBILE_PAGE, PATH, begin, code_for, newcomer, send};

const ORDER: &str = "/aktiveringsbrev/order";
const DAY: Duration = Duration::from_hours(24);
/// What whoever gets none is told, who has not said or shown who they are.
const TOO_MANY: &str = "Det er sendt mange koder";

/// A Porten behind a proxy, which says where each browser is.
async fn start(sms_a_day: u32) -> anyhow::Result<TestIdp> {
    TestIdp::with(|setup| {
        setup.trusted_proxies = vec!["127.0.0.0/8".to_owned()];
        setup.minid.sms_a_day = sms_a_day;
    })
    .await
}

fn browser_at(idp: &TestIdp, address: &str) -> Browser {
    let mut browser = idp.browser();
    browser.headers.push(("x-forwarded-for", address.to_owned()));
    browser
}

/// So many addresses that have nothing to do with each other.
fn scattered(count: u32) -> Vec<String> {
    (0..count).map(|number| Ipv4Addr::from_bits(0x1000_0000 + number * 0x1_0001).to_string()).collect()
}

/// Somebody of whom nobody knows who they are asks for a code to a number; whether it is on its way.
async fn stranger(idp: &TestIdp, address: &str, phone: &str) -> anyhow::Result<bool> {
    let mut browser = browser_at(idp, address);
    browser.get(ORDER).await?.answer(&[("do", "order"), ("fnr", &unregistered()?.fnr)]).await?;
    browser.answer(&[("do", "send"), ("mobile", phone)]).await?;
    let is_sent = browser.page.body.contains("name=\"code\"");
    assert!(is_sent || browser.shows(TOO_MANY), "{}", browser.page.body);
    Ok(is_sent)
}

/// How many of these are true.
fn how_many(all: Vec<anyhow::Result<bool>>) -> anyhow::Result<usize> {
    Ok(all.into_iter().collect::<anyhow::Result<Vec<_>>>()?.into_iter().filter(|is_so| *is_so).count())
}

/// Strangers at all these addresses, a hundred at the same instant, each with a number; how many are sent a code.
async fn strangers(idp: &TestIdp, all: &[(String, String)]) -> anyhow::Result<usize> {
    let mut sent = 0;
    for some in all.chunks(100) {
        sent += how_many(join_all(some.iter().map(|(address, phone)| stranger(idp, address, phone))).await)?;
    }
    Ok(sent)
}

/// How many messages have gone to these numbers.
fn gone_to<'a>(idp: &TestIdp, phones: impl IntoIterator<Item = &'a str>) -> usize {
    phones.into_iter().map(|phone| idp.messages_to(phone).len()).sum()
}

/// A number of a country, such as `+46`.
fn abroad(country: &str, number: usize) -> String {
    format!("{country}70{number:07}")
}

/// Somebody gives a password; whether a code is on its way to them.
async fn is_sent_one(idp: &TestIdp, client: &TestClient, person: &TestPerson) -> anyhow::Result<bool> {
    let before = idp.sms_count(person);
    let mut browser = idp.browser();
    browser.get(&idp.authorize(client, &[])).await?.give_password(person).await?;
    let is_sent = idp.sms_count(person) == before + 1;
    assert!(is_sent || browser.page.body.contains("role=\"alert\""), "{}", browser.page.body);
    Ok(is_sent)
}

/// Somebody with a code from a letter asks for an SMS to a number; whether it is on its way.
async fn registers(idp: &TestIdp, person: &TestPerson, (code, phone): (&str, &str)) -> anyhow::Result<bool> {
    let mut browser = idp.browser();
    browser.get(PATH).await?;
    assert!(browser.shows(FIRST_PAGE), "{}", browser.page.body);
    begin(&mut browser, &person.fnr, code).await?;
    assert!(browser.shows(MOBILE_PAGE), "{}", browser.page.body);
    send(&mut browser, &[("do", "next"), ("mobile", phone)]).await?;
    let is_sent = browser.page.body.contains("name=\"code\"");
    assert!(is_sent || browser.shows(TOO_MANY), "{}", browser.page.body);
    Ok(is_sent)
}

// Attack: many addresses, one number.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_strangers_at_once_five_reach_one_telephone() -> anyhow::Result<()> {
    let idp = start(1_000_000).await?;
    let (client, kari, letter) = (idp.client().await?, idp.person().await?, newcomer(&idp).await?);
    let all: Vec<_> = scattered(100).into_iter().map(|address| (address, kari.phone.clone())).collect();
    assert_eq!(strangers(&idp, &all).await?, 5);
    assert_eq!(idp.sms_count(&kari), 5);
    // Its owner logs in, and proves the number, all the same.
    assert!(is_sent_one(&idp, &client, &kari).await?);
    let code = code_for(&idp, &letter, Source::Letter).await?.grouped();
    assert!(registers(&idp, &letter, (&code, &kari.phone)).await?);
    idp.advance(Duration::from_hours(1));
    assert!(stranger(&idp, "192.0.2.1", &kari.phone).await?);
    Ok(())
}

// Attack: one address, many numbers. Whoever has one IPv6 address has the 64 bits behind the prefix.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_and_all_that_are_behind_its_prefix_have_one_share() -> anyhow::Result<()> {
    let idp = start(1_000_000).await?;
    let home: Ipv6Addr = "2001:db8:1:2::".parse()?;
    let of_one = |number: usize| Ipv6Addr::from_bits(home.to_bits() + (u128::try_from(number).unwrap_or(0) << 40));
    for addresses in
        [(0..330).map(|number| of_one(number).to_string()).collect::<Vec<_>>(), vec!["203.0.113.7".to_owned(); 330]]
    {
        let all = addresses.into_iter().map(|address| Ok((address, unregistered()?.phone)));
        let all = all.collect::<anyhow::Result<Vec<_>>>()?;
        assert_eq!(strangers(&idp, &all).await?, 300);
        assert_eq!(gone_to(&idp, all.iter().map(|(_, phone)| phone.as_str())), 300);
    }
    for neighbour in ["2001:db8:1:3::1", "203.0.113.8"] {
        assert!(stranger(&idp, neighbour, &unregistered()?.phone).await?, "{neighbour}");
    }
    Ok(())
}

// Attack: many addresses, many numbers of a country where messages are dear.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_country_has_its_share_and_takes_nothing_from_others() -> anyhow::Result<()> {
    let idp = start(1_000_000).await?;
    let phones: Vec<String> = (0..230).map(|number| abroad("+46", number)).collect();
    let all: Vec<_> = scattered(230).into_iter().zip(phones.iter().cloned()).collect();
    assert_eq!(strangers(&idp, &all).await?, 200);
    assert_eq!(gone_to(&idp, phones.iter().map(String::as_str)), 200);
    // However it is written, it is the same country.
    for typed in ["0046 70-999 99 99", "+46 (70) 999 99 98", " 004670 9999997"] {
        assert!(!stranger(&idp, "192.0.2.1", typed).await?, "{typed}");
    }
    for phone in [abroad("+45", 1), unregistered()?.phone] {
        assert!(stranger(&idp, "192.0.2.1", &phone).await?, "{phone}");
    }
    // Who lives there and has proved their number logs in.
    let (client, kari) = (idp.client().await?, idp.person().await?);
    let swedish = Phone::parse(&abroad("+46", 555)).context("no telephone")?;
    let row = idp.row_of(&kari).await?;
    let mut tx = idp.app.world.db.begin().await?;
    contact::set(&mut tx, &row.id, &Channel::Mobile(swedish.clone()), Known::Proved, idp.now()).await?;
    tx.commit().await?;
    let kari = TestPerson { phone: swedish.as_str().to_owned(), ..kari };
    assert!(is_sent_one(&idp, &client, &kari).await?);
    Ok(())
}

// Attack: somebody with a code from a letter, or with several, lets all telephones of a town ring.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_burst_of_registrations_a_person_and_a_number_have_their_share() -> anyhow::Result<()> {
    let idp = start(1_000_000).await?;
    let kari = newcomer(&idp).await?;
    let code = code_for(&idp, &kari, Source::Letter).await?.grouped();
    let phones = (0..80).map(|_| Ok(unregistered()?.phone)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut sent = 0;
    for some in phones.chunks(40) {
        sent += how_many(join_all(some.iter().map(|phone| registers(&idp, &kari, (&code, phone)))).await)?;
    }
    assert_eq!((sent, gone_to(&idp, phones.iter().map(String::as_str))), (30, 30), "one person, in a day");
    idp.advance(DAY);
    assert!(registers(&idp, &kari, (&code, &kari.phone)).await?);

    let victim = unregistered()?.phone;
    let mut others = Vec::new();
    for number in 0..40 {
        let other = newcomer(&idp).await?;
        let source = if number % 2 == 0 { Source::Letter } else { Source::School };
        let code = code_for(&idp, &other, source).await?.grouped();
        others.push((other, code));
    }
    let sent = how_many(join_all(others.iter().map(|(other, code)| registers(&idp, other, (code, &victim)))).await)?;
    assert_eq!((sent, gone_to(&idp, [victim.as_str()])), (5, 5), "one number, in an hour");
    assert!(stranger(&idp, "192.0.2.1", &victim).await?, "its owner orders a letter");
    Ok(())
}

// Attack: everything else is got round, and the day's budget is what is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_its_budget_strangers_a_fifth_of_it_and_the_operator_is_told() -> anyhow::Result<()> {
    let idp = start(40).await?;
    let client = idp.client().await?;
    let mut people = Vec::new();
    for _ in 0..60 {
        people.push(idp.person().await?);
    }
    let listener = listen();
    let alarms = || -> Vec<String> {
        listener.own_lines().into_iter().filter(|line| line.contains("alarm=sms-spend")).collect()
    };
    let all = scattered(100).into_iter().map(|address| Ok((address, unregistered()?.phone)));
    let all = all.collect::<anyhow::Result<Vec<_>>>()?;
    assert_eq!(strangers(&idp, &all).instrument(listener.span()).await?, 8);
    assert_eq!(gone_to(&idp, all.iter().map(|(_, phone)| phone.as_str())), 8);
    let [alarm] = alarms().try_into().map_err(|alarms| anyhow::anyhow!("{alarms:?}"))?;
    assert!(alarm.contains(" ERROR ") && alarm.contains("share of strangers"), "{alarm}");

    // What strangers have done is not in the way of those who have MinID.
    let logins = join_all(people.iter().map(|person| is_sent_one(&idp, &client, person)));
    assert_eq!(how_many(logins.instrument(listener.span()).await)?, 32);
    assert_eq!(people.iter().map(|person| idp.sms_count(person)).sum::<usize>(), 32);
    let told = alarms();
    assert_eq!(told.len(), 3, "each of them once: {told:?}");
    for (words, sent) in [("message=four fifths", "sent=32 budget=40"), ("SMS are spent; none", "sent=41 budget=40")] {
        let is_told = |alarm: &String| [" ERROR ", words, sent].iter().all(|part| alarm.contains(part));
        assert!(told.iter().any(is_told), "{words}: {told:?}");
    }
    for person in &people {
        assert!(
            !told.iter().any(|alarm| alarm.contains(&person.phone[3..]) || alarm.contains(&person.fnr)),
            "{told:?}"
        );
    }
    // Nobody else gets one today, and tomorrow everybody does.
    let kari = people.first().context("nobody")?;
    assert!(!is_sent_one(&idp, &client, kari).await?);
    assert!(!stranger(&idp, "192.0.2.1", &unregistered()?.phone).await?);
    idp.advance(DAY);
    assert!(is_sent_one(&idp, &client, kari).await?);
    assert!(stranger(&idp, "192.0.2.1", &unregistered()?.phone).await?);
    Ok(())
}
