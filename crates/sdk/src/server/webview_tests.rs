//! Web views: every way in, and what is not one. The tokens were signed once with a key that exists nowhere any more.

use serde_json::json;

use super::*;
use crate::rest::Backend;

const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyokJ6mW99WtIwxann6yQ\n\
    eoVdg2/EXVW2fHrboqiYREc+el5IUenjpRzF53UiXDWE5kWjpwSNF62c87tqEs+s\n\
    xUXWYVflC6Hrk8Hp/SF7O/ju+R79Lqgp6gDmyZnMfLDHtkqICF5iCb+ut4YPb2KB\n\
    cAj31I3mIY3rzYVDWNIdoSDUQD4L9Bdz5esTl6D7pcwvbU+o6y68qq3OWXq1SXyW\n\
    UalulbxpOVkMXtR0wJI63g6T7H3KzBB4MazgD10rIBkvDtNEdpM4NAoGlENZ6aZm\n\
    odwwqzEVj9UMN8yGKfCFWaoLxcsoZIVmGnDw5RVALseDHEean9Xy0m7oiw8pJqbh\n\
    RQIDAQAB\n\
    -----END PUBLIC KEY-----";
const SIGNED: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InYxIn0.eyJzdWIiOiJhbm5AZXhhbXBsZS5vcmciLCJpc3MiOiJodHRwczovL3Byb2QuYXVn\
    bWVudG9zLmNsb3VkIiwiaWF0IjoxLCJleHAiOjMyNTAzNjgwMDAwfQ.YIpdyBcJDzIwrY_72woGKKzlrNfSVx1zTUP09L_3gOYI4\
    tAL-dvrdHt0m6SKoMTiSTiK4FNixG9gYvYRkPu9B6EnLxKdXoUaKpVcafJ7GwfRxutsq4rXGeMebCmugfzeT6Nd2a_-R8tsCruOi\
    z18o_Hor5Vg4dpZ4_j7ZGMKWMAh4noP1fJNP7Hg96yQ1mGtecbDEVtbSgLkeJIGTcdwsyRNeX9mzUc9Ciic6pTFDszMzSZt-mf5r\
    Yt-LSLJJ03NFSg_KUYu1OvrPBkUklPUv1xKt7jWLg0K8XC_6IcP8Tci2YY9cJj5UVV-YanIVsA0_Kk9eCVYD6X0_4pFqgoPew";
const SIGNED_OLD: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InYxIn0.eyJzdWIiOiJhbm5AZXhhbXBsZS5vcmciLCJpc3MiOiJodHRwczovL3Byb2QuYXVn\
    bWVudG9zLmNsb3VkIiwiaWF0IjoxLCJleHAiOjEwMDB9.Sogm6RaEQF5IJoQ0VF12AcnOG6Ufgl9Okh5x9LEgiGWKug1PQ6fmfrz\
    caVO0P5yTD9MbOmNmBYPgOw2h3B7htN06M_f6vPSdBnG_ok8Dhwk2PVgvR9mjWPrOUNIsq0LFEoU5VOJpVOiufHTo42-4kh74l_N\
    FRD9gnJUr1hWpbWWoWO5bY2xkyHYjkxZr2pYJCNRr70BM2Ud4unCNQWga35GaIgPFK4jnOe4IfapOFU9KAjO1NwIfjc8r_Xomeup\
    CLM4o8YX4XLHWmo0u-DBOYtDtcqjoBgkymPmpqE4Dm_aNRLGnHANs2SEyL4FqqMl5RbNqydWq9z8TX4N8p3dGxA";
const SIGNED_BY_ANOTHER: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InYxIn0.eyJzdWIiOiJhbm5AZXhhbXBsZS5vcmciLCJpc3MiOiJodHRwczovL2V4YW1wbGUu\
    b3JnIiwiaWF0IjoxLCJleHAiOjMyNTAzNjgwMDAwfQ.q8HbrGzWURBo8xtm3kfzWnVgptZY57Slt2qj9jXtUscKzdUZ602WpAHTC\
    OrGNn7oTk45FJcYJHdBMKOWyCOMAtT-VLPoKiG4VFQSCepVd6IhtBj2gxjoun_H53je032OCIPbge_apIjK5GijbW1CbfJSySF5A\
    Drrqu0g8PNtQJuiYa547yuD81tsy-fDUs7fkw8BmVPdjR8aNU5E3Ga4-K3zlTpmbs3pTb_4oQ-4pV-0dtUEEVOWzYkyXy5x07NKu\
    _cXoxoCjTqs_gpzmyp1MrxjtQauFUxoD1dfAlYtETn8zwX9PSfkh9JDY3f7zqC96Tu4n_p_bk7Hhr0eA35nKQ";

/// A cloud that knows one temporary token.
struct Cloud;

impl Backend for Cloud {
    fn answer(&self, call: &Call<'_>) -> (u16, Value) {
        let body = call.body.clone().unwrap_or_default();
        let known = call.base == "http://cloud.example.org" && call.bearer == "the key";
        match known && body == json!({"aos_temp_token": "temp", "packageName": "org.example.demo"}) {
            true => (200, json!({"success": true, "userId": "ann@example.org"})),
            false => (401, json!({"success": false, "error": "Invalid or expired token"})),
        }
    }
}

fn view() -> Arc<WebView> {
    WebView::new("org.example.demo", "the key", None, Some(PEM), Rest::Memory(Arc::new(Cloud))).expect("a good key")
}

async fn seen(query: &str, headers: &[(&str, &str)]) -> Option<(String, bool)> {
    let mut request = Request::builder().uri(format!("/page?{query}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(axum::body::Body::empty()).expect("a request");
    view().wearer(request.uri(), request.headers()).await.map(|(Wearer(user), is_new)| (user, is_new))
}

fn ann() -> Option<(String, bool)> {
    Some(("ann@example.org".to_owned(), true))
}

#[tokio::test]
async fn a_signed_token_is_checked_for_key_issuer_and_time() {
    assert_eq!(seen(&format!("aos_signed_user_token={SIGNED}"), &[]).await, ann());
    let tampered = SIGNED.replacen(".ey", ".eY", 1);
    for token in [SIGNED_OLD, SIGNED_BY_ANOTHER, &tampered, "a.b.c", ""] {
        assert_eq!(seen(&format!("aos_signed_user_token={token}"), &[]).await, None, "{token}");
    }
    let without_key = WebView::new("p", "k", None, None, Rest::Memory(Arc::new(Cloud))).expect("no key is no error");
    assert_eq!(without_key.signed(SIGNED), None);
    assert!(WebView::new("p", "k", None, Some("no key"), Rest::Memory(Arc::new(Cloud))).is_err());
}

#[tokio::test]
async fn a_temporary_token_is_exchanged_at_the_cloud_that_the_checksum_vouches_for() {
    let url = "http://cloud.example.org";
    let checksum = sha256(&[url, &hashed_key("the key")]);
    let query =
        |url: &str, token: &str| format!("aos_temp_token={token}&cloudApiUrl={url}&cloudApiUrlChecksum={checksum}");
    assert_eq!(seen(&query(url, "temp"), &[]).await, ann());
    assert_eq!(seen(&query(url, "another"), &[]).await, None);
    assert_eq!(seen(&query("http://evil.example.org", "temp"), &[]).await, None);
    assert_eq!(view().cloud(Some("http://evil.example.org"), Some(&checksum)), PRODUCTION);
}

#[tokio::test]
async fn a_front_end_token_comes_as_parameter_or_header() {
    let token = format!("ann@example.org:{}", sha256(&["ann@example.org", &hashed_key("the key")]));
    assert_eq!(seen(&format!("aos_frontend_token={token}"), &[]).await, ann());
    assert_eq!(seen("", &[("authorization", &format!("Bearer {token}"))]).await, ann());
    assert_eq!(seen("", &[("authorization", "Bearer ann@example.org:00")]).await, None);
    assert_eq!(seen("", &[]).await, None);
}

#[tokio::test]
async fn the_cookie_that_was_set_is_good_and_no_other() {
    let set = view().new_cookie("ann@example.org").expect("a cookie");
    let cookie = set.to_str().expect("text").split(';').next().expect("a value").to_owned();
    assert_eq!(seen("", &[("cookie", &format!("a=b; {cookie}"))]).await, Some(("ann@example.org".to_owned(), false)));
    assert_eq!(seen("", &[("cookie", &cookie.replace("ann", "bob"))]).await, None);
}

#[test]
fn base64_is_read_in_both_alphabets() {
    assert_eq!(unbase64("-_8").as_deref(), Some(&[0xfb, 0xff][..]));
    assert_eq!(unbase64("+/8=").as_deref(), Some(&[0xfb, 0xff][..]));
    assert_eq!(unbase64("a b"), None);
}
