//! Speech by a program on this machine. It gets the text on its standard input, where it can be neither an option nor a word
//! of a shell, and where no list of processes shows it; it gets nothing of our environment, where keys are; and it gets so
//! much time and may write so much. Whoever stops listening kills it.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bifocal_audio::wav;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::{OnceCell, Semaphore};

use super::{Fault, Spoken};

/// How long a program may speak. The slowest machine that we know needs two seconds for the longest text that we take.
pub(super) const TIME: Duration = Duration::from_secs(20);
/// How much it may write: about ten minutes.
pub(super) const OUTPUT: usize = 24 << 20;
/// Programs at the same time; more wait their turn within their time.
const AT_ONCE: usize = 4;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Where a program is, by the search path.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let runs = |path: &PathBuf| {
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(runs)
}

/// A program that speaks: which one, with which voice, and which voices it has.
#[derive(Debug)]
pub(super) struct Speaker {
    pub(super) name: Arc<str>,
    path: PathBuf,
    pub(super) voice: Option<String>,
    voices: OnceCell<Vec<String>>,
}

impl Speaker {
    /// The program at this path, with the name of a voice of its own.
    pub(super) fn new(name: Arc<str>, path: PathBuf, voice: Option<String>) -> Self {
        Self { name, path, voice, voices: OnceCell::new() }
    }

    /// The voices that it lists when it is asked with this argument. It is asked once.
    pub(super) async fn voices(&self, argument: &str, read: fn(&str) -> Vec<String>) -> Result<&[String], Fault> {
        let list = async {
            let mut command = self.command();
            command.arg(argument);
            let text = run(command, "").await?;
            Ok(read(&String::from_utf8_lossy(&text)))
        };
        self.voices.get_or_try_init(|| list).await.map(Vec::as_slice)
    }

    /// The program, without arguments.
    pub(super) fn command(&self) -> Command {
        command(&self.path)
    }

    /// What it has said, a WAV file.
    pub(super) fn spoken(&self, file: &[u8]) -> Result<Spoken, Fault> {
        let sound = wav::read(file).map_err(|_| Fault::NotSound)?;
        Ok(Spoken::wav(&self.name, &sound.samples, sound.rate))
    }
}

/// A program that will die with its handle.
fn command(path: &std::path::Path) -> Command {
    let mut command = Command::new(path);
    command.env_clear().env("LC_ALL", "C.UTF-8").current_dir("/").kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Text as programs can read it: control characters are commands to some of them, and two opening brackets begin phonemes.
pub(super) fn plain(text: &str) -> String {
    let text: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    text.replace("[[", "[ [") + "\n"
}

/// Runs a program on a text; gives what it wrote to its standard output.
pub(super) async fn run(command: Command, text: &str) -> Result<Vec<u8>, Fault> {
    within(TIME, async {
        let _turn = TURNS.acquire().await.map_err(|_| Fault::Program)?;
        let mut child = spawn(command)?;
        let stdout = child.stdout.take().ok_or(Fault::Program)?;
        let mut written = Vec::new();
        let reading = async {
            let read = stdout.take(OUTPUT as u64 + 1).read_to_end(&mut written).await;
            read.map_err(|_| Fault::Program)
        };
        let (fed, read) = tokio::join!(feed(&mut child, text), reading);
        if read? > OUTPUT {
            return Err(Fault::TooMuch);
        }
        ended_well(&mut child).await?;
        fed.map(|()| written)
    })
    .await
}

/// Runs a program on a text that writes to a file of ours, looking after how much that is.
pub(super) async fn run_into(command: Command, text: &str, file: &std::path::Path) -> Result<Vec<u8>, Fault> {
    /// How often: the fastest program writes some megabytes in between.
    const LOOK: Duration = Duration::from_millis(50);
    within(TIME, async {
        let _turn = TURNS.acquire().await.map_err(|_| Fault::Program)?;
        let mut child = spawn(command)?;
        drop(child.stdout.take());
        feed(&mut child, text).await?;
        let too_much = || file.metadata().is_ok_and(|metadata| metadata.len() > OUTPUT as u64);
        let mut looks = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                ended = ended_well(&mut child) => break ended?,
                _ = looks.tick() => if too_much() { return Err(Fault::TooMuch) },
            }
        }
        if too_much() {
            return Err(Fault::TooMuch);
        }
        tokio::fs::read(file).await.map_err(|_| Fault::Program)
    })
    .await
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(Fault::TimedOut))
}

fn spawn(mut command: Command) -> Result<Child, Fault> {
    command.spawn().map_err(|_| Fault::Program)
}

async fn feed(child: &mut Child, text: &str) -> Result<(), Fault> {
    let mut stdin = child.stdin.take().ok_or(Fault::Program)?;
    stdin.write_all(text.as_bytes()).await.map_err(|_| Fault::Program)
}

async fn ended_well(child: &mut Child) -> Result<(), Fault> {
    let status = child.wait().await.map_err(|_| Fault::Program)?;
    if status.success() { Ok(()) } else { Err(Fault::Program) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn programs_are_found_by_the_search_path() {
        let path = find("sh").expect("every system has one");
        assert!(path.is_absolute() && path.ends_with("sh"));
        assert_eq!(find("bifocal-has-no-such-program"), None);
    }

    #[test]
    fn control_characters_and_phonemes_are_no_commands() {
        assert_eq!(plain("a\x01b\nc"), "a b c\n");
        assert_eq!(plain("[[[x]]"), "[ [[x]]\n");
    }

    #[tokio::test]
    async fn the_text_arrives_on_the_standard_input_and_nothing_else_does() {
        let said = run(command(Path::new("/bin/cat")), "-rf; $(id)\n").await;
        assert_eq!(said.as_deref(), Ok(&b"-rf; $(id)\n"[..]));
        let mut shell = command(Path::new("/bin/sh"));
        shell.args(["-c", "cat >/dev/null; env"]);
        let environment = String::from_utf8(run(shell, "").await.expect("runs")).expect("text");
        let mut names: Vec<_> = environment.lines().filter_map(|line| line.split('=').next()).collect();
        // The shell adds these two by itself.
        names.retain(|name| !["PWD", "_"].contains(name));
        assert_eq!(names, ["LC_ALL"]);
    }

    #[tokio::test]
    async fn a_program_that_fails_or_is_not_there_says_so() {
        assert_eq!(run(command(Path::new("/bin/false")), "").await, Err(Fault::Program));
        assert_eq!(run(command(Path::new("/nowhere")), "").await, Err(Fault::Program));
    }

    #[tokio::test]
    async fn a_program_that_writes_without_end_is_stopped() {
        assert_eq!(run(command(Path::new("/usr/bin/yes")), "").await, Err(Fault::TooMuch));
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut shell = command(Path::new("/bin/sh"));
        shell.args(["-c", r#"exec yes > "$0""#]).arg(file.path());
        assert_eq!(run_into(shell, "", file.path()).await, Err(Fault::TooMuch));
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_takes_too_long_is_given_up() {
        let mut sleep = command(Path::new("/bin/sleep"));
        sleep.arg("600");
        assert_eq!(run(sleep, "").await, Err(Fault::TimedOut));
    }

    #[tokio::test]
    async fn whoever_stops_listening_kills_it() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut shell = command(Path::new("/bin/sh"));
        shell.args(["-c", r#"echo $$ > "$0"; exec sleep 600"#]).arg(file.path());
        let number = until(|| {
            let text = std::fs::read_to_string(file.path()).unwrap_or_default();
            text.strip_suffix('\n').map(str::to_owned)
        });
        let number = tokio::select! {
            number = number => number,
            ended = run(shell, "") => panic!("it ended: {ended:?}"),
        };
        // The future of `run` is dropped now.
        let status = format!("/proc/{number}/status");
        let gone = || match std::fs::read_to_string(&status) {
            Ok(text) => text.lines().any(|line| line.starts_with("State:\tZ")).then_some(()),
            Err(_) => Some(()),
        };
        until(gone).await;
    }

    /// Asks again and again until there is an answer, for ten seconds at most.
    async fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
        let asking = async {
            loop {
                match ask() {
                    Some(answer) => return answer,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), asking).await.expect("an answer in time")
    }
}
