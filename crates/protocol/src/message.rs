//! Messages: an enum per direction, a struct per type, and the two-step decode between them and text.

use crate::Text;
use crate::json::{self, Malformed};

/// A family of messages that share a direction on one socket.
pub trait Message: Sized {
    /// Every `type` string of the family.
    const TYPES: &'static [&'static str];

    /// Decodes `text` as the message type `kind`; `None` when `kind` is not of this family.
    fn decode_as(kind: &str, text: &str) -> Option<Result<Self, Malformed>>;

    /// The `type` string.
    fn kind(&self) -> &'static str;

    /// The message as JSON text, `type` first.
    fn encode(&self) -> Text;

    /// Two steps: look at `type`, then decode what is known. An unknown type is not an error.
    ///
    /// # Errors
    /// [`Malformed`], when the text is no JSON object with a `type`, or a known type with wrong fields.
    fn decode(text: &str) -> Result<Decoded<Self>, Malformed> {
        let kind = json::peek_type(text)?;
        match Self::decode_as(&kind, text) {
            Some(message) => message.map(Decoded::Known),
            None => Ok(Decoded::Unknown(kind.into_owned())),
        }
    }
}

/// What a text frame turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded<M> {
    /// A message of the family.
    Known(M),
    /// A well-formed message of a type that the family does not have. Kept, counted, relayed to subscribers.
    Unknown(String),
}

/// Writes `{"type":kind, …fields of body…}`.
pub(crate) fn encode_tagged<T: serde::Serialize>(kind: &'static str, body: &T) -> Text {
    // The bodies are our own structs with string keys: serialising them cannot fail.
    let body = serde_json::to_string(body).unwrap_or_else(|_| "{}".to_owned());
    let mut text = String::with_capacity(body.len() + kind.len() + 12);
    text.push_str("{\"type\":\"");
    text.push_str(kind);
    text.push('"');
    if body.len() > 2 {
        text.push(',');
    }
    text.push_str(&body[1..]);
    Text::from(text)
}

/// Declares the enum of a direction: one line for each message, `Variant(Struct) = "type string"`, with `| "other"` for
/// another spelling that is read but never written.
macro_rules! messages {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$vmeta:meta])* $variant:ident($body:ty) = $kind:literal $(| $alias:literal)*,)+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        #[allow(clippy::large_enum_variant)]
        pub enum $name {
            $($(#[$vmeta])* #[doc = concat!("`", $kind, "`")] $variant($body),)+
        }

        impl $crate::Message for $name {
            const TYPES: &'static [&'static str] = &[$($kind),+];

            fn decode_as(kind: &str, text: &str) -> Option<Result<Self, $crate::json::Malformed>> {
                match kind {
                    $($kind $(| $alias)* => Some(
                        $crate::json::decode::<$body>(text)
                            .map(Self::$variant)
                            .map_err(|error| $crate::json::Malformed::Field { kind: $kind, error }),
                    ),)+
                    _ => None,
                }
            }

            fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)+ }
            }

            fn encode(&self) -> $crate::Text {
                match self { $(Self::$variant(body) => $crate::message::encode_tagged($kind, body),)+ }
            }
        }
    };
}
pub(crate) use messages;
