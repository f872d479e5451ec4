//! [`Reading`]: from a reply to a [`Row`].

use super::names::{Name, Names};
use super::reply::{Choice, Entry, Likely, LogProbabilities, Pairs, Reply};
use super::{AnswerProblem, Question, Wanted};
use crate::teacher::{Row, Scores};
use operators::candidates::shortest_prefix;

/// What a reply is read with.
pub(super) struct Reading<'a> {
    pub names: &'a Names,
    pub ends: &'a [u32],
    pub wanted: &'a Wanted,
}

/// A row, and whether the token that ended it is missing in the reply.
pub(super) struct Answer {
    pub row: Row,
    pub withheld: bool,
}

/// A position of a response, as the server describes it.
struct Position {
    name: Name,
    log: f64,
    /// Falling; at most as many as were asked for.
    top: Vec<(Name, f64)>,
}

impl Reading<'_> {
    /// The row of a reply.
    pub fn row(&self, reply: Reply, question: &Question) -> Result<Answer, AnswerProblem> {
        let own = question.prompt.tokens.len();
        let served = reply.usage.and_then(|usage| usage.prompt_tokens);
        if let Some(served) = served.filter(|&served| served != own as u64) {
            return Err(AnswerProblem::PromptTokens { served, own });
        }
        let [choice] = <[Choice; 1]>::try_from(reply.choices)
            .map_err(|choices| AnswerProblem::Choices(choices.len()))?;
        let missing = || AnswerProblem::NoLogProbabilities("at all".into());
        let positions = positions(choice.logprobs.ok_or_else(missing)?)?;
        let most = self.wanted.sampling.max_new_tokens;
        if positions.len() > most {
            return Err(AnswerProblem::TooLong { found: positions.len(), most });
        }
        let (mut response_tokens, mut scores) = (Vec::new(), Scores::default());
        for (t, position) in positions.into_iter().enumerate() {
            response_tokens.push(self.names.id(&position.name, t)?);
            self.score(position, t, &mut scores)?;
        }
        let stopped = choice.finish_reason.as_deref() == Some("stop");
        let ended = stopped && response_tokens.last().is_some_and(|id| self.ends.contains(id));
        let row = Row {
            prompt: question.prompt.number,
            response: question.response,
            prompt_tokens: question.prompt.tokens.clone(),
            response_tokens,
            ended,
            scores,
        };
        Ok(Answer { row, withheld: stopped && !ended })
    }

    /// Adds the candidate set of a position: the shortest prefix of the list that reaches p.
    ///
    /// The list is normalised over the vocabulary, so its total is 1, however much of it is shown.
    fn score(
        &self,
        position: Position,
        t: usize,
        scores: &mut Scores,
    ) -> Result<(), AnswerProblem> {
        let chosen = log_probability(position.log, t)?;
        let top = self.ranked(position, t)?;
        let p = self.wanted.p;
        let weights = || top.iter().map(|(_, log)| log.exp());
        let reached = shortest_prefix(weights(), 1.0, p);
        if reached.is_none() && !self.wanted.short_sets {
            let (found, mass) = (top.len(), weights().sum());
            return Err(AnswerProblem::ShortSet { position: t, found, mass, p: p.get() });
        }
        let size = reached.unwrap_or(top.len());
        let set = self.set(&top, size, t)?;
        let mass = weights().take(size).sum::<f64>().min(1.0) as f32;
        // A set is short where its stored mass is below p, in f32: rounding shall not hide it.
        let below = (p.get() as f32).next_down();
        scores.chosen.push(chosen);
        scores.mass.push(if reached.is_none() { mass.min(below) } else { mass });
        scores.sizes.push(size as u32);
        scores.candidates.extend(set.iter().map(|&(token, _)| token));
        scores.log_probabilities.extend(set.iter().map(|&(_, log)| log));
        Ok(())
    }

    /// The most likely tokens in falling order, without a chosen one that is there for itself only.
    fn ranked(&self, position: Position, t: usize) -> Result<Vec<(Name, f64)>, AnswerProblem> {
        let Position { name, mut top, .. } = position;
        if top.is_empty() {
            return Err(AnswerProblem::NoLogProbabilities(format!("at position {t}")));
        }
        for &(_, log) in &top {
            log_probability(log, t)?;
        }
        top.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let asked = self.wanted.top as usize;
        if top.len() > asked {
            // The chosen token stands in the list whether it is likely or not.
            top.truncate(asked);
            return Ok(top);
        }
        let whole = top.len() >= asked.min(self.names.len());
        let ends_with_chosen = top.last().is_some_and(|(last, _)| *last == name);
        if whole && !ends_with_chosen {
            return Ok(top);
        }
        if !whole && ends_with_chosen && top.len() > 1 {
            // A shorter list than was asked for: likelier tokens may be missing before this one.
            top.pop();
        }
        self.nothing_hidden(&top, t)?;
        Ok(top)
    }

    /// Whether no token can be missing that belongs in the set, because another of the same text
    /// stands in its place: what is not shown is less than the last token of the set.
    fn nothing_hidden(&self, top: &[(Name, f64)], t: usize) -> Result<(), AnswerProblem> {
        let Some((hiding, _)) = top.iter().find(|(name, _)| self.names.hides(name)) else {
            return Ok(());
        };
        let weights = || top.iter().map(|(_, log)| log.exp());
        let size = shortest_prefix(weights(), 1.0, self.wanted.p).unwrap_or(top.len());
        let unseen = 1.0 - weights().sum::<f64>();
        match weights().nth(size - 1) {
            Some(least) if unseen < least => Ok(()),
            _ => Err(self.names.id(hiding, t).err().unwrap_or_else(|| {
                AnswerProblem::UnknownToken { position: t, token: format!("{:?}", hiding.text) }
            })),
        }
    }

    /// The first `size` tokens by number, ties by the lower one.
    fn set(
        &self,
        top: &[(Name, f64)],
        size: usize,
        t: usize,
    ) -> Result<Vec<(u32, f32)>, AnswerProblem> {
        let tied = top.iter().take_while(|(_, log)| *log >= top[size - 1].1);
        let numbered = tied.map(|(name, log)| Ok((self.names.id(name, t)?, *log)));
        let mut set = numbered.collect::<Result<Vec<(u32, f64)>, AnswerProblem>>()?;
        set.sort_by(|(i, a), (j, b)| b.total_cmp(a).then(i.cmp(j)));
        set.truncate(size);
        let mut tokens: Vec<u32> = set.iter().map(|&(token, _)| token).collect();
        tokens.sort_unstable();
        if let Some(pair) = tokens.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(AnswerProblem::Twice { position: t, token: pair[0] });
        }
        Ok(set.into_iter().map(|(token, log)| (token, log as f32)).collect())
    }
}

/// A log-probability that is one in `f32` too.
fn log_probability(value: f64, position: usize) -> Result<f32, AnswerProblem> {
    let log = value as f32;
    // Written so that a NaN fails.
    if value <= 0.0 && log.is_finite() {
        Ok(log)
    } else {
        Err(AnswerProblem::Number { position, value })
    }
}

/// The positions of a response in either form.
fn positions(given: LogProbabilities) -> Result<Vec<Position>, AnswerProblem> {
    let likely = |given: Likely| (Name::numbered(given.id, given.token), given.logprob);
    if let Some(content) = given.content {
        let position = |entry: Entry| Position {
            name: Name::numbered(entry.id, entry.token),
            log: entry.logprob,
            top: entry.top_logprobs.into_iter().map(likely).collect(),
        };
        return Ok(content.into_iter().map(position).collect());
    }
    let missing = |what: &str| AnswerProblem::NoLogProbabilities(format!("({what} is missing)"));
    let tokens = given.tokens.ok_or_else(|| missing("tokens"))?;
    let chosen = given.token_logprobs.ok_or_else(|| missing("token_logprobs"))?;
    let top = given.top_logprobs.ok_or_else(|| missing("top_logprobs"))?;
    if tokens.len() != chosen.len() || tokens.len() != top.len() {
        let (tokens, chosen, top) = (tokens.len(), chosen.len(), top.len());
        return Err(AnswerProblem::Lengths { tokens, chosen, top });
    }
    let position = |(t, ((token, log), top)): (usize, ((String, Option<f64>), Option<_>))| {
        let missing = || AnswerProblem::NoLogProbabilities(format!("at position {t}"));
        let Pairs(top) = top.ok_or_else(missing)?;
        let top = top.into_iter().map(|(token, log)| (Name::written(token), log)).collect();
        Ok(Position { name: Name::written(token), log: log.ok_or_else(missing)?, top })
    };
    tokens.into_iter().zip(chosen).zip(top).enumerate().map(position).collect()
}
