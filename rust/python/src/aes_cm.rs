//! AES-CM as a function over bytes.

use mikey_core::aes_cm::aes_cm as apply;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Encrypts or decrypts `data`; `key` has 16 or 32 octets, `iv` 16.
#[pyfunction]
pub fn aes_cm<'py>(
    py: Python<'py>,
    key: &[u8],
    iv: &[u8],
    data: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let Ok(iv) = iv.try_into() else {
        return Err(PyValueError::new_err("an IV of AES-CM has 16 octets"));
    };
    if !matches!(key.len(), 16 | 32) {
        return Err(PyValueError::new_err("a key of AES-CM has 16 or 32 octets"));
    }
    PyBytes::new_with(py, data.len(), |out| {
        out.copy_from_slice(data);
        apply(key, iv, out);
        Ok(())
    })
}
