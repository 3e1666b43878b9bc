//! Persistent volume claims (CLAIM): made once, listed where that is wished for, gone when nobody uses them.

use super::{FLEET, Stage, tools::*};
use evenkeel::{
    api::labels,
    core::input::{Listing, Outcome, Refusal},
    port::{ListWish, Request},
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

/// The claim of that number, as a fleet makes it.
fn claim(number: u32, fleet: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim_name(number),
            "labels": {
                labels::FLEET: fleet, labels::GROUP: "small", labels::MANAGED_BY.0: labels::MANAGED_BY.1,
            },
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
    })
}

fn claim_name(number: u32) -> String {
    format!("{FLEET}-claim-1-{number}")
}

async fn make_claim(stage: &dyn Stage, manifest: &Value) -> Outcome {
    let name = manifest["metadata"]["name"].as_str().expect("a name");
    let request = Request::CreateClaim {
        name: name.into(),
        manifest: manifest.to_string(),
    };
    stage.cluster().execute(request).await
}

async fn delete_claim(stage: &dyn Stage, number: u32) -> Outcome {
    let name = claim_name(number).into();
    let request = Request::DeleteClaim { name };
    stage.cluster().execute(request).await
}

async fn with_claims(stage: &dyn Stage) -> Listing {
    let wish = ListWish {
        claims: true,
        ..ListWish::default()
    };
    stage.cluster().list(wish).await.expect("a listing")
}

pub(super) async fn one_made_is_listed_as_it_is(stage: &dyn Stage) {
    let (_, revision) = done(&make_claim(stage, &claim(1, FLEET)).await);
    let listing = with_claims(stage).await;
    let view = &listing.claims[0];
    assert_eq!(*view.name, *claim_name(1));
    assert_eq!((&*view.group, view.bytes), ("small", 10 << 30));
    assert_eq!(
        (view.revision, view.deleting, view.class.clone()),
        (revision, false, None)
    );
    assert!(view.age_ms <= 2_000, "{}", view.age_ms);
    let mut classy = claim(2, FLEET);
    classy["spec"]["storageClassName"] = json!("fast");
    done(&make_claim(stage, &classy).await);
    let listing = with_claims(stage).await;
    let class = listing.claims.iter().find_map(|claim| claim.class.clone());
    assert_eq!(class.as_deref(), Some("fast"));
}

pub(super) async fn none_is_listed_where_none_is_wished_for(stage: &dyn Stage) {
    done(&make_claim(stage, &claim(1, FLEET)).await);
    let lists = |stage: &dyn Stage| stage.cluster().calls().get("list").copied().unwrap_or(0);
    let before = lists(stage);
    assert!(list(stage).await.claims.is_empty());
    assert_eq!(lists(stage), before + 1, "claims were not asked for");
    assert_eq!(with_claims(stage).await.claims.len(), 1);
    assert_eq!(lists(stage), before + 3);
}

pub(super) async fn only_the_fleets_own_are_listed(stage: &dyn Stage) {
    done(&make_claim(stage, &claim(1, FLEET)).await);
    stage.create_claim(&claim(2, "other").to_string()).await;
    let mut unlabelled = claim(3, FLEET);
    unlabelled["metadata"]["labels"] = json!({});
    stage.create_claim(&unlabelled.to_string()).await;
    // One that says nothing of its group is nobody's.
    let mut groupless = claim(4, FLEET);
    groupless["metadata"]["labels"] = json!({labels::FLEET: FLEET});
    stage.create_claim(&groupless.to_string()).await;
    let listing = with_claims(stage).await;
    let named: Vec<_> = listing.claims.iter().map(|claim| &*claim.name).collect();
    assert_eq!(named, [claim_name(1)]);
    assert_eq!(listing.undecodable, [claim_name(4).into()]);
}

pub(super) async fn many_are_listed_whole(stage: &dyn Stage) {
    const CLAIMS: u32 = 510;
    let manifests: Vec<Value> = (1..=CLAIMS).map(|number| claim(number, FLEET)).collect();
    let made = stream::iter(&manifests)
        .map(|manifest| make_claim(stage, manifest))
        .buffer_unordered(32);
    let made: Vec<Outcome> = made.collect().await;
    for outcome in &made {
        done(outcome);
    }
    assert_eq!(with_claims(stage).await.claims.len(), CLAIMS as usize);
}

pub(super) async fn a_name_of_ours_is_an_earlier_try(stage: &dyn Stage) {
    let first = make_claim(stage, &claim(1, FLEET)).await;
    done(&first);
    assert_eq!(make_claim(stage, &claim(1, FLEET)).await, first);
}

pub(super) async fn a_name_of_a_strangers_is_not_ours(stage: &dyn Stage) {
    stage.create_claim(&claim(1, "other").to_string()).await;
    let taken = make_claim(stage, &claim(1, FLEET)).await;
    assert_eq!(taken, Outcome::Exists(None));
    assert!(with_claims(stage).await.claims.is_empty());
}

pub(super) async fn one_on_its_way_out_is_not_ours_to_use(stage: &dyn Stage) {
    done(&make_claim(stage, &claim(1, FLEET)).await);
    done(&delete_claim(stage, 1).await);
    let taken = make_claim(stage, &claim(1, FLEET)).await;
    assert_eq!(taken, Outcome::Exists(None));
}

pub(super) async fn one_deleted_is_shown_so_then_gone(stage: &dyn Stage) {
    let (uid, made) = done(&make_claim(stage, &claim(1, FLEET)).await);
    let (deleted, revision) = done(&delete_claim(stage, 1).await);
    assert_eq!(deleted, uid);
    let view = with_claims(stage).await.claims[0].clone();
    assert_eq!((view.deleting, view.revision), (true, revision));
    assert!(revision > made);
    done(&delete_claim(stage, 1).await);
    stage.let_claim_go(&claim_name(1)).await;
    assert!(with_claims(stage).await.claims.is_empty());
    assert_eq!(delete_claim(stage, 1).await, Outcome::Absent);
}

pub(super) async fn what_is_none_is_invalid(stage: &dyn Stage) {
    let mut nameless = claim(1, FLEET);
    nameless["metadata"]["name"] = json!("No_Name");
    let mut modeless = claim(1, FLEET);
    modeless["spec"]["accessModes"] = json!([]);
    let mut sizeless = claim(1, FLEET);
    sizeless["spec"]["resources"] = json!({});
    let mut unknown = claim(1, FLEET);
    unknown["spec"]["storageClass"] = json!("fast");
    for (manifest, field) in [
        (nameless, "metadata.name"),
        (modeless, "spec.accessModes"),
        (sizeless, "spec.resources[storage]"),
        (unknown, "spec.storageClass"),
    ] {
        match make_claim(stage, &manifest).await {
            Outcome::Refused(Refusal::Invalid(message)) => {
                assert!(message.contains(field), "{message}");
            }
            other => panic!("{field}: {other:?}"),
        }
    }
    assert!(with_claims(stage).await.claims.is_empty());
}

pub(super) async fn a_pod_says_which_it_was_given(stage: &dyn Stage) {
    let mut watch = Watching::from_now(stage).await;
    let mut pod = ours(1);
    let volume = |name: &str, claim: &str| json!({"name": name, "persistentVolumeClaim": {"claimName": claim}});
    pod["spec"]["volumes"] = json!([
        volume("evenkeel-claim", &claim_name(1)),
        // What the template brings along is its own affair.
        volume("shared", "data-set"),
        {"name": "scratch", "emptyDir": {}},
    ]);
    done(&ask(stage, &pod).await);
    let given = [claim_name(1).into()];
    assert_eq!(watch.seen().await.claims, given);
    assert_eq!(list(stage).await.pods[0].claims, given);
}
