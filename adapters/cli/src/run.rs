//! `evenkeel run`: from a fleet file to a fleet that runs.

use crate::{
    args::{Format, RunArgs},
    course::{self, Course},
    drive::Driving,
    exit::Exit,
    say,
    show::{Setting, Show, json::Json, lines::Lines, live::Live},
    stop,
};
use evenkeel::{
    Fleet,
    api::{owner::Owner, pod::OwnerReference},
    core::{config::EngineMode, input::Shutdown},
    fake::{FakeCluster, World, WorldConfig},
    file::{self, ClusterKind, FleetFile},
    kube::{ConnectError, KubeCluster, KubeOptions, driver_pod},
    port::Cluster,
    shell::{self, Sink},
};
use std::{
    collections::hash_map::RandomState,
    env,
    fs::{Metadata, OpenOptions, Permissions},
    hash::BuildHasher,
    io::{self, BufWriter, IsTerminal},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
};
use tokio::sync::mpsc::unbounded_channel;

/// Why a run could not begin, and how the command ends for it.
struct NoRun(Exit, String);

/// Where the fleet runs.
struct Place {
    cluster: Arc<dyn Cluster>,
    owner: Option<OwnerReference>,
    /// In words.
    name: String,
}

/// Runs the fleet that the file describes.
pub fn run(args: &RunArgs) -> Exit {
    let file = match file::read_for(&args.file, args.cluster.map(Into::into)) {
        Ok(file) => file,
        Err(error) => {
            say::error(&error);
            return Exit::Usage;
        }
    };
    for warning in &file.warnings {
        say::warning(warning);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run_file(args, file)),
        Err(error) => Err(NoRun(
            Exit::Failed,
            format!("no threads to run on: {error}"),
        )),
    };
    result.unwrap_or_else(|NoRun(exit, why)| {
        say::error(&why);
        exit
    })
}

async fn run_file(args: &RunArgs, mut file: FleetFile) -> Result<Exit, NoRun> {
    seed(args, &mut file);
    let place = match file.cluster {
        ClusterKind::Fake => on_the_fake(&mut file),
        ClusterKind::Kube => on_kubernetes(args, &file).await?,
    };
    let recorder = args.record.as_deref().map(record).transpose()?;
    let (stop, mut stops) = unbounded_channel();
    stop::on_signals(stop.clone())
        .map_err(|error| NoRun(Exit::Failed, format!("signals can't be handled: {error}")))?;
    let course = Course {
        setting: Setting {
            fleet: file.fleet.to_string(),
            cluster: place.name,
            groups: file.groups.len(),
            wanted: file.groups.values().map(|group| group.wish.target).sum(),
        },
        run_for: args.run_for.or(file.run_for),
        until_converged: args.until_converged,
        shutdown: file.shutdown,
        shutdown_timeout: args.shutdown_timeout,
        stand_in: file.config.engine == EngineMode::Registering,
    };
    let mut builder = Fleet::builder(file.fleet.clone())
        .wish(file.wishes())
        .templates(file.templates());
    for (group, path) in file.claim_paths() {
        builder = builder.claim_path(group, path);
    }
    let running = builder
        .config(file.config)
        .owner(place.owner)
        .lease(file.lease)
        .effects(true)
        .recorder(recorder)
        .start(place.cluster)
        .map_err(|error| NoRun(Exit::Usage, error.to_string()))?;
    let (mut show, keys) = show(args.format, &course.setting);
    if keys {
        stop::on_keys(stop.clone());
    }
    let mut fleet = Driving::new(running);
    Ok(course::run(&course, &mut fleet, &mut *show, &mut stops).await)
}

/// Without a seed of the user's, controllers on a real cluster draw each their own, so that they spread.
fn seed(args: &RunArgs, file: &mut FleetFile) {
    if let Some(seed) = args.seed {
        file.config.seed = seed;
        file.weather.get_or_insert_default().seed = seed;
    } else if file.cluster == ClusterKind::Kube {
        file.config.seed = RandomState::new().hash_one(std::process::id());
    }
}

fn on_the_fake(file: &mut FleetFile) -> Place {
    let config = WorldConfig {
        weather: file.weather.take().unwrap_or_default(),
        ..WorldConfig::default()
    };
    Place {
        cluster: Arc::new(FakeCluster::new(World::new(config), &file.fleet)),
        owner: None,
        name: "the fake cluster".to_owned(),
    }
}

async fn on_kubernetes(args: &RunArgs, file: &FleetFile) -> Result<Place, NoRun> {
    let unreachable = |error: &dyn std::fmt::Display| NoRun(Exit::Unreachable, error.to_string());
    let options = KubeOptions {
        kubeconfig: args.kubeconfig.clone(),
        context: args.context.clone(),
        namespace: args.namespace.clone().or_else(|| file.namespace.clone()),
    };
    let owner = match (&file.owner, driver_pod()) {
        (Some(owner), _) => owner.clone(),
        (None, None) => Owner::None,
        (None, Some(_)) if file.shutdown == Shutdown::Leave => {
            let why = "shutdown: leave does not go with owner: driver, the default in a pod: the executors would be \
                collected with this pod; write owner: none into the file's config, or shutdown: delete";
            return Err(NoRun(
                Exit::Usage,
                format!("{}: {why}", args.file.display()),
            ));
        }
        (None, Some(_)) => Owner::Driver,
    };
    let connected = KubeCluster::connect(&options, &file.fleet).await;
    // No request was made yet: what fails here are files, but for a plugin that asks for credentials, and for no
    // cluster at all.
    let cluster = connected.map_err(|error| match error {
        ConnectError::Credentials | ConnectError::NotConfigured { .. } => unreachable(&error),
        error => NoRun(Exit::Usage, error.to_string()),
    })?;
    let version = cluster.probe().await.map_err(|error| unreachable(&error))?;
    let owner = cluster
        .resolve_owner(&owner)
        .await
        .map_err(|error| NoRun(Exit::Usage, error.to_string()))?;
    let name = format!("Kubernetes {version}, namespace {}", cluster.namespace());
    Ok(Place {
        cluster: Arc::new(cluster),
        owner,
        name,
    })
}

/// A file for the flight record, for the user's eyes only: names and messages of a cluster are in it. One that is there
/// is written over only where it is a flight record, or empty.
fn record(path: &Path) -> Result<Sink, NoRun> {
    let refused = |why: String| NoRun(Exit::Usage, format!("{}: {why}", path.display()));
    let there = path.metadata().ok();
    let regular = there.as_ref().is_none_or(Metadata::is_file);
    let full = there.is_some_and(|there| there.is_file() && there.len() > 0);
    if full && !shell::is_record(path) {
        let why = "it is there, and is no flight record; name another file for --record";
        return Err(refused(why.to_owned()));
    }
    let open = || -> io::Result<Sink> {
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        if regular {
            // One that was there keeps its mode otherwise.
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        Ok(Box::new(BufWriter::new(file)))
    };
    open().map_err(|error| refused(format!("the flight record can't be written: {error}")))
}

/// How the run is shown, and whether keys are to be read for it.
fn show(format: Format, setting: &Setting) -> (Box<dyn Show>, bool) {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    match format {
        Format::Json => return (Box::new(Json::new(io::stdout())), false),
        Format::Text if io::stdout().is_terminal() && !dumb => {
            // Where the terminal can't be taken over, lines will do.
            if let Ok(live) = Live::new(setting.clone(), !set("NO_COLOR")) {
                return (Box::new(live), true);
            }
        }
        Format::Text => {}
    }
    (Box::new(Lines::new(io::stdout())), false)
}
