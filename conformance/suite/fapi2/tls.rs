//! Which versions and ciphers of TLS a server takes (BCP 195), asked with a greeting of our own.

use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

const TLS_1_0: u16 = 0x0301;
const TLS_1_1: u16 = 0x0302;
const TLS_1_2: u16 = 0x0303;
/// ECDHE with AES-GCM.
const GOOD: &[u16] = &[0xc02b, 0xc02c, 0xc02f, 0xc030];
/// RSA key exchange, CBC, 3DES.
const WEAK: &[u16] = &[0x000a, 0x002f, 0x0035, 0x003c, 0x009c, 0xc009, 0xc00a, 0xc013, 0xc014, 0xc023, 0xc027];

/// Nothing older than TLS 1.2, and no weak cipher.
pub(crate) async fn is_up_to_date(issuer: &str) -> anyhow::Result<()> {
    ensure!(takes(issuer, TLS_1_2, GOOD).await?, "it takes no good cipher of TLS 1.2");
    for (version, ciphers, what) in [
        (TLS_1_0, [GOOD, WEAK].concat(), "TLS 1.0"),
        (TLS_1_1, [GOOD, WEAK].concat(), "TLS 1.1"),
        (TLS_1_2, WEAK.to_vec(), "a weak cipher"),
    ] {
        ensure!(!takes(issuer, version, &ciphers).await?, "it takes {what}");
    }
    Ok(())
}

/// Whether a greeting is answered with a handshake.
async fn takes(issuer: &str, version: u16, ciphers: &[u16]) -> anyhow::Result<bool> {
    let port = Url::parse(issuer)?.port().context("no port")?;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(&greeting(version, ciphers)?).await?;
    let mut head = [0; 1];
    let read = timeout(Duration::from_secs(10), stream.read(&mut head)).await?;
    // 22 is a handshake, 21 an alert (RFC 5246 6.2.1).
    Ok(read.is_ok_and(|read| read == 1) && head == [22])
}

/// A client's hello (RFC 5246 7.4.1.2).
fn greeting(version: u16, ciphers: &[u16]) -> anyhow::Result<Vec<u8>> {
    let list = |numbers: &[u16]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
    let long = |bytes: Vec<u8>| anyhow::Ok([u16::try_from(bytes.len())?.to_be_bytes().to_vec(), bytes].concat());
    let extension = |kind: u16, body: Vec<u8>| anyhow::Ok([kind.to_be_bytes().to_vec(), long(body)?].concat());
    let extensions = [
        extension(10, long(list(&[0x001d, 0x0017, 0x0018]))?)?,
        extension(11, vec![1, 0])?,
        extension(13, long(list(&[0x0403, 0x0503, 0x0804, 0x0805, 0x0401, 0x0501, 0x0203, 0x0201]))?)?,
        extension(23, Vec::new())?,
    ];
    let body = [
        version.to_be_bytes().to_vec(),
        vec![0x5a; 32],
        vec![0],
        long(list(ciphers))?,
        vec![1, 0],
        long(extensions.concat())?,
    ];
    let body = body.concat();
    let length = u32::try_from(body.len())?.to_be_bytes();
    let handshake = [vec![1], length.get(1..).unwrap_or_default().to_vec(), body].concat();
    Ok([vec![22, 3, 1], long(handshake)?].concat())
}
