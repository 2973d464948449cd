//! What the wearer of the demo does.

/// Spoken into the glasses; each line comes back as text on the display.
pub(crate) const SCRIPT: &str = r#"# A wearer starts the captions app and speaks.
start org.bifocal.captions
expect "Listening" within 5
say Good morning
expect "Good morning" within 5
wait 0.6
say These words went from the glasses to the cloud and on to an app
expect "on to an app" within 5
wait 0.6
say And the app drew them here
expect "And the app drew them here" within 5
"#;

#[cfg(test)]
mod tests {
    #[test]
    fn the_script_is_one() {
        assert!(bifocal_simulator::script::parse(super::SCRIPT).is_ok());
    }
}
