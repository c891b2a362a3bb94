//! What leaves the process when nothing may, and in which protocol.

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::api::Api;
use crate::matrix::{Fault, Listing};
use crate::process::Process;
use crate::verdict::Verdict;

/// If listing is forbidden (403), the guard stops the create, because the POST would be refused as well.
#[tokio::test]
async fn nothing_is_sent_where_listing_is_forbidden() {
    let api = Api::start(Fault::None, Listing::Forbidden).await;
    let mut process = Process::start(&api.url(), 1).await.unwrap();
    process.create(1, false).await;
    assert_eq!(process.verdict(1).await.unwrap(), Verdict::NotCreated);
    assert!(api.ledger().posts.is_empty());
}

/// HTTP/2 lets a server refuse a stream, and clients send such a request again by themselves. It is not compiled in: the package
/// that implements it is in no build of ours. Should a tool of the tests bring it along one day, `cargo tree -e normal -i h2`
/// must still find nothing, and this test has to run that command instead.
#[test]
fn http2_is_not_compiled_in() {
    let lock = include_str!("../../Cargo.lock");
    assert!(!lock.contains("name = \"h2\""), "see the comment of this test");
}

/// Nor is it offered where it is usually agreed upon: in the first message of TLS. Without TLS it is looked for in every request.
#[tokio::test]
async fn http2_is_not_offered_in_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let mut process = Process::start(&url, 1).await.unwrap();
    process.create(1, false).await;
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut header = [0; 5];
    stream.read_exact(&mut header).await.unwrap();
    assert_eq!(header[..2], [22, 3], "a TLS handshake");
    let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    stream.read_exact(&mut hello).await.unwrap();
    // In the extension, each name follows its length.
    assert!(
        !hello.windows(3).any(|window| window == b"\x02h2"),
        "the hello offers h2"
    );
}
