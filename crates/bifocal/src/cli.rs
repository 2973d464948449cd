//! The command line. Every option is also an environment variable; `--help` is the reference.

use std::net::SocketAddr;
use std::path::PathBuf;

use bifocal_protocol::app::AppKind;
use bifocal_protocol::hardware::Hardware;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::permission::Permission;
use bifocal_simulator::SoundPath;
use bifocal_simulator::bench::Scenario;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// A cloud for MentraOS smart glasses that runs in your house: one binary, no account anywhere.
#[derive(Debug, Parser)]
#[command(name = "bifocal", version, about, max_term_width = 110, propagate_version = true)]
#[command(after_help = "Try it without hardware: bifocal demo")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Where things are. The same for every command.
#[derive(Debug, Args, Clone, Default)]
pub(crate) struct Place {
    /// The data folder: database, secrets [default: ./bifocal-data]
    #[arg(long, global = true, env = "BIFOCAL_DATA", value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration file; it need not exist unless it is named [default: bifocal.toml]
    #[arg(long, global = true, env = "BIFOCAL_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve(Serve),
    /// Register apps, and say who has them
    #[command(subcommand)]
    App(App),
    /// Users
    #[command(subcommand)]
    User(User),
    /// Print a core token for a user, who is created when unknown
    Token {
        /// The user
        email: UserId,
    },
    /// Live sessions of the running server
    #[command(subcommand)]
    Session(Session),
    /// Glasses on this terminal
    Sim(Sim),
    /// See it work: a server, an app and glasses, all in this terminal
    Demo(Demo),
    /// Make a project for an app in Rust, which runs and has a test
    New(New),
    /// Write an app: cloud, glasses and the app of this folder in this terminal, started again when a file changes
    Dev(Dev),
    /// Measure it: thousands of phones and apps against a server of this program, and against a raw relay beside it
    Bench(Bench),
    /// The raw relay of `bench`
    #[command(hide = true)]
    BenchRelay,
    /// What is installed and configured, what is missing, what to do about it
    Doctor(Doctor),
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Instead, speak a sentence to the configured speech engine, and print where the time goes
    #[arg(long)]
    pub(crate) speech: bool,
    /// With --speech: what is spoken, by the configured voice or one of this machine [default: turn on the lights in the kitchen]
    #[arg(long, value_name = "TEXT", requires = "speech", conflicts_with = "recording")]
    pub(crate) say: Option<String>,
    /// With --speech: play this recording instead
    #[arg(long, value_name = "FILE.wav", requires = "speech")]
    pub(crate) recording: Option<PathBuf>,
    /// With --speech: the language that is spoken
    #[arg(long, value_name = "TAG", default_value = "en-US")]
    pub(crate) language: String,
    /// With --speech: this engine, by its name in the configuration [default: the one that a wearer would get]
    #[arg(long, value_name = "NAME", requires = "speech")]
    pub(crate) engine: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8002]
    #[arg(long, env = "BIFOCAL_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// How phones and apps reach this server [default: http and the listen address]
    #[arg(long, env = "BIFOCAL_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Take sound of phones over UDP, too, here
    #[arg(long, env = "BIFOCAL_UDP_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) udp_listen: Option<SocketAddr>,
    /// How phones reach it [default: the host of the public URL, and its port]
    #[arg(long, env = "BIFOCAL_UDP_ADDRESS", value_name = "HOST[:PORT]")]
    pub(crate) udp_address: Option<String>,
    /// A private network that webhooks may go to, like 192.168.1.0/24; may be given several times. Loopback is allowed
    /// unless this is given
    #[arg(long = "allow-network", env = "BIFOCAL_ALLOW_NETWORKS", value_name = "NETWORK", value_delimiter = ',')]
    pub(crate) allow_networks: Vec<String>,
    /// Where glasses publish managed streams; port 0 turns them off [default: 127.0.0.1:1935]
    #[arg(long, env = "BIFOCAL_RTMP_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) rtmp_listen: Option<SocketAddr>,
    /// How glasses reach that [default: rtmp, the host of the public URL, and the port]
    #[arg(long, env = "BIFOCAL_RTMP_URL", value_name = "URL")]
    pub(crate) rtmp_url: Option<String>,
    /// The form of log lines [default: human]
    #[arg(long, env = "BIFOCAL_LOG_FORMAT", value_enum)]
    pub(crate) log_format: Option<LogFormat>,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people
    Human,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum App {
    /// Register an app and print its API key, once
    Add(AppAdd),
    /// Remove an app from the catalogue and from everybody who has it
    Remove {
        /// The app
        package: PackageName,
    },
    /// Give an app a new API key and print it; the old one ends at once
    RotateKey {
        /// The app
        package: PackageName,
    },
    /// Give an app to a user
    Install {
        /// The user, who is created when unknown
        user: UserId,
        /// The app
        package: PackageName,
    },
    /// Say what an assistant may have an app do
    Tools {
        /// The app
        package: PackageName,
        /// A JSON file: an array of {id, description, activationPhrases, parameters}; without it, the tools are printed
        file: Option<PathBuf>,
    },
    /// Every app of the catalogue
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AppAdd {
    /// Its unique name, like org.example.notes
    pub(crate) package: PackageName,
    /// Where its server is, like http://127.0.0.1:7010; /webhook is appended
    #[arg(long, env = "BIFOCAL_APP_URL")]
    pub(crate) url: String,
    /// What people call it [default: the package]
    #[arg(long, env = "BIFOCAL_APP_NAME")]
    pub(crate) name: Option<String>,
    /// standard (owns the display, one at a time), background, system_dashboard
    #[arg(long = "type", env = "BIFOCAL_APP_TYPE", value_name = "TYPE", default_value = "standard", value_parser = app_kind)]
    pub(crate) kind: AppKind,
    /// What it may use: MICROPHONE, CAMERA, LOCATION, CALENDAR, READ_NOTIFICATIONS, ALL …
    #[arg(long = "permission", env = "BIFOCAL_APP_PERMISSIONS", value_name = "PERMISSION", num_args = 1.., value_delimiter = ',')]
    pub(crate) permissions: Vec<Permission>,
    /// What it does not run without: camera, display, microphone, speaker, imu, button, light, wifi
    #[arg(long, env = "BIFOCAL_APP_HARDWARE", value_name = "HARDWARE", num_args = 1.., value_delimiter = ',')]
    pub(crate) hardware: Vec<Hardware>,
    /// What it uses where it is there
    #[arg(long, env = "BIFOCAL_APP_OPTIONAL_HARDWARE", value_name = "HARDWARE", num_args = 1.., value_delimiter = ',')]
    pub(crate) optional_hardware: Vec<Hardware>,
    /// Use this key instead of making one
    #[arg(long, env = "BIFOCAL_APP_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
    /// Give each start a new UUID as session id, instead of USER-PACKAGE
    #[arg(long, env = "BIFOCAL_APP_UUID_SESSIONS")]
    pub(crate) uuid_sessions: bool,
}

fn app_kind(text: &str) -> Result<AppKind, &'static str> {
    text.parse()
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add a user
    Add {
        /// The e-mail address
        email: UserId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Session {
    /// Every live session
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End a user's session now
    End {
        /// The user
        email: UserId,
        /// For your own records
        #[arg(long, default_value = "")]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// A core token; `bifocal token EMAIL` prints one
    #[arg(long, env = "BIFOCAL_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
    /// The cloud
    #[arg(long, env = "BIFOCAL_CLOUD", default_value = "ws://127.0.0.1:8002", value_name = "URL")]
    pub(crate) cloud: String,
    /// How sound is sent: pcm, lc3-20, lc3-40 or lc3-60, with +udp or +udp+secret (encrypted) behind it
    #[arg(long, env = "BIFOCAL_AUDIO", default_value = "pcm", value_name = "WAY")]
    pub(crate) audio: SoundPath,
    /// What the camera sees: a JPEG, PNG or WebP file [default: a test card with the time in it]
    #[arg(long, env = "BIFOCAL_CAMERA", value_name = "FILE")]
    pub(crate) camera: Option<PathBuf>,
    /// Play this script, print what is shown, and exit 0 (all expectations met), 1 (one was not) or 2 (bad script)
    #[arg(long, env = "BIFOCAL_SCRIPT", value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Play the script and exit: 0 when its last line was shown on the display
    #[arg(long, env = "BIFOCAL_DEMO_ONCE")]
    pub(crate) once: bool,
    /// Speak this into the glasses, and exit: a voice says it, an engine recognises it, the app draws it
    #[arg(long, value_name = "TEXT", conflicts_with = "once")]
    pub(crate) say: Option<String>,
    /// Play this recording into the glasses, and exit
    #[arg(value_name = "FILE.wav", conflicts_with_all = ["once", "say"])]
    pub(crate) recording: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// Where; its last part is the name of the app
    pub(crate) folder: PathBuf,
    /// The unique name of the app [default: org.example.NAME]
    #[arg(long, env = "BIFOCAL_NEW_PACKAGE", value_name = "PACKAGE")]
    pub(crate) package: Option<PackageName>,
    /// Take the SDK from this folder: the crate, or its repository [default: the project's public repository at the tag of this
    /// version; while it has none, the folder that this program was built in]
    #[arg(long, env = "BIFOCAL_NEW_SDK", value_name = "FOLDER")]
    pub(crate) sdk: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// The folder of the app
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Start the app, play this script, print what is shown, and exit like `sim --script`
    #[arg(long, env = "BIFOCAL_DEV_SCRIPT", value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
}

/// Loads a cloud with phones and apps over real sockets and prints what it took.
#[derive(Debug, Args)]
#[command(after_long_help = BENCH_HELP)]
pub(crate) struct Bench {
    /// Four small scenarios within 40 seconds; the last line sums them up
    #[arg(long, env = "BIFOCAL_BENCH_QUICK")]
    pub(crate) quick: bool,
    /// Only this scenario; may be given several times
    #[arg(long, env = "BIFOCAL_BENCH_ONLY", value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<Scenario>,
    /// How long each steady load is measured [default: 5, with --quick 3]
    #[arg(long, env = "BIFOCAL_BENCH_DURATION", value_name = "SECONDS")]
    pub(crate) duration: Option<f64>,
    /// Give the driver one processor and what is measured another, with `taskset`
    #[arg(long, env = "BIFOCAL_BENCH_PIN")]
    pub(crate) pin: bool,
    /// Write every figure as JSON into this file; `-` is stdout, in place of the table
    #[arg(long, env = "BIFOCAL_BENCH_JSON", value_name = "FILE")]
    pub(crate) json: Option<String>,
    /// For everything that looks random
    #[arg(long, env = "BIFOCAL_BENCH_SEED", value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Load this running cloud on this machine, like http://127.0.0.1:8002, instead of a server of our own
    #[arg(long, env = "BIFOCAL_BENCH_CLOUD", value_name = "URL")]
    pub(crate) cloud: Option<String>,
    /// With --cloud: its process, for memory and CPU
    #[arg(long, env = "BIFOCAL_BENCH_CLOUD_PID", value_name = "PID", requires = "cloud")]
    pub(crate) cloud_pid: Option<u32>,
    /// With --cloud: the HS256 secret of its core tokens
    #[arg(long, env = "BIFOCAL_BENCH_SECRET", value_name = "TEXT", hide_env_values = true, requires = "cloud")]
    pub(crate) secret: Option<String>,
    /// With --cloud: where the apps of the load are registered, like http://127.0.0.1:7999
    #[arg(long, env = "BIFOCAL_BENCH_APP_URL", value_name = "URL", requires = "cloud")]
    pub(crate) app_url: Option<String>,
    /// With --cloud: the API key of these apps [default: bifocal-bench-key]
    #[arg(long, env = "BIFOCAL_BENCH_APP_KEY", value_name = "TEXT", hide_env_values = true, requires = "cloud")]
    pub(crate) app_key: Option<String>,
}

const BENCH_HELP: &str = "\
Scenarios:
  idle-glasses  memory of a session that does nothing; and what stays when all have left
  idle-app      the same with one app for each session
  relay-1k      button presses from phones to apps, 1,000 a second over 200 sessions
  relay-20k     the same, 20,000 a second
  display       displays from apps to phones, 200 a second over 200 sessions
  audio-1       sound, 50 frames of 640 bytes a second from each of 500 phones, to one app each
  audio-4       the same from 200 phones to four apps each
  talk          sound of 200 phones; its words, from an engine of no cost, to one app each
  saturation    the highest rate, in steps, at which p99 is at most 100 ms and nothing is missing
  closed-loop   messages a second when each of 200 sessions has eight in flight
  connect       new sessions a second, from the first packet to the acknowledgement
  reconnect     1,000 sessions with one app are cut at once and come back
  churn         200 sessions a second come and leave
  flooding-app  the latency of 200 sessions, alone and beside one whose app writes as fast as it can
  stalled-app   the same beside one whose app reads nothing while its phone writes as fast as it can

How to read it: each scenario runs against the cloud and then, in the same call, against the control, a relay that \
copies frames between paired sockets and parses nothing. The ratio is what the cloud costs above that; a figure alone \
says more about the machine. Latency counts from the time at which a message was scheduled, not from when it got out.

A cloud of your own (--cloud) must know the packages org.bifocal.bench.1 to .4 (the first standard, the others \
background, all with the microphone permission) at <app-url>/app/0 to /app/3, with the API key of --app-key, all \
installed for the users bench-000000@bench.invalid to bench-004199@bench.invalid, and no app running. Only loopback \
addresses are loaded.

Each socket is an open file in two processes: idle-app needs 4,500 of them (ulimit -n).
Exit code: 0 it was measured · 1 a hop failed, the error names it · 2 wrong usage.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn several_permissions_may_follow_one_flag_or_several() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' ')).map(|arguments| arguments.command);
        let one = "bifocal app add org.example.demo --url http://127.0.0.1:1 --permission MICROPHONE camera";
        let many =
            "bifocal app add org.example.demo --url http://127.0.0.1:1 --permission MICROPHONE --permission CAMERA";
        for line in [one, many] {
            let Ok(Command::App(App::Add(add))) = parse(line) else { panic!("{line}") };
            assert_eq!(add.permissions, [Permission::Microphone, Permission::Camera]);
        }
        assert!(parse("bifocal app add ../x --url http://127.0.0.1:1").is_err());
        assert!(parse("bifocal token not-an-address").is_err());
    }
}
