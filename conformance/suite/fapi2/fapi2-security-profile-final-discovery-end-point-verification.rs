//! What discovery says of the provider.

use anyhow::ensure;

use crate::check;
use crate::story::{Story, Told, Verdict};

pub(crate) async fn run(story: Story) -> Told {
    let metadata = &story.metadata;
    for name in ["authorization_endpoint", "token_endpoint", "pushed_authorization_request_endpoint"] {
        check::https(metadata, name)?;
    }
    let algorithms = &["PS256", "ES256", "EdDSA"][..];
    for (name, any) in [
        ("response_types_supported", &["code"][..]),
        ("code_challenge_methods_supported", &["S256"]),
        (
            "token_endpoint_auth_methods_supported",
            &["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"],
        ),
        ("id_token_signing_alg_values_supported", algorithms),
        ("token_endpoint_auth_signing_alg_values_supported", algorithms),
        ("dpop_signing_alg_values_supported", algorithms),
        ("scopes_supported", &["openid"]),
        ("subject_types_supported", &["public", "pairwise"]),
    ] {
        check::lists(metadata, name, any)?;
    }
    let iss = &metadata["authorization_response_iss_parameter_supported"];
    ensure!(*iss == true, "authorization_response_iss_parameter_supported is {iss}");
    let pushed = &metadata["require_pushed_authorization_requests"];
    ensure!(pushed.is_null() || pushed.is_boolean(), "require_pushed_authorization_requests is {pushed}");
    Ok(Verdict::Passed)
}
