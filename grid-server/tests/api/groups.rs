//! Groups: who may make, ask, join, see, leave and end them.

use fallow_protocol::AccountId;
use fallow_protocol::api::{GroupDetail, GroupInfo, GroupRole, Invitation, Me, Page};
use serde_json::json;

use crate::grid::{Grid, problem, read};

async fn id_of(grid: &Grid, token: &str) -> AccountId {
    read::<Me>(grid.get("/api/v1/me", token).await, 200).await.id
}

async fn groups_of(grid: &Grid, token: &str) -> Vec<GroupInfo> {
    read::<Page<GroupInfo>>(grid.get("/api/v1/groups", token).await, 200).await.items
}

async fn invitations_of(grid: &Grid, token: &str) -> Vec<Invitation> {
    read::<Page<Invitation>>(grid.get("/api/v1/invitations", token).await, 200).await.items
}

#[tokio::test]
async fn a_group_lives_from_its_making_to_its_end() {
    let grid = Grid::start().await;
    let (ann, bob, eve) = (grid.account("ann").await, grid.account("bob").await, grid.account("eve").await);
    let made: GroupDetail = read(grid.post("/api/v1/groups", &ann, &json!({"name": "lab"})).await, 201).await;
    assert_eq!((made.role, made.members.len(), made.members[0].name.as_str()), (GroupRole::Owner, 1, "ann"));
    problem(grid.post("/api/v1/groups", &bob, &json!({"name": "lab"})).await, 409, "name-taken").await;

    let asked = json!({"account_name": "bob"});
    problem(grid.post("/api/v1/groups/lab/invitations", &eve, &asked).await, 404, "not-found").await;
    for _ in 0..2 {
        let group: GroupDetail = read(grid.post("/api/v1/groups/lab/invitations", &ann, &asked).await, 201).await;
        assert_eq!(group.invitations.iter().map(|asked| asked.name.as_str()).collect::<Vec<_>>(), ["bob"]);
    }
    let nobody = json!({"account_name": "nobody"});
    problem(grid.post("/api/v1/groups/lab/invitations", &ann, &nobody).await, 404, "no-such-account").await;
    problem(grid.get("/api/v1/groups/lab", &bob).await, 404, "not-found").await;
    let open = invitations_of(&grid, &bob).await;
    assert_eq!((open[0].group.as_str(), open[0].by.as_str(), open[0].members), ("lab", "ann", 1));
    problem(grid.post("/api/v1/invitations/lab/accept", &eve, &json!({})).await, 404, "not-found").await;

    let joined: GroupDetail = read(grid.post("/api/v1/invitations/lab/accept", &bob, &json!({})).await, 200).await;
    assert_eq!((joined.role, joined.members.len(), joined.invitations.len()), (GroupRole::Member, 2, 0));
    assert!(invitations_of(&grid, &bob).await.is_empty());
    problem(grid.post("/api/v1/groups/lab/invitations", &ann, &asked).await, 409, "is-member").await;
    problem(grid.post("/api/v1/groups/lab/invitations", &bob, &asked).await, 403, "not-owner").await;
    problem(grid.delete("/api/v1/groups/lab", &bob).await, 403, "not-owner").await;

    let (ann_id, bob_id) = (id_of(&grid, &ann).await, id_of(&grid, &bob).await);
    let member = |id: &AccountId| format!("/api/v1/groups/lab/members/{id}");
    problem(grid.delete(&member(&ann_id), &bob).await, 403, "not-owner").await;
    problem(grid.delete(&member(&ann_id), &ann).await, 409, "is-owner").await;
    problem(grid.delete(&member(&bob_id), &eve).await, 404, "not-found").await;
    assert_eq!(grid.delete(&member(&bob_id), &bob).await.status(), 204);
    assert!(groups_of(&grid, &bob).await.is_empty());
    assert_eq!(groups_of(&grid, &ann).await[0].members, 1);
    assert_eq!(grid.delete("/api/v1/groups/lab", &ann).await.status(), 204);
    assert!(groups_of(&grid, &ann).await.is_empty());
    let anew: GroupDetail = read(grid.post("/api/v1/groups", &eve, &json!({"name": "lab"})).await, 201).await;
    assert_eq!(anew.role, GroupRole::Owner);
}

#[tokio::test]
async fn an_invitation_can_be_declined_or_taken_back() {
    let grid = Grid::start().await;
    let (ann, bob) = (grid.account("ann").await, grid.account("bob").await);
    let _: GroupDetail = read(grid.post("/api/v1/groups", &ann, &json!({"name": "lab"})).await, 201).await;
    let ask = json!({"account_name": "bob"});
    let _: GroupDetail = read(grid.post("/api/v1/groups/lab/invitations", &ann, &ask).await, 201).await;
    assert_eq!(grid.post("/api/v1/invitations/lab/decline", &bob, &json!({})).await.status(), 204);
    problem(grid.post("/api/v1/invitations/lab/accept", &bob, &json!({})).await, 404, "not-found").await;
    let _: GroupDetail = read(grid.post("/api/v1/groups/lab/invitations", &ann, &ask).await, 201).await;
    let path = format!("/api/v1/groups/lab/invitations/{}", id_of(&grid, &bob).await);
    problem(grid.delete(&path, &bob).await, 404, "not-found").await;
    assert_eq!(grid.delete(&path, &ann).await.status(), 204);
    problem(grid.post("/api/v1/invitations/lab/accept", &bob, &json!({})).await, 404, "not-found").await;
}

#[tokio::test]
async fn odd_names_and_too_many_groups_are_refused() {
    let grid = Grid::start().await;
    let ann = grid.account("ann").await;
    for name in ["", "Lab", "a b", "../x", "a/b", "<script>", "\u{202e}lab", &"x".repeat(65), &"x".repeat(100_000)] {
        problem(grid.post("/api/v1/groups", &ann, &json!({"name": name})).await, 422, "invalid").await;
    }
    for number in 0..grid_server::groups::GROUPS_MAX {
        let name = json!({"name": format!("lab-{number}")});
        assert_eq!(grid.post("/api/v1/groups", &ann, &name).await.status(), 201);
    }
    problem(grid.post("/api/v1/groups", &ann, &json!({"name": "one-more"})).await, 409, "too-many").await;
    let page: Page<GroupInfo> = read(grid.get("/api/v1/groups?limit=40", &ann).await, 200).await;
    let next = page.next.expect("there are more");
    let rest: Page<GroupInfo> =
        read(grid.get(&format!("/api/v1/groups?limit=40&cursor={next}"), &ann).await, 200).await;
    assert_eq!((page.items.len(), rest.items.len()), (40, 10));
}
