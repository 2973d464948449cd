//! `bifocal new`: a project with an app that runs and a test that passes.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bifocal_protocol::ids::PackageName;
use url::{Host, Url};

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
    let sdk = match &new.sdk {
        Some(folder) => in_folder(folder)?,
        None => of_this_build(env!("CARGO_PKG_REPOSITORY"), Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))?,
    };
    for (file, template) in FILES {
        let path = new.folder.join(file);
        let folder = path.parent().unwrap_or(&new.folder);
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let text = template.replace("{name}", name).replace("{package}", package.as_str()).replace("{sdk}", &sdk);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    print(&format!("made {package}; next: cd {} && cargo test && bifocal dev\n", new.folder.display()));
    Ok(ExitCode::SUCCESS)
}

/// The SDK that belongs to this program: the tag of its version in the project's repository. A project without a public one has the
/// folder that the program was built in, if it is still there.
fn of_this_build(repository: &str, built_in: &Path) -> Result<String> {
    if is_public(repository) {
        return Ok(format!("git = \"{repository}\", tag = \"v{}\"", env!("CARGO_PKG_VERSION")));
    }
    if built_in.join("crates/sdk/Cargo.toml").exists() {
        return in_folder(built_in);
    }
    bail!(
        "where is the SDK? This build knows no public repository, and the folder that it was built in is gone: give --sdk FOLDER, a \
         copy of Bifocal's source, version {}",
        env!("CARGO_PKG_VERSION")
    )
}

/// Whether somebody else can fetch from there: names under `.invalid`, `.example` and the like belong to nobody.
fn is_public(repository: &str) -> bool {
    let Ok(url) = Url::parse(repository) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => {
            let last = name.rsplit('.').next().unwrap_or_default();
            name.contains('.') && !["invalid", "example", "test", "local", "localhost"].contains(&last)
        }
        _ => false,
    }
}

/// The SDK in a folder: that of the crate, or that of the whole repository.
fn in_folder(folder: &Path) -> Result<String> {
    let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
    let within = folder.join("crates/sdk");
    let folder = if within.join("Cargo.toml").exists() { within } else { folder };
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    if !manifest.contains("name = \"bifocal-sdk\"") {
        bail!(
            "{} is another crate or none; --sdk wants the folder of bifocal-sdk, or of its repository",
            folder.display()
        );
    }
    let path = toml::Value::String(folder.display().to_string());
    Ok(format!("path = {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_the_tag_of_a_public_repository_or_the_folder_of_the_build() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let public = of_this_build("https://git.example.org/bifocal", &repository).expect("a source");
        let tag = concat!("tag = \"v", env!("CARGO_PKG_VERSION"), "\"");
        assert_eq!(public, format!("git = \"https://git.example.org/bifocal\", {tag}"));
        for nobodys in ["", "https://example.invalid/bifocal", "file:///tmp/bifocal", "http://localhost/bifocal"] {
            let found = of_this_build(nobodys, &repository).expect("a source");
            assert!(found.starts_with("path = ") && found.contains("crates/sdk"), "{nobodys}: {found}");
            let error = of_this_build(nobodys, Path::new("/nowhere")).expect_err("nothing is there").to_string();
            assert!(error.contains("--sdk FOLDER"), "{error}");
        }
        assert!(in_folder(&repository.join("crates/audio")).is_err());
    }
}
