//! The two C libraries and the functions of them that are used.

use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use libloading::Library as Shared;

use crate::SphinxError;

/// Its configuration, an opaque object.
pub(crate) type CmdLn = *mut c_void;
/// Its decoder, an opaque object.
pub(crate) type Ps = *mut c_void;

/// The functions, with the signatures of the headers `cmd_ln.h` and `pocketsphinx.h` of 5prealpha.
#[derive(Clone, Copy)]
pub(crate) struct Functions {
    pub(crate) ps_args: unsafe extern "C" fn() -> *const c_void,
    pub(crate) cmd_ln_parse_r: unsafe extern "C" fn(CmdLn, *const c_void, i32, *mut *mut c_char, i32) -> CmdLn,
    pub(crate) cmd_ln_free_r: unsafe extern "C" fn(CmdLn) -> c_int,
    pub(crate) ps_init: unsafe extern "C" fn(CmdLn) -> Ps,
    pub(crate) ps_free: unsafe extern "C" fn(Ps) -> c_int,
    pub(crate) ps_start_utt: unsafe extern "C" fn(Ps) -> c_int,
    pub(crate) ps_process_raw: unsafe extern "C" fn(Ps, *const i16, usize, c_int, c_int) -> c_int,
    pub(crate) ps_get_in_speech: unsafe extern "C" fn(Ps) -> u8,
    pub(crate) ps_get_hyp: unsafe extern "C" fn(Ps, *mut i32) -> *const c_char,
    pub(crate) ps_end_utt: unsafe extern "C" fn(Ps) -> c_int,
}

/// PocketSphinx, as this machine has it.
pub struct Library {
    pub(crate) functions: Functions,
    // After the functions: they point into these.
    _sphinx: Shared,
    _base: Shared,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Library")
    }
}

impl Library {
    /// Opens the libraries of this machine.
    ///
    /// # Errors
    /// [`SphinxError::NotInstalled`], [`SphinxError::OtherVersion`].
    pub fn open() -> Result<Arc<Self>, SphinxError> {
        let base = shared("libsphinxbase.so.3")?;
        let sphinx = shared("libpocketsphinx.so.3")?;
        let functions = Functions {
            ps_args: function(&sphinx, "ps_args")?,
            cmd_ln_parse_r: function(&base, "cmd_ln_parse_r")?,
            cmd_ln_free_r: function(&base, "cmd_ln_free_r")?,
            ps_init: function(&sphinx, "ps_init")?,
            ps_free: function(&sphinx, "ps_free")?,
            ps_start_utt: function(&sphinx, "ps_start_utt")?,
            ps_process_raw: function(&sphinx, "ps_process_raw")?,
            ps_get_in_speech: function(&sphinx, "ps_get_in_speech")?,
            ps_get_hyp: function(&sphinx, "ps_get_hyp")?,
            ps_end_utt: function(&sphinx, "ps_end_utt")?,
        };
        Ok(Arc::new(Self { functions, _sphinx: sphinx, _base: base }))
    }
}

fn shared(name: &str) -> Result<Shared, SphinxError> {
    // SAFETY: opening runs the library's initialisers; these two are C libraries without any.
    unsafe { Shared::new(name) }.map_err(|_| SphinxError::NotInstalled)
}

/// A function of a library, as the caller declares it.
fn function<F: Copy>(library: &Shared, name: &'static str) -> Result<F, SphinxError> {
    // SAFETY: every type that this is asked for is that of the header of the version whose soname was opened, and the pointer
    // is used only while `Library` keeps the library open.
    let symbol = unsafe { library.get::<F>(name.as_bytes()) };
    symbol.map(|symbol| *symbol).map_err(|_| SphinxError::OtherVersion(name))
}
