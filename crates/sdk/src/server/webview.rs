//! Who looks at the app's pages in the phone's web view.
//!
//! | tried in this order | what it is | checked by |
//! |---|---|---|
//! | `aos_signed_user_token` | a token of the cloud, RS256 | the cloud's public key, issuer, time |
//! | `aos_temp_token` | good once, for 60 s | the cloud: `POST /api/auth/exchange-user-token` |
//! | `aos_frontend_token`, or `Authorization: Bearer` | `user:sha256(user ‖ hashed key)` | this server |
//! | cookie | `user\|ms\|hmac`, 30 days | this server, which made it |
//!
//! The first that is good wins. A page is served without any, too; it asks for [`Wearer`], or for `Option<Wearer>`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use reqwest::Method;
use ring::{digest, hmac, signature};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::builder::ServeError;
use super::signature::{hashed_key, unhex};
use crate::message::now;
use crate::random::hex;
use crate::rest::{Call, Rest};

/// Whom to ask when the phone names no cloud, or one that it cannot vouch for.
const PRODUCTION: &str = "https://api.mentra.glass";
/// SDKs insist on this issuer, whoever runs the cloud.
const ISSUER: &str = "https://prod.augmentos.cloud";
const TOLERANCE_SECONDS: i64 = 120;
const COOKIE_NAME: &str = "aos_session";
const COOKIE_SECONDS: i64 = 30 * 24 * 60 * 60;

/// The wearer who looks at a page: the e-mail address. As an extractor it refuses others with 401; `Option<Wearer>` does not.
///
/// ```
/// use axum::{Router, routing::get};
/// use bifocal_sdk::Wearer;
///
/// let pages: Router = Router::new().route("/", get(async |Wearer(user): Wearer| format!("Hello, {user}")));
/// # drop(pages);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wearer(pub String);

impl<S: Sync> FromRequestParts<S> for Wearer {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get().cloned().ok_or((StatusCode::UNAUTHORIZED, "Open this page from the app on your phone."))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Wearer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get().cloned())
    }
}

/// What web views are checked with.
pub(crate) struct WebView {
    package: String,
    api_key: String,
    hashed_key: String,
    cookie_key: hmac::Key,
    /// PKCS #1.
    token_key: Option<Vec<u8>>,
    rest: Rest,
}

impl WebView {
    pub(crate) fn new(
        package: &str,
        api_key: &str,
        cookie_secret: Option<String>,
        token_key: Option<&str>,
        rest: Rest,
    ) -> Result<Arc<Self>, ServeError> {
        let secret = cookie_secret.unwrap_or_else(|| format!("cookies of {package} with {api_key}"));
        let token_key = match token_key {
            None => None,
            Some(pem) => Some(rsa_key(pem).ok_or_else(|| {
                ServeError::Invalid("the public key of user tokens is no RSA key in PEM (BEGIN PUBLIC KEY)".to_owned())
            })?),
        };
        Ok(Arc::new(Self {
            package: package.to_owned(),
            api_key: api_key.to_owned(),
            hashed_key: hashed_key(api_key),
            cookie_key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
            token_key,
            rest,
        }))
    }

    /// The pages, with the wearer in every request that has one.
    pub(crate) fn guard(self: &Arc<Self>, pages: Router) -> Router {
        pages.layer(from_fn_with_state(self.clone(), find_wearer))
    }

    /// Who asks for a page, and whether a cookie is to be set.
    async fn wearer(&self, uri: &Uri, headers: &HeaderMap) -> Option<(Wearer, bool)> {
        let query: Vec<(String, String)> = match uri.query() {
            Some(query) => form_urlencoded::parse(query.as_bytes()).into_owned().take(64).collect(),
            None => Vec::new(),
        };
        let parameter = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        if let Some(user) = parameter("aos_signed_user_token").and_then(|token| self.signed(token)) {
            return Some((Wearer(user), true));
        }
        if let Some(token) = parameter("aos_temp_token") {
            let cloud = self.cloud(parameter("cloudApiUrl"), parameter("cloudApiUrlChecksum"));
            if let Some(user) = self.exchanged(token, &cloud).await {
                return Some((Wearer(user), true));
            }
        }
        let bearer = header(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let front = parameter("aos_frontend_token").into_iter().chain(bearer).find_map(|token| self.front_end(token));
        if let Some(user) = front {
            return Some((Wearer(user), true));
        }
        let cookies = header(COOKIE)?.split(';').filter_map(|cookie| cookie.trim().split_once('='));
        let cookie = cookies.filter(|(name, _)| *name == COOKIE_NAME).find_map(|(_, value)| self.cookie(value));
        Some((Wearer(cookie?), false))
    }

    /// The user of a token that the cloud has signed.
    fn signed(&self, token: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Head {
            alg: String,
        }
        #[derive(Deserialize)]
        struct Claims {
            sub: String,
            iss: String,
            exp: i64,
            #[serde(default)]
            nbf: i64,
        }
        let key = self.token_key.as_ref()?;
        let (signed, signature) = token.rsplit_once('.')?;
        let (head, claims) = signed.split_once('.')?;
        let head: Head = serde_json::from_slice(&unbase64(head)?).ok()?;
        let key = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, key);
        if head.alg != "RS256" || key.verify(signed.as_bytes(), &unbase64(signature)?).is_err() {
            return None;
        }
        let claims: Claims = serde_json::from_slice(&unbase64(claims)?).ok()?;
        let seconds = now().0 / 1000;
        let in_time = claims.exp + TOLERANCE_SECONDS > seconds && claims.nbf - TOLERANCE_SECONDS < seconds;
        (in_time && claims.iss == ISSUER && !claims.sub.is_empty()).then_some(claims.sub)
    }

    /// The cloud of a temporary token: the one the phone names, if the cloud itself has vouched for it.
    fn cloud(&self, url: Option<&str>, checksum: Option<&str>) -> String {
        let good = |url: &&str| checksum.is_some_and(|sum| same(sum, &sha256(&[url, &self.hashed_key])));
        url.filter(good).unwrap_or(PRODUCTION).to_owned()
    }

    async fn exchanged(&self, token: &str, cloud: &str) -> Option<String> {
        let call = Call {
            what: "POST /api/auth/exchange-user-token",
            method: Method::POST,
            base: cloud,
            path: &["api", "auth", "exchange-user-token"],
            bearer: &self.api_key,
            body: Some(json!({ "aos_temp_token": token, "packageName": self.package })),
        };
        match self.rest.call(call, &[]).await {
            Ok((200, answer)) if answer["success"] == Value::Bool(true) => answer["userId"].as_str().map(str::to_owned),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(%error, "a web view's token was not exchanged");
                None
            }
        }
    }

    fn front_end(&self, token: &str) -> Option<String> {
        let (user, hash) = token.split_once(':')?;
        let is_good = !user.is_empty() && same(hash, &sha256(&[user, &self.hashed_key]));
        is_good.then(|| user.to_owned())
    }

    fn cookie(&self, cookie: &str) -> Option<String> {
        let (signed, tag) = cookie.rsplit_once('|')?;
        let (user, at) = signed.rsplit_once('|')?;
        hmac::verify(&self.cookie_key, signed.as_bytes(), &unhex(tag)?).ok()?;
        let age = now().0 - at.parse::<i64>().ok()?;
        (0..=COOKIE_SECONDS * 1000).contains(&age).then(|| user.to_owned())
    }

    fn new_cookie(&self, user: &str) -> Option<HeaderValue> {
        let signed = format!("{user}|{}", now().0);
        let tag = hex(hmac::sign(&self.cookie_key, signed.as_bytes()).as_ref());
        let cookie = format!("{COOKIE_NAME}={signed}|{tag}; Max-Age={COOKIE_SECONDS}; Path=/; HttpOnly; SameSite=Lax");
        cookie.parse().ok()
    }
}

async fn find_wearer(State(view): State<Arc<WebView>>, mut request: Request, next: Next) -> Response {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let found = view.wearer(&uri, &headers).await;
    let cookie = found.as_ref().filter(|(_, is_new)| *is_new).and_then(|(Wearer(user), _)| view.new_cookie(user));
    if let Some((wearer, _)) = found {
        request.extensions_mut().insert(wearer);
    }
    let mut response = next.run(request).await;
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

fn sha256(parts: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|part| context.update(part.as_bytes()));
    hex(context.finish().as_ref())
}

/// Compares by hashes, whose bytes tell nothing when they differ.
fn same(one: &str, other: &str) -> bool {
    sha256(&[one]) == sha256(&[other])
}

/// The PKCS #1 key inside of a `PUBLIC KEY`.
fn rsa_key(pem: &str) -> Option<Vec<u8>> {
    let body = pem.split("-----BEGIN PUBLIC KEY-----").nth(1)?.split("-----END PUBLIC KEY-----").next()?;
    let text: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let der = unbase64(&text)?;
    // SEQUENCE { SEQUENCE { algorithm }, BIT STRING { 0 unused bits, key } }
    let (outer, _) = element(&der, 0x30)?;
    let (_, rest) = element(outer, 0x30)?;
    let (bits, _) = element(rest, 0x03)?;
    bits.strip_prefix(&[0]).map(<[u8]>::to_vec)
}

/// The content of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (short, rest) = rest.split_first()?;
    let (length, rest) = match short {
        0..=0x7f => (usize::from(*short), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    if *first == tag { rest.split_at_checked(length) } else { None }
}

/// Reads base64, of either alphabet, with or without padding.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut group, mut bits) = (0u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        group = group << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((group >> bits) as u8);
            group &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
#[path = "webview_tests.rs"]
mod tests;
