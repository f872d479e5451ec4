//! The arguments of every command that runs a language model: which one, where, how precisely.

use super::CliError;
use super::ranks::local;
use clap::{Args, ValueEnum};
use llm::{Checkpoint, DType, Device, Mode, Model};
use serde::{Deserialize, Serialize};

/// Which language model runs, where and in which type.
#[derive(Debug, Args)]
pub struct LanguageModel {
    /// A folder with config.json and safetensors, a .gguf file, or a name on the Hugging Face hub
    #[arg(long = "model", value_name = "MODEL")]
    pub name: String,
    #[command(flatten)]
    pub place: Place,
}

/// Where tensors live and of which type they are.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// Where it runs
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: DeviceName,
    /// The type of its numbers
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    pub dtype: NumberType,
}

/// A device by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceName {
    /// The processor.
    #[default]
    Cpu,
    /// The first CUDA device (needs the feature `cuda`).
    Cuda,
    /// The first Metal device (needs the feature `metal`).
    Metal,
}

/// A type of numbers by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberType {
    /// 32 bits.
    #[default]
    F32,
    /// 64 bits.
    F64,
    /// 16 bits with the exponents of f32; for GPUs.
    Bf16,
}

/// A type of products by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComputeType {
    /// As they are.
    #[default]
    F32,
    /// Operands rounded to bf16, sums in f32.
    Bf16,
}

impl ComputeType {
    /// The type of the library, for a model at this place.
    pub fn at(self, place: &Place) -> Result<llm::Compute, CliError> {
        match self {
            Self::F32 => Ok(llm::Compute::F32),
            Self::Bf16 if place.dtype == NumberType::F32 => Ok(llm::Compute::Bf16),
            Self::Bf16 => {
                let what = "`--compute bf16` is for weights in f32";
                Err(CliError::argument(what, "leave out one of `--compute` and `--dtype`"))
            }
        }
    }
}

impl Place {
    /// The device.
    pub fn device(&self) -> Result<Device, CliError> {
        let device = match self.device {
            DeviceName::Cpu => Ok(Device::Cpu),
            // The first for the first process on this machine, and so on.
            DeviceName::Cuda => Device::new_cuda(local()),
            DeviceName::Metal => Device::new_metal(0),
        };
        device.map_err(|e| {
            let what = format!("the device {:?} is not to be had: {e}", self.device);
            CliError::argument(what, "build with `--features cuda` or `--features metal`")
        })
    }

    /// The type.
    pub fn dtype(&self) -> DType {
        match self.dtype {
            NumberType::F32 => DType::F32,
            NumberType::F64 => DType::F64,
            NumberType::Bf16 => DType::BF16,
        }
    }
}

impl LanguageModel {
    /// The model as it lies on disk.
    pub fn checkpoint(&self) -> Result<Checkpoint, CliError> {
        Ok(Checkpoint::open(&llm::hub::resolve(&self.name)?)?)
    }

    /// The model, ready to run.
    pub fn load(&self, checkpoint: &Checkpoint) -> Result<Model, CliError> {
        Ok(checkpoint.model(self.place.dtype(), &self.place.device()?, Mode::Frozen)?)
    }
}
