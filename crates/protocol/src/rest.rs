//! Bodies of the REST routes that phones and SDKs call.
