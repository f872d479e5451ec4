//! `bellman distill` without arguments: the whole way from a teacher to a table, offline.
//!
//! Each stage is what a command of its own does, with its files in a folder of its own, and is
//! taken up where it was when the command is started again.

mod jobs;
mod settings;
mod stages;
mod table;
mod trial;

use super::interrupt::Listening;
use super::output::{print_json, say};
use super::{CliError, End};
use llm::{LlmError, NewFolder, write_text};
use settings::Settings;
use stages::Stages;
use std::path::PathBuf;
use std::time::Instant;
use table::Table;

/// A demonstration as it was asked for.
#[derive(Debug)]
pub struct Tour {
    /// Its settings, where they are not those that are built in.
    pub demonstration: Option<PathBuf>,
    /// Its folder.
    pub out: PathBuf,
    /// Its seed, where it is not that of the settings.
    pub seed: Option<u64>,
    /// Whether the folder must hold it already.
    pub resume: bool,
    /// Whether the table is printed as JSON.
    pub json: bool,
}

/// What the settings are called in the folder.
const SETTINGS: &str = "demonstration.toml";

impl Tour {
    /// Where it goes when nobody says.
    pub const FOLDER: &str = "bellman-distill-run";

    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let started = Instant::now();
        let settings = self.settings()?;
        let listening = Listening::start();
        let stages = Stages::new(&settings, &self.out);
        say!(
            "a teacher that is built in, and students made of its layers; all files go to {}",
            self.out.display()
        );
        let whole = stages.prepare()? && stages.start()? && stages.train()? && stages.try_all()?;
        drop(listening);
        if !whole {
            say!("stopped; the same command goes on from here");
            return Ok(End::Interrupted);
        }
        let table = Table::new(&settings, &stages, started.elapsed())?;
        if self.json {
            print_json(&table)?;
        } else {
            table.print();
        }
        Ok(End::Fine)
    }

    /// The settings, which lie in the folder from here on.
    fn settings(&self) -> Result<Settings, CliError> {
        let kept = self.out.join(SETTINGS);
        let there = kept.exists();
        if self.resume {
            if !there {
                let what = format!("{} holds no run", self.out.display());
                return Err(CliError::argument(what, "start one without `--resume`"));
            }
            if self.demonstration.is_some() || self.seed.is_some() {
                let what = "--resume goes on with the settings that the run was started with";
                return Err(CliError::argument(what, "leave out the other settings"));
            }
            return Settings::read(&kept);
        }
        let file = self.demonstration.as_deref();
        let mut settings = file.map_or_else(Settings::built_in, Settings::read)?;
        settings.seed = self.seed.unwrap_or(settings.seed);
        if there {
            if Settings::read(&kept)? != settings {
                let what = format!("{} holds a run with other settings", self.out.display());
                let help = "go on with it by `--resume`, or give another folder by `--out`";
                return Err(CliError::argument(what, help));
            }
            return Ok(settings);
        }
        self.check_folder()?;
        write_text(&kept, &settings.to_toml()?)?;
        Ok(settings)
    }

    /// Whether a demonstration may begin in the folder, which is made if need be.
    fn check_folder(&self) -> Result<(), CliError> {
        NewFolder::check(&self.out)?;
        let failed = |source| LlmError::Write { path: self.out.clone(), source };
        Ok(std::fs::create_dir_all(&self.out).map_err(failed)?)
    }
}
