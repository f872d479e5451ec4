//! [`Sheet`]: a page of tables and curves, for commands that are no campaign.

use super::chart::{Drawn, Figure};
use super::figures::shell;
use super::{ReportError, environment, place};
use minijinja::value::{Serde, Value};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The name under which the template is known; its ending switches escaping on.
const TEMPLATE: &str = "sheet.html";

/// What a page says. Words are plain text, every number already in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// The command, as a kicker over the title.
    pub kicker: String,
    /// What came out, in one sentence.
    pub title: String,
    /// Further sentences.
    pub remarks: Vec<String>,
    /// The sections.
    pub sections: Vec<Section>,
    /// The command line, word by word, that gives this page again.
    pub command: Vec<String>,
}

/// A heading with words, figures and a table, each of which may be missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// A paragraph.
    pub text: String,
    /// Figures.
    pub figures: Vec<Figure>,
    /// The names of the columns of the table.
    pub header: Vec<String>,
    /// The rows of the table; the first cell names the row.
    pub rows: Vec<Vec<String>>,
}

#[derive(Debug, Serialize)]
struct SheetView<'a> {
    kicker: &'a str,
    title: &'a str,
    remarks: &'a [String],
    sections: Vec<SectionView<'a>>,
    command: String,
}

#[derive(Debug, Serialize)]
struct SectionView<'a> {
    heading: &'a str,
    text: &'a str,
    plots: Vec<Drawn<'a>>,
    header: &'a [String],
    rows: &'a [Vec<String>],
}

impl Sheet {
    /// Writes `dir/index.html`, aside first and then renamed.
    ///
    /// # Errors
    /// [`ReportError`] when a figure cannot be drawn or the folder cannot be written.
    pub fn write(&self, dir: &Path) -> Result<PathBuf, ReportError> {
        place(dir, &self.render()?)
    }

    /// The page as text.
    ///
    /// # Errors
    /// [`ReportError`] when a figure cannot be drawn.
    pub fn render(&self) -> Result<String, ReportError> {
        let view = SheetView {
            kicker: &self.kicker,
            title: &self.title,
            remarks: &self.remarks,
            sections: self.sections.iter().map(Section::view).collect::<Result<_, _>>()?,
            command: shell(&self.command),
        };
        let mut environment = environment()?;
        environment.add_template(TEMPLATE, include_str!("sheet.html"))?;
        Ok(environment.get_template(TEMPLATE)?.render(Value::from(Serde(view)))?)
    }
}

impl Section {
    fn view(&self) -> Result<SectionView<'_>, ReportError> {
        let Self { heading, text, header, rows, .. } = self;
        let plots = self.figures.iter().map(Figure::draw).collect::<Result<_, _>>()?;
        Ok(SectionView { heading, text, plots, header, rows })
    }
}
