//! What the description of the API says before its places: title, version, keys.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
};

const ABOUT: &str = "Applications submit transactions, look up what became of them, take them back, hold sessions and \
                     listen to what happens. Over TCP every request shows a key; on the control socket none does.";

/// Everything but the places and their types.
pub(crate) fn front() -> OpenApi {
    let scheme =
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("sekisho api key new NAME"));
    let components =
        ComponentsBuilder::new().security_scheme("key", SecurityScheme::Http(scheme.build())).build();
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Sekisho")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license))
        .contact(Some(ContactBuilder::new().name(Some("whoever runs this switch")).build()))
        .build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}
