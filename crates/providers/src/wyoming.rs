//! The Wyoming protocol of the Home Assistant world, over TCP: a line of JSON, then as many bytes of data and of payload as
//! the line says.
//!
//! ```text
//! {"type":"audio-chunk","version":"1.0.0","data_length":45,"payload_length":2048}⏎{"rate":16000,…}‹2048 bytes›
//! ```

use std::io::{Error, ErrorKind};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use url::Url;

/// Longest first line, data and payload. What a server says about its models can be long.
const MAX_LINE: u64 = 64 * 1024;
const MAX_PART: usize = 1024 * 1024;
/// The reading buffer.
const BUFFER: usize = 4096;
/// Sound in one message.
const CHUNK: usize = 4096;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    pub(crate) kind: String,
    pub(crate) data: Map<String, Value>,
    pub(crate) payload: Bytes,
}

impl Message {
    /// A text among the data.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.data.get(name)?.as_str()
    }
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Wyoming {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

#[derive(Deserialize)]
struct Line {
    r#type: String,
    #[serde(default)]
    data: Option<Map<String, Value>>,
    #[serde(default)]
    data_length: Option<usize>,
    #[serde(default)]
    payload_length: Option<usize>,
}

impl Wyoming {
    /// Connects to `tcp://host:port`.
    pub(crate) async fn connect(url: &Url) -> Result<Self, Error> {
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = url.port().ok_or_else(|| Error::new(ErrorKind::InvalidInput, "no port"))?;
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Ok(Self { reader: BufReader::with_capacity(BUFFER, reader), writer })
    }

    /// Sends one message.
    pub(crate) async fn send(&mut self, kind: &str, data: Value, payload: &[u8]) -> Result<(), Error> {
        let data = if data.as_object().is_some_and(|data| !data.is_empty()) { data.to_string() } else { String::new() };
        let mut line = json!({"type": kind, "version": "1.0.0"});
        if !data.is_empty() {
            line["data_length"] = json!(data.len());
        }
        if !payload.is_empty() {
            line["payload_length"] = json!(payload.len());
        }
        let mut head = line.to_string();
        head.push('\n');
        head.push_str(&data);
        self.writer.write_all(head.as_bytes()).await?;
        self.writer.write_all(payload).await
    }

    /// Sends sound between an `audio-start` and an `audio-stop`.
    pub(crate) async fn send_sound(&mut self, pcm: &[u8], rate: u32) -> Result<(), Error> {
        let format = json!({"rate": rate, "width": 2, "channels": 1});
        self.send("audio-start", format.clone(), &[]).await?;
        for chunk in pcm.chunks(CHUNK) {
            self.send("audio-chunk", format.clone(), chunk).await?;
        }
        self.send("audio-stop", json!({}), &[]).await
    }

    /// The next message; `None` when the server has closed the connection in good order.
    ///
    /// # Errors
    /// `InvalidData`: it is no such message, or too long.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>, Error> {
        let invalid = |why: &'static str| Error::new(ErrorKind::InvalidData, why);
        let mut line = Vec::new();
        (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') {
            return Err(invalid("a line without an end"));
        }
        let line: Line = serde_json::from_slice(&line).map_err(|_| invalid("no message of this protocol"))?;
        let mut data = line.data.unwrap_or_default();
        if let Some(length) = line.data_length.filter(|&length| length > 0) {
            let more = self.part(length).await?;
            let more: Map<String, Value> = serde_json::from_slice(&more).map_err(|_| invalid("data without form"))?;
            data.extend(more);
        }
        let payload = self.part(line.payload_length.unwrap_or(0)).await?.into();
        Ok(Some(Message { kind: line.r#type, data, payload }))
    }

    async fn part(&mut self, length: usize) -> Result<Vec<u8>, Error> {
        if length > MAX_PART {
            return Err(Error::new(ErrorKind::InvalidData, "a message of more than 1 MiB"));
        }
        let mut part = vec![0; length];
        self.reader.read_exact(&mut part).await?;
        Ok(part)
    }
}
