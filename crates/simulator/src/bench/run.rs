//! A whole run: every scenario against the cloud and, right after it, against the control.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::bench::error::BenchError;
use crate::bench::process::{Pins, Program};
use crate::bench::report::Report;
use crate::bench::scenarios::Scenario;
use crate::bench::schedule::Clock;
use crate::bench::sizes::Sizes;
use crate::bench::stage::{Cloud, Setting, Side, Stage};
use crate::bench::target::Access;
use crate::bench::usage::{self, Usage};

/// A quick run begins nothing new after this.
const QUICK_LAST_START: Duration = Duration::from_secs(30);
/// And is over after this, whatever happens.
const QUICK_END: Duration = Duration::from_secs(39);
/// No side of a scenario takes longer.
const SIDE_END: Duration = Duration::from_secs(180);

/// Above this share of the machine, what other programs do is worth a word.
const OTHERS: f64 = 0.05;

/// How it is measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// Four scenarios, small, within 40 seconds.
    pub quick: bool,
    /// These and no others; all when empty.
    pub only: Vec<Scenario>,
    /// Of each steady load.
    pub duration: Option<Duration>,
    /// Give the driver one processor and whatever is measured another.
    pub pin: bool,
    /// For everything that looks random.
    pub seed: u64,
}

/// A run that is ready to start.
pub struct Bench {
    /// How.
    pub options: Options,
    /// What is measured.
    pub cloud: Cloud,
    /// The program that is the control.
    pub control: Program,
    /// How phones and apps get in.
    pub access: Access,
    /// An empty folder for data.
    pub scratch: PathBuf,
}

impl Bench {
    /// Runs everything. One line for each phase goes to `progress`.
    ///
    /// # Errors
    /// [`BenchError`] at the first hop that fails.
    pub async fn run(&self, progress: &mut (dyn Write + Send)) -> Result<Report, BenchError> {
        let options = &self.options;
        let sizes = if options.quick { Sizes::quick(options.duration) } else { Sizes::full(options.duration) };
        let scenarios = match (&options.only[..], options.quick) {
            ([], true) => &Scenario::QUICK[..],
            ([], false) => &Scenario::ALL[..],
            (only, _) => only,
        };
        let files = scenarios.iter().map(|scenario| scenario.open_files(&sizes)).max().unwrap_or(0);
        usage::check_open_files(files).map_err(BenchError::Usage)?;
        let pins = if options.pin { Some(Pins::set()?) } else { None };
        let clock = Clock::start();
        let setting = Setting {
            cloud: &self.cloud,
            control: &self.control,
            access: &self.access,
            scratch: &self.scratch,
            pins,
            clock,
            sizes,
            seed: options.seed,
        };
        let began = Instant::now();
        let mut report = Report::default();
        let (mut busiest, mut disturbed) = (0.0_f64, Vec::new());
        report.notes.extend(pins.map(Pins::describe));
        for &scenario in scenarios {
            if options.quick && began.elapsed() > QUICK_LAST_START {
                report.notes.push(format!("{} was left out: 40 s would not be enough", scenario.name()));
                continue;
            }
            let mut sides = [Vec::new(), Vec::new()];
            for (side, figures) in [Side::Cloud, Side::Control].into_iter().zip(&mut sides) {
                let whose = if side == Side::Cloud { "bifocal" } else { "control" };
                let about = scenario.about(&sizes);
                let seconds = began.elapsed().as_secs_f64();
                // A terminal that is gone is no reason to stop measuring.
                let _ = writeln!(progress, "[{seconds:6.1} s] {:<12} {whose}: {about}", scenario.name());
                let play = async {
                    let stage = Stage::set(&setting, side, scenario.name(), scenario.grace()).await?;
                    let watch = Watch::begin(&stage)?;
                    let figures = scenario.play(&stage).await?;
                    Ok::<_, BenchError>((figures, watch.others(&stage)?))
                };
                let left = if options.quick { QUICK_END.saturating_sub(began.elapsed()) } else { SIDE_END };
                let others;
                (*figures, others) = match tokio::time::timeout(left, Box::pin(play)).await {
                    Ok(result) => result?,
                    Err(_) => {
                        let hop = format!("driver → {whose} ({})", scenario.name());
                        return Err(BenchError::hop(hop, format!("not done within {:.0} s", left.as_secs_f64())));
                    }
                };
                if let Some(others) = others.filter(|others| *others > OTHERS) {
                    busiest = busiest.max(others);
                    if disturbed.last() != Some(&scenario.name()) {
                        disturbed.push(scenario.name());
                    }
                }
            }
            let [cloud, control] = sides;
            report.add(scenario.name(), cloud, control);
        }
        if !disturbed.is_empty() {
            report.notes.push(format!(
                "other programs used up to {:.0} % of the machine during {}; measure again when it is quiet",
                100.0 * busiest,
                disturbed.join(", ")
            ));
        }
        report.seconds = began.elapsed().as_secs_f64();
        let _ = writeln!(progress, "[{:6.1} s] done", report.seconds);
        Ok(report)
    }
}

/// Watches what the rest of the machine does during a measurement.
struct Watch {
    began: Instant,
    machine: Duration,
    ours: Option<Duration>,
}

impl Watch {
    fn begin(stage: &Stage) -> Result<Watch, BenchError> {
        Ok(Watch { began: Instant::now(), machine: machine()?, ours: ours(stage)? })
    }

    /// The share of all processors that others used; `None` when the process under test is not known.
    fn others(&self, stage: &Stage) -> Result<Option<f64>, BenchError> {
        let Some((before, after)) = self.ours.zip(ours(stage)?) else { return Ok(None) };
        let busy = machine()?.saturating_sub(self.machine).saturating_sub(after.saturating_sub(before));
        let processors = usage::processors_online().max(1) as f64;
        Ok(Some(busy.as_secs_f64() / (self.began.elapsed().as_secs_f64().max(0.001) * processors)))
    }
}

fn machine() -> Result<Duration, BenchError> {
    usage::machine().map_err(|error| BenchError::hop("driver → /proc/stat", error))
}

/// What the driver and the process under test have used.
fn ours(stage: &Stage) -> Result<Option<Duration>, BenchError> {
    let driver = Usage::of(std::process::id()).map_err(|error| BenchError::hop("driver → /proc", error))?;
    Ok(stage.usage()?.map(|usage| usage.cpu + driver.cpu))
}
