//! The cryptography of JWTs, on ring: HS256 and nothing else. A token never chooses its algorithm.

use std::sync::OnceLock;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use ring::hmac;
use signature::{Signer, Verifier};

struct Hs256(hmac::Key);

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        hmac::verify(&self.0, message, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

fn key(algorithm: &Algorithm, family: AlgorithmFamily, bytes: &[u8]) -> Result<Hs256> {
    if *algorithm != Algorithm::HS256 || family != AlgorithmFamily::Hmac {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Hs256(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
}

fn signer(algorithm: &Algorithm, encoding: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    Ok(Box::new(key(algorithm, encoding.family(), encoding.as_bytes())?))
}

fn verifier(algorithm: &Algorithm, decoding: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    Ok(Box::new(key(algorithm, decoding.family(), decoding.try_get_as_bytes()?)?))
}

/// Makes ring the provider of this process, for JWTs and for TLS. Calling it again does nothing.
pub(crate) fn install() {
    static PROVIDER: OnceLock<CryptoProvider> = OnceLock::new();
    let provider = PROVIDER.get_or_init(|| CryptoProvider {
        signer_factory: signer,
        verifier_factory: verifier,
        key_utils: KeyUtils::new_unimplemented(),
    });
    // An error means that it is installed already.
    let _ = provider.install_default();
    let _ = rustls::crypto::ring::default_provider().install_default();
}
