//! The project of an app: what its Cargo.toml says about it, how it is built, when it was changed last.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use bifocal_protocol::app::AppKind;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::permission::Permission;
use serde::Deserialize;
use serde_json::Value;
use tokio::process::Command;

/// Files that are looked at; a project with more is not noticed to change in all of them.
const MAX_FILES: usize = 10_000;

/// A project.
pub(super) struct Project {
    pub(super) folder: PathBuf,
    pub(super) package: PackageName,
    pub(super) kind: AppKind,
    pub(super) permissions: Vec<Permission>,
}

#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    bifocal: App,
}

/// `[package.metadata.bifocal]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct App {
    package: Option<PackageName>,
    #[serde(rename = "type")]
    kind: Option<String>,
    permissions: Vec<Permission>,
}

impl Project {
    /// Reads `Cargo.toml` of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("Cargo.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{}: `bifocal dev` runs in the folder of an app", path.display()))?;
        let Manifest { package } = toml::from_str(&text).with_context(|| path.display().to_string())?;
        let App { package: named, kind, permissions } = package.metadata.bifocal;
        let kind = match kind {
            Some(kind) => kind.parse().map_err(|error| anyhow::anyhow!("type in {}: {error}", path.display()))?,
            None => AppKind::Standard,
        };
        let named = match named {
            Some(named) => named,
            None => PackageName::new(&format!("org.example.{}", package.name))?,
        };
        Ok(Self { folder: folder.to_owned(), package: named, kind, permissions })
    }

    /// Builds the app; gives the program, or nothing when it does not build. What the compiler says goes to `log`, or to stderr.
    pub(super) async fn build(&self, log: Option<std::fs::File>) -> Result<Option<PathBuf>> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["build", "--message-format=json-render-diagnostics"])
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stderr(log.map_or_else(Stdio::inherit, Stdio::from))
            .kill_on_drop(true)
            .output()
            .await
            .context("cargo build")?;
        if !output.status.success() {
            return Ok(None);
        }
        let lines = String::from_utf8_lossy(&output.stdout);
        let programs: Vec<PathBuf> = lines.lines().filter_map(program).collect();
        match programs.as_slice() {
            [program] => Ok(Some(program.clone())),
            [] => bail!("the project has no program: it needs a src/main.rs"),
            _ => bail!("the project has several programs, and `bifocal dev` runs one"),
        }
    }

    /// Another value for another state of the sources.
    pub(super) fn fingerprint(&self) -> (usize, Option<SystemTime>) {
        let mut files = vec![self.folder.join("Cargo.toml")];
        let mut folders = vec![self.folder.join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    Ok(kind) if kind.is_file() && files.len() < MAX_FILES => files.push(entry.path()),
                    _ => {}
                }
            }
        }
        let changed = |file: &PathBuf| std::fs::metadata(file).and_then(|meta| meta.modified()).ok();
        (files.len(), files.iter().filter_map(changed).max())
    }
}

/// The program that a line of cargo names, if it names one.
fn program(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_program = message["reason"] == "compiler-artifact" && message["target"]["kind"][0] == "bin";
    message["executable"].as_str().filter(|_| is_program).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an app may need, and the call that needs it.
    const CALLS: [(&str, Permission); 5] = [
        (".transcription(", Permission::Microphone),
        (".translation(", Permission::Microphone),
        (".photo(", Permission::Camera),
        (".calendar(", Permission::Calendar),
        (".phone_notifications(", Permission::ReadNotifications),
    ];

    #[test]
    fn every_example_can_be_run_and_asks_for_what_it_needs() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(examples).expect("the folder is there") {
            let folder = entry.expect("an entry").path();
            if !folder.is_dir() {
                continue;
            }
            let name = folder.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            let project = Project::read(&folder).expect("a project");
            assert_eq!(project.package.as_str(), format!("org.example.{name}"));
            let read = |file: &str| std::fs::read_to_string(folder.join("src").join(file)).unwrap_or_default();
            let source = read("main.rs") + &read("lib.rs");
            for (call, permission) in CALLS {
                assert!(!source.contains(call) || project.permissions.contains(&permission), "{name} uses {call}");
            }
            names.push(name);
        }
        assert_eq!(names.len(), 8, "{names:?}");
    }
}
