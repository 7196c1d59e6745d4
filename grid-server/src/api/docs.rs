//! The OpenAPI document: what the handlers say of themselves, and what all of them share.

use fallow_protocol::problem::Problem;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr,
    ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::problem::PROBLEM_JSON;

/// Head of the document: title, schemes of security, the problem.
pub fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Fallow")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("A grid of volunteers' computers. Errors are `application/problem+json` (RFC 9457)."))
        .license(Some(LicenseBuilder::new().name("Apache-2.0 OR MIT").build()))
        .build();
    let components = ComponentsBuilder::new()
        .schema(Problem::name(), Problem::schema())
        .security_scheme("bearer", bearer("An API token: `fallow_…`"))
        .security_scheme("cookie", cookie())
        .security_scheme("session", bearer("The session of a connected node, from its `Welcome`"))
        .build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

fn cookie() -> SecurityScheme {
    let description = "A browser's session; with HTTPS the name begins with `__Host-`. Requests that change something \
                       need the header `x-fallow-csrf: 1`.";
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description("fallow_session", description)))
}

fn bearer(description: &str) -> SecurityScheme {
    SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build())
}

/// Every operation may answer with a problem, and takes a session where it takes a token.
pub fn finish(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
            let problem = ResponseBuilder::new().description("Why it was not done").content(PROBLEM_JSON, content);
            operation.responses.responses.insert("default".into(), RefOr::T(problem.build()));
            let token = SecurityRequirement::new("bearer", Vec::<String>::new());
            if let Some(security) = operation.security.as_mut().filter(|security| security.contains(&token)) {
                security.push(SecurityRequirement::new("cookie", Vec::<String>::new()));
            }
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}
