//! Storm's explicit text format DRN, for MDPs and Markov chains (one action a state).
//!
//! ```text
//! @type: MDP
//! @reward_models
//! coins
//! @nr_states
//! 1
//! @model
//! state 0 [0] init
//!     action 0 [1]
//!         0 : 1
//! ```
//!
//! The reward of a pair is that of its state plus that of its action. Labels, exact rates of
//! other model types and comments (`//`) carry nothing that an MDP needs; parameters and
//! intervals are refused. Probabilities and rewards may be fractions of whole numbers. Action
//! names that are whole numbers are the action numbers; otherwise a state's actions are counted.

use super::Contents;
use super::error::{Defect, Problem, shown};
use super::table::{Table, TableRow, Transition, check_count, number_actions};
use super::tokens::{Lexicon, Words};
use std::fmt::Write;
use std::iter::Peekable;

const LEXICON: Lexicon = Lexicon { comment: "//", marks: &[':', '[', ']', ','] };

/// What comes before `@model`.
#[derive(Default)]
struct Header {
    typed: bool,
    /// A Markov chain, in which `action` lines may be missing.
    chain: bool,
    reward_models: Vec<String>,
    /// Counts, and the lines that declare them.
    states: Option<(u64, usize)>,
    choices: Option<(u64, usize)>,
}

pub(super) fn parse(text: &str, rewards: Option<&str>) -> Result<Table, Defect> {
    let mut lines = LEXICON.lines(text).peekable();
    let header = Header::read(&mut lines)?;
    let mut body = Body {
        chain: header.chain,
        reward: RewardChoice::new(header.reward_models, rewards)?,
        states: 0,
        state_reward: None,
        action_reward: None,
        rows: Vec::new(),
        names: Vec::new(),
    };
    for mut words in lines {
        body.line(&mut words)?;
    }
    let declared = header.states.ok_or(Problem::Missing { what: "@nr_states" })?;
    check_count("states", declared, body.states)?;
    if let Some(declared) = header.choices {
        check_count("choices", declared, body.rows.len())?;
    }
    let own: Vec<Option<u32>> = body.names.iter().map(|name| name.parse().ok()).collect();
    number_actions(&mut body.rows, &own);
    Ok(Table { states: body.states, rows: body.rows, ..Table::default() })
}

impl Header {
    fn read<'a>(lines: &mut Peekable<impl Iterator<Item = Words<'a>>>) -> Result<Self, Defect> {
        let mut header = Self::default();
        while let Some(mut words) = lines.next() {
            let line = words.line();
            let key = words.word("a section such as `@type`")?;
            let mut section = || lines.next_if(|next| !next.peek(0).is_some_and(is_section));
            match key.text {
                "@type" => header.read_type(&mut words)?,
                "@value_type" => read_value_type(&mut words)?,
                "@parameters" if section().is_none() => {}
                "@parameters" | "@placeholders" => return Err(PARAMETRIC.at(line)),
                "@reward_models" => {
                    if let Some(mut names) = section() {
                        while names.peek(0).is_some() {
                            header.reward_models.push(names.word("a name")?.text.to_owned());
                        }
                    }
                }
                "@nr_states" => header.states = Some(read_count(section(), line)?),
                "@nr_choices" => header.choices = Some(read_count(section(), line)?),
                "@model" if header.typed => return Ok(header),
                "@model" => return Err(Problem::Missing { what: "@type: MDP" }.into()),
                _ => return Err(key.unexpected("a section such as `@type` or `@model`")),
            }
        }
        Err(Problem::Missing { what: "@model" }.into())
    }

    fn read_type(&mut self, words: &mut Words<'_>) -> Result<(), Defect> {
        words.expect(":", "`:`")?;
        let kind = words.word("`MDP`")?;
        self.typed = true;
        self.chain = kind.text.eq_ignore_ascii_case("dtmc");
        if self.chain || kind.text.eq_ignore_ascii_case("mdp") {
            return Ok(());
        }
        let instead = "give a model of type MDP or DTMC";
        Err(Problem::Unsupported { what: "this type of model", instead }.at(kind.line))
    }
}

const PARAMETRIC: Problem = Problem::Unsupported {
    what: "a model with parameters or placeholders",
    instead: "export it again with numbers in their place",
};

fn is_section(word: &str) -> bool {
    word.starts_with('@')
}

fn read_value_type(words: &mut Words<'_>) -> Result<(), Defect> {
    words.expect(":", "`:`")?;
    let kind = words.word("`double`")?;
    if matches!(kind.text, "double" | "rational") {
        return Ok(());
    }
    let instead = "export the model with plain numbers (`double` or `rational`)";
    Err(Problem::Unsupported { what: "this type of value", instead }.at(kind.line))
}

/// The count in the line after a section's name, with that line.
fn read_count(section: Option<Words<'_>>, line: usize) -> Result<(u64, usize), Defect> {
    let expected = "a count";
    let mut words = section.ok_or(Problem::Ended { expected }.at(line))?;
    let word = words.word(expected)?;
    words.end()?;
    Ok((word.whole()?, word.line))
}

/// Which of the bracketed numbers is the reward.
struct RewardChoice {
    of: usize,
    index: usize,
}

impl RewardChoice {
    fn new(names: Vec<String>, chosen: Option<&str>) -> Result<Self, Problem> {
        let of = names.len();
        let index = match chosen {
            None if of <= 1 => Some(0),
            None => None,
            Some(name) if of == 0 => {
                return Err(Problem::NoRewardModels { name: name.to_owned() });
            }
            Some(name) => names.iter().position(|n| n == name),
        };
        let found = || match chosen {
            None => format!("the file has {of} reward models"),
            Some(name) => format!("the file has no reward model `{}`", shown(name)),
        };
        index.map(|index| Self { of, index }).ok_or_else(|| Problem::RewardModel {
            found: found(),
            names: names.iter().map(|name| shown(name)).collect(),
        })
    }

    /// The reward in `[r1, r2, …]`, or `None` when there are no brackets.
    fn read(&self, words: &mut Words<'_>) -> Result<Option<f64>, Defect> {
        let line = words.line();
        if !words.take("[") {
            return Ok(None);
        }
        let (mut found, mut reward) = (0, None);
        while !words.take("]") {
            if found > 0 {
                words.expect(",", "`,` or `]`")?;
            }
            let value = words.word("a reward or `]`")?.fraction()?;
            reward = if found == self.index { Some(value) } else { reward };
            found += 1;
        }
        check_count("reward models", (self.of as u64, line), found)?;
        Ok(reward)
    }
}

/// The states read so far.
struct Body<'a> {
    chain: bool,
    reward: RewardChoice,
    states: usize,
    state_reward: Option<f64>,
    action_reward: Option<f64>,
    rows: Vec<TableRow>,
    names: Vec<&'a str>,
}

impl<'a> Body<'a> {
    fn line(&mut self, words: &mut Words<'a>) -> Result<(), Defect> {
        let line = words.line();
        let first = words.word("a state, an action or a transition")?;
        match first.text {
            "state" => {
                let number = words.word("the number of the state")?;
                if number.whole::<usize>()? != self.states {
                    let expected = "the number of the next state, counting from 0,";
                    return Err(number.unexpected(expected));
                }
                self.states += 1;
                // Labels may follow.
                self.state_reward = self.reward.read(words)?;
            }
            _ if self.states == 0 => return Err(first.unexpected("`state 0`")),
            "action" => {
                if self.chain && self.row_is_open() {
                    return Err(first.unexpected("the next state of this Markov chain"));
                }
                let name = words.word("the name of the action")?;
                while words.peek(0).is_some_and(|text| text != "[") {
                    words.word("the name of the action")?;
                }
                let reward = self.reward.read(words)?;
                words.end()?;
                self.open_row(name.text, line, reward);
            }
            _ if !self.chain && !self.row_is_open() => return Err(first.unexpected("`action`")),
            _ => {
                let successor = first.whole()?;
                words.expect(":", "`:`")?;
                let weight = words.word("a probability")?.fraction()?;
                words.end()?;
                self.transition(Transition { successor, weight, reward: None }, line);
            }
        }
        Ok(())
    }

    /// Whether the current state has a row already.
    fn row_is_open(&self) -> bool {
        self.rows.last().is_some_and(|row| row.state + 1 == self.states)
    }

    /// A new row of the current state, counted from 0 within it.
    fn open_row(&mut self, name: &'a str, line: usize, reward: Option<f64>) {
        let before = self.rows.last().filter(|_| self.row_is_open());
        let action = before.map_or(0, |row| row.action.saturating_add(1));
        self.action_reward = reward;
        self.names.push(name);
        self.rows.push(TableRow {
            state: self.states - 1,
            action,
            line: Some(line),
            reward: self.state_reward,
            transitions: Vec::new(),
        });
    }

    /// A transition of the current row, which Markov chains need not announce.
    ///
    /// The action's reward goes with every transition: the table then adds it to the state's
    /// without rounding twice.
    fn transition(&mut self, transition: Transition, line: usize) {
        if !self.row_is_open() {
            self.open_row("0", line, None);
        }
        let reward = self.action_reward;
        if let Some(row) = self.rows.last_mut() {
            row.transitions.push(Transition { reward, ..transition });
        }
    }
}

/// The text of a model; state 0 is marked as initial, which Storm insists on.
pub(super) fn render(contents: &Contents<'_>) -> String {
    let mdp = contents.mdp;
    let mut out = format!(
        "@type: MDP\n@parameters\n\n@reward_models\nreward\n@nr_states\n{}\n@nr_choices\n{}\n\
         @model\n",
        mdp.states(),
        mdp.pairs()
    );
    for state in 0..mdp.states() {
        let label = if state == 0 { " init" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "state {state}{label}");
        for pair in mdp.pairs_of(state) {
            let _ = writeln!(out, "\taction {} [{:?}]", mdp.actions()[pair], mdp.rewards()[pair]);
            for (successor, weight) in mdp.row(pair).iter() {
                let _ = writeln!(out, "\t\t{successor} : {weight:?}");
            }
        }
    }
    out
}
