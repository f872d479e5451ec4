//! The types of numbers in a GGUF file, and what their bytes stand for.

use crate::LlmError;
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{DType, Device, Tensor};
use std::borrow::Cow;

/// The type with an identifier, if it is read.
pub(super) fn of(id: u32) -> Option<GgmlDType> {
    Some(match id {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        30 => GgmlDType::BF16,
        _ => return None,
    })
}

/// The tensor of checked bytes: in the type of the file, or in F32 when they are quantised.
pub(super) fn tensor(bytes: &[u8], kind: GgmlDType, shape: &[usize]) -> Result<Tensor, LlmError> {
    let plain = match kind {
        GgmlDType::F32 => DType::F32,
        GgmlDType::F16 => DType::F16,
        GgmlDType::BF16 => DType::BF16,
        // candle asks for an address that is a multiple of two, which no bytes need not have.
        _ if bytes.is_empty() => DType::F32,
        _ => {
            let storage = QStorage::from_data(Cow::Borrowed(bytes), &Device::Cpu, kind)?;
            return Ok(QTensor::new(storage, shape)?.dequantize(&Device::Cpu)?);
        }
    };
    Ok(Tensor::from_raw_buffer(bytes, plain, shape, &Device::Cpu)?)
}
