//! A simulated LlamaCloud.
