//! The command line. Every option is also an environment variable; `--help` is the reference.

use std::net::SocketAddr;
use std::path::PathBuf;

use bifocal_protocol::app::AppKind;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::permission::Permission;
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
    /// What is installed and configured, what is missing, what to do about it
    Doctor,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8002]
    #[arg(long, env = "BIFOCAL_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// How phones and apps reach this server [default: http and the listen address]
    #[arg(long, env = "BIFOCAL_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// A private network that webhooks may go to, like 192.168.1.0/24; may be given several times. Loopback is allowed
    /// unless this is given
    #[arg(long = "allow-network", env = "BIFOCAL_ALLOW_NETWORKS", value_name = "NETWORK", value_delimiter = ',')]
    pub(crate) allow_networks: Vec<String>,
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
    /// Play this script, print what is shown, and exit 0 (all expectations met), 1 (one was not) or 2 (bad script)
    #[arg(long, env = "BIFOCAL_SCRIPT", value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Play the script and exit: 0 when its last line was shown on the display
    #[arg(long, env = "BIFOCAL_DEMO_ONCE")]
    pub(crate) once: bool,
}

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
