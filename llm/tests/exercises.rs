//! Exercises: their answers, worked out a second time from the instructions; their splits; their
//! tokens.

use llm::evaluation::respond;
use llm::exercises::{Exercise, Exercises, Size, Task, vocabulary, write_teacher};
use llm::generation::Sampling;
use llm::teacher::{Prompt, hash_file};
use llm::text::{FieldNames, Message, read_records};
use llm::{Checkpoint, DType, Device, Mode, ModelConfig};
use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;

/// The SHA-256 of the weights of the teacher that is built in; `llm/assets/teacher/README.md`.
const TEACHER: &str = "e9c1e2717335c6ee94cde39fc676d81a5443d9aa8b140a2e75433ba762fa89ef";

/// How many of 96 exercises it answers rightly, a few less.
const RIGHT: usize = 70;

const SIZE: Size = Size { train: 2400, held_out: 240 };

fn all(exercises: &Exercises) -> impl Iterator<Item = &Exercise> {
    exercises.train.iter().chain(&exercises.dev).chain(&exercises.test)
}

fn numbers(text: &str) -> Vec<usize> {
    let parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().expect("a number")).collect()
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).collect()
}

/// The word that an instruction is about: the one that is in none of the ways to ask.
fn made_up(instruction: &str) -> &str {
    const WORDS: &str = "Reverse the word Write backwards What is Sort letters of Put in order \
        Spell How do you spell Say times plural There one Name two them";
    let known: HashSet<&str> = WORDS.split_whitespace().collect();
    let rest: Vec<&str> =
        words(instruction).into_iter().filter(|word| !known.contains(word)).collect();
    assert_eq!(rest.len(), 1, "{instruction}");
    rest[0]
}

fn listed(instruction: &str) -> Vec<&str> {
    words(instruction.split_once(": ").expect("a list").1)
}

/// What the short answers to an exercise are, worked out from its instruction alone.
fn solutions(exercise: &Exercise) -> Vec<String> {
    let text = exercise.instruction.as_str();
    let number = numbers(text);
    match exercise.task {
        Task::Sum => vec![(number[0] + number[1]).to_string()],
        Task::Difference => vec![number[0].abs_diff(number[1]).to_string()],
        Task::Larger => vec![number[0].max(number[1]).to_string()],
        Task::Between => (number[0] + 1..number[1]).map(|x| x.to_string()).collect(),
        Task::Reverse => vec![made_up(text).chars().rev().collect()],
        Task::Sort => {
            let letters: BTreeSet<(char, usize)> = made_up(text).chars().zip(0..).collect();
            vec![letters.iter().map(|(letter, _)| *letter).collect()]
        }
        Task::Spell => vec![made_up(text).split("").collect::<Vec<_>>().join(" ").trim().into()],
        Task::Repeat => vec![format!("{} ", made_up(text)).repeat(number[0]).trim().into()],
        Task::Plural => {
            let noun = made_up(text);
            let hisses = ["x", "ch", "sh"].iter().any(|ending| noun.ends_with(ending));
            vec![match noun.strip_suffix('y') {
                Some(stem) => format!("{stem}ies"),
                None if hisses => format!("{noun}es"),
                None => format!("{noun}s"),
            }]
        }
        Task::Place => {
            let list = listed(text);
            let at = |name: &str| text.contains(&format!("the {name} word"));
            let place = if at("first") {
                0
            } else if at("second") {
                1
            } else {
                list.len() - 1
            };
            vec![list[place].into()]
        }
        Task::Choice => listed(text).iter().map(|word| (*word).into()).collect(),
        Task::Kind => {
            let of_kind: &[&str] = match text {
                t if t.contains("an animal") => {
                    &["cat", "dog", "cow", "bird", "fish", "horse", "mouse", "goat"]
                }
                t if t.contains("a colour") => {
                    &["red", "blue", "green", "black", "white", "pink", "brown", "grey"]
                }
                t if t.contains("a food") => {
                    &["bread", "rice", "soup", "cake", "milk", "cheese", "apple", "plum"]
                }
                _ => &["hammer", "saw", "knife", "spoon", "brush", "rake", "axe", "drill"],
            };
            listed(text)
                .into_iter()
                .filter(|word| of_kind.contains(word))
                .map(String::from)
                .collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_answers_are_those_worked_out_from_the_instruction() {
    for exercise in all(&Exercises::new(SIZE, 3)) {
        let solutions = solutions(exercise);
        for solution in &solutions {
            assert!(exercise.outputs.contains(solution), "{exercise:?}: {solution}");
        }
        // A longer answer holds the short one, up to commas between letters and words.
        for output in &exercise.outputs {
            let plain = output.replace(',', "");
            assert!(solutions.iter().any(|s| plain.contains(s)), "{exercise:?}: {output}");
        }
        assert!(exercise.outputs.contains(&exercise.output), "{exercise:?}");
    }
}

#[test]
fn right_answers_are_accepted_and_wrong_ones_are_not() {
    let exercises = Exercises::new(SIZE, 0);
    let of = |task| exercises.test.iter().find(|e| e.task == task).expect("an exercise");
    for task in Task::ALL {
        let exercise = of(task);
        for output in &exercise.outputs {
            assert!(exercise.accepts(output) && exercise.accepts(&format!(" {output} ")));
            assert!(!exercise.accepts(&format!("{output} more")));
        }
        assert!(!exercise.accepts("") && !exercise.accepts(&exercise.instruction));
    }
    let sum = of(Task::Sum);
    let wrong = solutions(sum)[0].parse::<usize>().expect("a number") + 1;
    assert!(!sum.accepts(&wrong.to_string()));
}

#[test]
fn the_seed_decides_everything() {
    assert_eq!(Exercises::new(SIZE, 5), Exercises::new(SIZE, 5));
    assert_ne!(Exercises::new(SIZE, 5), Exercises::new(SIZE, 6));
}

#[test]
fn no_question_is_in_two_splits_whatever_the_seeds() {
    let (one, other) = (Exercises::new(SIZE, 1), Exercises::new(SIZE, 2));
    let questions =
        |split: &[Exercise]| split.iter().map(|e| e.question.clone()).collect::<HashSet<_>>();
    for (a, b) in [(&one, &one), (&one, &other)] {
        assert!(questions(&a.train).is_disjoint(&questions(&b.dev)));
        assert!(questions(&a.train).is_disjoint(&questions(&b.test)));
        assert!(questions(&a.dev).is_disjoint(&questions(&b.test)));
    }
    let instructions: HashSet<&str> = all(&one).map(|e| e.instruction.as_str()).collect();
    assert_eq!(instructions.len(), all(&one).count());
}

#[test]
fn every_task_has_its_share_of_each_split() {
    let exercises = Exercises::new(SIZE, 0);
    let splits = [(&exercises.train, 200), (&exercises.dev, 20), (&exercises.test, 20)];
    for (split, share) in splits {
        for task in Task::ALL {
            let count = split.iter().filter(|e| e.task == task).count();
            assert_eq!(count, share, "{}", task.name());
        }
    }
}

#[test]
fn what_is_written_is_a_data_set() {
    let folder = tempfile::tempdir().expect("folder");
    let exercises = Exercises::new(Size { train: 50, held_out: 13 }, 0);
    exercises.write(folder.path()).expect("written");
    let fields = |output: &str| FieldNames { output: output.into(), ..FieldNames::default() };
    let read = |name: &str, output| {
        read_records(&folder.path().join(name), &fields(output)).expect("records")
    };
    let train = read("train.jsonl", "output");
    assert_eq!((train.len(), read("dev.jsonl", "output").len()), (50, 13));
    for (record, exercise) in train.iter().zip(&exercises.train) {
        assert_eq!(record.instruction, exercise.instruction);
        assert_eq!(record.outputs, std::slice::from_ref(&exercise.output));
    }
    for (record, exercise) in read("test.jsonl", "outputs").iter().zip(&exercises.test) {
        assert_eq!(record.outputs, exercise.outputs);
    }
}

#[test]
fn common_words_are_tokens_and_made_up_ones_are_spelled() {
    let folder = tempfile::tempdir().expect("folder");
    let exercises = Exercises::new(Size { train: 12_000, held_out: 120 }, 0);
    let tokenizer = vocabulary(&exercises.train, folder.path()).expect("a tokenizer");
    let count = tokenizer.vocabulary().len();
    assert!((200..=400).contains(&count), "{count} tokens");
    let cut = |text: &str| {
        let ids = tokenizer.encode(text).expect("tokens");
        ids.into_iter().map(|id| tokenizer.token(id).expect("a token")).collect::<Vec<_>>()
    };
    let of_prompt = ["What", " is", " 1", "7", " plus", " 4", "?"];
    assert_eq!(cut("What is 17 plus 4?").concat(), of_prompt.concat());
    assert_eq!(cut("3 plus 17"), ["3", " plus", " ", "1", "7"]);
    assert_eq!(cut("red cat"), ["red", " cat"]);
    assert_eq!(
        cut("Reverse the word tofiz."),
        ["Reverse", " the", " word", " ", "t", "o", "f", "i", "z", "."]
    );
    for exercise in all(&exercises) {
        for text in exercise.outputs.iter().chain([&exercise.instruction]) {
            let ids = tokenizer.encode(text).expect("tokens");
            assert!(ids.len() < 32, "{text}: {} tokens", ids.len());
            assert_eq!(&tokenizer.decode(&ids).expect("a text"), text);
        }
    }
}

#[test]
fn the_chat_template_is_read_from_the_folder() {
    let folder = tempfile::tempdir().expect("folder");
    let exercises = Exercises::new(Size { train: 600, held_out: 12 }, 0);
    let tokenizer = vocabulary(&exercises.train, folder.path()).expect("a tokenizer");
    let text = r#"{"model_type":"llama","vocab_size":500,"hidden_size":4,"intermediate_size":4,
        "num_hidden_layers":1,"num_attention_heads":1,"max_position_embeddings":64,"eos_token_id":0}"#;
    let path = folder.path().join("config.json");
    let config = ModelConfig::parse(text, &path).expect("a config");
    let model =
        llm::Model::random(config, 0, llm::DType::F32, &llm::Device::Cpu, llm::Mode::Frozen);
    model.and_then(|model| model.save(folder.path())).expect("saved");
    let checkpoint = Checkpoint::open(folder.path()).expect("a model");
    let prompt = checkpoint.chat_template().and_then(|t| t.render(&[Message::user("Spell dob.")]));
    let prompt = prompt.expect("a prompt");
    assert_eq!(prompt, "<|user|>Spell dob.<|answer|>");
    let ids = tokenizer.encode(&prompt).expect("tokens");
    assert_eq!((ids[0], ids.last()), (1, Some(&2)));
    assert_eq!(checkpoint.tokenizer().expect("a tokenizer").hash(), tokenizer.hash());
}

#[test]
fn the_teacher_that_is_built_in_answers_exercises_it_was_not_trained_on() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path().join("teacher");
    write_teacher(&folder).expect("written");
    assert_eq!(hash_file(&folder.join("model.safetensors")).expect("a hash"), TEACHER);
    let checkpoint = Checkpoint::open(&folder).expect("a model");
    let model = checkpoint.model(DType::F32, &Device::Cpu, Mode::Frozen).expect("weights");
    let (tokenizer, template) =
        (checkpoint.tokenizer().unwrap(), checkpoint.chat_template().unwrap());
    let exercises = Exercises::new(Size { train: 0, held_out: 96 }, 99).test;
    let prompt = |(number, exercise): (u32, &Exercise)| {
        let text = template.render(&[Message::user(&exercise.instruction)]).expect("a prompt");
        Prompt { number, tokens: tokenizer.encode(&text).expect("tokens") }
    };
    let prompts: Vec<Prompt> = (0..).zip(&exercises).map(prompt).collect();
    let sampling = Sampling { greedy: true, max_new_tokens: 24, ..Sampling::default() };
    let ends = checkpoint.end_of_sequence().expect("ends");
    let watch = &mut |_| ControlFlow::Continue(());
    let texts = respond(&model, &tokenizer, &prompts, &ends, &sampling, 96, watch).expect("texts");
    let right = exercises.iter().zip(&texts).filter(|(exercise, text)| exercise.accepts(text));
    // Rounding on other machines may turn one answer or another.
    let right = right.count();
    assert!(right >= RIGHT, "{right} of {}", texts.len());
}
