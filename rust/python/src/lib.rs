//! The Python bindings of `mikey-core`; no logic of its own.
use pyo3::prelude::*;

/// The native module `mikey._native`.
#[pymodule]
mod _native {}
