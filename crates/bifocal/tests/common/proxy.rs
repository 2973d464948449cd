//! A network between apps and the cloud that can be cut.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long a cut goes unnoticed.
const UNNOTICED: Duration = Duration::from_millis(100);

/// A TCP relay on a port of its own.
pub(crate) struct Proxy {
    pub(crate) url: String,
    target: watch::Sender<Option<SocketAddr>>,
    open: watch::Sender<bool>,
}

impl Proxy {
    pub(crate) async fn start() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (target, targets) = watch::channel(None);
        let (open, opens) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, opens) = (*targets.borrow(), opens.clone());
                // While the network is cut a connection is closed as soon as it is made.
                let open = *opens.borrow();
                if let (true, Some(target)) = (open, target) {
                    tokio::spawn(carry(client, target, opens));
                }
            }
        });
        Proxy { url, target, open }
    }

    /// Where everything goes.
    pub(crate) fn lead_to(&self, cloud: &str) {
        let address = cloud.trim_start_matches("http://").parse().expect("an address");
        self.target.send_replace(Some(address));
    }

    /// Nothing gets through for so long. That connections are broken is noticed a little later: what is sent meanwhile is lost.
    pub(crate) async fn cut(&self, time: Duration) {
        self.open.send_replace(false);
        tokio::time::sleep(time).await;
        self.open.send_replace(true);
    }
}

async fn carry(mut client: TcpStream, target: SocketAddr, mut opens: watch::Receiver<bool>) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = async {
            let _ = opens.wait_for(|open| !*open).await;
        } => tokio::time::sleep(UNNOTICED).await,
    }
}
