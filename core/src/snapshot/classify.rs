//! SEE-1: each pod's class, the first that fits.

use crate::{
    config::Config,
    input::{ContainerView, Phase, PodView},
    plan::Class,
    words::{ExecutorId, Group, ID_PART_MAX},
};

/// Whose a pod is, by its labels and name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Whose {
    /// An executor's.
    Ours { id: ExecutorId, group: Group },
    /// It has our labels, and nonsense in them: never touched.
    Malformed,
}

/// Whose that pod is. What is foreign never gets here: listings and watches select by the fleet's label.
pub(crate) fn whose(fleet: &str, view: &PodView) -> Whose {
    let labels = &view.labels;
    let id = labels
        .executor
        .as_deref()
        .and_then(|text| text.parse::<ExecutorId>().ok());
    match (id, &labels.group) {
        (Some(id), Some(group))
            if id.incarnation.max(id.sequence) <= ID_PART_MAX
                && !group.is_empty()
                && view.name == id.pod_name(fleet) =>
        {
            Whose::Ours {
                id,
                group: group.clone(),
            }
        }
        _ => Whose::Malformed,
    }
}

/// The id that a pod's name gives: all that is left of one that lost its labels.
pub(crate) fn id_by_name(fleet: &str, name: &str) -> Option<ExecutorId> {
    name.strip_prefix(fleet)?
        .strip_prefix("-exec-")?
        .parse()
        .ok()
}

/// SEE-4: what left the view like this lost our label, and goes on: it is neither being deleted, nor finished, nor kept.
pub(crate) fn strays(config: &Config, view: &PodView) -> bool {
    let finished = matches!(class(config, view), Class::Failed | Class::Succeeded);
    view.deleting.is_none() && !finished && !view.labels.finished
}

/// The class of a pod of ours.
pub(crate) fn class(config: &Config, view: &PodView) -> Class {
    let finished = finished(config, view);
    if view.deleting.is_some() && finished.is_none() {
        return Class::Terminating;
    }
    if let Some(class) = finished {
        return class;
    }
    match view.phase {
        Phase::Running => Class::Running,
        Phase::Pending => Class::Pending,
        Phase::Unknown | Phase::Succeeded | Phase::Failed => Class::Unknown,
    }
}

/// Failed or succeeded, where its containers have finished, or the main one has.
fn finished(config: &Config, view: &PodView) -> Option<Class> {
    if planted!(config, See1) && view.phase == Phase::Running {
        return None;
    }
    // In its grace period it goes when the main container has ended, whatever the others did.
    let main_ended = matches!(view.main, Some(ContainerView::Terminated { .. }));
    if config.seeing.check_all_containers
        && view.sidecar_failed
        && (view.deleting.is_none() || main_ended)
    {
        return Some(Class::Failed);
    }
    match (view.phase, &view.main) {
        (Phase::Failed, _) => Some(Class::Failed),
        (Phase::Succeeded, _) => Some(Class::Succeeded),
        (Phase::Running, Some(ContainerView::Terminated { exit_code: 0, .. })) => {
            Some(Class::Succeeded)
        }
        (Phase::Running, Some(ContainerView::Terminated { .. })) => Some(Class::Failed),
        (Phase::Running | Phase::Pending | Phase::Unknown, _) => None,
    }
}
