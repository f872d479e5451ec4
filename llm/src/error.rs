//! What can go wrong with language models.

use crate::evaluation::LineProblem;
use crate::gap::GapProblem;
use crate::hub::HubProblem;
use crate::loss::BatchProblem;
use crate::model::LayersProblem;
use crate::teacher::server::{AnswerProblem, ServerProblem};
use crate::text::Difference;
use crate::training::Checked;
use crate::weights::TensorProblem;
use std::path::PathBuf;

/// A model, a file or an array that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LlmError {
    /// candle refused an operation.
    #[error("a tensor operation failed")]
    Tensor(#[from] candle_core::Error),
    /// An argument that no operator can work with.
    #[error(transparent)]
    Operator(#[from] operators::OperatorError),
    /// Two arrays that belong together have different lengths.
    #[error("{what} has {found} entries where {expected} are needed")]
    Length {
        /// Which argument.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that fits.
        expected: usize,
    },
    /// More cells than 32-bit indices can name.
    #[error("a batch of 2³² cells or more; use smaller batches or smaller candidate sets")]
    TooManyCells,
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A model that is neither on disk nor named as on the hub.
    #[error(
        "{model:?} is no file or folder, and no name on the hub either (owner/name, \
         owner/name@revision or owner/name/file.gguf)"
    )]
    NoModel {
        /// What was given.
        model: String,
    },
    /// A model by its name on the hub, of which a file cannot be had.
    #[error("{model:?} is no file or folder here, and {url} cannot be fetched: {problem}")]
    Hub {
        /// The name.
        model: String,
        /// The address of the file.
        url: String,
        /// Why not.
        problem: HubProblem,
    },
    /// A `config.json`, or what a GGUF file says in its place, that describes no model that can be
    /// loaded.
    #[error("{}: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of weights, or its index, cannot be understood as a whole.
    #[error("{}: {problem}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A key of a GGUF file has no value that can be used.
    #[error("{}: {key} {problem}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong with its value.
        problem: String,
    },
    /// A file describes a tensor that it cannot hold.
    #[error("{}: tensor {tensor:?}: {problem}", path.display())]
    BadTensor {
        /// The file.
        path: PathBuf,
        /// The name of the tensor.
        tensor: String,
        /// What is wrong with it.
        problem: TensorProblem,
    },
    /// A tensor that the model needs is not there.
    #[error("{}: there is no tensor {tensor:?}", path.display())]
    MissingTensor {
        /// The file or folder.
        path: PathBuf,
        /// The name of the tensor.
        tensor: String,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error("tensor {tensor:?} has shape {found:?}; the configuration asks for {expected:?}")]
    TensorShape {
        /// The name of the tensor.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that fits.
        expected: Vec<usize>,
    },
    /// A token beyond the embedding.
    #[error("token {token} is not one of the {vocabulary} that the model knows")]
    UnknownToken {
        /// The token.
        token: u32,
        /// The rows of the embedding.
        vocabulary: usize,
    },
    /// A sequence longer than the learned positions.
    #[error("a sequence of {needed} tokens; the model has {positions} positions")]
    TooLong {
        /// How many positions the sequence needs.
        needed: usize,
        /// How many there are.
        positions: usize,
    },
    /// A layer that a model does not have.
    #[error("there is no layer {layer}; the model has {layers}, counted from 0")]
    NoLayer {
        /// The number.
        layer: usize,
        /// How many there are.
        layers: usize,
    },
    /// A list of layers that is none.
    #[error(transparent)]
    Layers(#[from] LayersProblem),
    /// A folder that is to be made, and has something in it.
    #[error("{} exists and is not empty", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Texts without a position that a model can be judged by.
    #[error("no text has a response to compare models on")]
    NoResponses,
    /// A model without a file that is needed now.
    #[error("{} has no {file}, which {purpose} needs", path.display())]
    MissingFile {
        /// The model.
        path: PathBuf,
        /// What is not there.
        file: &'static str,
        /// What it is needed for.
        purpose: &'static str,
    },
    /// A tokenizer that cannot be read or rebuilt.
    #[error("{}: {problem}", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A text or a list of tokens that the tokenizer refuses.
    #[error("the tokenizer refuses: {problem}")]
    Untokenizable {
        /// Why.
        problem: String,
    },
    /// A chat template that cannot be read, or that fails on these messages.
    #[error("the chat template: {problem}")]
    Template {
        /// What is wrong with it.
        problem: String,
    },
    /// A line of a data set that is no record.
    #[error("{}, line {line}: {problem}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A conversation that a form of prompt cannot hold.
    #[error(
        "the Alpaca prompt holds one instruction, not a conversation of {messages} messages; \
         use the chat template"
    )]
    Conversation {
        /// How many messages there are.
        messages: usize,
    },
    /// Two models that mean different tokens by the same number.
    #[error(
        "the vocabularies of teacher and student differ in {differing} tokens: {}",
        Difference::list(first)
    )]
    Vocabulary {
        /// How many tokens differ.
        differing: usize,
        /// The first of them.
        first: Vec<Difference>,
    },
    /// A batch without sequences, or with an empty one.
    #[error("a batch needs at least one sequence, and each at least one token")]
    NoTokens,
    /// A line of a file of texts that cannot be used.
    #[error("{}, line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: LineProblem,
    },
    /// A file without texts.
    #[error("{}: no texts in it", path.display())]
    NoLines {
        /// The file.
        path: PathBuf,
    },
    /// Two files that belong together line by line and differ in length.
    #[error(
        "{} has {found} texts and {} has {expected}; they belong together one by one",
        path.display(),
        other.display()
    )]
    Lines {
        /// One file.
        path: PathBuf,
        /// How many texts it has.
        found: usize,
        /// The other file.
        other: PathBuf,
        /// How many texts that has.
        expected: usize,
    },
    /// A batch in a file that no loss can be computed of.
    #[error("{}, {place}: {problem}", path.display())]
    Batch {
        /// The file.
        path: PathBuf,
        /// The place within the file, or the flags.
        place: String,
        /// What is wrong with it.
        problem: BatchProblem,
    },
    /// A file that is no teacher cache, or a damaged one.
    #[error("{}: {problem}", path.display())]
    Cache {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A teacher cache that was made with something else than is to be used.
    #[error("{}: its {setting} is {found}, where {expected} is needed", path.display())]
    CacheMismatch {
        /// The file.
        path: PathBuf,
        /// The name of the setting.
        setting: &'static str,
        /// The value in the cache.
        found: String,
        /// The value that is needed.
        expected: String,
    },
    /// A folder that another process is filling with teacher data.
    #[error("another process is filling {}", path.display())]
    Busy {
        /// The folder of the parts.
        path: PathBuf,
    },
    /// Candidate sets at a larger mass than was stored.
    #[error("{}: candidate sets at p = {asked} are not in a cache made at p = {stored}", path.display())]
    LargerMass {
        /// The file.
        path: PathBuf,
        /// The p of the cache.
        stored: f64,
        /// The p that was asked for.
        asked: f64,
    },
    /// Candidate sets that hold less than the adaptive rule asks for.
    #[error(
        "{}: response {response} to prompt {prompt} has a set at position {position} that carries less \
         than the adaptive rule asks for, {asked}; the guarantee would be gone",
        path.display()
    )]
    ShortOfBudget {
        /// The file.
        path: PathBuf,
        /// The number of the prompt.
        prompt: u32,
        /// Which response to it.
        response: u32,
        /// The position in the response, from 0.
        position: usize,
        /// The mass that the rule asks for there.
        asked: f64,
    },
    /// A temperature that no distribution has.
    #[error(
        "temperature = {value} is not a positive number; give one such as 1, or sample greedily"
    )]
    Temperature {
        /// The value.
        value: f64,
    },
    /// A number that nothing can be trained with.
    #[error("{setting} = {value} is not {range}")]
    Setting {
        /// The name of the setting.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// What it has to be.
        range: &'static str,
    },
    /// A bootstrap that says nothing.
    #[error("no interval: {problem}")]
    Bootstrap {
        /// What is wrong.
        problem: String,
    },
    /// A file by which something is to be chosen, although it was reported on before.
    #[error(
        "{} was evaluated as --test (as {}); nothing may be chosen by it or trained on it any more",
        path.display(),
        before.display()
    )]
    TestAsDev {
        /// The file.
        path: PathBuf,
        /// Its name at that time.
        before: PathBuf,
    },
    /// A file to be reported on, by which the student was chosen, or that it was trained on.
    #[error(
        "the student was {} {} (as {}); a score on it is no test",
        if *trained { "trained on" } else { "chosen by" },
        path.display(),
        before.display()
    )]
    DevAsTest {
        /// The file.
        path: PathBuf,
        /// Its name at that time.
        before: PathBuf,
        /// Whether it was trained on, not only chosen by.
        trained: bool,
    },
    /// A server that cannot be used.
    #[error("{url}: {problem}")]
    Server {
        /// Its address.
        url: String,
        /// What is wrong with it.
        problem: ServerProblem,
    },
    /// An answer of a server that cannot become teacher data.
    #[error("response {response} to prompt {prompt}: {problem}")]
    Answer {
        /// The number of the prompt.
        prompt: u32,
        /// Which response to it.
        response: u32,
        /// What is wrong with it.
        problem: AnswerProblem,
    },
    /// Training without something that it needs.
    #[error("training has no {what}")]
    NothingToTrain {
        /// What is missing.
        what: &'static str,
    },
    /// An example without the teacher's candidate sets, where an objective needs them.
    #[error("the objective needs a teacher's candidate sets; make them with `bellman generate`")]
    NoScores,
    /// Training whose numbers are none any more.
    #[error(
        "step {step} has loss {loss} and a gradient of norm {gradient_norm}: training has diverged; \
         lower the learning rate. The weights are those before the step"
    )]
    Diverged {
        /// The step, from 1.
        step: u64,
        /// Its loss.
        loss: f64,
        /// The norm of its gradient.
        gradient_norm: f64,
    },
    /// Training that does not compute what the theory states.
    #[error(
        "step {step}: {} does not hold at {}: {} against {}, missed by {:e} where rounding explains \
         {:e}",
        checked.statement.words(),
        checked.place,
        checked.found,
        checked.expected,
        checked.missed,
        checked.bound
    )]
    Check {
        /// The step whose batch it is, from 1.
        step: u64,
        /// The statement.
        checked: Box<Checked>,
    },
    /// Responses that do not tell the gap.
    #[error(transparent)]
    Gap(#[from] GapProblem),
    /// The ranks that work together cannot go on.
    #[error(transparent)]
    Ranks(#[from] ranks::RanksError),
    /// Whoever watched asked to stop.
    #[error("stopped")]
    Stopped,
}
