//! What a model of glasses can do.

/// The capability record of a model, as apps read it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// The model.
    pub model_name: String,
}
