//! `GET /api/tts?text=…`: what an app wants said, as a URL that the phone fetches like any other sound.
//!
//! Phones fetch it without a token, so everybody who reaches the server could. The address that a phone gets is therefore
//! signed: an HMAC over what is to be said, for whom, and until when. SDKs write the URL with a host that may be wrong
//! (`https` always, or none at all); [`SpeechUrls::rewrite`] repairs that on the way.

use std::fmt;

use form_urlencoded::{Serializer, parse};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use crate::Timestamp;
use crate::ids::PackageName;

/// The path of the route.
pub const SPEECH_PATH: &str = "/api/tts";
/// How long a signed URL is good for: a phone may have to play something else first.
pub const SIGNED_FOR_MS: i64 = 10 * 60 * 1000;

/// The query of the route. Absent and empty are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpeechQuery {
    /// What is to be said.
    pub text: String,
    /// Who says it, by an id of the engine.
    pub voice_id: Option<String>,
    /// With which model of the engine.
    pub model_id: Option<String>,
    /// How, as JSON: `stability`, `similarity_boost`, `style`, `use_speaker_boost`, `speed`.
    pub voice_settings: Option<String>,
    /// Which app wants it; part of what is signed.
    pub app: Option<String>,
    /// Until when the signature is good, in seconds since 1970.
    pub expires: Option<i64>,
    /// The HMAC in hex.
    pub signature: Option<String>,
}

impl SpeechQuery {
    /// Reads the part behind the question mark. Keys that nobody knows are left out; of two equal ones the first counts.
    pub fn read(query: &str) -> Self {
        let mut read = Self::default();
        let mut text = None;
        for (key, value) in parse(query.as_bytes()) {
            let place = match &*key {
                "text" => &mut text,
                "voice_id" => &mut read.voice_id,
                "model_id" => &mut read.model_id,
                "voice_settings" => &mut read.voice_settings,
                "app" => &mut read.app,
                "signature" => &mut read.signature,
                "expires" => {
                    read.expires = read.expires.or(value.parse().ok());
                    continue;
                }
                _ => continue,
            };
            if place.is_none() && !value.is_empty() {
                *place = Some(value.into_owned());
            }
        }
        Self { text: text.unwrap_or_default(), ..read }
    }

    /// The query without its signature, in one spelling: what is signed.
    fn write(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("text", &self.text);
        let optional = [
            ("voice_id", &self.voice_id),
            ("model_id", &self.model_id),
            ("voice_settings", &self.voice_settings),
            ("app", &self.app),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                query.append_pair(key, value);
            }
        }
        if let Some(expires) = self.expires {
            query.append_pair("expires", &expires.to_string());
        }
        query.finish()
    }
}

/// Makes and checks the URLs of one server.
#[derive(Clone)]
pub struct SpeechUrls {
    base: String,
    mac: Hmac<Sha256>,
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// There is none.
    #[error("the URL is not signed; play what the cloud sends to the phone")]
    Missing,
    /// It was good.
    #[error("the URL is too old")]
    Expired,
    /// Not ours, or for something else.
    #[error("the signature does not fit")]
    Wrong,
}

impl SpeechUrls {
    /// For a server that phones reach at `base` (`https://host`), with a secret of any length.
    pub fn new(base: &str, secret: &[u8]) -> Self {
        let keyed = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        // The secret signs other things as well; nothing that is signed with it means anything here.
        let key = keyed(secret).chain_update(b"bifocal: URLs of speech").finalize().into_bytes();
        Self { base: base.trim_end_matches('/').to_owned(), mac: keyed(&key) }
    }

    /// What a phone fetches instead of this URL of an app: ours, signed. `None` when it is no URL of speech: another path,
    /// or the host of somebody else.
    pub fn rewrite(&self, url: &str, app: &PackageName, now: Timestamp) -> Option<String> {
        let path = match authority(url) {
            Some((host, path)) if authority(&self.base).is_some_and(|(ours, _)| ours.eq_ignore_ascii_case(host)) => {
                path
            }
            Some(_) => return None,
            None => url,
        };
        let path = path.split('#').next().unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        (path == SPEECH_PATH).then(|| self.sign(query, app, now))
    }

    /// The signed URL for the query of an app.
    pub fn sign(&self, query: &str, app: &PackageName, now: Timestamp) -> String {
        let query = SpeechQuery {
            app: Some(app.to_string()),
            expires: Some((now.0 + SIGNED_FOR_MS) / 1000),
            signature: None,
            ..SpeechQuery::read(query)
        };
        let query = query.write();
        let signature = self.mac.clone().chain_update(&query).finalize().into_bytes();
        format!("{}{SPEECH_PATH}?{query}&signature={}", self.base, hex::encode(signature))
    }

    /// Whether a query is one that this server has signed and that is not over.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn check(&self, query: &SpeechQuery, now: Timestamp) -> Result<(), BadSignature> {
        let signature = query.signature.as_deref().ok_or(BadSignature::Missing)?;
        let signature = hex::decode(signature).map_err(|_| BadSignature::Wrong)?;
        let mac = self.mac.clone().chain_update(query.write());
        mac.verify_slice(&signature).map_err(|_| BadSignature::Wrong)?;
        match query.expires {
            Some(expires) if expires >= now.0 / 1000 => Ok(()),
            _ => Err(BadSignature::Expired),
        }
    }
}

impl fmt::Debug for SpeechUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpeechUrls({})", self.base)
    }
}

/// `host[:port]` of a URL with a scheme of the web, and what follows.
fn authority(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    web.then(|| rest.split_at(end))
}

/// The body of every answer of the route that is no sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpeechRefusal {
    /// Always false.
    pub success: bool,
    /// What is wrong.
    pub message: String,
    /// What the engine said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

impl SpeechRefusal {
    /// With nothing more to say.
    pub fn new(message: impl Into<String>) -> Self {
        Self { success: false, message: message.into(), details: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_767_600_000_000);

    fn urls() -> SpeechUrls {
        SpeechUrls::new("https://cloud.example:8443/", b"secret")
    }

    fn app() -> PackageName {
        PackageName::new("org.example.notes").expect("good")
    }

    fn query(url: &str) -> SpeechQuery {
        SpeechQuery::read(url.split_once('?').expect("a query").1)
    }

    #[test]
    fn the_urls_of_every_sdk_become_ours() {
        let signed = urls().sign("text=Hello+world", &app(), NOW);
        assert!(signed.starts_with(
            "https://cloud.example:8443/api/tts?text=Hello+world&app=org.example.notes&expires=1767600600&signature="
        ));
        for url in [
            "/api/tts?text=Hello+world",
            "/api/tts?text=Hello%20world#t=0",
            "https://cloud.example:8443/api/tts?text=Hello+world",
            "http://Cloud.example:8443/api/tts?text=Hello+world&utm=1",
        ] {
            assert_eq!(urls().rewrite(url, &app(), NOW), Some(signed.clone()), "{url}");
        }
        for url in [
            "https://elsewhere.example/api/tts?text=x",
            "https://cloud.example/api/tts?text=x",
            "https://cloud.example:8443.evil.example/api/tts?text=x",
            "https://x@cloud.example:8443/api/tts?text=x",
            "https://cloud.example:8443/api/tts/../admin",
            "https://cloud.example:8443/song.mp3",
            "//elsewhere.example/api/tts?text=x",
            "/api/ttsx?text=x",
            "file:///api/tts",
            "",
        ] {
            assert_eq!(urls().rewrite(url, &app(), NOW), None, "{url}");
        }
    }

    #[test]
    fn every_part_of_the_query_survives() {
        let settings = r#"{"speed":1.1}"#;
        let wanted = "text=Gr%C3%BC%C3%9Fe+%26+mehr%3F&voice_id=21m00Tcm4TlvDq8ikWAM&model_id=eleven_flash_v2_5\
                      &voice_settings=%7B%22speed%22%3A1.1%7D";
        let read = query(&urls().sign(wanted, &app(), NOW));
        assert_eq!(read.text, "Grüße & mehr?");
        assert_eq!(read.voice_id.as_deref(), Some("21m00Tcm4TlvDq8ikWAM"));
        assert_eq!(read.model_id.as_deref(), Some("eleven_flash_v2_5"));
        assert_eq!(read.voice_settings.as_deref(), Some(settings));
        assert_eq!(urls().check(&read, NOW), Ok(()));
    }

    #[test]
    fn a_signature_is_good_for_what_it_was_made_for() {
        let good = query(&urls().sign("text=one&voice_id=two", &app(), NOW));
        let changes: [fn(&mut SpeechQuery); 6] = [
            |query| query.text.push('!'),
            |query| query.voice_id = None,
            |query| query.model_id = Some("x".into()),
            |query| query.app = Some("org.example.other".into()),
            |query| query.expires = query.expires.map(|at| at + 1),
            |query| query.signature = Some("00".repeat(32)),
        ];
        for change in changes {
            let mut changed = good.clone();
            change(&mut changed);
            assert_eq!(urls().check(&changed, NOW), Err(BadSignature::Wrong), "{changed:?}");
        }
        let unsigned = SpeechQuery { signature: None, ..good.clone() };
        assert_eq!(urls().check(&unsigned, NOW), Err(BadSignature::Missing));
        assert_eq!(SpeechUrls::new("https://cloud.example:8443", b"other").check(&good, NOW), Err(BadSignature::Wrong));
        assert_eq!(urls().check(&good, Timestamp(NOW.0 + SIGNED_FOR_MS)), Ok(()));
        assert_eq!(urls().check(&good, Timestamp(NOW.0 + SIGNED_FOR_MS + 1000)), Err(BadSignature::Expired));
    }

    #[test]
    fn what_an_app_signs_itself_is_not_kept() {
        let signed = urls().sign("text=x&app=org.example.rich&expires=9999999999&signature=00", &app(), NOW);
        let read = query(&signed);
        assert_eq!((read.app.as_deref(), read.expires), (Some("org.example.notes"), Some(1_767_600_600)));
    }

    #[test]
    fn any_query_can_be_read() {
        assert_eq!(SpeechQuery::read(""), SpeechQuery::default());
        let read = SpeechQuery::read("text=&text=a&text=b&voice_id=&expires=soon&%ff=%ff&&=");
        assert_eq!(read, SpeechQuery { text: "a".into(), ..SpeechQuery::default() });
    }
}
