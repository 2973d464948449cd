//! One voice: samples in, words out.

use std::ffi::{CStr, CString, c_char};
use std::path::{Path, PathBuf};
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

use crate::SphinxError;
use crate::library::Library;

/// Where Debian puts the model.
const DEBIAN: &str = "/usr/share/pocketsphinx/model/en-us";

/// The files that a decoder needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    folder: PathBuf,
}

impl Model {
    /// A folder with `en-us` (sounds), `en-us.lm.bin` (sentences) and `cmudict-en-us.dict` (words), as Debian's
    /// `pocketsphinx-en-us` has it; that one when `None`.
    ///
    /// # Errors
    /// [`SphinxError::NoModel`] names what is missing.
    pub fn find(folder: Option<&Path>) -> Result<Self, SphinxError> {
        let folder = folder.unwrap_or(Path::new(DEBIAN)).to_owned();
        let model = Self { folder };
        let missing = model.files().into_iter().find(|(_, file)| !file.exists());
        missing.map_or(Ok(model), |(_, file)| Err(SphinxError::NoModel(file.display().to_string())))
    }

    fn files(&self) -> [(&'static str, PathBuf); 3] {
        let file = |name| self.folder.join(name);
        [("-hmm", file("en-us")), ("-lm", file("en-us.lm.bin")), ("-dict", file("cmudict-en-us.dict"))]
    }
}

/// A decoder of one voice. About 90 MB, and a third of a second to make: worth keeping for the next voice.
pub struct Decoder {
    ps: NonNull<std::ffi::c_void>,
    config: NonNull<std::ffi::c_void>,
    listening: bool,
    library: Arc<Library>,
}

// SAFETY: a decoder has no thread of its own and no state that it shares; the library's own state is its log function, which is
// set before. Whoever owns the decoder may use it from any thread, one at a time.
unsafe impl Send for Decoder {}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decoder")
    }
}

impl Decoder {
    /// Reads the model.
    ///
    /// # Errors
    /// [`SphinxError::BadModel`].
    pub fn new(library: &Arc<Library>, model: &Model) -> Result<Self, SphinxError> {
        let bad = || SphinxError::BadModel(model.folder.display().to_string());
        let mut words: Vec<CString> = vec![c"-logfn".to_owned(), c"/dev/null".to_owned()];
        for (option, file) in model.files() {
            let file = file.into_os_string().into_string().map_err(|_| bad())?;
            words.push(CString::new(option).map_err(|_| bad())?);
            words.push(CString::new(file).map_err(|_| bad())?);
        }
        let mut pointers: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
        let count = i32::try_from(pointers.len()).map_err(|_| bad())?;
        let functions = library.functions;
        // SAFETY: it takes nothing and gives out a table that lives as long as the library.
        let known = unsafe { (functions.ps_args)() };
        // SAFETY: `pointers` are `count` strings that end in a zero and outlive the call, which copies them.
        let config = unsafe { (functions.cmd_ln_parse_r)(null_mut(), known, count, pointers.as_mut_ptr(), 0) };
        let config = NonNull::new(config).ok_or_else(bad)?;
        // SAFETY: `config` is what the library just gave out; the decoder keeps a reference of its own to it.
        let ps = unsafe { (functions.ps_init)(config.as_ptr()) };
        match NonNull::new(ps) {
            Some(ps) => Ok(Self { ps, config, listening: false, library: library.clone() }),
            None => {
                // SAFETY: nobody else knows of it.
                unsafe { (functions.cmd_ln_free_r)(config.as_ptr()) };
                Err(bad())
            }
        }
    }

    /// Takes samples: 16 kHz, mono. Whether it hears a voice.
    pub fn hear(&mut self, samples: &[i16]) -> bool {
        let functions = self.library.functions;
        if !self.listening {
            // SAFETY: a live decoder that is not in an utterance.
            self.listening = unsafe { (functions.ps_start_utt)(self.ps.as_ptr()) } == 0;
        }
        if !self.listening || samples.is_empty() {
            return false;
        }
        // SAFETY: a live decoder in an utterance, and a buffer with exactly so many samples, which the call only reads.
        unsafe { (functions.ps_process_raw)(self.ps.as_ptr(), samples.as_ptr(), samples.len(), 0, 0) };
        // SAFETY: a live decoder.
        unsafe { (functions.ps_get_in_speech)(self.ps.as_ptr()) != 0 }
    }

    /// What it has heard of this utterance so far.
    pub fn words(&mut self) -> String {
        let mut score = 0;
        // SAFETY: a live decoder, and a place for the score that outlives the call.
        let words = unsafe { (self.library.functions.ps_get_hyp)(self.ps.as_ptr(), &raw mut score) };
        if words.is_null() {
            return String::new();
        }
        // SAFETY: the library gives out a string that ends in a zero and lives until the next call on this decoder; it is
        // copied before.
        unsafe { CStr::from_ptr(words) }.to_string_lossy().into_owned()
    }

    /// The utterance ends here; what it was.
    pub fn finish(&mut self) -> String {
        if !std::mem::replace(&mut self.listening, false) {
            return String::new();
        }
        // SAFETY: a live decoder in an utterance.
        unsafe { (self.library.functions.ps_end_utt)(self.ps.as_ptr()) };
        self.words()
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the last use of the decoder; the library frees nothing of the configuration but its own reference to it.
        unsafe { (self.library.functions.ps_free)(self.ps.as_ptr()) };
        // SAFETY: the last use of the configuration.
        unsafe { (self.library.functions.cmd_ln_free_r)(self.config.as_ptr()) };
    }
}
