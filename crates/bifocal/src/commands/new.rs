//! `bifocal new`: a project with an app that runs and a test that passes.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bifocal_protocol::ids::PackageName;

use crate::cli::New;
use crate::commands::print;
use crate::config::WrongUsage;

/// The files of a project, and what is put in for `{name}`, `{package}` and `{sdk}`.
const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("../../templates/app/Cargo.toml.in")),
    ("src/main.rs", include_str!("../../templates/app/main.rs.in")),
    ("src/tests.rs", include_str!("../../templates/app/tests.rs.in")),
    ("README.md", include_str!("../../templates/app/README.md.in")),
    (".gitignore", "/target\n/bifocal-dev.log\n"),
];

/// Makes the project.
pub(crate) fn new(new: &New) -> Result<ExitCode> {
    let name = new.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_name = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if !is_name {
        let why = "the last part of the folder is the name of the app: letters, digits, `-` and `_`, a letter first";
        return Err(WrongUsage(why.to_owned()).into());
    }
    let package = match &new.package {
        Some(package) => package.clone(),
        None => PackageName::new(&format!("org.example.{name}"))?,
    };
    if new.folder.exists() {
        bail!("{} is there already", new.folder.display());
    }
    let sdk = sdk(new.sdk.as_deref())?;
    for (file, template) in FILES {
        let path = new.folder.join(file);
        let folder = path.parent().unwrap_or(&new.folder);
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let text = template.replace("{name}", name).replace("{package}", package.as_str()).replace("{sdk}", &sdk);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    print(&format!("made {}; next: cd {} && cargo test && bifocal dev\n", package, new.folder.display()));
    Ok(ExitCode::SUCCESS)
}

/// Where the SDK is: a folder, or the tag of this build.
fn sdk(folder: Option<&Path>) -> Result<String> {
    let Some(folder) = folder else {
        let (repository, version) = (env!("CARGO_PKG_REPOSITORY"), env!("CARGO_PKG_VERSION"));
        return Ok(format!("git = \"{repository}\", tag = \"v{version}\""));
    };
    let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
    // The folder of the crate, or that of the whole repository.
    let within = folder.join("crates/sdk");
    let folder = if within.join("Cargo.toml").exists() { within } else { folder };
    if !folder.join("Cargo.toml").exists() {
        bail!("{} is no crate; --sdk wants the folder of bifocal-sdk, or of its repository", folder.display());
    }
    let path = toml::Value::String(folder.display().to_string());
    Ok(format!("path = {path}"))
}
