//! ECCSI over bytes, with the GIL released.

use mikey_core::eccsi::{self, Error, PublicKey, SigningKey};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

fn refused(error: Error) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// The KPAK of a KSAK.
#[pyfunction]
pub fn eccsi_public_key<'py>(py: Python<'py>, master: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let kpak = py.detach(|| eccsi::public_key(master)).map_err(refused)?;
    Ok(PyBytes::new(py, &kpak))
}

/// SSK and PVT of an identifier.
#[pyfunction]
pub fn eccsi_make_pair<'py>(
    py: Python<'py>,
    master: &[u8],
    identifier: &[u8],
    nonce: &[u8],
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
    let (ssk, pvt) = py
        .detach(|| eccsi::make_pair(master, identifier, nonce))
        .map_err(refused)?;
    Ok((PyBytes::new(py, &*ssk), PyBytes::new(py, &pvt)))
}

/// A KPAK to verify with.
#[pyclass(frozen)]
pub struct EccsiPublicKey(PublicKey);

#[pymethods]
impl EccsiPublicKey {
    #[new]
    fn new(py: Python<'_>, kpak: &[u8]) -> PyResult<Self> {
        py.detach(|| PublicKey::new(kpak))
            .map(Self)
            .map_err(refused)
    }

    fn verify(
        &self,
        py: Python<'_>,
        identifier: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> PyResult<()> {
        py.detach(|| self.0.vartime_verify(identifier, message, signature))
            .map_err(refused)
    }
}

/// An SSK to sign with.
#[pyclass(frozen)]
pub struct EccsiSigningKey(SigningKey);

#[pymethods]
impl EccsiSigningKey {
    #[new]
    fn new(
        py: Python<'_>,
        kpak: &[u8],
        identifier: &[u8],
        ssk: &[u8],
        pvt: &[u8],
    ) -> PyResult<Self> {
        py.detach(|| SigningKey::new(kpak, identifier, ssk, pvt))
            .map(Self)
            .map_err(refused)
    }

    fn sign<'py>(
        &self,
        py: Python<'py>,
        message: &[u8],
        nonce: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let signature = py.detach(|| self.0.sign(message, nonce)).map_err(refused)?;
        Ok(PyBytes::new(py, &signature))
    }
}
