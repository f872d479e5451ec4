//! [`TensorProblem`]: what can be wrong with a tensor in a file.

/// What is wrong with a tensor in a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorProblem {
    /// Its data would lie beyond the end of the file.
    #[error(
        "its data ends at byte {end} of {available}: the file is cut short or the header is wrong"
    )]
    Truncated {
        /// Where the data would end.
        end: u64,
        /// How many bytes of data there are.
        available: u64,
    },
    /// It has more or fewer bytes than its shape and type need.
    #[error("shape {shape:?} of type {dtype} needs {expected} bytes and has {found}")]
    Size {
        /// The shape.
        shape: Vec<usize>,
        /// The type.
        dtype: String,
        /// The bytes it has.
        found: u64,
        /// The bytes it needs.
        expected: u64,
    },
    /// Its shape has more elements than can be counted.
    #[error("shape {shape:?} has more elements than can be counted")]
    Huge {
        /// The shape.
        shape: Vec<usize>,
    },
    /// Its data starts after its end.
    #[error("its data starts at byte {start} and ends before, at {end}")]
    Backwards {
        /// The start.
        start: u64,
        /// The end.
        end: u64,
    },
    /// It shares bytes with another tensor.
    #[error("it shares bytes with the tensor {other:?}")]
    Overlap {
        /// The other one.
        other: String,
    },
    /// Its name occurs twice.
    #[error("its name occurs twice")]
    Twice,
    /// Its numbers are of a type that no model here has.
    #[error("type {dtype} is not read (F64, F32, F16, BF16, I64 and U32 are)")]
    Type {
        /// The type.
        dtype: String,
    },
    /// Its type is none of GGML's that are read.
    #[error(
        "GGML type {id} is not read (F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and Q2_K to Q6_K are)"
    )]
    GgmlType {
        /// The identifier of the type.
        id: u32,
    },
    /// Its rows do not divide into the blocks of its type.
    #[error("rows of {row} numbers do not divide into blocks of {block}")]
    Blocks {
        /// The numbers of a row.
        row: usize,
        /// Those of a block.
        block: usize,
    },
    /// It has more dimensions than GGUF allows.
    #[error("{count} dimensions where at most four are allowed")]
    Dimensions {
        /// How many.
        count: u32,
    },
    /// It starts where no tensor may start.
    #[error("its data starts at byte {start}, which is no multiple of {alignment}")]
    Misaligned {
        /// The start.
        start: u64,
        /// What it must be a multiple of.
        alignment: u64,
    },
    /// The model that the file describes has no such tensor, or one that is not implemented.
    #[error("it is no part of a model of this architecture and size")]
    NoPart,
}

/// Fails when a name occurs twice or two tensors share bytes, with the name and the problem.
/// Each place is a name, a start and an end. An empty tensor shares nothing, wherever it lies.
pub(super) fn check_places(
    mut places: Vec<(&str, u64, u64)>,
) -> Result<(), (String, TensorProblem)> {
    places.sort_unstable();
    if let Some(pair) = places.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err((pair[1].0.into(), TensorProblem::Twice));
    }
    places.retain(|(_, start, end)| start < end);
    places.sort_unstable_by_key(|&(_, start, end)| (start, end));
    match places.windows(2).find(|pair| pair[1].1 < pair[0].2) {
        Some(pair) => {
            let other = pair[0].0.into();
            Err((pair[1].0.into(), TensorProblem::Overlap { other }))
        }
        None => Ok(()),
    }
}
