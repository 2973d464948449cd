//! Who is calling: core tokens of phones, JWTs of apps, the key of the operator.

pub(crate) mod bearer;
pub(crate) mod provider;
pub(crate) mod token;
pub(crate) mod user_token;
