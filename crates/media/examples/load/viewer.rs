//! A player that fetches every segment as soon as it is listed, and counts the pictures in it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::publisher::PICTURES;
use crate::{Failed, PATIENCE};

/// What a viewer got.
pub(crate) struct Seen {
    pub(crate) missing: u64,
    pub(crate) bytes: usize,
}

/// Watches from the first segment until every picture is there.
pub(crate) async fn watch(url: String, seconds: u64) -> Result<Seen, Failed> {
    let (address, path) = url.trim_start_matches("http://").split_once('/').ok_or("a path")?;
    let address: SocketAddr = address.parse()?;
    let folder = format!("/{}", path.rsplit_once('/').ok_or("a folder")?.0);
    let mut socket = BufReader::new(TcpStream::connect(address).await?);
    let mut playlist = format!("{folder}/index.m3u8");
    let (mut next, mut pictures, mut bytes) = (0, 0, 0);
    let whole = seconds * PICTURES;
    let deadline = Instant::now() + Duration::from_secs(seconds) + PATIENCE;
    while pictures < whole && Instant::now() < deadline {
        let (status, text) = get(&mut socket, &playlist).await?;
        let text = String::from_utf8(text)?;
        if let Some(media) = text.lines().find(|line| line.starts_with("media.m3u8")) {
            playlist = format!("{folder}/{media}");
        }
        let listed = text.lines().filter(|line| status == 200 && line.starts_with("segment-"));
        for line in listed {
            let number: u64 = line.trim_start_matches("segment-").trim_end_matches(".m4s").parse()?;
            if number < next {
                continue;
            }
            let (status, segment) = get(&mut socket, &format!("{folder}/{line}")).await?;
            if status != 200 || number != next {
                return Err(format!("{line}: {status}, {next} was expected").into());
            }
            next += 1;
            bytes += segment.len();
            pictures += count(&segment);
        }
        sleep(Duration::from_millis(500)).await;
    }
    Ok(Seen { missing: whole.saturating_sub(pictures), bytes })
}

async fn get(socket: &mut BufReader<TcpStream>, path: &str) -> Result<(u16, Vec<u8>), Failed> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: load\r\n\r\n");
    socket.get_mut().write_all(request.as_bytes()).await?;
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        if timeout(PATIENCE, socket.read_line(&mut line)).await?? == 0 {
            return Err("closed".into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest.get(..3).unwrap_or_default().parse()?;
        } else if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse()?;
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    timeout(PATIENCE, socket.read_exact(&mut body)).await??;
    Ok((status, body))
}

/// The pictures of a segment: what the table of its one track says.
fn count(segment: &[u8]) -> u64 {
    let at = segment.windows(4).position(|four| four == b"trun").unwrap_or(0);
    segment.get(at + 8..at + 12).map_or(0, |bytes| u32::from_be_bytes(bytes.try_into().unwrap_or_default()).into())
}
