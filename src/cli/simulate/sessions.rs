//! The sessions that the arguments describe: contents, traces, players, options.

use super::Args;
use crate::cli::CliError;
use crate::compat::sabre;
use crate::manifest::QualityReport;
use crate::playback::{Client, Layers, Patience, Stream, Title, locate};
use crate::player::abr::Abr;
use crate::simulate::content::Content;
use crate::simulate::grid::{FitTo, Grid, Player};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// Default of `--oracle-plans`: close to the optimum.
const ORACLE_PLANS: usize = 300;
const LAYERS: &str = "layers";

impl Args {
    pub(super) fn sessions(&self) -> Result<Grid, CliError> {
        let contents = self.contents()?;
        let mut grid = Grid {
            traces: self.corpus()?,
            players: self.players()?,
            seeds: self.grid.seeds,
            conditions: self.conditions(),
            fit_to: self.fit_to(&contents)?,
            thresholds: self.grid.thresholds.clone(),
            oracle_plans: self.oracle_plans(),
            extra: Some(sabre::figures),
            ..Grid::default()
        };
        // The last call is for the first title, whose rungs `--rung` counts.
        for content in contents.iter().rev() {
            grid.options = self.session.options(&content.ladder)?;
        }
        if !self.is_grid() {
            grid.players = vec![Player::Abr(grid.options.abr)];
        }
        grid.contents = contents;
        Ok(grid)
    }

    /// The contents to stream, with the requested length and utilities.
    fn contents(&self) -> Result<Vec<Content>, CliError> {
        let titles = self.title.iter().chain(&self.grid.titles);
        let titles = titles.map(|title| self.layered(title, content(title)?));
        let movies = self.movie.iter().map(|file| Ok(Content::movie(file)?));
        let ladders = self.grid.ladder.iter();
        let ladders = ladders.map(|file| Ok(Content::measured(file)?));
        let contents = titles.chain(movies).chain(ladders);
        let contents: Vec<Content> = contents.collect::<Result<_, CliError>>()?;
        if contents.is_empty() {
            let message = "nothing to stream: give a title, --movie FILE or --ladder FILE";
            return Err(CliError::input(message));
        }
        // Reports identify contents by name.
        let mut names = HashSet::new();
        if let Some(twin) = contents.iter().find(|content| !names.insert(&content.name)) {
            return Err(CliError::input(format!("{}: was named twice", twin.name)));
        }
        let prepared = contents.into_iter().map(|mut content| {
            if let Some(length_s) = self.length {
                content = content.lasting(length_s);
            }
            Ok(content.with_utility(self.utility)?)
        });
        prepared.collect()
    }

    fn players(&self) -> Result<Vec<Player>, CliError> {
        if self.rules.is_empty() {
            return Ok(vec![Player::Abr(Abr::default())]);
        }
        let mut players = Vec::new();
        for name in &self.rules {
            match name.strip_prefix("sabre:") {
                Some(rule) => players.push(sabre::player(rule)?),
                None if name == "all" => players.extend(Abr::all().map(Player::Abr)),
                None if name == LAYERS => players.push(Player::Layers),
                None => players.push(Player::Abr(name.parse()?)),
            }
        }
        Ok(players)
    }

    fn fit_to(&self, contents: &[Content]) -> Result<Option<FitTo>, CliError> {
        let name = match self.network.fit_to_ladder.as_deref() {
            None => return Ok(None),
            Some("") => return Ok(Some(FitTo::One(0))),
            Some("each") => return Ok(Some(FitTo::Each)),
            Some(name) => name,
        };
        if let Some(index) = contents.iter().position(|content| content.name == name) {
            return Ok(Some(FitTo::One(index)));
        }
        let known: Vec<&str> = contents.iter().map(|c| c.name.as_str()).collect();
        let known = known.join(", ");
        let message = format!("--fit-to-ladder={name}: expected `each` or one of {known}");
        Err(CliError::input(message))
    }

    /// The oracle's limit; a grid must ask for the oracle.
    fn oracle_plans(&self) -> Option<usize> {
        let grid = &self.grid;
        let asked = grid.oracle || grid.oracle_plans.is_some() || !self.is_grid();
        let plans = grid.oracle_plans.unwrap_or(ORACLE_PLANS);
        let plans = if plans == 0 { usize::MAX } else { plans };
        (asked && !grid.no_oracle).then_some(plans)
    }

    /// The title with its layers, if a rule needs them.
    fn layered(&self, title: &str, content: Content) -> Result<Content, CliError> {
        if !self.rules.iter().any(|rule| rule == LAYERS) {
            return Ok(content);
        }
        let (stream, _) = fetch(&locate(title)?, Layers::On)?;
        Ok(content.with_layers(Arc::clone(stream.ladder()))?)
    }
}

/// The first group of a title on disk or behind a URL.
fn content(title: &str) -> Result<Content, CliError> {
    if !title.contains("://") {
        return Ok(Content::title(Path::new(title))?);
    }
    let (stream, quality) = fetch(title, Layers::Off)?;
    let (profile, ladder) = (&stream.group().profile, Arc::clone(stream.ladder()));
    Ok(Content {
        quality,
        ..Content::new(title, profile, ladder)
    })
}

/// The first group of the title at `url` with its whole index and quality.
fn fetch(url: &str, layers: Layers) -> Result<(Stream, Option<QualityReport>), CliError> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(async {
        let client = Client::new(Patience::default())?;
        let title = Title::open(&client, url).await?;
        let stream = title.stream(&client, 0, layers).await?;
        let stream = stream.complete(&client).await?;
        let quality = stream.quality(&client).await?;
        Ok((stream, quality))
    })
}
