//! Playing a script on a phone.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use bifocal_audio::wav;
use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::seen::Seen;
use super::{Line, Outcome, Script, Statement};
use crate::phone::{Pace, Phone, PhoneError, PhoneEvent, Photo, Watch};
use crate::screen::Screen;

/// The biggest file that a script may name: half an hour of sound.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// How much longer than its own pause a phone may take to come back before a statement fails.
const COMING_BACK: Duration = Duration::from_secs(10);

/// What happens while a script is played.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A statement begins.
    Begins(&'a Line),
    /// The wearer sees something else.
    Frame(&'a Screen),
    /// Something happened to the phone; a display comes as an event, and as a frame if the wearer sees it.
    Event(&'a PhoneEvent),
    /// A statement went as it should.
    Done(&'a Line),
}

/// Plays a script. Files are looked for in `base_dir` and read before the first statement.
pub async fn run(script: &Script, phone: &Phone, base_dir: &Path, progress: impl FnMut(Progress<'_>)) -> Outcome {
    let mut files = Vec::with_capacity(script.lines.len());
    for line in &script.lines {
        match load(&line.statement, base_dir).await {
            Ok(file) => files.push(file),
            Err(why) => return Outcome::Broken(format!("line {}: {why}", line.number)),
        }
    }
    let watch = phone.watch();
    let seen = Seen::new(&watch.state().screen);
    let mut player = Player { phone, watch, seen, progress };
    for (line, file) in script.lines.iter().zip(files) {
        (player.progress)(Progress::Begins(line));
        if let Err(why) = player.play(&line.statement, file).await {
            let shown = player.watch.state().screen.lines();
            return Outcome::Failed { line: line.number, statement: line.text.clone(), why, shown };
        }
        (player.progress)(Progress::Done(line));
    }
    Outcome::Passed
}

/// The file that a statement names: samples for `audio`, the file itself for `photo`.
async fn load(statement: &Statement, base_dir: &Path) -> Result<Bytes, String> {
    let (Statement::Audio(path) | Statement::Photo(path)) = statement else { return Ok(Bytes::new()) };
    let path = base_dir.join(path);
    let said = |why: String| format!("{}: {why}", crate::clean::line(&path.display().to_string(), 200));
    let size = tokio::fs::metadata(&path).await.map_err(|error| said(error.to_string()))?.len();
    if size > MAX_FILE {
        return Err(said(format!("{size} bytes are more than {MAX_FILE}")));
    }
    let file = Bytes::from(tokio::fs::read(&path).await.map_err(|error| said(error.to_string()))?);
    match statement {
        Statement::Audio(_) => wav::read_for_glasses(&file).map_err(|error| said(error.to_string())),
        _ => Ok(file),
    }
}

struct Player<'a, P> {
    phone: &'a Phone,
    watch: Watch,
    seen: Seen,
    progress: P,
}

impl<P: FnMut(Progress<'_>)> Player<'_, P> {
    async fn play(&mut self, statement: &Statement, file: Bytes) -> Result<(), String> {
        // What has happened before this statement is no answer to it.
        self.catch_up();
        if statement.acts() {
            self.online().await?;
            self.seen.forget();
        }
        let phone = self.phone;
        match statement {
            Statement::Say(text) => self.doing(phone.say(text)).await,
            Statement::Press { button, press } => self.doing(phone.press(button, *press)).await,
            Statement::Head(head) => self.doing(phone.head(*head)).await,
            Statement::Audio(_) => self.doing(phone.sound(file, Pace::RealTime)).await,
            Statement::Photo(_) => self.doing(phone.set_photo(Some(Photo::new(file)))).await,
            Statement::Camera(state) => self.doing(phone.set_camera(*state)).await,
            Statement::Battery(percent) => self.doing(phone.battery(*percent)).await,
            Statement::Start(package) => self.doing(phone.start_app(package)).await,
            Statement::Stop(package) => self.doing(phone.stop_app(package)).await,
            Statement::Cut(away) => {
                self.doing(phone.cut(*away)).await?;
                self.back_within(*away + COMING_BACK).await
            }
            Statement::Wait(time) => {
                self.meanwhile(sleep(*time)).await;
                Ok(())
            }
            Statement::Expect { text, within } => self.expect(text, *within).await,
            Statement::ExpectNot { text, within } => self.expect_not(text, *within).await,
        }
    }

    async fn expect(&mut self, text: &str, within: Duration) -> Result<(), String> {
        let deadline = Instant::now() + within;
        while !self.seen.has(text) {
            self.not_over()?;
            match timeout_at(deadline, self.watch.next()).await {
                Ok(event) => self.took(&event),
                Err(_) if self.seen.has(text) => {}
                Err(_) => return Err(format!("not shown within {} s", within.as_secs_f64())),
            }
        }
        Ok(())
    }

    async fn expect_not(&mut self, text: &str, within: Duration) -> Result<(), String> {
        let (begin, deadline) = (Instant::now(), Instant::now() + within);
        loop {
            if self.seen.shows(text) {
                return Err(format!("shown after {:.1} s", begin.elapsed().as_secs_f64()));
            }
            // Nothing can be shown any more, which proves nothing.
            self.not_over()?;
            match timeout_at(deadline, self.watch.next()).await {
                Ok(event) => self.took(&event),
                Err(_) => return Ok(()),
            }
        }
    }

    /// Waits for a connection that is on its way back, so that a message is not lost in the pause.
    async fn online(&mut self) -> Result<(), String> {
        if self.watch.state().connected {
            return Ok(());
        }
        self.back_within(self.phone.reconnect() + COMING_BACK).await
    }

    async fn back_within(&mut self, limit: Duration) -> Result<(), String> {
        let phone = self.phone;
        let back = self.meanwhile(timeout(limit, phone.connected_within(limit))).await;
        self.not_over()?;
        match back {
            Ok(true) => Ok(()),
            _ => Err(format!("socket: not connected again within {} s", limit.as_secs_f64())),
        }
    }

    fn not_over(&self) -> Result<(), String> {
        if self.watch.state().ended { Err(PhoneError::Ended.to_string()) } else { Ok(()) }
    }

    async fn doing(&mut self, deed: impl Future<Output = Result<(), PhoneError>>) -> Result<(), String> {
        self.meanwhile(deed).await.map_err(|error| error.to_string())
    }

    /// Follows the phone until `work` is done, up to everything that it caused at once.
    async fn meanwhile<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = std::pin::pin!(work);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                event = self.watch.next() => self.took(&event),
            }
        };
        self.catch_up();
        done
    }

    fn catch_up(&mut self) {
        while let Some(event) = self.watch.try_next() {
            self.took(&event);
        }
    }

    fn took(&mut self, event: &PhoneEvent) {
        (self.progress)(Progress::Event(event));
        let screen = &self.watch.state().screen;
        if self.seen.look(screen) {
            (self.progress)(Progress::Frame(screen));
        }
    }
}
