//! `ffmpeg` as the video encoder of the simulated glasses: a test picture with a clock in it and a tone, H.264 and AAC, to an
//! RTMP server. It lives no longer than the value: it is killed when dropped, and it writes its progress into a pipe of ours, so
//! it does not survive a phone that was killed either.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bifocal_protocol::json::Object;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use url::Url;

use crate::clean;

/// How long it may take to say good-bye to the server.
const GOODBYE: Duration = Duration::from_secs(2);
/// What is kept of its complaints, in bytes.
const COMPLAINTS: usize = 4 << 10;
/// Longest URL, in bytes.
const MAX_URL: usize = 2_048;

/// What is streamed, and where to.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Wish {
    /// With a key in it, mostly: it is never shown.
    url: String,
    width: u64,
    height: u64,
    rate: u64,
    bitrate: u64,
    sound_rate: u64,
    sound_bitrate: u64,
    seconds: Option<u64>,
}

impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wish").field("width", &self.width).field("height", &self.height).finish_non_exhaustive()
    }
}

impl Wish {
    /// Takes of an app's wishes what a camera could do.
    ///
    /// # Errors
    /// What is wrong with the URL, for the app.
    pub(super) fn new(url: &str, video: &Object, audio: &Object, stream: &Object) -> Result<Self, String> {
        let plain = url.len() <= MAX_URL && url.bytes().all(|byte| byte.is_ascii_graphic());
        let parsed = Url::parse(url).ok().filter(|url| url.has_host() && plain);
        if !parsed.is_some_and(|url| matches!(url.scheme(), "rtmp" | "rtmps")) {
            return Err("these glasses stream to rtmp:// and rtmps:// only".to_owned());
        }
        let number = |of: &Object, name: &str, default: u64, least: u64, most: u64| {
            of.get(name).and_then(Value::as_f64).map_or(default, |wish| wish as u64).clamp(least, most)
        };
        // Colours are stored for two by two pixels.
        let even = |pixels: u64| pixels & !1;
        let sound_rate = number(audio, "sampleRate", 44_100, 0, 48_000);
        Ok(Self {
            url: url.to_owned(),
            width: even(number(video, "width", 640, 160, 1920)),
            height: even(number(video, "height", 360, 120, 1080)),
            rate: number(video, "frameRate", 15, 5, 30),
            bitrate: number(video, "bitrate", 800_000, 100_000, 6_000_000),
            // What FLV knows and AAC can.
            sound_rate: if matches!(sound_rate, 22_050 | 44_100 | 48_000) { sound_rate } else { 44_100 },
            sound_bitrate: number(audio, "bitrate", 64_000, 16_000, 192_000),
            seconds: stream.get("durationLimit").and_then(Value::as_f64).map(|limit| limit.max(1.0) as u64),
        })
    }

    /// The server, without the path: that is a key.
    pub(super) fn host(&self) -> String {
        let url = Url::parse(&self.url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        format!("{host}:{}", url.as_ref().and_then(Url::port).unwrap_or(1935))
    }

    fn arguments(&self) -> Vec<String> {
        let Self { url, width, height, rate, bitrate, sound_rate, sound_bitrate, seconds } = self;
        // A key frame each second: viewers see the first picture sooner.
        let mut line = format!(
            "-hide_banner -loglevel error -nostats -progress pipe:1 -stats_period 0.5 \
             -re -f lavfi -i testsrc2=size={width}x{height}:rate={rate} \
             -re -f lavfi -i sine=frequency=440:sample_rate={sound_rate} \
             -c:v libx264 -preset ultrafast -tune zerolatency -bf 0 -g {rate} -pix_fmt yuv420p \
             -b:v {bitrate} -maxrate {bitrate} -bufsize {bitrate} -c:a aac -b:a {sound_bitrate}"
        );
        if let Some(seconds) = seconds {
            line.push_str(&format!(" -t {seconds}"));
        }
        line.push_str(" -f flv");
        let mut arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        arguments.push(url.clone());
        arguments
    }

    /// What a program said, without the URL and the key in it.
    fn without_secrets(&self, text: &str) -> String {
        let mut text = text.replace(&self.url, &self.host());
        let key = self.url.rsplit('/').next().unwrap_or_default();
        if key.len() > 3 {
            text = text.replace(key, "…");
        }
        text
    }
}

/// Numbers about a stream, as glasses report them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stats {
    frames: u64,
    fps: f64,
    /// Bits a second.
    bitrate: f64,
    dropped: u64,
    seconds: f64,
}

impl Stats {
    /// Whether a picture went out.
    pub(super) fn has_pictures(&self) -> bool {
        self.frames > 0
    }

    /// `stats` of a status.
    pub(super) fn told(&self) -> Value {
        let (bitrate, duration) = (self.bitrate as u64, self.seconds as u64);
        json!({"bitrate": bitrate, "fps": self.fps, "droppedFrames": self.dropped, "duration": duration})
    }

    /// Takes in a line of `-progress`; true with the last one of a report.
    fn read(&mut self, line: &str) -> bool {
        let Some((name, value)) = line.split_once('=') else { return false };
        let value = value.trim();
        let number = |text: &str| text.parse::<f64>().unwrap_or(0.0);
        match name {
            "frame" => self.frames = value.parse().unwrap_or(0),
            "fps" => self.fps = number(value),
            "bitrate" => self.bitrate = number(value.trim_end_matches("kbits/s")) * 1_000.0,
            "drop_frames" => self.dropped = value.parse().unwrap_or(0),
            "out_time_us" => self.seconds = number(value) / 1e6,
            "progress" => return true,
            _ => {}
        }
        false
    }
}

/// What a publisher does next.
#[derive(Debug)]
pub(super) enum Beat {
    /// It streams.
    Goes(Stats),
    /// It has sent everything that was wished.
    Finished,
    /// It does not stream any more, and why.
    Failed(String),
}

/// A running `ffmpeg`.
pub(super) struct Publisher {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    complaints: JoinHandle<String>,
    stats: Stats,
    wish: Wish,
}

impl Publisher {
    /// Begins to stream.
    ///
    /// # Errors
    /// Why the program cannot be started.
    pub(super) fn start(program: &Path, wish: &Wish) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(wish.arguments()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "simulated glasses stream with ffmpeg, which is not installed".to_owned(),
            _ => clean::line(&format!("ffmpeg does not start: {error}"), 200),
        })?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdout), Some(mut stderr)) = (stdout, stderr) else { return Err("ffmpeg has no pipes".to_owned()) };
        // It ends with the program.
        let complaints = tokio::spawn(async move {
            let (mut kept, mut part) = (Vec::new(), [0; 1024]);
            while let Ok(read @ 1..) = stderr.read(&mut part).await {
                kept.extend_from_slice(&part[..read]);
                kept.drain(..kept.len().saturating_sub(COMPLAINTS));
            }
            String::from_utf8_lossy(&kept).into_owned()
        });
        let lines = BufReader::new(stdout).lines();
        Ok(Self { child, stdin, lines, complaints, stats: Stats::default(), wish: wish.clone() })
    }

    /// Waits for the next report, each half second, or for the end.
    ///
    /// Cancel safe until it has ended.
    pub(super) async fn beat(&mut self) -> Beat {
        while let Ok(Some(line)) = self.lines.next_line().await {
            if self.stats.read(&line) && self.stats.has_pictures() {
                return Beat::Goes(self.stats.clone());
            }
        }
        match self.child.wait().await {
            Ok(status) if status.success() => return Beat::Finished,
            Ok(_) => {}
            Err(error) => return Beat::Failed(clean::line(&format!("ffmpeg: {error}"), 200)),
        }
        let said = (&mut self.complaints).await.unwrap_or_default();
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        Beat::Failed(clean::line(&format!("ffmpeg: {}", self.wish.without_secrets(last)), 200))
    }

    /// Says good-bye to the server, and is killed when that takes too long.
    pub(super) async fn finish(mut self) {
        let goodbye = async {
            if let Some(mut stdin) = self.stdin.take() {
                // Its key for "enough".
                let _ = stdin.write_all(b"q").await;
                let _ = stdin.flush().await;
            }
            while let Ok(Some(_)) = self.lines.next_line().await {}
            let _ = self.child.wait().await;
        };
        let _ = timeout(GOODBYE, goodbye).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Object {
        serde_json::from_value(value).expect("an object")
    }

    fn wish(url: &str, video: Value) -> Result<Wish, String> {
        Wish::new(url, &object(video), &object(json!({})), &object(json!({"durationLimit": 5})))
    }

    #[test]
    fn wishes_are_taken_as_far_as_a_camera_can() {
        let line = |video| wish("rtmp://h:1/a/key", video).expect("good").arguments().join(" ");
        assert!(line(json!({})).contains("testsrc2=size=640x360:rate=15 "));
        let large = line(json!({"width": 99999, "height": 721, "frameRate": "fast", "bitrate": 1}));
        assert!(large.contains("size=1920x720:rate=15 ") && large.contains("-b:v 100000 "), "{large}");
        assert!(large.ends_with(" -t 5 -f flv rtmp://h:1/a/key"), "{large}");
    }

    #[test]
    fn only_rtmp_is_streamed_to_and_no_option_gets_in() {
        for bad in
            ["", "https://h/whip", "srt://h:1", "-i", "rtmp://", "file:///x", "rtmp://h/a key", "rtmp://h/\u{e9}"]
        {
            assert!(wish(bad, json!({})).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_key_is_in_no_message() {
        let wish = wish("rtmp://h:1/live/geheim", json!({})).expect("good");
        let said = wish.without_secrets("Error opening rtmp://h:1/live/geheim: no such stream geheim");
        assert_eq!(said, "Error opening h:1: no such stream …");
        assert!(!format!("{wish:?}").contains("geheim"));
        assert_eq!(super::Wish { url: "rtmp://h/a".into(), ..wish }.host(), "h:1935");
    }

    #[test]
    fn a_report_is_read_line_by_line() {
        let mut stats = Stats::default();
        let report = "frame=30\nfps=14.97\nbitrate= 832.5kbits/s\nout_time_us=2000000\ndrop_frames=1\nspeed=N/A";
        assert!(!report.lines().any(|line| stats.read(line)) && stats.has_pictures());
        assert!(stats.read("progress=continue"));
        assert_eq!(stats.told(), json!({"bitrate": 832_500, "fps": 14.97, "droppedFrames": 1, "duration": 2}));
    }
}
