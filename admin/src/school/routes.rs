//! The pages of schools, from the first to the last.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::StatusCode;
use axum::routing::{MethodRouter, get, post};
use idp::app::App;
use idp::text::Language;

use super::register::{ClassId, Orgno};
use super::sign_in::{self, Door, LEAVE};
use crate::endpoints::{import, school_admin, school_file, school_report, school_teacher};

/// The words of these pages, each language's file.
pub const WORDS: [(Language, &str); 3] = [
    (Language::Nb, include_str!("../../locales/nb/school.ftl")),
    (Language::Nn, include_str!("../../locales/nn/school.ftl")),
    (Language::En, include_str!("../../locales/en/school.ftl")),
];

/// A large class with many employees has a long form.
const FORM_AT_MOST: usize = 1024 * 1024;

/// How far the schools of an owner have come.
pub const REPORT: &str = "/skule/rapport";
/// Below a class: to whom.
pub const PUPILS: &str = "/elever";
/// Below a class: is it right?
pub const CONFIRM: &str = "/bekreft";

/// The file of an owner, to those who act for it.
pub fn file(owner: &Orgno) -> String {
    format!("/skule/fil/{}", owner.as_str())
}

/// A class, to those who teach it.
pub fn class(id: &ClassId) -> String {
    format!("/skule/klasse/{}", id.as_str())
}

/// A route.
struct Route {
    path: &'static str,
    /// What may be asked of it.
    methods: &'static [&'static str],
    answers: MethodRouter<App>,
}

const READ: &[&str] = &["GET"];
const SEND: &[&str] = &["POST"];
const BOTH: &[&str] = &["GET", "POST"];

/// All routes: the table of contents.
pub fn routes(app: &App) -> Router<App> {
    let add = |router: Router<App>, route: Route| router.route(route.path, route.answers);
    table().into_iter().fold(Router::new(), add).layer(Extension(Door::of(app)))
}

/// The path of each route, and what may be asked of it.
pub fn all() -> Vec<(&'static str, &'static [&'static str])> {
    table().into_iter().map(|route| (route.path, route.methods)).collect()
}

fn table() -> Vec<Route> {
    let route = |path, methods, answers| Route { path, methods, answers };
    // A link scanner's HEAD must not use anything up.
    let no_head = || async { StatusCode::METHOD_NOT_ALLOWED };
    let couple = get(school_admin::pupils).post(school_admin::couple).layer(DefaultBodyLimit::max(FORM_AT_MOST));
    vec![
        route("/skule/callback", READ, get(sign_in::arrive).head(no_head)),
        route(LEAVE, SEND, post(sign_in::leave)),
        route("/skule/ut", READ, get(sign_in::left)),
        route("/skule", READ, get(school_admin::start)),
        route("/skule/{school}", READ, get(school_admin::classes)),
        route("/skule/{school}/{class}", BOTH, get(school_admin::employees).post(school_admin::authorise)),
        route("/skule/{school}/{class}/elever", BOTH, couple),
        route("/skule/{school}/{class}/bekreft", BOTH, get(school_admin::confirm).post(school_admin::save)),
        route("/skule/klasse", READ, get(school_teacher::classes)),
        route("/skule/klasse/{class}", READ, get(school_teacher::list)),
        route("/skule/klasse/{class}/vent", READ, get(school_teacher::wait_for_any)),
        route("/skule/klasse/{class}/{pupil}", BOTH, get(school_teacher::show).post(school_teacher::act)),
        route("/skule/klasse/{class}/{pupil}/vent", READ, get(school_teacher::wait)),
        route(REPORT, READ, get(school_report::show)),
        route("/skule/rapport/{owner}", READ, get(school_report::fetch)),
        route("/skule/fil/{owner}", BOTH, school_file::route(import::PATIENCE)),
        route("/skule/api/import", BOTH, import::route(import::Pace::default())),
    ]
}
