//! Rust's errors as the exceptions of `mikey.errors`.

use mikey_core::srtp::{Misuse, Rejection};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyModule};

static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// A `LocalError` with this text.
pub fn local(py: Python<'_>, text: &str) -> PyErr {
    build(py, "LocalError", Some(text), false)
}

/// A `LibraryError` with this text.
pub fn library(py: Python<'_>, text: &str) -> PyErr {
    build(py, "LibraryError", Some(text), false)
}

pub fn misuse(py: Python<'_>, misuse: &Misuse) -> PyErr {
    local(py, misuse.0)
}

/// The `PeerError` for a refused packet. Nobody answers an SRTP packet with a MIKEY message,
/// hence no error number.
pub fn rejection(py: Python<'_>, rejection: Rejection) -> PyErr {
    match rejection {
        Rejection::Malformed(text) => build(py, "DecodeError", Some(text), true),
        Rejection::Authentication => build(py, "AuthenticationError", None, false),
        Rejection::Replay(text) => build(py, "ReplayError", Some(text), false),
        Rejection::Ssrc { .. } | Rejection::NoKey(_) | Rejection::Overrun => {
            build(py, "PolicyError", Some(&rejection.to_string()), true)
        }
    }
}

fn build(py: Python<'_>, class: &str, text: Option<&str>, without_number: bool) -> PyErr {
    let instance = || {
        let module = ERRORS.get_or_try_init(py, || {
            py.import(intern!(py, "mikey.errors")).map(Bound::unbind)
        })?;
        let class = module.bind(py).getattr(class)?;
        match text {
            None => class.call0(),
            Some(text) if without_number => {
                let number = [("number", py.None())].into_py_dict(py)?;
                class.call((text,), Some(&number))
            }
            Some(text) => class.call1((text,)),
        }
    };
    instance().map_or_else(|error| error, PyErr::from_value)
}
