//! Steps of every objective.

use super::*;

#[test]
fn the_loss_on_text_is_cross_entropy_with_a_share_of_kl() {
    let (examples, student) = (examples(0.5), model("llama", DType::F64, Mode::Frozen));
    let examples: Vec<&Example> = examples.iter().collect();
    let batch = Batch::new(&examples).unwrap();
    let of = |objective: Objective| {
        let mut tally = Tally::default();
        let loss = objective.loss(&student, &batch, &examples, batch.rows(), &mut tally);
        loss.unwrap().to_scalar::<f64>().unwrap()
    };
    let (entropy, kl) = (of(Objective::CrossEntropy), of(Objective::CandidateKl));
    assert!((entropy - kl).abs() > 0.1);
    for share in [0.0, 0.3, 1.0] {
        let expected = (1.0 - share) * entropy + share * kl;
        assert!((of(Objective::Language(share)) - expected).abs() < 1e-12, "{share}");
    }
}

#[test]
fn text_with_a_share_of_kl_needs_a_teacher() {
    let (examples, text) = (examples(0.5), text());
    let trainer = |text_kl, text: &[Example]| {
        let settings = TrainerSettings { text_kl, ..settings(4) };
        let student = model("llama", DType::F32, Mode::Trainable);
        Trainer::new(student, Objective::CrossEntropy, (&examples, text), settings)?.step()
    };
    assert!(matches!(trainer(0.5, &text), Err(LlmError::NoScores)));
    assert!(trainer(0.5, &examples).is_ok());
    assert!(matches!(trainer(1.5, &examples), Err(LlmError::Setting { setting: "text-kl", .. })));
}

#[test]
fn the_loss_on_own_responses_has_the_gradient_of_its_definition() {
    let teacher = model("qwen2", DType::F64, Mode::Frozen);
    let loss = on_policy(&teacher, 0.4, f64::INFINITY);
    let examples = examples(0.5);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
    let (hidden, head) = state(&batch);
    let value = loss.loss(&batch, (&hidden, &head), 0.25).unwrap();
    let found = outcome(&hidden, &head, value);

    let (n, _) =
        dense(&batch, &examples.iter().filter_map(|e| e.scores.as_ref()).collect::<Vec<_>>());
    let policy = |hidden: &Tensor, head: &Tensor| {
        let z = n.cells_of(&hidden.matmul(&head.t().unwrap()).unwrap()).unwrap();
        projection(&n, &z, &n.full()).unwrap()
    };
    let student = policy(&hidden, &head);
    let expert = policy(&batch.hidden(&teacher).unwrap(), teacher.head());
    let slots: Vec<usize> = batch.chosen().iter().map(|&t| t as usize).collect();
    let slots = n.slots(&slots).unwrap();
    let chosen = |of: &Projection<Tensors>| {
        n.read_rows(&n.pick(&of.log_probability.0, &slots).unwrap()).unwrap()
    };
    let factors =
        loss.settings.factors(&chosen(&student), &chosen(&expert), &batch.next()).unwrap();
    let rows = |x: &[f64]| n.rows(x).unwrap();
    let weights = rows(&vec![0.25; batch.rows()]);
    let (single, long) = (rows(&factors.single), rows(&factors.long));
    let policies = (&student, &expert);
    let expected =
        on_policy_loss(&n, policies, &n.full(), &slots, (&single, &long), &weights).unwrap();
    let divergence = kl_divergence(&n, &student, &expert, &n.full()).unwrap().0;
    let steps = n.dot(&weights.0, &(divergence * &single.0).unwrap()).unwrap();
    let expected = outcome(&hidden, &head, expected);
    let expected = Outcome { loss: steps.to_scalar().unwrap(), ..expected };
    assert_same(&found, &expected, "MiniLLM");
}

#[test]
fn own_responses_follow_from_seed_step_and_weights_and_come_from_the_mixture() {
    let [teacher, student] =
        ["qwen2", "llama"].map(|name| model(name, DType::F64, Mode::Trainable));
    let prompts = Example::of_prompts([vec![3, 5], vec![9], vec![3, 5], vec![1; 16]], 16);
    assert_eq!(prompts.iter().map(|e| e.prompt.len()).collect::<Vec<_>>(), [2, 1]);
    let prompts: Vec<&Example> = prompts.iter().collect();
    let loss = on_policy(&teacher, 0.2, 0.2);
    let of = |loss: &OnPolicyLoss, seed, step| {
        loss.respond(&student, &prompts, 0.., seed, step).unwrap()
    };
    assert_eq!(of(&loss, 7, 3), of(&loss, 7, 3));
    assert_ne!(of(&loss, 7, 3), of(&loss, 7, 4));
    assert_ne!(of(&loss, 7, 3), of(&loss, 8, 3));
    assert!(of(&loss, 7, 3).iter().all(|e| e.response.len() <= 9 && e.length() <= 16));

    let none = OnPolicyLoss { max_new_tokens: 0, ..on_policy(&teacher, 0.2, 0.2) };
    let none = none.respond(&student, &prompts, 0.., 7, 3).unwrap_err();
    assert!(matches!(none, LlmError::NothingToTrain { .. }), "{none}");

    // How often each token comes first, against p̃: many prompts at a time, each with its own draws.
    let loss = OnPolicyLoss { max_new_tokens: 1, ..on_policy(&teacher, 0.4, 0.2) };
    let one = prompts[0];
    let mut counts = [0.0; 97];
    for step in 0..60 {
        let drawn = loss.respond(&student, &[one; 64], 0.., 1, step).unwrap();
        drawn.iter().for_each(|e| counts[e.response[0] as usize] += 1.0 / (60.0 * 64.0));
    }
    let policy = |model: &Model| {
        let tokens = llm::Tokens::padded(&[&one.prompt], llm::Padding::Left).unwrap();
        let z = llm::predict::next_logits(model, &tokens, None).unwrap().remove(0);
        let most = z.iter().copied().fold(f64::MIN, f64::max);
        let total: f64 = z.iter().map(|z| (z - most).exp()).sum();
        z.iter().map(|z| (z - most).exp() / total).collect::<Vec<f64>>()
    };
    let (q, p) = (policy(&student), policy(&teacher));
    let distance = |mix: f64| {
        let mixed = q.iter().zip(&p).map(|(q, p)| mix * p + (1.0 - mix) * q);
        let terms = mixed.zip(counts).map(|(m, c)| (c - m) * (c - m) / m);
        60.0 * 64.0 * terms.sum::<f64>()
    };
    // χ² with 96 degrees of freedom: mean 96, deviation 14; the draws are always the same.
    let found = [0.0, 0.4, 1.0].map(distance);
    assert!(found[1] < 150.0 && found[0] > 170.0 && found[2] > 170.0, "{found:?}");
}

#[test]
fn the_gradient_of_a_step_does_not_depend_on_how_its_batch_is_split() {
    let (teacher, examples, text) =
        (model("qwen2", DType::F64, Mode::Frozen), examples(0.5), text());
    for objective in objectives(&teacher) {
        let step = |micro_batch| {
            let student = model("llama", DType::F64, Mode::Trainable);
            let data = (&examples[..], &text[..]);
            let settings = settings(micro_batch);
            let mut trainer = Trainer::new(student, objective.clone(), data, settings).unwrap();
            let step = trainer.step().unwrap();
            let padding = step.tally.shares().padding.unwrap();
            // Alone no example is padded; together they are of different lengths.
            assert_eq!(padding == 0.0, micro_batch == 1, "{padding}");
            assert!(padding <= 0.25, "{padding}");
            (step.loss, step.text_loss.unwrap(), step.gradient_norm)
        };
        let whole = step(4);
        for micro_batch in [1, 3] {
            let parts = step(micro_batch);
            for (w, p) in [(whole.0, parts.0), (whole.1, parts.1), (whole.2, parts.2)] {
                assert!((w - p).abs() <= 1e-12 * w.abs().max(1.0), "{objective:?}: {p} is not {w}");
            }
        }
    }
}

#[test]
fn activations_that_are_computed_again_give_the_same_weights_bit_by_bit() {
    let (examples, text) = (examples(0.5), text());
    for name in ["gpt2", "opt", "qwen2", "llama"] {
        let (teacher, data) = (model(name, DType::F32, Mode::Frozen), (&examples[..], &text[..]));
        let trained = |objective: &Objective, checkpointing| {
            let settings = TrainerSettings { checkpointing, ..settings(3) };
            let student = model(name, DType::F32, Mode::Trainable);
            let mut trainer = Trainer::new(student, objective.clone(), data, settings).unwrap();
            let steps: Vec<Step> = (0..2).map(|_| trainer.step().unwrap()).collect();
            (steps, numbers(trainer.student()))
        };
        for objective in objectives(&teacher) {
            let expected = trained(&objective, false);
            assert!(trained(&objective, true) == expected, "{name}, {objective:?}");
        }
    }
}

#[test]
fn a_block_that_is_computed_again_keeps_its_input_only() {
    let student = model("llama", DType::F32, Mode::Trainable);
    let tokens = llm::Tokens::padded(&[[1, 2, 3]], llm::Padding::Right).unwrap();
    // The numbers that the graph of the hidden states holds on to, without the weights.
    let kept = |model: &Model| {
        let hidden = model.hidden(&tokens, None).unwrap();
        let nodes = hidden.sorted_nodes();
        nodes.iter().filter(|t| !t.is_variable()).map(|t| t.elem_count()).sum::<usize>()
    };
    let (all, again) = (kept(&student), kept(&student.clone().checkpointing()));
    assert!(again * 3 < all, "{again} numbers in place of {all}");
}

#[test]
fn every_objective_falls_when_it_is_trained_on() {
    let (teacher, examples) = (model("qwen2", DType::F32, Mode::Frozen), examples(0.5));
    for objective in objectives(&teacher) {
        let student = model("llama", DType::F32, Mode::Trainable);
        let settings = TrainerSettings { text_weight: 0.0, batch: 5, ..settings(5) };
        let mut trainer = Trainer::new(student, objective, (&examples, &[]), settings).unwrap();
        let losses: Vec<f64> = (0..12).map(|_| trainer.step().unwrap().loss).collect();
        assert!(losses[11] < losses[0], "{losses:?}");
    }
}

#[test]
fn gradients_that_are_added_in_place_are_those_of_backpropagation() {
    let examples = examples(0.5);
    let parts: Vec<Vec<&Example>> = examples.chunks(3).map(|part| part.iter().collect()).collect();
    let loss = bellman(SparseShift::VocabMax, Phi::chi2(0.1).unwrap(), Outside::Floor);
    // With heads that are the embedding, and with one of its own.
    for architecture in ["gpt2", "opt", "qwen2", "llama", "llama-untied-head"] {
        for objective in [Objective::CrossEntropy, Objective::Bellman(loss)] {
            let student = model(architecture, DType::F32, Mode::Trainable);
            let variables = student.variables().unwrap();
            let (mut plain, mut in_place) = (Gradients::new(), Gradients::new());
            for part in &parts {
                let of = || {
                    let batch = Batch::new(part).unwrap();
                    objective.loss(&student, &batch, part, 7, &mut Tally::default()).unwrap()
                };
                plain.add(&variables, of().backward().unwrap()).unwrap();
                in_place.add_of(&variables, &of()).unwrap();
            }
            for name in variables.keys() {
                let [expected, found] = [&plain, &in_place].map(|g| g.get(name));
                let (Some(expected), Some(found)) = (expected, found) else {
                    assert!(expected.is_none() && found.is_none(), "{architecture} {name}");
                    continue;
                };
                let largest = |x: &Tensor| {
                    let x = x.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
                    x.to_scalar::<f32>().unwrap()
                };
                // Two orders of adding up what some dozens of positions contribute.
                let slack = 64.0 * f32::EPSILON * largest(expected);
                let distance = largest(&expected.sub(found).unwrap());
                assert!(distance <= slack, "{architecture} {name}: {distance} > {slack}");
            }
        }
    }
}

#[test]
fn training_in_bf16_rounds_and_falls() {
    let examples = examples(0.5);
    let losses = |compute: Compute| {
        let student = model("llama", DType::F32, Mode::Trainable);
        let settings = TrainerSettings { text_weight: 0.0, batch: 5, ..settings(5) };
        let data = (&examples[..], &[][..]);
        let mut trainer = Trainer::new(student, Objective::CrossEntropy, data, settings).unwrap();
        let step = |_| compute.run(|| trainer.step()).unwrap().loss;
        (0..12).map(step).collect::<Vec<f64>>()
    };
    let (exact, rounded) = (losses(Compute::F32), losses(Compute::Bf16));
    assert!(rounded[11] < rounded[0] && rounded[0] != exact[0], "{rounded:?} {exact:?}");
    assert_eq!(rounded, losses(Compute::Bf16));
}

#[test]
fn own_responses_are_drawn_in_f32() {
    let teacher = model("qwen2", DType::F32, Mode::Frozen);
    let student = model("llama", DType::F32, Mode::Trainable);
    let prompts = Example::of_prompts([vec![3, 5], vec![9]], 16);
    let prompts: Vec<&Example> = prompts.iter().cycle().take(64).collect();
    let loss = on_policy(&teacher, 0.2, 0.2);
    let drawn = |step| loss.respond(&student, &prompts, 0.., 7, step).unwrap();
    // So many that rounded weights would give another token somewhere.
    let many = || (0..8).map(drawn).collect::<Vec<_>>();
    assert_eq!(Compute::Bf16.run(many), many());
}
