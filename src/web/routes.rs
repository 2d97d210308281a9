//! The site map: every URL of the portal and who may call it.
use super::guard::{self, Who};
use super::{assets, layers, metrics, pages, tour, visitor};
use crate::accounts::pages::{join, people as accounts, profile, reset, sign_in, sign_ins, tokens};
use crate::app::App;
use crate::audit::pages as audit;
use crate::cohorts::pages as cohorts;
use crate::curriculum::pages as curriculum;
use crate::demo::pages as demo;
use crate::error::Error;
use crate::gradings::pages as gradings;
use crate::notices::pages as notices;
use crate::progress::pages as progress;
use crate::queue::pages as queue;
use crate::reviews::pages as reviews;
use crate::settings::pages as settings;
use crate::submissions::{api, pages as submissions};
use Who::{Admin, Anyone, Member, SignedIn, Staff, Student};
use axum::extract::RawPathParams;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, Router, on};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;

/// One line of the site map.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub who: Who,
    /// Of a form: the path of the page it stands on.
    pub page: Option<&'static str>,
    handler: MethodRouter<App>,
}

/// Every route. A test walks this table for every role.
pub fn map() -> Vec<Route> {
    let mut map = vec![
        get("/static/{hash}/{*name}", Anyone, assets::show),
        get("/healthz", Anyone, pages::health),
        get("/readyz", Anyone, pages::ready),
        get("/metrics", Anyone, metrics::show),
        post("/enrolment", SignedIn, pages::switch),
        post("/tour", SignedIn, tour::turn),
    ];
    map.extend(people());
    map.extend(program());
    map.extend(work());
    map.extend(staff());
    map.extend(admin());
    map
}

/// Signing in and one's own account.
fn people() -> Vec<Route> {
    vec![
        get("/login", Anyone, sign_in::show),
        post("/login", Anyone, sign_in::sign_in),
        post("/demo/sign-in", Anyone, sign_in::demo),
        post("/demo/reset", SignedIn, demo::reset),
        post("/logout", Anyone, sign_in::sign_out),
        get("/join/{token}", Anyone, join::show),
        post("/join/{token}", Anyone, join::join),
        form("/join/{token}/accept", SignedIn, "/join/{token}", join::accept),
        get("/reset", Anyone, reset::ask),
        post("/reset", Anyone, reset::asked),
        get("/reset/{token}", Anyone, reset::show),
        post("/reset/{token}", Anyone, reset::set),
        get("/account", SignedIn, profile::show),
        post("/account", SignedIn, profile::change),
        form("/account/password", SignedIn, "/account", profile::password),
        get("/account/sign-ins", SignedIn, sign_ins::list),
        post("/account/sign-ins/revoke", SignedIn, sign_ins::revoke_others),
        post("/account/sign-ins/{id}/revoke", SignedIn, sign_ins::revoke),
        get("/account/tokens", SignedIn, tokens::list),
        post("/account/tokens", SignedIn, tokens::create),
        post("/account/tokens/{id}/revoke", SignedIn, tokens::revoke),
        get("/notifications", SignedIn, notices::list),
        post("/notifications/seen", SignedIn, notices::seen),
        post("/notifications/{id}", SignedIn, notices::follow),
    ]
}

/// What is taught.
fn program() -> Vec<Route> {
    vec![
        get("/syllabus", Anyone, curriculum::syllabus::show),
        get("/rules", Anyone, curriculum::rules::list),
        get("/rules/{id}", Anyone, curriculum::rules::show),
        get("/weeks", Member, curriculum::weeks::list),
        get("/weeks/{number}", Member, curriculum::weeks::show),
        get("/labs/{id}", Member, curriculum::labs::show),
        get("/labs/{id}/start.zip", Member, curriculum::labs::start),
        get("/cohorts/{id}/weeks", Staff, curriculum::weeks::list_of_cohort),
        get("/cohorts/{id}/weeks/{number}", Staff, curriculum::weeks::show_of_cohort),
        get("/cohorts/{id}/labs/{lab}", Staff, curriculum::labs::show_of_cohort),
    ]
}

/// Handing in, reports, progress.
fn work() -> Vec<Route> {
    vec![
        get("/", Anyone, progress::home::show),
        get("/skills", Student, progress::skills::show),
        get("/submissions", Student, progress::submissions::list),
        upload(form("/labs/{id}/submissions", Student, "/labs/{id}", submissions::hand_in)),
        get("/api/labs", Student, api::labs),
        get("/api/labs/{id}/start", Student, api::start),
        upload(post("/api/labs/{id}/submissions", Student, api::hand_in)),
        get("/api/submissions/{id}", SignedIn, api::show),
        post("/labs/{id}/sample", Student, submissions::sample),
        get("/submissions/{id}", SignedIn, gradings::show),
        get("/submissions/{id}/live", SignedIn, gradings::watch),
        get("/submissions/{id}/report.json", SignedIn, gradings::json),
        get("/submissions/{id}/files/{*path}", SignedIn, gradings::file),
        post("/submissions/{id}/hints/{check}", SignedIn, gradings::hint),
        post("/submissions/{id}/fixes/{check}", SignedIn, gradings::fix),
        post("/submissions/{id}/review", SignedIn, reviews::ask),
    ]
}

/// Reviewing and running a cohort.
fn staff() -> Vec<Route> {
    vec![
        get("/review", Staff, reviews::queue::list),
        get("/review/{submission}", Staff, reviews::show::show),
        post("/review/{submission}", Staff, reviews::verdict::decide),
        post("/review/{submission}/claim", Staff, reviews::verdict::claim),
        post("/review/{submission}/release", Staff, reviews::verdict::release),
        post("/review/{submission}/comments", Staff, reviews::verdict::comment),
        post("/review/{submission}/comments/{comment}/withdraw", Staff, reviews::verdict::withdraw),
        post("/submissions/{id}/regrade", Staff, reviews::regrade),
        get("/cohorts", Staff, cohorts::list::list),
        get("/cohorts/{id}", Staff, cohorts::overview::show),
        get("/cohorts/{id}/gradebook", Staff, cohorts::gradebook::show),
        get("/cohorts/{id}/gradebook.csv", Staff, cohorts::gradebook::download),
        get("/cohorts/{id}/people", Staff, cohorts::people::show),
        form("/cohorts/{id}/import", Staff, "/cohorts/{id}/people", cohorts::import::preview),
        form("/cohorts/{id}/import/confirm", Staff, "/cohorts/{id}/people", cohorts::import::confirm),
        form("/cohorts/{id}/invitations", Staff, "/cohorts/{id}/people", cohorts::invitations::invite),
        form("/cohorts/{id}/invitations/{invitation}/renew", Staff, "/cohorts/{id}/people", cohorts::invitations::renew),
        get("/cohorts/{id}/invitations/{invitation}/revoke", Staff, cohorts::invitations::ask_revoke),
        post("/cohorts/{id}/invitations/{invitation}/revoke", Staff, cohorts::invitations::revoke),
        get("/cohorts/{id}/students/{enrolment}", Staff, cohorts::student::show),
        form("/cohorts/{id}/students/{enrolment}/extensions", Staff, "/cohorts/{id}/students/{enrolment}", cohorts::changes::extend),
        get("/cohorts/{id}/students/{enrolment}/extensions/{extension}/withdraw", Staff, cohorts::changes::ask_withdraw),
        post("/cohorts/{id}/students/{enrolment}/extensions/{extension}/withdraw", Staff, cohorts::changes::withdraw),
        form("/cohorts/{id}/students/{enrolment}/scores", Staff, "/cohorts/{id}/students/{enrolment}", cohorts::changes::sign),
        get("/cohorts/{id}/students/{enrolment}/scores/{lab}/withdraw", Staff, cohorts::changes::ask_unsign),
        post("/cohorts/{id}/students/{enrolment}/scores/{lab}/withdraw", Staff, cohorts::changes::unsign),
        post("/cohorts/{id}/students/{enrolment}/factor", Staff, cohorts::changes::factor),
        get("/cohorts/{id}/students/{enrolment}/status/{to}", Staff, cohorts::changes::ask_status),
        post("/cohorts/{id}/students/{enrolment}/status/{to}", Staff, cohorts::changes::status),
    ]
}

/// Running the installation.
fn admin() -> Vec<Route> {
    vec![
        get("/admin", Admin, settings::overview::show),
        get("/admin/settings", Admin, settings::show),
        post("/admin/settings", Admin, settings::change),
        get("/admin/jobs", Admin, queue::list),
        post("/admin/jobs/{id}", Admin, queue::try_again),
        get("/admin/audit", Admin, audit::list),
        get("/admin/programs", Admin, curriculum::programs::list),
        get("/admin/people", Admin, accounts::list),
        get("/admin/people/{id}", Admin, accounts::show),
        form("/admin/people/{id}/reset", Admin, "/admin/people/{id}", accounts::reset),
        get("/admin/people/{id}/{what}", Admin, accounts::ask),
        post("/admin/people/{id}/{what}", Admin, accounts::change),
        get("/admin/cohorts", Admin, cohorts::admin::list),
        post("/admin/cohorts", Admin, cohorts::admin::open),
        get("/admin/cohorts/{id}", Admin, cohorts::admin::show),
        post("/admin/cohorts/{id}", Admin, cohorts::admin::change),
        get("/admin/cohorts/{id}/archive", Admin, cohorts::admin::ask_archive),
        post("/admin/cohorts/{id}/archive", Admin, cohorts::admin::archive),
        get("/admin/cohorts/{id}/versions/{hash}", Admin, cohorts::versions::ask),
        post("/admin/cohorts/{id}/versions/{hash}", Admin, cohorts::versions::change),
        form("/admin/cohorts/{id}/instructors", Admin, "/cohorts/{id}/people", cohorts::people::assign),
        get("/admin/cohorts/{id}/instructors/{person}/remove", Admin, cohorts::people::ask_remove),
        post("/admin/cohorts/{id}/instructors/{person}/remove", Admin, cohorts::people::remove),
    ]
}

fn get<H: Handler<T, App>, T: 'static>(path: &'static str, who: Who, handler: H) -> Route {
    route(Method::GET, path, who, handler)
}

fn post<H: Handler<T, App>, T: 'static>(path: &'static str, who: Who, handler: H) -> Route {
    route(Method::POST, path, who, handler)
}

/// A POST that answers with a page, at an address that shows none: opened again from the address line, it leads to the page its form stands on.
fn form<H: Handler<T, App>, T: 'static>(path: &'static str, who: Who, page: &'static str, handler: H) -> Route {
    let again = get(path, who, move |parts: RawPathParams| async move { pages::back(page, &parts) });
    let route = post(path, who, handler);
    Route { page: Some(page), handler: route.handler.merge(again.handler), ..route }
}

/// The same route for a POST that brings files: its handler counts them while they stream in.
fn upload(route: Route) -> Route {
    Route { handler: route.handler.layer(axum::extract::DefaultBodyLimit::max(submissions::LARGEST_BODY)), ..route }
}

fn route<H: Handler<T, App>, T: 'static>(method: Method, path: &'static str, who: Who, handler: H) -> Route {
    let filter = if method == Method::GET { axum::routing::MethodFilter::GET } else { axum::routing::MethodFilter::POST };
    let handler = on(filter, handler).route_layer(from_fn(move |request, next| guard::guard(who, request, next)));
    Route { method, path, who, page: None, handler }
}

/// The portal as one service.
pub fn router(app: App) -> Router {
    metrics::start();
    layered(map().into_iter().fold(Router::new(), |router, route| router.route(route.path, route.handler)), app)
}

/// Routes inside the portal's layers, outermost first.
pub fn layered(router: Router<App>, app: App) -> Router {
    let csrf = CsrfLayer::new();
    let csrf = match csrf.clone().add_trusted_origin(&app.url) {
        Ok(trusting) => trusting,
        Err(_) => csrf,
    };
    router
        .fallback(|| async { Error::NotFound })
        .layer(axum::extract::DefaultBodyLimit::max(256 * 1024))
        .layer(
            ServiceBuilder::new()
                .layer(from_fn(metrics::measure))
                .layer(from_fn_with_state(app.clone(), layers::security))
                .layer(CompressionLayer::new().quality(tower_http::CompressionLevel::Fastest))
                .layer(from_fn_with_state(app.clone(), layers::early_failures))
                .layer(CatchPanicLayer::custom(layers::panicked))
                .layer(csrf.with_rejection_response(layers::from_elsewhere))
                .layer(from_fn_with_state(app.clone(), visitor::find))
                .layer(from_fn_with_state(app.clone(), layers::failures)),
        )
        .with_state(app)
}
