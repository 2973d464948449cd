//! Outputs over TLS. The certificate of the target is good for `localhost` and for nothing else; its key is no secret.

mod support;

use std::sync::Arc;

use bifocal_media::{ManagedProvider, NewOutput, OutputState, Phase};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use support::{Stage, phase, publish, until};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from(&include_bytes!("support/localhost.crt")[..])
}

/// Trusts exactly that certificate.
fn trusting() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Takes TLS off in front of an RTMP server; the port.
async fn door(rtmp: std::net::SocketAddr) -> u16 {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(&include_bytes!("support/localhost.key")[..]));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = builder.with_no_client_auth().with_single_cert(vec![certificate()], key).expect("good");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who does not trust the certificate goes away.
                let Ok(mut outside) = acceptor.accept(socket).await else { return };
                let mut inside = TcpStream::connect(rtmp).await.expect("connects");
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn an_output_checks_the_certificate_and_goes_through_tls() {
    let target = Stage::start(|_| {}).await;
    let mut copy = target.stream().await;
    let port = door(target.media.address()).await;
    let key = copy.publish_url.rsplit_once('/').expect("a path").1.to_owned();
    let url = format!("rtmps://localhost:{port}/live/{key}");

    let strict = Stage::start(|_| {}).await;
    let mut refused = strict.stream().await;
    strict.media.add_output(&refused.id, NewOutput { url: url.clone(), name: None }).await.expect("added");
    let _first = publish(&refused.publish_url, 60);
    let status = until(&mut refused.status, "a failed output", |status| {
        matches!(status.outputs[0].state, OutputState::Failed(_))
    })
    .await;
    let why = "TLS failed: its certificate is not good for its name".to_owned();
    assert_eq!(status.outputs[0].state, OutputState::Failed(why));

    let trusting = Stage::start(|config| config.tls = Some(trusting())).await;
    let mut stream = trusting.stream().await;
    trusting.media.add_output(&stream.id, NewOutput { url, name: None }).await.expect("added");
    let _second = publish(&stream.publish_url, 60);
    until(&mut stream.status, "an active output", |status| status.outputs[0].state == OutputState::Active).await;
    phase(&mut copy.status, Phase::Live).await;
}
