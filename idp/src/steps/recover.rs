//! The password is forgotten: who it is, the code by SMS, the code by e-mail; or the MinID app instead of both codes, or a
//! passkey instead of all three. What is shown is the same whether there is anybody or not, and whatever they have.

use askama::Template;
use authenticators::chance::Token;
use authenticators::contact::{Channel, Contact};
use authenticators::factor::Verdict;
use authenticators::otc::{self, Errand, Order, OtcChallenge, Words};
use authenticators::person::{Fnr, Person};
use authenticators::prove::{self, RecoveryVerdict};
use authenticators::{contact, password};
use axum::response::Response;

use super::{Common, Problems, Turn, app, bare, clock_time, fnr_problem, notice_of, problem_of, recover_app};
use crate::activation_pages::ORDER_PATH;
use crate::client::PROFILE_PATH;
use crate::error::Refusal;
use crate::flow::{LoginAttempt, Recover, Remark, Sent, Step};
use crate::page::Frame;

#[derive(Template)]
#[template(path = "minid_recover.html")]
struct MinidRecover {
    frame: Frame,
    action: String,
    csrf: String,
    fnr: String,
    fnr_problem: Option<&'static str>,
    problem: Option<&'static str>,
    /// What the browser is asked, if it can have passkeys.
    passkey: Option<String>,
    /// Whether anybody can have the MinID app here.
    has_app: bool,
    profile: &'static str,
    /// Where a letter is ordered.
    order: &'static str,
}

#[derive(Template)]
#[template(path = "minid_recover_code.html")]
struct MinidRecoverCode {
    frame: Frame,
    action: String,
    csrf: String,
    /// None for the SMS: who has not answered it may not see where it went.
    email: Option<String>,
    length: usize,
    is_over: bool,
    valid_until: String,
    code_problem: Option<&'static str>,
    problem: Option<&'static str>,
    notice: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "minid_recover_no_email.html")]
struct MinidRecoverNoEmail {
    frame: Frame,
    action: String,
    csrf: String,
    profile: &'static str,
    /// Where a letter is ordered.
    order: &'static str,
}

/// The page of a stage.
pub fn page(turn: &Turn<'_>, stage: Recover, problems: &Problems) -> Response {
    let Common { frame, action, csrf } = turn.common();
    let attempt = turn.attempt();
    let problem = problems.form.or(attempt.remark.and_then(problem_of));
    match stage {
        Recover::Who => {
            let known = attempt.known.as_ref().map(|fnr| fnr.as_str().to_owned());
            let fnr = if problems.typed.is_empty() { known.unwrap_or_default() } else { problems.typed.clone() };
            let page = MinidRecover {
                frame,
                action,
                csrf,
                fnr,
                fnr_problem: problems.fnr,
                problem,
                passkey: attempt.ceremony.as_ref().map(|ceremony| ceremony.options.clone()),
                has_app: turn.call.app.world.webauthn.is_there(),
                profile: PROFILE_PATH,
                order: ORDER_PATH,
            };
            turn.html(problems, &page)
        }
        Recover::Sms | Recover::Email => {
            let code = attempt.sent.as_ref().map(|sent| &sent.code);
            let to = attempt.sent.as_ref().and_then(|sent| sent.to.as_ref());
            let page = MinidRecoverCode {
                frame,
                action,
                csrf,
                email: to.filter(|_| stage == Recover::Email).map(Channel::masked),
                length: if stage == Recover::Email { otc::LENGTH_BY_EMAIL } else { otc::LENGTH },
                is_over: code.is_none_or(|code| code.valid_until() <= turn.call.now),
                valid_until: clock_time(code.map_or(turn.call.now, OtcChallenge::valid_until)),
                code_problem: problems.code,
                problem,
                notice: attempt.remark.and_then(notice_of),
            };
            turn.html(problems, &page)
        }
        Recover::App => recover_app::page(turn, problems),
        Recover::NoEmail => {
            let (profile, order) = (PROFILE_PATH, ORDER_PATH);
            turn.html(problems, &MinidRecoverNoEmail { frame, action, csrf, profile, order })
        }
    }
}

/// Something was typed.
pub async fn answer(turn: &Turn<'_>, stage: Recover) -> Result<Response, Refusal> {
    // A look at the other ways takes back nothing that the app was asked.
    if turn.wants("back") && stage == Recover::App {
        return turn.go(turn.attempt().at(Step::Recover(Recover::Who))).await;
    }
    if turn.wants("back") {
        app::leave(turn).await?;
        let known = turn.attempt().known.clone();
        return turn.go(LoginAttempt { known, ..turn.attempt().from_the_password() }).await;
    }
    match stage {
        Recover::Who => who(turn).await,
        Recover::Sms | Recover::Email => code(turn, stage).await,
        Recover::App => recover_app::answer(turn).await,
        Recover::NoEmail => Ok(turn.onwards()),
    }
}

async fn who(turn: &Turn<'_>) -> Result<Response, Refusal> {
    if turn.wants("passkey") {
        return by_passkey(turn).await;
    }
    let by_app = turn.wants("app") && turn.call.app.world.webauthn.is_there();
    if !by_app && !turn.wants("next") {
        return Ok(turn.onwards());
    }
    let typed = turn.form.field("fnr").unwrap_or_default();
    match Fnr::parse(typed, turn.call.app.config.people) {
        Ok(fnr) if by_app => recover_app::enter(turn, fnr).await,
        Ok(fnr) => {
            app::leave(turn).await?;
            send(turn, fnr, Recover::Sms).await
        }
        Err(problem) => {
            let fnr = Some(fnr_problem(problem));
            let typed = typed.chars().take(40).collect();
            turn.page(&Problems { fnr, typed, ..Problems::default() }).await
        }
    }
}

/// A passkey that its owner has unlocked proves as much as both codes, and says by itself whose it is. The question is
/// taken back before its answer is looked at: each is answered once.
async fn by_passkey(turn: &Turn<'_>) -> Result<Response, Refusal> {
    let (answer, ceremony) = (turn.form.field("credential"), turn.attempt().ceremony.clone());
    let (Some(answer), Some(ceremony)) = (answer, ceremony) else { return Ok(turn.onwards()) };
    let taken = LoginAttempt { ceremony: None, remark: None, ..turn.attempt().clone() };
    if !turn.write(&turn.read, taken).await? {
        return Ok(turn.onwards());
    }
    let read = turn.again().await?;
    let known = turn.call.browser.known.as_ref().map(Token::hash);
    let world = &turn.call.app.world;
    let next = match prove::passkey_alone(world, &ceremony, answer, known.as_ref(), turn.call.now).await? {
        // The second factor is still to come, as after the codes.
        Verdict::Proved(proof) => {
            let known = Some(proof.fnr().clone());
            app::leave(turn).await?;
            LoginAttempt {
                known,
                sent: None,
                ceremony: None,
                asked: None,
                tries: 0,
                ..read.value.at(Step::NewPassword)
            }
        }
        Verdict::Stopped(stop) => read.value.at(Step::Stopped(stop)),
        Verdict::Wrong => read.value.saying(Remark::PasskeyFailed),
    };
    turn.write(&read, next).await?;
    Ok(turn.onwards())
}

/// A code goes to what is registered, if anything is; the login goes on as if it had.
pub async fn send(turn: &Turn<'_>, fnr: Fnr, stage: Recover) -> Result<Response, Refusal> {
    let (app, now) = (turn.call.app, turn.call.now);
    let db = app.world.db.pool();
    let person = Person::by_fnr(db, &fnr).await?;
    // Who has no MinID has no password to forget.
    let has_minid = password::stored(db, person.as_ref().map(|person| &person.id)).await?.is_some();
    let person = person.filter(|_| has_minid);
    let to = match (stage, &person) {
        // Nobody's is looked up as well: how long it takes tells no stranger whether there is anybody.
        (Recover::Sms, person) => {
            contact::mobile(db, person.as_ref().map(|person| &person.id)).await?.map(Channel::Mobile)
        }
        (_, Some(person)) => Contact::of(db, &person.id).await?.email.map(Channel::Email),
        (_, None) => None,
    };
    if stage == Recover::Email && (to.is_none() || !app.world.mail.is_there()) {
        return turn.go(turn.attempt().at(Step::Recover(Recover::NoEmail))).await;
    }
    let text = turn.text();
    let words = |code: &str| Words {
        subject: text.t("mail-recovery-subject"),
        text: text.with(if stage == Recover::Email { "mail-recovery-code" } else { "sms-recovery-code" }, "code", code),
    };
    let order = to.as_ref().map(|to| Order {
        to,
        person: person.as_ref().map(|person| &person.id),
        from: turn.call.browser.address,
        errand: Errand::Recovery,
    });
    let code = otc::send_unseen(&app.world, order.as_ref(), words, now)?;
    let again = turn.attempt().step == Step::Recover(stage);
    let next = turn.attempt().at(Step::Recover(stage));
    let next = LoginAttempt { known: Some(fnr), sent: Some(Sent { to, code }), asked: None, ..next };
    turn.go(if again { next.saying(Remark::SentAgain) } else { next }).await
}

async fn code(turn: &Turn<'_>, stage: Recover) -> Result<Response, Refusal> {
    let (attempt, now) = (turn.attempt(), turn.call.now);
    let (Some(fnr), Some(sent)) = (attempt.known.clone(), attempt.sent.clone()) else {
        return turn.go(attempt.at(Step::Recover(Recover::Who))).await;
    };
    if turn.wants("resend") {
        return match sent.code.wait(now).is_zero() {
            true => send(turn, fnr, stage).await,
            false => turn.go(attempt.saying(Remark::TooSoon)).await,
        };
    }
    if !turn.wants("next") {
        return Ok(turn.onwards());
    }
    let typed = bare(turn.form.field("code").unwrap_or_default());
    let problem = |code| Problems { code: Some(code), ..Problems::default() };
    if typed.len() != sent.code.length() || !typed.bytes().all(|b| b.is_ascii_digit()) {
        let key = match (typed.is_empty(), stage) {
            (true, _) => "problem-recover-code-empty",
            (false, Recover::Email) => "problem-recover-code-digits-email",
            (false, _) => "problem-code-digits",
        };
        return turn.page(&problem(key)).await;
    }
    if sent.code.valid_until() <= now {
        return turn.page(&problem("problem-code-expired")).await;
    }
    let Some(reserved) = turn.reserve(&Step::Recover(stage)).await? else { return Ok(turn.onwards()) };
    match prove::recovery(&turn.call.app.world, &fnr, &sent.code, &typed, now).await? {
        RecoveryVerdict::Stopped(stop) => {
            turn.write(&reserved, reserved.value.at(Step::Stopped(stop))).await?;
            Ok(turn.onwards())
        }
        RecoveryVerdict::Wrong if reserved.value.left() == 0 => {
            let over = LoginAttempt { known: Some(fnr), ..reserved.value.from_the_password() };
            turn.write(&reserved, over.saying(Remark::CodeUsedUp)).await?;
            Ok(turn.onwards())
        }
        RecoveryVerdict::Wrong => turn.with(reserved).page(&problem("problem-recover-code-wrong")).await,
        RecoveryVerdict::Right if stage == Recover::Sms => {
            let proved = LoginAttempt { tries: 0, ..reserved.value.clone() };
            if !turn.write(&reserved, proved).await? {
                return Ok(turn.onwards());
            }
            let read = turn.again().await?;
            send(&turn.with(read), fnr, Recover::Email).await
        }
        RecoveryVerdict::Right => {
            let next = LoginAttempt { sent: None, tries: 0, ..reserved.value.at(Step::NewPassword) };
            turn.write(&reserved, next).await?;
            Ok(turn.onwards())
        }
    }
}
