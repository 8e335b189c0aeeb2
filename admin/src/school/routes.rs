//! The pages of schools, from the first to the last.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::StatusCode;
use axum::routing::{get, post};
use idp::app::App;
use idp::text::Language;

use super::register::ClassId;
use super::sign_in::{self, Door, LEAVE};
use crate::endpoints::{import, school_admin, school_report, school_teacher};

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

/// A class, to those who teach it.
pub fn class(id: &ClassId) -> String {
    format!("/skule/klasse/{}", id.as_str())
}

/// All routes: the table of contents.
pub fn routes(app: &App) -> Router<App> {
    // A link scanner's HEAD must not use anything up.
    let no_head = || async { StatusCode::METHOD_NOT_ALLOWED };
    let long_form = DefaultBodyLimit::max(FORM_AT_MOST);
    Router::new()
        .route("/skule/callback", get(sign_in::arrive).head(no_head))
        .route(LEAVE, post(sign_in::leave))
        .route("/skule/ut", get(sign_in::left))
        .route("/skule", get(school_admin::start))
        .route("/skule/{school}", get(school_admin::classes))
        .route("/skule/{school}/{class}", get(school_admin::employees).post(school_admin::authorise))
        .route("/skule/{school}/{class}/elever", get(school_admin::pupils).post(school_admin::couple).layer(long_form))
        .route("/skule/{school}/{class}/bekreft", get(school_admin::confirm).post(school_admin::save))
        .route("/skule/klasse", get(school_teacher::classes))
        .route("/skule/klasse/{class}", get(school_teacher::list))
        .route("/skule/klasse/{class}/{pupil}", get(school_teacher::show).post(school_teacher::act))
        .route("/skule/klasse/{class}/{pupil}/vent", get(school_teacher::wait))
        .route(REPORT, get(school_report::show))
        .route("/skule/rapport/{owner}", get(school_report::fetch))
        .route("/skule/api/import", import::route(import::PATIENCE))
        .layer(Extension(Door::of(app)))
}
