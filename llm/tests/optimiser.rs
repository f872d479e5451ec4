//! Gradients summed over parts of a batch, and AdamW against PyTorch's.

use candle_core::{DType, Device, Tensor, Var};
use llm::LlmError;
use llm::training::{AdamW, AdamWSettings, Gradients};
use llm::weights::Safetensors;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

const CPU: Device = Device::Cpu;

type Numbers = BTreeMap<String, Vec<f64>>;

/// What PyTorch computed.
#[derive(Deserialize)]
struct Reference {
    settings: AdamWSettings,
    shapes: BTreeMap<String, Vec<usize>>,
    start: Numbers,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    learning_rate: f64,
    gradients: Numbers,
    weights: Numbers,
    first_moments: Numbers,
    second_moments: Numbers,
}

impl Reference {
    fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/training");
        let text = std::fs::read_to_string(folder.join("adamw.json")).expect("file");
        serde_json::from_str(&text).expect("JSON")
    }

    fn variables(&self, dtype: DType) -> BTreeMap<String, Var> {
        let variable = |(name, values): (&String, &Vec<f64>)| {
            (name.clone(), variable(values, &self.shapes[name], dtype))
        };
        self.start.iter().map(variable).collect()
    }
}

fn variable(values: &[f64], shape: &[usize], dtype: DType) -> Var {
    let tensor = Tensor::from_slice(values, shape, &CPU).and_then(|t| t.to_dtype(dtype));
    Var::from_tensor(&tensor.expect("tensor")).expect("variable")
}

fn doubles(t: &Tensor) -> Vec<f64> {
    let flat = t.flatten_all().and_then(|t| t.to_dtype(DType::F64));
    flat.and_then(|t| t.to_vec1()).expect("numbers")
}

/// Adds Σ aᵢ xᵢ, whose gradient is a.
fn add(gradients: &mut Gradients, variables: &BTreeMap<String, Var>, of: &Numbers) {
    let product = |(name, a): (&String, &Vec<f64>)| {
        let x = &variables[name];
        let a = Tensor::from_slice(a, x.shape(), &CPU)?.to_dtype(x.dtype())?;
        x.mul(&a)?.sum_all()
    };
    let sum = of.iter().map(product).reduce(|a, b| a? + b?).expect("a variable").expect("sum");
    gradients.add(variables, sum.backward().expect("backward")).expect("gradients");
}

fn gradients(variables: &BTreeMap<String, Var>, of: &Numbers) -> Gradients {
    let mut gradients = Gradients::new();
    add(&mut gradients, variables, of);
    gradients
}

fn assert_close(found: &[f64], expected: &[f64], slack: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= slack, "{what}, entry {i}: {f} is not {e}");
    }
}

#[test]
fn steps_are_those_of_pytorch() {
    let reference = Reference::read();
    for (dtype, epsilon) in [(DType::F64, f64::EPSILON), (DType::F32, f64::from(f32::EPSILON))] {
        let variables = reference.variables(dtype);
        let mut optimiser = AdamW::new(&variables, reference.settings).expect("optimiser");
        for (i, step) in reference.steps.iter().enumerate() {
            let gradients = gradients(&variables, &step.gradients);
            optimiser.step(&gradients, step.learning_rate).expect("step");
            let state = optimiser.state().expect("state");
            // Numbers up to 4, by at most ten operations a step.
            let slack = 4.0 * 10.0 * (i + 1) as f64 * epsilon;
            for (name, variable) in &variables {
                let what = |part: &str| format!("{dtype:?} step {i} {part} of {name}");
                assert_close(&doubles(variable), &step.weights[name], slack, &what("weight"));
                for (part, of) in
                    [("first_moment", &step.first_moments), ("second_moment", &step.second_moments)]
                {
                    let moment = doubles(&state[&format!("{name}.{part}")]);
                    assert_close(&moment, &of[name], slack, &what(part));
                }
            }
        }
        assert_eq!(optimiser.steps(), reference.steps.len() as u64);
    }
}

#[test]
fn only_matrices_decay_and_a_missing_gradient_is_zero() {
    let ones = |shape: &[usize]| variable(&vec![1.0; shape.iter().product()], shape, DType::F32);
    let variables =
        BTreeMap::from([("matrix".to_owned(), ones(&[2, 3])), ("bias".to_owned(), ones(&[3]))]);
    let settings = AdamWSettings { weight_decay: 0.5, ..Default::default() };
    let mut optimiser = AdamW::new(&variables, settings).expect("optimiser");
    optimiser.step(&Gradients::new(), 0.5).expect("step");
    assert_eq!(doubles(&variables["matrix"]), [0.75; 6]);
    assert_eq!(doubles(&variables["bias"]), [1.0; 3]);
}

#[test]
fn a_restored_optimiser_goes_on_bit_by_bit() {
    let reference = Reference::read();
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("state.safetensors");
    for dtype in [DType::F32, DType::F64, DType::BF16] {
        let run = |optimiser: &mut AdamW, variables: &BTreeMap<String, Var>, steps: &[Step]| {
            for step in steps {
                let gradients = gradients(variables, &step.gradients);
                optimiser.step(&gradients, step.learning_rate).expect("step");
            }
        };
        let (before, after) = reference.steps.split_at(2);
        let variables = reference.variables(dtype);
        let mut optimiser = AdamW::new(&variables, reference.settings).expect("optimiser");
        run(&mut optimiser, &variables, before);
        let state = optimiser.state().expect("state").into_iter().collect();
        candle_core::safetensors::save(&state, &file).expect("saved");
        let copies: BTreeMap<String, Var> = variables
            .iter()
            .map(|(n, v)| {
                (n.clone(), Var::from_tensor(&v.copy().expect("copy").detach()).expect("v"))
            })
            .collect();
        let mut restored = AdamW::new(&copies, reference.settings).expect("optimiser");
        let state = Safetensors::open(&file).expect("file");
        restored.restore(optimiser.steps(), &state).expect("restored");
        run(&mut optimiser, &variables, after);
        run(&mut restored, &copies, after);
        for (name, variable) in &variables {
            assert_eq!(doubles(variable), doubles(&copies[name]), "{dtype:?} {name}");
        }
        let (found, expected) =
            (restored.state().expect("state"), optimiser.state().expect("state"));
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (name, moment) in &expected {
            assert_eq!(doubles(moment), doubles(&found[name]), "{dtype:?} {name}");
        }
    }
}

/// A variable of many numbers, and a gradient for it.
fn large() -> (BTreeMap<String, Var>, Numbers) {
    let wave = |step: f64| (0..200_000).map(move |i| (f64::from(i) * step).sin());
    let values: Vec<f64> = wave(0.7).collect();
    let variables = BTreeMap::from([
        ("a".to_owned(), variable(&values, &[500, 400], DType::F32)),
        ("b".to_owned(), variable(&values[..7], &[7], DType::F32)),
    ]);
    let gradient: Vec<f64> = wave(1.3).collect();
    let of_b = gradient[..7].to_vec();
    (variables, Numbers::from([("a".to_owned(), gradient), ("b".to_owned(), of_b)]))
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
        pool.install(|| {
            let (variables, of) = large();
            let mut optimiser =
                AdamW::new(&variables, AdamWSettings::default()).expect("optimiser");
            let mut gradients = gradients(&variables, &of);
            add(&mut gradients, &variables, &of);
            let norm = gradients.clip(1.0).expect("norm");
            optimiser.step(&gradients, 0.1).expect("step");
            (norm.to_bits(), doubles(&variables["a"]))
        })
    };
    let alone = run(1);
    assert!(run(2) == alone && run(5) == alone);
}

#[test]
fn parts_of_a_batch_add_up_and_the_norm_is_that_of_all_entries() {
    let (variables, of) = large();
    let mut gradients = gradients(&variables, &of);
    add(&mut gradients, &variables, &of);
    let rounded = |x: &f64| f64::from(*x as f32);
    let twice: Vec<f64> = of["a"].iter().map(|x| 2.0 * rounded(x)).collect();
    assert_eq!(doubles(gradients.get("a").expect("gradient")), twice);
    let squares: f64 = of.values().flatten().map(|x| (2.0 * rounded(x)).powi(2)).sum();
    // 200,000 additions of positive numbers.
    let norm = gradients.norm().expect("norm");
    assert!((norm / squares.sqrt() - 1.0).abs() <= 2e5 * f64::EPSILON, "{norm}");

    assert_eq!(gradients.clip(1.01 * norm).expect("norm"), norm);
    assert_eq!(gradients.norm().expect("norm"), norm);
    assert_eq!(gradients.clip(0.5).expect("norm"), norm);
    // The factor is rounded, and each product.
    let clipped = gradients.norm().expect("norm");
    assert!((clipped / 0.5 - 1.0).abs() <= 2.0 * f64::from(f32::EPSILON), "{clipped}");
}

#[test]
fn a_variable_that_a_part_does_not_reach_gets_nothing_from_it() {
    let (variables, mut of) = large();
    let mut gradients = gradients(&variables, &of);
    of.remove("b");
    add(&mut gradients, &variables, &of);
    let rounded: Vec<f64> = large().1["b"].iter().map(|x| f64::from(*x as f32)).collect();
    assert_eq!(doubles(gradients.get("b").expect("gradient")), rounded);
    assert!(gradients.get("c").is_none());
}

#[test]
fn a_norm_shows_what_is_no_number_and_clipping_leaves_it() {
    for wrong in [f64::NAN, f64::INFINITY] {
        let (variables, mut of) = large();
        of.get_mut("a").expect("a")[123_456] = wrong;
        let mut gradients = gradients(&variables, &of);
        assert!(!gradients.clip(1.0).expect("norm").is_finite());
        assert!(!gradients.norm().expect("norm").is_finite());
        let first = doubles(gradients.get("a").expect("gradient"))[1];
        assert_eq!(first, f64::from(1.3f64.sin() as f32));
    }
}

#[test]
fn what_does_not_fit_is_an_error_that_says_so() {
    let reference = Reference::read();
    let variables = reference.variables(DType::F32);
    let with = |settings| AdamW::new(&variables, settings).expect_err("an error").to_string();
    let settings = AdamWSettings { beta2: 1.0, ..Default::default() };
    assert_eq!(with(settings), "beta2 = 1 is not at least 0 and less than 1");
    let settings = AdamWSettings { epsilon: 0.0, ..Default::default() };
    assert_eq!(with(settings), "epsilon = 0 is not between 0 and 1");
    let settings = AdamWSettings { weight_decay: f64::NAN, ..Default::default() };
    assert_eq!(with(settings), "weight_decay = NaN is not a number of at least 0");

    let mut optimiser = AdamW::new(&variables, AdamWSettings::default()).expect("optimiser");
    let rate = optimiser.step(&Gradients::new(), f64::NAN);
    assert!(matches!(rate, Err(LlmError::Setting { setting: "learning rate", .. })));

    // The state of another model.
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("state.safetensors");
    let (others, _) = large();
    let mut state =
        AdamW::new(&others, AdamWSettings::default()).and_then(|o| o.state()).expect("s");
    let save = |state: BTreeMap<String, Tensor>| {
        candle_core::safetensors::save(&state.into_iter().collect(), &file).expect("saved");
        Safetensors::open(&file).expect("file")
    };
    let missing = optimiser.restore(3, &save(state.clone()));
    assert!(
        matches!(missing, Err(LlmError::MissingTensor { tensor, .. }) if tensor == "matrix.first_moment")
    );
    state.insert("matrix.first_moment".into(), state["b.first_moment"].clone());
    let shape = optimiser.restore(3, &save(state));
    assert!(
        matches!(shape, Err(LlmError::TensorShape { tensor, .. }) if tensor == "matrix.first_moment")
    );
    assert_eq!(optimiser.steps(), 0);
}
