//! The report of a campaign: one HTML page, complete in itself.
//!
//! The page loads nothing and runs nothing: plots are inline SVG, colours follow the reader's
//! light or dark setting, and a family can be switched off in all plots with a check box and CSS.
//! The same campaign gives the same page, byte for byte. Other commands write a [`Sheet`] in the same
//! style.

mod canvas;
mod chart;
mod figures;
mod page;
mod palette;
mod plots;
mod sheet;
mod view;

pub use chart::{Curve, Figure, Scale};
pub use figures::figure;
pub use page::{Entry, Exhibit, Page};
pub use sheet::{Section, Sheet};

use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use thiserror::Error;
use view::View;

/// The name under which the template is known; its ending switches escaping on.
const TEMPLATE: &str = "page.html";

/// Why there is no report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A plot cannot be drawn.
    #[error("cannot draw the plot of {plot}: {reason}")]
    Draw {
        /// What it shows.
        plot: String,
        /// What the plotting library says.
        reason: String,
    },
    /// The template cannot be filled in.
    #[error("cannot fill in the page: {0}")]
    Template(#[from] minijinja::Error),
}

/// Makes the folder of a report and tries to write there, so that a folder that refuses is noticed
/// before the campaign rather than after it.
///
/// # Errors
/// [`ReportError`] when the folder cannot be made or written.
pub fn prepare(dir: &Path) -> Result<(), ReportError> {
    aside(dir).map(drop)
}

/// Writes `dir/index.html`, aside first and then renamed, so that no reader sees half a page.
///
/// # Errors
/// [`ReportError`] when the folder cannot be written.
pub fn write(dir: &Path, page: &Page) -> Result<PathBuf, ReportError> {
    place(dir, &render(page)?)
}

fn place(dir: &Path, html: &str) -> Result<PathBuf, ReportError> {
    let path = dir.join("index.html");
    let trouble = |source| ReportError::Write { path: path.clone(), source };
    let mut file = aside(dir)?;
    file.as_file_mut().write_all(html.as_bytes()).map_err(trouble)?;
    file.persist(&path).map_err(|e| trouble(e.error))?;
    Ok(path)
}

/// A file in `dir`, which is made when missing, that vanishes unless it is given a name.
fn aside(dir: &Path) -> Result<NamedTempFile, ReportError> {
    let trouble = |source| ReportError::Write { path: dir.to_path_buf(), source };
    std::fs::create_dir_all(dir).map_err(trouble)?;
    tabular::aside::aside(dir).map_err(trouble)
}

/// The page as text.
///
/// # Errors
/// [`ReportError`] when a plot cannot be drawn.
pub fn render(page: &Page) -> Result<String, ReportError> {
    let mut environment = environment()?;
    environment.add_template(TEMPLATE, include_str!("page.html"))?;
    Ok(environment.get_template(TEMPLATE)?.render(Value::from(Serde(View::of(page)?)))?)
}

/// What the templates of all pages share.
fn environment() -> Result<Environment<'static>, ReportError> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(syntax);
    environment.add_filter("count", figures::count);
    environment.add_global("style", Value::from_safe_string(include_str!("style.css").into()));
    Ok(environment)
}
