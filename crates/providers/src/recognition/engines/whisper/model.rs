//! A model that is loaded, and what it hears.

use std::path::Path;
use std::sync::Once;

use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters};

use crate::recognition::segmented::Said;

/// Nothing is missing.
pub(super) const ABSENT: Option<&str> = None;

/// A model.
#[derive(Debug)]
pub(super) struct Model(WhisperContext);

impl Model {
    /// Loads a file.
    pub(super) fn load(file: &Path) -> Result<Model, String> {
        static QUIET: Once = Once::new();
        // It would write about every tensor to stderr.
        QUIET.call_once(whisper_rs::install_logging_hooks);
        let context = WhisperContext::new_with_params(file, WhisperContextParameters::default());
        context.map(Model).map_err(|error| format!("the model cannot be loaded: {error}; take another file"))
    }

    /// The text of a recording: 16,000 samples a second, from -1 to 1.
    pub(super) fn text(&self, language: Option<&str>, samples: &[f32]) -> Result<Said, String> {
        let failed = |error| format!("it could not work through a recording: {error}");
        let mut state = self.0.create_state().map_err(failed)?;
        let mut wishes = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        wishes.set_language(Some(language.unwrap_or("auto")));
        wishes.set_print_progress(false);
        wishes.set_print_realtime(false);
        wishes.set_print_special(false);
        wishes.set_print_timestamps(false);
        wishes.set_no_context(true);
        wishes.set_suppress_blank(true);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
        wishes.set_n_threads(i32::try_from(cores).unwrap_or(1));
        state.full(wishes, samples).map_err(failed)?;
        let mut text = String::new();
        for segment in state.as_iter() {
            text.push_str(&segment.to_str_lossy().map_err(failed)?);
        }
        let heard = whisper_rs::get_lang_str(state.full_lang_id_from_state());
        Ok(Said { text: text.trim().to_owned(), language: heard.map(str::to_owned) })
    }
}
