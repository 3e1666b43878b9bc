//! Pods that can't be started.

use super::super::kit::*;
use super::waits;
use evenkeel::fake::{StartTrouble, World};

fn began_with(trouble: StartTrouble) -> World {
    let mut world = running("before");
    world.set_start_trouble(Some(trouble));
    create(&mut world, "a");
    world
}

#[test]
fn an_image_that_can_not_be_pulled_is_tried_ever_less_often() {
    let mut world = began_with(StartTrouble::ImagePull { tries: None });
    pass(&mut world, 2_000);
    assert_eq!(waits(&world, "a").as_deref(), Some("ErrImagePull"));
    pass(&mut world, 5_000);
    assert_eq!(waits(&world, "a").as_deref(), Some("ImagePullBackOff"));
    pass(&mut world, 3_600_000);
    assert_eq!(phase(&world, "a"), "Pending");
    assert_eq!(phase(&world, "before"), "Running", "that has its image");
    world.set_start_trouble(None);
    create(&mut world, "later");
    pass(&mut world, 600_000);
    assert_eq!(phase(&world, "later"), "Running");
    assert_eq!(phase(&world, "a"), "Pending", "it is not healed by that");
    world.heal_starts();
    pass(&mut world, 310_000);
    assert_eq!(phase(&world, "a"), "Running", "at the latest in 5 minutes");
}

#[test]
fn an_image_may_be_there_after_a_few_tries() {
    let mut world = began_with(StartTrouble::ImagePull { tries: Some(2) });
    // Tried at once, after 10 s, and after 20 s more.
    pass(&mut world, 25_000);
    assert_eq!(phase(&world, "a"), "Pending");
    pass(&mut world, 15_000);
    assert_eq!(phase(&world, "a"), "Running");
}

#[test]
fn what_can_not_be_made_is_tried_again_until_it_can() {
    for (trouble, reason) in [
        (StartTrouble::ImageName, "InvalidImageName"),
        (StartTrouble::ContainerConfig, "CreateContainerConfigError"),
    ] {
        let mut world = began_with(trouble);
        pass(&mut world, 5_000);
        assert_eq!(waits(&world, "a").as_deref(), Some(reason));
        let n = world.revision();
        pass(&mut world, 600_000);
        assert_eq!(waits(&world, "a").as_deref(), Some(reason));
        assert_eq!(world.revision(), n, "nothing new is nothing to write");
        world.delete_as_stranger("a").expect("deleted");
        create(&mut world, "b");
        pass(&mut world, 60_000);
        assert!(world.pod("a").is_none(), "it can be deleted all the while");
        world.heal();
        pass(&mut world, 15_000);
        assert_eq!(phase(&world, "b"), "Running");
    }
}
