//! What every adapter of [`Cluster`] must do: the same cases for Kubernetes and for the fake, held against each other.
//!
//! Each line of what was measured on a real API server about pods, watches, claims and leases is a case here. Where an adapter
//! differs from the real server, the real server is right.

mod claims;
mod creating;
mod deleting;
mod fake;
mod kube;
mod leases;
mod listing;
mod marking;
mod outages;
mod resizing;
mod tools;
mod watching;

pub use self::{fake::FakeStage, kube::KubeStage};

use async_trait::async_trait;
use evenkeel::{core::Revision, port::Cluster};
use futures::future::LocalBoxFuture;
use std::{sync::Arc, time::Duration};

/// The fleet whose eyes the cases look through.
pub const FLEET: &str = "conf";

/// A cluster with nothing in it, and all that others may do there: strangers, nodes, administrators.
///
/// What is asked of it must succeed; it panics otherwise. Each that changes a pod gives the revision of its answer.
#[async_trait]
pub trait Stage: Send + Sync {
    /// The cluster as [`FLEET`] sees it: what is being tested.
    fn cluster(&self) -> Arc<dyn Cluster>;
    /// The same place, as another fleet sees it.
    fn cluster_of(&self, fleet: &str) -> Arc<dyn Cluster>;

    /// A stranger makes this pod.
    async fn create(&self, manifest: &str) -> Revision;
    /// A stranger deletes the pod: with its own grace, or with so many seconds.
    async fn delete(&self, pod: &str, grace: Option<u32>) -> Revision;
    /// A stranger sets a label, or removes it.
    async fn label(&self, pod: &str, key: &str, value: Option<&str>) -> Revision;
    /// A stranger sets all finalizers.
    async fn finalizers(&self, pod: &str, finalizers: &[&str]) -> Revision;
    /// The scheduler binds the pod.
    async fn bind(&self, pod: &str, node: &str);
    /// The kubelet says that the main container waits.
    async fn wait(&self, pod: &str, reason: &str) -> Revision;
    /// The kubelet says that the pod runs.
    async fn run(&self, pod: &str) -> Revision;
    /// The kubelet says that the pod's main container ended, and with it the pod.
    async fn finish(&self, pod: &str, exit_code: i32, reason: &str) -> Revision;
    /// The kubelet has stopped a terminating pod, and lets it go.
    async fn let_go(&self, pod: &str);
    /// Somebody evicts the pod by the API.
    async fn evict(&self, pod: &str);

    /// A stranger makes this claim.
    async fn create_claim(&self, manifest: &str) -> Revision;
    /// The controllers find that no pod uses the claim, which was deleted, and let it go.
    async fn let_claim_go(&self, claim: &str);
    /// The name of a node that is there, with room for all that a case asks for.
    async fn node(&self) -> String;
    /// The kubelet says how much memory the main container has, which runs, and why it gets no more.
    async fn has_memory(&self, pod: &str, bytes: u64, pending: Option<&str>) -> Revision;

    /// The API server is started again; what it knew of the past is gone.
    async fn restart(&self);
    /// The API server can't be reached from here on, or can again.
    async fn reachable(&self, reachable: bool);
    /// Time passes.
    async fn pass(&self, time: Duration);
}

/// One case.
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// It stops or restarts the API server: nothing else may run meanwhile.
    pub alone: bool,
    /// The case itself; panics where the adapter fails it.
    pub run: fn(Arc<dyn Stage>) -> LocalBoxFuture<'static, ()>,
}

macro_rules! cases {
    ($($([$alone:ident])? $module:ident::$case:ident),* $(,)?) => {
        /// All cases.
        pub const CASES: &[Case] = &[$(Case {
            name: concat!(stringify!($module), "::", stringify!($case)),
            alone: cases!(@ $($alone)?),
            run: |stage| Box::pin(async move { $module::$case(&*stage).await }),
        }),*];
    };
    (@ alone) => { true };
    (@) => { false };
}

cases! {
    listing::nothing_there_is_an_empty_listing,
    listing::only_the_fleets_own_pods_are_listed,
    listing::finished_pods_are_listed_only_with_all,
    listing::a_listing_of_many_pages_is_one,
    listing::a_listing_is_not_older_than_an_answer,
    listing::a_pod_is_as_old_as_the_server_says,
    creating::done_gives_uid_and_the_revision_of_the_watch,
    creating::a_name_of_ours_shows_our_pod,
    creating::a_name_of_a_strangers_shows_no_labels,
    creating::a_name_still_terminating_is_taken_too,
    creating::a_bad_name_is_invalid,
    creating::an_unknown_field_is_invalid,
    creating::a_bad_quantity_is_invalid,
    creating::many_at_once_are_all_answered,
    deleting::a_pod_on_no_node_goes_in_two_steps,
    deleting::a_finished_pod_goes_at_once,
    deleting::a_pod_on_a_node_gets_its_grace,
    deleting::a_second_delete_changes_nothing,
    deleting::a_shorter_grace_is_a_change,
    deleting::a_deleted_pod_may_never_finish,
    deleting::a_wrong_uid_is_changed,
    deleting::a_wrong_revision_is_changed,
    deleting::both_preconditions_right_is_done,
    deleting::nothing_there_is_absent,
    deleting::a_finalizer_holds_the_pod,
    deleting::a_name_used_again_is_another_pod,
    marking::a_marked_pod_leaves_without_a_deletion_timestamp,
    marking::a_wrong_uid_is_changed,
    marking::nothing_there_is_absent,
    marking::marking_twice_is_done_twice,
    claims::one_made_is_listed_as_it_is,
    claims::none_is_listed_where_none_is_wished_for,
    claims::only_the_fleets_own_are_listed,
    claims::many_are_listed_whole,
    claims::a_name_of_ours_is_an_earlier_try,
    claims::a_name_of_a_strangers_is_not_ours,
    claims::one_on_its_way_out_is_not_ours_to_use,
    claims::one_deleted_is_shown_so_then_gone,
    claims::what_is_none_is_invalid,
    claims::a_pod_says_which_it_was_given,
    resizing::what_is_asked_for_and_what_is_in_force_show,
    resizing::what_the_node_can_not_give_shows,
    resizing::a_node_that_does_not_say_what_it_has_can_not_resize,
    resizing::without_a_request_or_a_limit_nothing_shows,
    resizing::twice_is_done_twice,
    resizing::a_wrong_uid_is_changed,
    resizing::nothing_there_is_absent,
    resizing::a_node_that_is_gone_is_no_matter_of_rights,
    resizing::more_than_the_node_has_is_no_matter_of_rights,
    resizing::a_quality_of_service_stays_what_it_was,
    resizing::a_container_that_is_not_there_is_invalid,
    watching::from_a_listing_nothing_is_missed,
    watching::only_what_came_after_is_shown,
    watching::events_come_in_order_of_revision,
    watching::each_state_of_a_pod_is_shown,
    watching::an_oom_kill_is_told,
    watching::a_lost_label_shows_as_left,
    watching::a_label_put_back_shows_as_seen,
    watching::a_strangers_pod_with_our_label_is_seen,
    watching::an_eviction_shows_before_the_deletion,
    watching::a_quiet_watch_brings_bookmarks_to_resume_from,
    watching::a_revision_of_the_future_is_silent,
    [alone] watching::a_restart_forgets_the_past,
    leases::what_is_written_is_read,
    leases::there_is_only_one,
    leases::a_replace_needs_the_newest_revision,
    leases::a_replace_needs_the_uid,
    leases::one_given_up_has_no_holder,
    leases::annotations_are_replaced_whole,
    leases::a_delete_needs_the_newest_revision,
    leases::each_fleet_has_its_own,
    [alone] outages::nothing_is_sent_to_a_server_that_is_gone,
    [alone] outages::an_open_watch_ends,
    [alone] outages::it_goes_on_where_it_was,
}

/// How long anything may take that is to happen at once.
const SOON: Duration = Duration::from_secs(10);
