//! Whisper in the box: a model file that the operator names, worked through by whisper.cpp, with no network and no key.
//!
//! It is C++ and needs a compiler and cmake to build, so it is there with the cargo feature `whisper` only. Without it the
//! configuration reads the same, and the engine says what it lacks.

#[cfg_attr(feature = "whisper", path = "model.rs")]
#[cfg_attr(not(feature = "whisper"), path = "absent.rs")]
mod model;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{OnceCell, Semaphore, mpsc};

use self::model::Model;
use super::{Built, tags};
use crate::failure::{Failure, FailureKind};
use crate::recognition::config::{Class, ConfigError, EngineConfig};
use crate::recognition::languages::{Languages, WHISPER, base};
use crate::recognition::segmented::{Said, Segmented, Transcriber};
use crate::recognition::stream::Need;

/// Sentences at a time, unless the configuration says otherwise: each takes as many cores as there are.
const AT_A_TIME: usize = 1;
/// How a model file begins.
const MAGIC: [u8; 4] = *b"lmgg";
/// The magic, eleven numbers, and two of the table behind them.
const HEAD_BYTES: usize = 4 + 13 * 4;
/// The smallest model, as much as it can be quantised, has more.
const LEAST_BYTES: u64 = 10_000_000;

#[derive(Debug)]
struct Whisper {
    name: Arc<str>,
    file: PathBuf,
    /// Loaded by the first stream: it is hundreds of megabytes.
    model: OnceCell<Arc<Model>>,
    places: Arc<Semaphore>,
}

pub(super) fn build(config: &EngineConfig, name: &Arc<str>) -> Result<Built, ConfigError> {
    let Some(file) = config.model.as_ref().map(PathBuf::from) else {
        let why = "name the file of a model: model = \"/srv/ggml-base.bin\"".to_owned();
        return Err(ConfigError::Engine { engine: name.to_string(), why });
    };
    // How whisper.cpp names the models that know English only.
    let english = file.file_name().is_some_and(|name| name.to_string_lossy().contains(".en."));
    Ok(Built {
        languages: Languages { tags: if english { tags(&["en"]) } else { tags(WHISPER) }, identifies: !english },
        translates: false,
        price: Class::Free,
        latency: Class::High,
        missing: model::ABSENT.map(str::to_owned).or_else(|| missing(&file)),
        configured_by: "`model`: a file; the cargo feature `whisper`".to_owned(),
        engine: Box::new(Segmented(Arc::new(Whisper {
            name: name.clone(),
            file,
            model: OnceCell::new(),
            places: Arc::new(Semaphore::new(config.streams.unwrap_or(AT_A_TIME).clamp(1, 16))),
        }))),
    })
}

/// Why a file is no model. whisper.cpp ends the whole process over some of those, so it sees only what looks like one.
fn missing(file: &Path) -> Option<String> {
    let shown = file.display().to_string();
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let read = File::open(file).and_then(|opened| {
        opened.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        Ok(std::fs::metadata(file)?.len())
    });
    match read {
        Err(error) => Some(format!("the model {shown:?} cannot be read: {}", error.kind())),
        Ok(_) if !is_model(&head) => Some(format!("{shown:?} is no model of whisper.cpp")),
        Ok(bytes) if bytes < LEAST_BYTES => Some(format!("the model {shown:?} is only the beginning of one")),
        Ok(_) => None,
    }
}

/// Whether a file begins as models do: the magic, eleven numbers, and the size of the table of filters.
fn is_model(head: &[u8]) -> bool {
    let Some(numbers) = head.strip_prefix(&MAGIC) else { return false };
    let numbers: Vec<u32> = numbers.chunks_exact(4).map(|n| u32::from_le_bytes([n[0], n[1], n[2], n[3]])).collect();
    let [
        vocab,
        audio_ctx,
        audio_state,
        audio_heads,
        audio_layers,
        text_ctx,
        text_state,
        text_heads,
        text_layers,
        mels,
        _,
        filters,
        bins,
    ] = numbers[..]
    else {
        return false;
    };
    let (width, layers) = (384..=1280, 1..=32);
    (51_864..=51_866).contains(&vocab)
        && (audio_ctx, text_ctx, bins) == (1500, 448, 201)
        && matches!(mels, 80 | 128)
        && filters == mels
        && [audio_state, text_state].iter().all(|state| width.contains(state))
        && [audio_heads, text_heads].iter().all(|heads| (6..=20).contains(heads))
        && [audio_layers, text_layers].iter().all(|count| layers.contains(count))
}

impl Transcriber for Whisper {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn greet<'a>(&'a self, need: &'a Need) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        async move {
            self.model().await?;
            Ok((!need.is_open()).then(|| base(&need.language).to_ascii_lowercase()))
        }
        .boxed()
    }

    fn transcribe<'a>(
        &'a self,
        language: Option<&'a str>,
        pcm: Vec<u8>,
        _interims: mpsc::Sender<String>,
    ) -> BoxFuture<'a, Result<Said, Failure>> {
        async move {
            let model = self.model().await?;
            let language = language.map(str::to_owned);
            let closed = |_| Failure::lost(&self.name, "it is being taken down");
            let place = self.places.clone().acquire_owned().await.map_err(closed)?;
            let said = tokio::task::spawn_blocking(move || {
                // Held until the work is done, also when nobody waits for it any more.
                let _place = place;
                let samples = pcm.chunks_exact(2).map(|two| f32::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0);
                model.text(language.as_deref(), &samples.collect::<Vec<f32>>())
            });
            let said = said.await.map_err(|_| Failure::lost(&self.name, "its thread has failed"))?;
            said.map_err(|why| Failure::lost(&self.name, &why))
        }
        .boxed()
    }
}

impl Whisper {
    async fn model(&self) -> Result<Arc<Model>, Failure> {
        let refused = |why: &str| Failure::new(&self.name, FailureKind::Refused, why);
        let load = || async {
            if let Some(why) = missing(&self.file) {
                return Err(refused(&why));
            }
            let file = self.file.clone();
            let loaded = tokio::task::spawn_blocking(move || Model::load(&file)).await;
            let loaded = loaded.map_err(|_| refused("the thread that loads the model has failed"))?;
            loaded.map(Arc::new).map_err(|why| refused(&why))
        };
        self.model.get_or_try_init(load).await.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recognition::config::Kind;

    fn built(model: Option<&Path>) -> Result<Built, ConfigError> {
        let model = model.map(|path| path.display().to_string());
        build(&EngineConfig { model, ..EngineConfig::of(Kind::Whisper) }, &Arc::from("whisper"))
    }

    #[test]
    fn a_model_must_be_named() {
        let error = built(None).expect_err("no model").to_string();
        assert!(error.contains("model = "), "{error}");
    }

    /// The head of the model "tiny".
    fn head() -> Vec<u8> {
        let numbers: [u32; 13] = [51_865, 1500, 384, 6, 4, 448, 384, 6, 4, 80, 1, 80, 201];
        MAGIC.into_iter().chain(numbers.into_iter().flat_map(u32::to_le_bytes)).collect()
    }

    #[test]
    fn what_is_no_model_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ggml-tiny.en.bin");
        let is = |content: &[u8]| {
            std::fs::write(&file, content).expect("written");
            missing(&file).unwrap_or_default()
        };
        assert!(missing(&folder.path().join("nothing.bin")).is_some_and(|why| why.contains("cannot be read")));
        for content in [&b"a text"[..], b"lmgg", &[&MAGIC[..], &[0xff; 400]].concat(), &head()[..52]] {
            assert!(is(content).contains("is no model"), "{content:?}");
        }
        assert!(is(&head()).contains("only the beginning"));
        let mut whole = head();
        whole.resize(LEAST_BYTES as usize, 0);
        assert_eq!(is(&whole), "");
        let english = built(Some(&file)).expect("named").languages;
        assert_eq!((english.tags, english.identifies), (vec!["en".to_owned()], false));
    }

    /// With the feature whisper.cpp itself finds that nothing is in it; without, nobody could.
    #[tokio::test]
    async fn a_file_that_cannot_be_loaded_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ggml-broken.bin");
        let mut content = head();
        content.resize(LEAST_BYTES as usize, 0);
        std::fs::write(&file, content).expect("written");
        let places = Arc::new(Semaphore::new(1));
        let whisper = Whisper { name: Arc::from("whisper"), file, model: OnceCell::new(), places };
        let failure = whisper.model().await.expect_err("it is broken");
        assert_eq!(failure.kind, FailureKind::Refused);
        assert_eq!(built(Some(&whisper.file)).expect("named").missing.is_some(), model::ABSENT.is_some());
    }
}
