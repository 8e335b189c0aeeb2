//! Another's eID: on the way to its provider, and what becomes of the answer.

use std::sync::Arc;

use authenticators::factor::Stop;
use authenticators::guest::Guest;
use authenticators::person::{Fnr, Person};
use axum::response::Response;

use super::Turn;
use crate::error::Refusal;
use crate::flow::{Authentication, Remark, Step};
use crate::page;
use crate::upstream::id_token::{Said, Who};
use crate::upstream::{Departure, Failure, Journey, Provider};

/// To the provider. The login stays where one chooses, so that whoever turns back there can choose again.
pub async fn depart(turn: &Turn<'_>, id: &str) -> Result<Response, Refusal> {
    let Some(provider) = turn.call.app.upstreams.get(id) else { return Ok(turn.onwards()) };
    let departure = Departure {
        client: &turn.place.client.id,
        login: &turn.place.id,
        asked: &turn.attempt().request.acr,
        language: turn.text().language,
    };
    let address = match provider.depart(&turn.call, &departure).await? {
        Ok(address) => address,
        Err(failure) => return back(turn, remark_of(failure)).await,
    };
    if turn.attempt().remark.is_some() {
        turn.write(&turn.read, turn.attempt().at(Step::ChooseEid)).await?;
    }
    let mut response = page::see_other(&address);
    turn.call.browser.settle(turn.call.app, response.headers_mut());
    Ok(response)
}

/// Back from a provider, with the journey that was taken and an answer in the form.
pub async fn arrived(turn: &Turn<'_>, provider: &Arc<Provider>, journey: &Journey) -> Result<Response, Refusal> {
    let form = &turn.form;
    // Something else was chosen meanwhile.
    if turn.attempt().step != Step::ChooseEid {
        return Ok(turn.onwards());
    }
    // RFC 9700 4.4.2.2: each provider has an address of its own to answer at.
    if journey.eid != provider.eid.config.id || form.each_once().is_err() {
        return back(turn, Remark::EidRefused).await;
    }
    let said = match provider.arrive(&turn.call, journey, form).await? {
        Ok(said) => said,
        Err(failure) => return back(turn, remark_of(failure)).await,
    };
    if !said.reached.acr.satisfies_one_of(&turn.attempt().request.acr) {
        return back(turn, Remark::EidTooLow).await;
    }
    let proved = match proved(turn, said).await? {
        Ok(proved) => proved,
        Err(Nobody::Unnamed) => return back(turn, Remark::EidNobody).await,
        Err(Nobody::Dead) => return turn.go(turn.attempt().at(Step::Stopped(Stop::Closed))).await,
    };
    if turn.is_another(&proved).await? {
        return back(turn, Remark::EidAnother).await;
    }
    let due = turn.due(turn.attempt(), &proved).await?;
    let ended = turn.end(&turn.read, turn.attempt().clone(), (proved, due)).await?;
    let eid = provider.eid.as_choice();
    Ok(ended.map_or_else(|| turn.onwards(), |response| turn.remembering(&eid, response)))
}

/// Why it is nobody who could be let in.
enum Nobody {
    /// There is no identifier, or none that is let in.
    Unnamed,
    /// It is somebody who has died.
    Dead,
}

/// Who it is: a person by their number, and a guest by the identifier of another country alone. No name, address or date
/// makes one of the other.
async fn proved(turn: &Turn<'_>, said: Said) -> anyhow::Result<Result<Authentication, Nobody>> {
    let (app, now) = (turn.call.app, turn.call.now);
    match &said.who {
        Who::Number(text) => {
            let Ok(fnr) = Fnr::parse(text, app.config.people) else { return Ok(Err(Nobody::Unnamed)) };
            let person = Person::ensure(&app.world.db, &app.world.chance, &fnr, now).await?;
            Ok(Authentication::by_other(person, said).ok_or(Nobody::Dead))
        }
        Who::Abroad(abroad) => {
            let guest = Guest::from_abroad(&app.world.vault, &abroad.id);
            guest.welcome(&app.world.db, now).await?;
            Ok(Authentication::from_abroad(&guest, said).ok_or(Nobody::Unnamed))
        }
        Who::Nobody => Ok(Err(Nobody::Unnamed)),
    }
}

/// To the picker, which says what happened. The browser may be new, where there was nothing to choose.
async fn back(turn: &Turn<'_>, remark: Remark) -> Result<Response, Refusal> {
    let mut response = turn.go(turn.attempt().saying(remark)).await?;
    turn.call.browser.settle(turn.call.app, response.headers_mut());
    Ok(response)
}

fn remark_of(failure: Failure) -> Remark {
    match failure {
        Failure::Cancelled => Remark::EidCancelled,
        Failure::Unavailable => Remark::EidUnavailable,
        Failure::Refused => Remark::EidRefused,
        Failure::TooLow => Remark::EidTooLow,
    }
}
