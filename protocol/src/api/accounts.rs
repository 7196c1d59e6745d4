//! Bodies about people: registration, sessions, passwords, second factors, the device flow, the audit log.
//!
//! Secrets (passwords, codes, the tokens of links) travel in bodies only, never in a path or a query.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

macro_rules! body {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name { $($(#[$field_doc])* pub $field: $kind,)* }

        impl std::fmt::Debug for $name {
            /// Without its fields: some are secrets.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

body! {
    /// `POST /api/v1/register`.
    NewPerson {
        /// Name, unique in the grid, without `@`.
        name: String,
        /// E-mail address; a link is sent to it.
        email: String,
        /// Password, 10 to 1,024 bytes.
        password: String,
    }
}

body! {
    /// The token of a link: `POST /api/v1/confirm`, `POST /api/v1/session/link`.
    LinkToken {
        /// The `token=` of the link.
        token: String,
    }
}

body! {
    /// `POST /api/v1/session`: log in.
    NewSession {
        /// E-mail address or name.
        login: String,
        /// Password.
        password: String,
        /// Six digits of the second factor, or a recovery code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    }
}

body! {
    /// `POST /api/v1/password/first`, `POST /api/v1/me/email`.
    NewEmail {
        /// E-mail address; a link is sent to it.
        email: String,
        /// The account's password; for `password/first` the new one.
        password: String,
    }
}

body! {
    /// `POST /api/v1/password/forgot`.
    Forgotten {
        /// E-mail address of the account.
        email: String,
    }
}

body! {
    /// `POST /api/v1/password/reset`.
    PasswordReset {
        /// The `token=` of the link.
        token: String,
        /// The new password.
        password: String,
    }
}

body! {
    /// `POST /api/v1/password`.
    PasswordChange {
        /// The password until now.
        current: String,
        /// The new one.
        new: String,
    }
}

body! {
    /// `POST /api/v1/totp`: begin with a second factor.
    PasswordOnly {
        /// The account's password.
        password: String,
    }
}

body! {
    /// `POST /api/v1/totp/confirm`.
    TotpCode {
        /// Six digits.
        code: String,
    }
}

body! {
    /// `POST /api/v1/totp/remove`.
    TotpRemoval {
        /// The account's password.
        password: String,
        /// Six digits, or a recovery code.
        code: String,
    }
}

body! {
    /// `POST /api/v1/me/delete`.
    AccountDeletion {
        /// The account's password.
        password: String,
        /// Six digits or a recovery code, where the account has a second factor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    }
}

body! {
    /// `PATCH /api/v1/me`.
    MeChange {
        /// The new name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    }
}

/// Answer to `POST /api/v1/totp`: what an authenticator needs.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TotpSecret {
    /// The secret, base32.
    pub secret: String,
    /// The same as an `otpauth://` address, for a QR code.
    pub url: String,
}

/// Answer to `POST /api/v1/totp/confirm`: codes for when the authenticator is lost, each good once. Shown once.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryCodes {
    /// Ten codes.
    pub recovery: Vec<String>,
}

/// Why an account may do nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Suspended {
    /// The operator's words.
    pub reason: String,
}

/// A browser that is logged in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionInfo {
    /// Its id, as `ses-…`.
    pub id: String,
    /// When it logged in.
    pub created_at_ms: u64,
    /// Last heard of, within a minute.
    pub seen_at_ms: u64,
    /// Address that it logged in from.
    pub address: String,
    /// What the browser calls itself, shortened.
    pub agent: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// What somebody did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEvent {
    /// When.
    pub at_ms: u64,
    /// Who: an account's name, or nothing for somebody who was not logged in.
    pub actor: Option<String>,
    /// A stable word, as `session.created`.
    pub action: String,
    /// What it was done to: an id or a name.
    pub object: String,
    /// The address that it was done from.
    pub address: String,
    /// More, for people.
    pub details: String,
}

/// `POST /api/v1/device/code` (RFC 8628): a program without a browser asks for a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewDeviceCode {
    /// `fallow` or `fallow-node`.
    pub client: String,
    /// What the device calls itself, for the one who approves.
    pub name: String,
    /// Wished scopes of the token; for `fallow` only, those of a user where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
}

/// Answer to [`NewDeviceCode`].
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceCode {
    /// The program's secret, for `POST /api/v1/device/token`.
    pub device_code: String,
    /// What a person types, as `BCDF-GHJK`.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: String,
    /// Life of both codes, seconds.
    pub expires_in_s: u64,
    /// Least time between two questions, seconds.
    pub interval_s: u64,
    /// BLAKE3 of the grid's root key, which the page shows as well.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub root_fingerprint: Digest,
}

body! {
    /// `POST /api/v1/device/token`.
    DevicePoll {
        /// The program's secret.
        device_code: String,
    }
}

/// What an approved device gets, once.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceToken {
    /// An API token, for `fallow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// A join token, for `fallow-node`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_token: Option<String>,
}

/// `GET /api/v1/device/{user_code}`: who asks, for the one who approves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceRequest {
    /// `fallow` or `fallow-node`.
    pub client: String,
    /// What the device calls itself.
    pub name: String,
    /// Scopes of its token; none for a node.
    pub scopes: Vec<String>,
    /// Address that asks.
    pub address: String,
    /// End of the code's life.
    pub expires_at_ms: u64,
    /// BLAKE3 of the grid's root key: the device shows the same.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub root_fingerprint: Digest,
}
