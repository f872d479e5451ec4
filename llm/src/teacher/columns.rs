//! Rows as columns of Arrow arrays, and back.

use super::{Row, Scores};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, UInt32Type};
use arrow_array::{Array, ArrayRef, BooleanArray, ListArray, RecordBatch, UInt32Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

/// The columns of a cache.
pub(super) fn schema() -> SchemaRef {
    let plain = |name: &str, of: DataType| Field::new(name, of, false);
    let list = |name: &str, of: DataType| {
        plain(name, DataType::List(Arc::new(Field::new_list_field(of, true))))
    };
    Arc::new(Schema::new(vec![
        plain("prompt", DataType::UInt32),
        plain("response", DataType::UInt32),
        list("prompt_tokens", DataType::UInt32),
        list("response_tokens", DataType::UInt32),
        plain("ended", DataType::Boolean),
        list("chosen_log_probabilities", DataType::Float32),
        list("captured_mass", DataType::Float32),
        list("set_sizes", DataType::UInt32),
        list("candidate_tokens", DataType::UInt32),
        list("candidate_log_probabilities", DataType::Float32),
    ]))
}

/// Rows as columns.
pub(super) fn to_batch(rows: &[Row]) -> Result<RecordBatch, ArrowError> {
    let numbers = |of: fn(&Row) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(of)))
    };
    let tokens = |of: fn(&Row) -> &Vec<u32>| lists::<UInt32Type>(rows, of);
    let reals = |of: fn(&Row) -> &Vec<f32>| lists::<Float32Type>(rows, of);
    let ended: BooleanArray = rows.iter().map(|row| Some(row.ended)).collect();
    let columns = vec![
        numbers(|row| row.prompt),
        numbers(|row| row.response),
        tokens(|row| &row.prompt_tokens),
        tokens(|row| &row.response_tokens),
        Arc::new(ended),
        reals(|row| &row.scores.chosen),
        reals(|row| &row.scores.mass),
        tokens(|row| &row.scores.sizes),
        tokens(|row| &row.scores.candidates),
        reals(|row| &row.scores.log_probabilities),
    ];
    RecordBatch::try_new(schema(), columns)
}

fn lists<T: ArrowPrimitiveType>(rows: &[Row], of: fn(&Row) -> &Vec<T::Native>) -> ArrayRef {
    let lists = rows.iter().map(|row| Some(of(row).iter().copied().map(Some)));
    Arc::new(ListArray::from_iter_primitive::<T, _, _>(lists))
}

/// Columns as rows; or what is wrong with them.
pub(super) fn to_rows(batch: &RecordBatch) -> Result<Vec<Row>, String> {
    let columns = Columns(batch);
    let (prompt, response) = (columns.numbers("prompt")?, columns.numbers("response")?);
    let prompt_tokens = columns.lists::<UInt32Type>("prompt_tokens")?;
    let response_tokens = columns.lists::<UInt32Type>("response_tokens")?;
    let ended = columns.flags("ended")?;
    let chosen = columns.lists::<Float32Type>("chosen_log_probabilities")?;
    let mass = columns.lists::<Float32Type>("captured_mass")?;
    let sizes = columns.lists::<UInt32Type>("set_sizes")?;
    let candidates = columns.lists::<UInt32Type>("candidate_tokens")?;
    let log_probabilities = columns.lists::<Float32Type>("candidate_log_probabilities")?;
    let row = |i: usize| {
        let scores = Scores {
            chosen: values::<Float32Type>(chosen, i),
            mass: values::<Float32Type>(mass, i),
            sizes: values::<UInt32Type>(sizes, i),
            candidates: values::<UInt32Type>(candidates, i),
            log_probabilities: values::<Float32Type>(log_probabilities, i),
        };
        let row = Row {
            prompt: prompt.value(i),
            response: response.value(i),
            prompt_tokens: values::<UInt32Type>(prompt_tokens, i),
            response_tokens: values::<UInt32Type>(response_tokens, i),
            ended: ended.value(i),
            scores,
        };
        let whose = format!("response {} to prompt {}", row.response, row.prompt);
        row.problem().map_or(Ok(row), |problem| Err(format!("{whose}: {problem}")))
    };
    (0..batch.num_rows()).map(row).collect()
}

/// The list at row `i`, whose type has been checked.
fn values<T: ArrowPrimitiveType>(lists: &ListArray, i: usize) -> Vec<T::Native> {
    lists.value(i).as_primitive::<T>().values().to_vec()
}

/// Columns by name, checked for type and missing values.
struct Columns<'a>(&'a RecordBatch);

impl<'a> Columns<'a> {
    fn named(&self, name: &str) -> Result<&'a ArrayRef, String> {
        let column = self.0.column_by_name(name).ok_or(format!("there is no column {name}"))?;
        match column.null_count() {
            0 => Ok(column),
            _ => Err(format!("the column {name} has missing values")),
        }
    }

    fn numbers(&self, name: &str) -> Result<&'a UInt32Array, String> {
        let column = self.named(name)?;
        column.as_primitive_opt().ok_or_else(|| wrong(name, column))
    }

    fn flags(&self, name: &str) -> Result<&'a BooleanArray, String> {
        let column = self.named(name)?;
        column.as_boolean_opt().ok_or_else(|| wrong(name, column))
    }

    fn lists<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&'a ListArray, String> {
        let column = self.named(name)?;
        let lists = column.as_list_opt::<i32>().ok_or_else(|| wrong(name, column))?;
        let items = lists.values();
        if items.as_primitive_opt::<T>().is_none() {
            return Err(wrong(name, column));
        }
        match items.null_count() {
            0 => Ok(lists),
            _ => Err(format!("the lists of column {name} have missing values")),
        }
    }
}

fn wrong(name: &str, column: &ArrayRef) -> String {
    format!("the column {name} is of type {}", column.data_type())
}
