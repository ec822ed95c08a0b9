//! SAKKE (RFC 6508) as functions and keys over bytes, with the GIL released.

use mikey_core::sakke::measure::{repeat, Operation};
use mikey_core::sakke::{self, Ifma, Invalid, PublicKey, ReceiverKey, SSV_OCTETS};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zeroize::Zeroizing;

fn invalid(error: Invalid) -> PyErr {
    PyValueError::new_err(error.0)
}

fn ssv_of(octets: &[u8]) -> PyResult<Zeroizing<[u8; SSV_OCTETS]>> {
    let ssv = octets
        .try_into()
        .map_err(|_| PyValueError::new_err("an SSV has 16 octets"))?;
    Ok(Zeroizing::new(ssv))
}

/// The processor for one operation, if its vectors are to be used.
fn vectors_of(wanted: bool) -> Option<Ifma> {
    Ifma::detect().filter(|_| wanted)
}

/// The KMS Public Key of a master secret.
#[pyfunction]
pub fn sakke_public_key<'py>(py: Python<'py>, master: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let key = py
        .detach(|| sakke::public_key(master, Ifma::detect()))
        .map_err(invalid)?;
    Ok(PyBytes::new(py, &key))
}

/// The Receiver Secret Key of an identifier.
#[pyfunction]
#[pyo3(signature = (master, identifier, *, vectors=true))]
pub fn sakke_receiver_key<'py>(
    py: Python<'py>,
    master: &[u8],
    identifier: &[u8],
    vectors: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let key = py
        .detach(|| sakke::receiver_key(master, identifier, vectors_of(vectors)))
        .map_err(invalid)?;
    Ok(PyBytes::new(py, &*key))
}

/// What this processor computes eight sums or eight messages at once with.
#[pyfunction]
pub fn sakke_simd() -> Option<&'static str> {
    Ifma::detect().map(|_| Ifma::NAME)
}

/// Repeats an operation in the field, for benchmarks.
#[pyfunction]
pub fn sakke_field(py: Python<'_>, operation: &str, times: u32) -> PyResult<()> {
    let operation = match operation {
        "product" => Operation::Product,
        "square" => Operation::Square,
        "reduction" => Operation::Reduction,
        "inversion" => Operation::Inversion,
        _ => return Err(PyValueError::new_err("unknown operation")),
    };
    py.detach(|| repeat(operation, times));
    Ok(())
}

/// The public key of a KMS.
#[pyclass(frozen, module = "mikey._native")]
pub struct SakkePublicKey(PublicKey);

#[pymethods]
impl SakkePublicKey {
    #[new]
    fn new(py: Python<'_>, z: &[u8]) -> PyResult<Self> {
        py.detach(|| PublicKey::new(z)).map(Self).map_err(invalid)
    }

    #[pyo3(signature = (identifier, ssv, *, vectors=true))]
    fn encapsulate<'py>(
        &self,
        py: Python<'py>,
        identifier: &[u8],
        ssv: &[u8],
        vectors: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let ssv = ssv_of(ssv)?;
        let data = py
            .detach(|| self.0.encapsulate(identifier, &ssv, vectors_of(vectors)))
            .map_err(invalid)?;
        Ok(PyBytes::new(py, &data))
    }

    fn encapsulate_many<'py>(
        &self,
        py: Python<'py>,
        identifiers: Vec<Vec<u8>>,
        ssv: &[u8],
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let ssv = ssv_of(ssv)?;
        let all = py
            .detach(|| self.0.encapsulate_many(&identifiers, &ssv, Ifma::detect()))
            .map_err(invalid)?;
        Ok(all.iter().map(|data| PyBytes::new(py, data)).collect())
    }
}

/// A Receiver Secret Key that fits its identifier and its KMS.
#[pyclass(frozen, module = "mikey._native")]
pub struct SakkeReceiverKey(ReceiverKey);

#[pymethods]
impl SakkeReceiverKey {
    #[new]
    fn new(py: Python<'_>, z: &[u8], identifier: &[u8], rsk: &[u8]) -> PyResult<Self> {
        py.detach(|| ReceiverKey::new(z, identifier, rsk))
            .map(Self)
            .map_err(invalid)
    }

    /// Validates the key again, with its tables.
    fn check(&self, py: Python<'_>) -> bool {
        py.detach(|| self.0.check())
    }

    #[pyo3(signature = (data, *, vectors=true))]
    fn decapsulate<'py>(
        &self,
        py: Python<'py>,
        data: &[u8],
        vectors: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let ssv = py
            .detach(|| self.0.decapsulate(data, vectors_of(vectors)))
            .map_err(invalid)?;
        Ok(PyBytes::new(py, &*ssv))
    }

    fn decapsulate_many<'py>(
        &self,
        py: Python<'py>,
        data: Vec<Vec<u8>>,
    ) -> Vec<Option<Bound<'py, PyBytes>>> {
        let all = py.detach(|| self.0.decapsulate_many(&data, Ifma::detect()));
        let octets = |ssv: &Zeroizing<[u8; SSV_OCTETS]>| PyBytes::new(py, &**ssv);
        all.iter().map(|ssv| ssv.as_ref().map(octets)).collect()
    }
}
