//! Every message type has a sample, and every sample survives being read and written.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bifocal_protocol::apps::{FromApp, ToApp};
use bifocal_protocol::capabilities::{MODELS, capabilities_for};
use bifocal_protocol::glasses::{FromPhone, ToPhone};
use bifocal_protocol::webhook::{SessionRequest, StopRequest};
use bifocal_protocol::{Decoded, Message};
use serde_json::Value;

/// One directory of samples.
struct Family {
    directory: &'static str,
    types: &'static [&'static str],
    /// Reads a text; gives the type it was read as and the text it is written as.
    recode: fn(&str) -> Result<(String, String), String>,
    /// Whether writing gives the same value again. What others send has fields that this server does not keep.
    exact: bool,
}

const FAMILIES: [Family; 5] = [
    Family { directory: "from_app", types: FromApp::TYPES, recode: recode::<FromApp>, exact: false },
    Family { directory: "to_app", types: ToApp::TYPES, recode: recode::<ToApp>, exact: true },
    Family { directory: "from_phone", types: FromPhone::TYPES, recode: recode::<FromPhone>, exact: false },
    Family { directory: "to_phone", types: ToPhone::TYPES, recode: recode::<ToPhone>, exact: true },
    Family {
        directory: "webhook",
        types: &["session_request", "stop_request"],
        recode: |text| webhook::<SessionRequest>(text).or_else(|_| webhook::<StopRequest>(text)),
        exact: true,
    },
];

fn recode<M: Message>(text: &str) -> Result<(String, String), String> {
    match M::decode(text).map_err(|error| error.to_string())? {
        Decoded::Known(message) => Ok((message.kind().to_owned(), message.encode().to_string())),
        Decoded::Unknown(kind) => Err(format!("unknown type {kind}")),
    }
}

fn webhook<T: serde::de::DeserializeOwned + serde::Serialize>(text: &str) -> Result<(String, String), String> {
    let body: T = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let json = serde_json::to_value(&body).map_err(|error| error.to_string())?;
    Ok((json["type"].as_str().unwrap_or_default().to_owned(), json.to_string()))
}

/// Name and text of every sample of a directory.
fn samples(directory: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(directory);
    let mut samples: Vec<_> = fs::read_dir(&path)
        .expect("the directory is there")
        .map(|entry| {
            let entry = entry.expect("can be listed");
            let text = fs::read_to_string(entry.path()).expect("is text");
            (entry.file_name().into_string().expect("has a plain name"), text)
        })
        .collect();
    samples.sort();
    samples
}

/// Whether everything in `part` is in `whole`, with the same value.
fn is_part_of(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|other| is_part_of(value, other)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(one, other)| is_part_of(one, other))
        }
        _ => part == whole,
    }
}

#[test]
fn every_sample_is_read_as_its_type_and_written_again() {
    let mut failures = Vec::new();
    for family in FAMILIES {
        for (file, text) in samples(family.directory) {
            let name = format!("{}/{file}", family.directory);
            let kind = file.split('.').next().unwrap_or_default();
            let (read_as, written) = match (family.recode)(&text) {
                Ok(recoded) => recoded,
                Err(error) => {
                    failures.push(format!("{name}: {error}"));
                    continue;
                }
            };
            if read_as != kind {
                failures.push(format!("{name}: read as {read_as}"));
            }
            if !written.starts_with("{\"type\":") && family.directory != "webhook" {
                failures.push(format!("{name}: `type` is not first"));
            }
            let mut original: Value = serde_json::from_str(&text).expect("is JSON");
            let written: Value = serde_json::from_str(&written).expect("is JSON");
            // A second spelling of a type is read and never written.
            original["type"] = kind.into();
            let same = if family.exact { written == original } else { is_part_of(&written, &original) };
            if !same {
                failures.push(format!("{name}:\n  sample  {original}\n  written {written}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_type_has_a_sample_and_every_sample_a_type() {
    for family in FAMILIES {
        let types: BTreeSet<_> = family.types.iter().map(|kind| (*kind).to_owned()).collect();
        assert_eq!(types.len(), family.types.len(), "{}: a type stands twice", family.directory);
        let sampled: BTreeSet<_> = samples(family.directory)
            .into_iter()
            .map(|(file, _)| {
                assert!(file.ends_with(".json"), "{file} is no sample");
                file.split('.').next().unwrap_or_default().to_owned()
            })
            .collect();
        let missing: Vec<_> = types.difference(&sampled).collect();
        let left_over: Vec<_> = sampled.difference(&types).collect();
        assert!(missing.is_empty(), "{}: no sample of {missing:?}", family.directory);
        assert!(left_over.is_empty(), "{}: no type for {left_over:?}", family.directory);
    }
}

/// The samples of `capabilities_update` are the tables of the models, written by hand.
#[test]
fn every_model_has_the_capabilities_of_its_sample() {
    for model in MODELS {
        let file = format!("capabilities_update.{}.json", model.to_lowercase().replace(' ', "_"));
        let samples = samples("to_app");
        let (_, text) = samples.iter().find(|(name, _)| *name == file).expect("every model has a sample");
        let sample: Value = serde_json::from_str(text).expect("is JSON");
        let record = serde_json::to_value(capabilities_for(model)).expect("serialises");
        assert_eq!(record, sample["capabilities"], "{model}");
    }
}

#[test]
fn names_of_models_are_forgiven_case_space_and_hardware_ids() {
    let name = |model| capabilities_for(model).map(|record| record.model_name);
    assert_eq!(name("  mentra LIVE\n").as_deref(), Some("Mentra Live"));
    assert_eq!(name("k900").as_deref(), Some("Mentra Live"));
    assert_eq!(name("Mentra Mach1").as_deref(), Some("Mentra Mach1"));
    assert_eq!(name("Meta Ray-Ban"), None);
    assert_eq!(name(""), None);
}
