//! A model with the interface of OpenAI: `POST <url>/chat/completions`, the photo as a data URL.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);
/// What fits on the display, and more.
const MAX_TEXT: usize = 500;
/// An answer is a page at most.
const MAX_ANSWER: usize = 1 << 20;
const QUESTION: &str = "What is in this photo? Answer in one short sentence, for somebody who cannot look closely.";

/// Where it is and which it is.
pub struct Model {
    http: reqwest::Client,
    url: String,
    key: String,
    name: String,
}

impl Model {
    /// A model behind this URL, as `OPENAI_BASE_URL` has it.
    ///
    /// # Errors
    /// What the HTTP client cannot be made of.
    pub fn new(url: &str, key: &str, name: &str) -> Result<Self, reqwest::Error> {
        // The error of an earlier installation means that there is a provider, which is all that is needed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(LIMIT).build()?;
        let url = format!("{}/chat/completions", url.trim_end_matches('/'));
        Ok(Self { http, url, key: key.to_owned(), name: name.to_owned() })
    }

    /// One sentence about a photo.
    pub(crate) async fn describe(&self, photo: &[u8], mime_type: &str) -> Result<String, String> {
        let image = format!("data:{mime_type};base64,{}", base64(photo));
        let content = json!([
            {"type": "text", "text": QUESTION},
            {"type": "image_url", "image_url": {"url": image}},
        ]);
        let body = json!({"model": self.name, "max_tokens": 100, "messages": [{"role": "user", "content": content}]});
        let failed = |error: reqwest::Error| format!("the model cannot be reached: {}", error.without_url());
        let request = self.http.post(&self.url).bearer_auth(&self.key).json(&body);
        let mut response = request.send().await.map_err(failed)?;
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if answer.len() + chunk.len() > MAX_ANSWER {
                return Err("the model says too much".to_owned());
            }
            answer.extend_from_slice(&chunk);
        }
        if !response.status().is_success() {
            return Err(format!("the model answers with {}", response.status()));
        }
        let answer: Value = serde_json::from_slice(&answer).map_err(|_| "the model answers no JSON".to_owned())?;
        let text = answer["choices"][0]["message"]["content"].as_str().ok_or("the model says nothing")?;
        Ok(text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect())
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| (group << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let letter = ALPHABET[(group >> (18 - 6 * place)) as usize & 63];
            // Writing to a String cannot fail.
            let _ = text.write_char(char::from(letter));
        }
        text.extend(std::iter::repeat_n('=', 3 - chunk.len()));
    }
    text
}
