//! The weather, from outside. A provider is whoever answers for a place; there is one, and only if the operator names it.

use std::time::Duration;

use bifocal_session::{Sky, Weather};
use futures_util::future::BoxFuture;
use reqwest::{Client, Response, redirect};
use serde::Deserialize;
use url::Url;

use crate::auth::provider;

/// For one answer, however it comes.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer, in bytes; a good one has some three hundred.
const MAX_ANSWER: usize = 64 << 10;

/// Somebody who knows the weather.
pub(crate) trait WeatherProvider: std::fmt::Debug + Send + Sync {
    /// The weather there now, for degrees north and east; or why not, in words of ours.
    fn now(&self, latitude: f64, longitude: f64) -> BoxFuture<'_, Result<Weather, String>>;
}

/// Open-Meteo, or a server that speaks like it: `GET <url>?latitude=&longitude=&current=temperature_2m,weather_code`.
#[derive(Debug)]
pub(crate) struct OpenMeteo {
    http: Client,
    url: Url,
}

/// The part of its answer that is read.
#[derive(Deserialize)]
struct Forecast {
    current: Current,
}

#[derive(Deserialize)]
struct Current {
    /// Degrees Celsius, at 2 m.
    temperature_2m: f64,
    /// WMO code 4677, as far as Open-Meteo uses it.
    #[serde(default)]
    weather_code: Option<u16>,
}

impl OpenMeteo {
    pub(crate) fn new(url: Url) -> Result<Self, reqwest::Error> {
        provider::install();
        let http = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(1)
            .user_agent(concat!("Bifocal/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, url })
    }

    async fn ask(&self, latitude: f64, longitude: f64) -> Result<Weather, String> {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("latitude", &latitude.to_string())
            .append_pair("longitude", &longitude.to_string())
            .append_pair("current", "temperature_2m,weather_code");
        let response = self.http.get(url).send().await.map_err(|error| explain(&error))?;
        if !response.status().is_success() {
            return Err(format!("the weather provider answered HTTP {}", response.status().as_u16()));
        }
        let body = read(response).await?;
        let no_forecast = |_| "the weather provider's answer is no forecast".to_owned();
        let Forecast { current } = serde_json::from_slice(&body).map_err(no_forecast)?;
        if !(-100.0..=100.0).contains(&current.temperature_2m) {
            return Err("the weather provider's temperature is none".to_owned());
        }
        Ok(Weather { celsius: current.temperature_2m, sky: current.weather_code.map_or(Sky::Unknown, sky) })
    }
}

impl WeatherProvider for OpenMeteo {
    fn now(&self, latitude: f64, longitude: f64) -> BoxFuture<'_, Result<Weather, String>> {
        Box::pin(self.ask(latitude, longitude))
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| explain(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err("the weather provider's answer is too long".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn explain(error: &reqwest::Error) -> String {
    let why = if error.is_timeout() {
        "did not answer within 5 s"
    } else if error.is_connect() {
        "could not be reached; check `weather_url`"
    } else {
        "broke off its answer"
    };
    format!("the weather provider {why}")
}

/// The table of WMO codes in Open-Meteo's documentation, in fewer words.
const fn sky(code: u16) -> Sky {
    match code {
        0 | 1 => Sky::Clear,
        2 | 3 => Sky::Cloudy,
        45 | 48 => Sky::Fog,
        51..=57 => Sky::Drizzle,
        61..=67 | 80..=82 => Sky::Rain,
        71..=77 | 85 | 86 => Sky::Snow,
        95..=99 => Sky::Thunder,
        _ => Sky::Unknown,
    }
}

/// Against a scripted server; the form of its answer is that of Open-Meteo's documentation.
#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::RawQuery;
    use axum::http::StatusCode;
    use axum::response::IntoResponse;
    use axum::routing::get;

    use super::*;

    const GOOD: &str = r#"{"latitude":48.1,"longitude":11.6,"utc_offset_seconds":0,"timezone":"GMT","elevation":519.0,
        "current_units":{"time":"iso8601","interval":"seconds","temperature_2m":"°C","weather_code":"wmo code"},
        "current":{"time":"2026-01-05T08:00","interval":900,"temperature_2m":11.6,"weather_code":61}}"#;
    const ASKED: &str = "latitude=48.1&longitude=-11.6&current=temperature_2m%2Cweather_code";

    /// What is made of this answer.
    async fn answered(status: StatusCode, body: String) -> Result<Weather, String> {
        let answer = async move |RawQuery(query): RawQuery| {
            let wrong = (StatusCode::BAD_REQUEST, query.clone().unwrap_or_default());
            if query.as_deref() == Some(ASKED) { (status, body) } else { wrong }.into_response()
        };
        let router = Router::new().route("/v1/forecast", get(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1/forecast", listener.local_addr().expect("an address"));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        let provider = OpenMeteo::new(url.parse().expect("a URL")).expect("a client");
        let weather = provider.now(48.1, -11.6).await;
        serving.abort();
        weather
    }

    #[tokio::test]
    async fn a_forecast_is_read_and_everything_else_is_an_error_that_says_so() {
        let good = answered(StatusCode::OK, GOOD.to_owned()).await;
        assert_eq!(good, Ok(Weather { celsius: 11.6, sky: Sky::Rain }));
        let bare = answered(StatusCode::OK, r#"{"current":{"temperature_2m":-3}}"#.to_owned()).await;
        assert_eq!(bare, Ok(Weather { celsius: -3.0, sky: Sky::Unknown }));
        let errors = [
            (StatusCode::OK, "{}".to_owned(), "answer is no forecast"),
            (StatusCode::OK, r#"{"current":{"temperature_2m":1e9}}"#.to_owned(), "temperature is none"),
            (StatusCode::OK, " ".repeat(MAX_ANSWER + 1), "answer is too long"),
            (StatusCode::TOO_MANY_REQUESTS, String::new(), "answered HTTP 429"),
            (StatusCode::FOUND, String::new(), "answered HTTP 302"),
        ];
        for (status, body, expected) in errors {
            let error = answered(status, body).await.expect_err("no weather");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address")).parse().expect("a URL");
        let provider = OpenMeteo::new(url).expect("a client");
        let error = provider.now(0.0, 0.0).await.expect_err("no weather");
        assert_eq!(error, "the weather provider did not answer within 5 s");
        let nobody = listener.local_addr().expect("an address");
        drop(listener);
        let provider = OpenMeteo::new(format!("http://{nobody}/").parse().expect("a URL")).expect("a client");
        let error = provider.now(0.0, 0.0).await.expect_err("no weather");
        assert_eq!(error, "the weather provider could not be reached; check `weather_url`");
    }

    #[test]
    fn every_code_of_the_table_has_its_word() {
        let codes = [
            0, 1, 2, 3, 45, 48, 51, 53, 55, 56, 57, 61, 63, 65, 66, 67, 71, 73, 75, 77, 80, 81, 82, 85, 86, 95, 96, 99,
        ];
        assert!(codes.iter().all(|code| sky(*code) != Sky::Unknown));
        assert_eq!((sky(0), sky(75), sky(96), sky(4)), (Sky::Clear, Sky::Snow, Sky::Thunder, Sky::Unknown));
    }
}
