//! Every route of the server, and the layers around them. Handlers are in `api/`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use fallow_protocol::limits::API_BODY_BYTES_MAX;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::api::{
    ApiState, accounts, admin, author_keys, blobs, credits, device, devices, docs, grid, groups, jobs, layers, live,
    me, modules, node_blobs, nodes, register, session, show, standing, tokens,
};
use crate::app::App;
use crate::portal;

/// Time for an ordinary request.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time for requests that wait for news (30 s at most), for a validation (its turn, then the child).
const LONG_PATIENCE: Duration = Duration::from_secs(120);

/// Routes with a token, answered at once.
fn ordinary() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(me::me, me::change_me))
        .merge(people())
        .routes(routes!(accounts::create_account_of, accounts::list_accounts))
        .routes(routes!(tokens::create_token, tokens::list_tokens))
        .routes(routes!(tokens::delete_token))
        .routes(routes!(author_keys::create_key, author_keys::list_keys))
        .routes(routes!(author_keys::delete_key))
        .routes(routes!(blobs::upload_state))
        .routes(routes!(blobs::blob_blocks))
        .routes(routes!(jobs::submit_job, jobs::list_jobs))
        .routes(routes!(jobs::job_units))
        .routes(routes!(jobs::job_logs))
        .routes(routes!(jobs::explain_job))
        .routes(routes!(live::job_errors))
        .routes(routes!(live::job_nodes))
        .routes(routes!(live::job_timeline))
        .routes(routes!(live::job_unit))
        .routes(routes!(show::job_preview))
        .routes(routes!(show::list_projects))
        .routes(routes!(jobs::cancel_job))
        .routes(routes!(jobs::retry_job))
        .routes(routes!(nodes::create_join_token))
        .routes(routes!(nodes::list_nodes))
        .routes(routes!(nodes::delete_node, devices::node, devices::rename_node))
        .routes(routes!(devices::node_intervals))
        .routes(routes!(devices::node_availability))
        .routes(routes!(devices::node_earnings))
        .routes(routes!(devices::pause_node))
        .routes(routes!(devices::resume_node))
        .routes(routes!(devices::put_preferences))
        .routes(routes!(devices::put_takes))
        .routes(routes!(devices::create_report))
        .routes(routes!(devices::own_earnings))
        .routes(routes!(standing::create_anchor, standing::delete_anchor))
        .routes(routes!(grid::speed))
        .routes(routes!(credits::balance))
        .routes(routes!(credits::statement))
        .routes(routes!(credits::grant))
        .routes(routes!(credits::fund))
        .routes(routes!(credits::trial))
        .routes(routes!(credits::list_disputes))
        .routes(routes!(admin::users::list_users))
        .routes(routes!(admin::users::change_user))
        .routes(routes!(admin::users::suspend_user))
        .routes(routes!(admin::users::restore_user))
        .routes(routes!(admin::nodes::list_all_nodes))
        .routes(routes!(admin::nodes::suspend_node))
        .routes(routes!(admin::nodes::restore_node))
        .routes(routes!(admin::jobs::list_all_jobs))
        .routes(routes!(admin::modules::list_all_modules))
        .routes(routes!(admin::modules::suspend_module))
        .routes(routes!(admin::modules::restore_module))
        .routes(routes!(admin::ledger::search_ledger))
        .routes(routes!(admin::log::list_audit))
        .routes(routes!(admin::log::list_reports))
        .routes(routes!(admin::health::health))
        .routes(routes!(groups::list_groups, groups::create_group))
        .routes(routes!(groups::group, groups::delete_group))
        .routes(routes!(groups::invite))
        .routes(routes!(groups::uninvite))
        .routes(routes!(groups::remove_member))
        .routes(routes!(groups::list_invitations))
        .routes(routes!(groups::accept_invitation))
        .routes(routes!(groups::decline_invitation))
        .routes(routes!(node_blobs::node_upload_state))
        .routes(routes!(node_blobs::node_blocks))
        .routes(routes!(node_blobs::node_upload_drop))
}

/// Routes of a person with a session.
fn people() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(session::list_sessions, session::end_sessions))
        .routes(routes!(session::end_session))
        .routes(routes!(me::change_email))
        .routes(routes!(me::first_password))
        .routes(routes!(me::change_password))
        .routes(routes!(me::offer_totp))
        .routes(routes!(me::confirm_totp))
        .routes(routes!(me::remove_totp))
        .routes(routes!(me::my_audit))
        .routes(routes!(me::export_me))
        .routes(routes!(me::delete_me))
        .routes(routes!(device::look_at_device))
        .routes(routes!(device::approve_device))
        .routes(routes!(device::deny_device))
}

/// Routes that wait for something.
fn patient() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(jobs::job))
        .routes(routes!(jobs::job_result))
        .routes(routes!(live::job_map))
        .routes(routes!(show::draft_job))
        .routes(routes!(show::draft_module))
        .routes(routes!(modules::create_module, show::list_modules))
}

/// Routes that stream for as long as it takes; each chunk has its own time.
fn streaming() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(blobs::upload, blobs::download_blob))
        .routes(routes!(live::job_events))
        .routes(routes!(live::account_events))
        .routes(routes!(live::unit_output))
        .routes(routes!(show::job_preview_file))
        .routes(routes!(node_blobs::node_upload, node_blobs::node_download))
        .routes(routes!(node_blobs::node_upload_unnamed))
}

/// Routes without a token.
fn open() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(grid::grid))
        .routes(routes!(grid::healthz))
        .routes(routes!(grid::metrics))
        .routes(routes!(session::log_in, session::log_out))
        .routes(routes!(session::follow_link))
        .routes(routes!(register::register))
        .routes(routes!(register::confirm))
        .routes(routes!(register::forgot))
        .routes(routes!(register::reset))
        .routes(routes!(device::begin_device))
        .routes(routes!(device::poll_device))
        .routes(routes!(nodes::enrol))
        .routes(routes!(nodes::node_link))
}

fn parts(state: &ApiState) -> (Router<ApiState>, OpenApi) {
    let time = |limit| TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limit);
    let (router, document) = OpenApiRouter::with_openapi(docs::head())
        .merge(ordinary().layer(time(PATIENCE)))
        .merge(patient().layer(time(LONG_PATIENCE)))
        .merge(streaming())
        .merge(open().layer(time(PATIENCE)).layer(from_fn_with_state(state.clone(), layers::limit_address)))
        .split_for_parts();
    (router, docs::finish(document))
}

/// The whole service.
pub fn router(app: Arc<App>) -> Router {
    let state = ApiState::new(app);
    let (router, document) = parts(&state);
    let limit = from_fn_with_state(state.clone(), layers::limit_address);
    let pages: Router<ApiState> = SwaggerUi::new("/api/docs").url("/api/openapi.json", document).into();
    router
        .merge(pages.layer(limit))
        .fallback(portal::fallback)
        .layer(DefaultBodyLimit::max(API_BODY_BYTES_MAX))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn(layers::problems))
        .layer(from_fn_with_state(state.clone(), layers::secure))
        .layer(from_fn_with_state(state.clone(), layers::observe))
        .with_state(state)
}

/// The OpenAPI document, as it is checked in.
pub fn openapi() -> OpenApi {
    let document = [ordinary(), patient(), streaming(), open()]
        .into_iter()
        .fold(OpenApiRouter::with_openapi(docs::head()), OpenApiRouter::merge)
        .into_openapi();
    docs::finish(document)
}
