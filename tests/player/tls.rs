//! A real TLS server whose certificate is signed by a private authority.

use super::*;
use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Makes an authority, and a certificate of its for `names`, in `folder`: `ca.pem`, `leaf.pem`,
/// `leaf.key`.
fn certify(openssl: &Path, folder: &Path, names: &str) {
    fs::create_dir_all(folder).unwrap();
    let text = format!("subjectAltName={names}\nextendedKeyUsage=serverAuth\n");
    fs::write(folder.join("names"), text).unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let steps = [
        format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=authority -days 2 \
             -addext basicConstraints=critical,CA:TRUE"
        ),
        format!("req {key} -keyout leaf.key -out leaf.csr -subj /CN=leaf"),
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out leaf.pem -days 2 \
         -extfile names"
            .to_owned(),
    ];
    for step in steps {
        let mut command = Command::new(openssl);
        command.args(step.split_whitespace()).current_dir(folder);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{step}: {done:?}");
    }
}

/// Connections whose handshake has succeeded.
struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Serves `title` with the certificate in `folder`; returns the port.
async fn serve_tls(title: &Path, folder: &Path) -> u16 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = CertificateDer::pem_file_iter(folder.join("leaf.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("leaf.key")).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let app = files(title);
    tokio::spawn(async move { axum::serve(Tls { listener, acceptor }, app).await.unwrap() });
    port
}

#[tokio::test]
async fn https_goes_by_the_certificates_that_are_trusted() {
    let Some(openssl) = tools::tool("openssl") else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let title = folder.path().join("title");
    publish_fake(&title, 4);
    let (right, wrong) = (folder.path().join("right"), folder.path().join("wrong"));
    certify(&openssl, &right, "IP:127.0.0.1");
    certify(&openssl, &wrong, "DNS:example.org");
    let ports = [
        serve_tls(&title, &right).await,
        serve_tls(&title, &wrong).await,
    ];
    let [good, other] = ports.map(|port| format!("https://127.0.0.1:{port}/manifest.mpd"));
    let trusting = |folder: &Path| {
        let authorities = folder.join("ca.pem");
        Client::with_authorities(hasty(), &authorities).unwrap()
    };

    let client = trusting(&right);
    let stream = Title::open(&client, &good).await.unwrap();
    let stream = stream.stream(&client, 0, Layers::Off).await.unwrap();
    let (played, segments) = play_opened((client, stream), &with(Abr::Fixed(1)), None).await;
    assert!(played.complete, "{:?}", played.error);
    assert_eq!(segments[0].rung, 1);

    let strangers = [
        (Client::new(hasty()).unwrap(), &good, "authority"),
        (trusting(&wrong), &good, "the other authority"),
        (trusting(&wrong), &other, "name"),
    ];
    for (client, url, what) in strangers {
        let error = Title::open(&client, url).await.unwrap_err();
        let message = error.to_string();
        let named = message.starts_with(url.as_str());
        assert!(named && error.is_passing(), "{what}: {message}");
    }
    let none = Client::with_authorities(hasty(), &right.join("leaf.key")).unwrap_err();
    assert!(none.to_string().contains("expected certificates"), "{none}");
}
