//! Which runs are listed, and in which order.

use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::UserId;
use webscripts_domain::run::{RecordedArgument, RecordedValue, RunId, RunState};

use super::{
    ADA, BOB, add, add_ended, at, ended, everything, finish, id, id_in, listed, own, owner, page,
    queued, record, run, seconds, text,
};
use crate::Stores;
use crate::runs::{NewRun, Owner, PAGE, Page, RunFilter};

async fn add_of(stores: &Stores, second: i64, owner: Owner, script: &str) {
    add(stores, &NewRun { owner, script: script.to_owned(), ..run(second) }).await;
}

/// Runs of two users and of visitors at two addresses.
async fn add_of_all(stores: &Stores) {
    add_of(stores, 100, ADA, "a.py").await;
    add_of(stores, 101, BOB, "a.py").await;
    add_of(stores, 102, ADA, "b.py").await;
    add_of(stores, 103, owner(0, 1), "a.py").await;
    add_of(stores, 104, owner(0, 2), "b.py").await;
    add_of(stores, 105, owner(1, 1), "c.py").await;
    add_of(stores, 106, BOB, "b.py").await;
}

pub(in crate::contract) async fn runs_are_listed_newest_first_page_by_page(stores: &Stores) {
    for second in [102, 100, 104, 101, 103] {
        add(stores, &run(second)).await;
    }
    let all = everything();

    let first = page(stores, &all, None, 2).await;
    assert_eq!(
        first,
        Page { runs: vec![record(&run(104)), record(&run(103))], next: Some(id(103)) }
    );
    let third = page(stores, &all, Some(id(101)), 2).await;
    assert_eq!(third, Page { runs: vec![record(&run(100))], next: None });
    let exactly = page(stores, &all, Some(id(102)), 2).await;
    assert_eq!((seconds(&exactly.runs), exactly.next), (vec![101, 100], None));
    // The run at which the page before ended may be gone.
    assert_eq!(seconds(&page(stores, &all, Some(id_in(103, 1)), 2).await.runs), [102, 101]);
}

pub(in crate::contract) async fn a_page_has_at_least_one_run_and_at_most_200(stores: &Stores) {
    for number in 0..=i64::from(PAGE) {
        add(stores, &run(number)).await;
    }

    assert_eq!(page(stores, &everything(), None, 0).await.runs.len(), 1);
    assert_eq!(page(stores, &everything(), None, u32::MAX).await.runs.len(), PAGE as usize);
}

pub(in crate::contract) async fn nobody_lists_runs_of_others(stores: &Stores) {
    add_of_all(stores).await;

    assert_eq!(listed(stores, &own(ADA, &[])).await, [102, 100]);
    let elsewhere = Owner { address: owner(2, 9).address, ..ADA };
    assert_eq!(listed(stores, &own(elsewhere, &[])).await, [102, 100]);
    assert_eq!(listed(stores, &own(owner(4, 1), &[])).await, Vec::<i64>::new());
    assert_eq!(listed(stores, &everything()).await, [106, 105, 104, 103, 102, 101, 100]);
}

pub(in crate::contract) async fn visitors_are_told_apart_by_their_address(stores: &Stores) {
    add_of_all(stores).await;

    assert_eq!(listed(stores, &own(owner(0, 1), &[])).await, [103]);
    assert_eq!(listed(stores, &own(owner(0, 2), &[])).await, [104]);
    assert_eq!(listed(stores, &own(owner(1, 1), &[])).await, [105]);
    assert_eq!(listed(stores, &own(owner(0, 2), &["a.py"])).await, [104, 103, 101, 100]);
}

pub(in crate::contract) async fn scripts_that_may_be_viewed_are_listed_beside_own_runs(
    stores: &Stores,
) {
    add_of_all(stores).await;

    assert_eq!(listed(stores, &own(ADA, &["b.py"])).await, [106, 104, 102, 100]);
    assert_eq!(listed(stores, &own(ADA, &["c.py", "b.py"])).await, [106, 105, 104, 102, 100]);
    let many: Vec<String> = (0..30).map(|number| format!("{number}.py")).collect();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    many.push("b.py");
    assert_eq!(listed(stores, &own(ADA, &many)).await, [106, 104, 102, 100]);
}

pub(in crate::contract) async fn every_filter_keeps_to_what_is_visible(stores: &Stores) {
    add_of_all(stores).await;
    finish(stores, id(101), ended(200, RunState::Failed)).await;
    finish(stores, id(100), ended(200, RunState::Failed)).await;
    let filters = |visible: RunFilter| {
        let base = || visible.clone();
        [
            RunFilter { user: Some(UserId(3)), ..base() },
            RunFilter { user: Some(UserId(2)), ..base() },
            RunFilter { user: Some(UserId(0)), ..base() },
            RunFilter { script: Some("a.py".to_owned()), ..base() },
            RunFilter { states: vec![RunState::Failed], ..base() },
            RunFilter { states: vec![RunState::Running], ..base() },
            RunFilter { from: Some(at(101)), to: Some(at(105)), ..base() },
        ]
    };
    let expected: [(RunFilter, [&[i64]; 7]); 4] = [
        (own(ADA, &[]), [&[], &[102, 100], &[], &[100], &[100], &[102], &[102]]),
        (
            own(ADA, &["a.py"]),
            [
                &[101],
                &[102, 100],
                &[103],
                &[103, 101, 100],
                &[101, 100],
                &[103, 102],
                &[103, 102, 101],
            ],
        ),
        (own(owner(0, 2), &[]), [&[], &[], &[104], &[], &[], &[104], &[104]]),
        (
            own(owner(0, 2), &["a.py"]),
            [
                &[101],
                &[100],
                &[104, 103],
                &[103, 101, 100],
                &[101, 100],
                &[104, 103],
                &[104, 103, 101],
            ],
        ),
    ];
    for (visible, lists) in expected {
        for (filter, list) in filters(visible).iter().zip(lists) {
            assert_eq!(listed(stores, filter).await, list, "{filter:?}");
        }
    }
}

pub(in crate::contract) async fn states_scripts_and_users_are_filtered_together(stores: &Stores) {
    add_of_all(stores).await;
    add(stores, &queued(107)).await;
    finish(stores, id(102), ended(200, RunState::Failed)).await;
    finish(stores, id(104), ended(200, RunState::Succeeded)).await;
    let of = |states: &[RunState], script: Option<&str>, user: Option<i64>| RunFilter {
        states: states.to_vec(),
        script: script.map(str::to_owned),
        user: user.map(UserId),
        ..everything()
    };

    let (failed, succeeded) = (RunState::Failed, RunState::Succeeded);
    assert_eq!(listed(stores, &of(&[failed], None, None)).await, [102]);
    assert_eq!(listed(stores, &of(&[succeeded, failed, failed], None, None)).await, [104, 102]);
    assert_eq!(listed(stores, &of(&[RunState::Queued], None, None)).await, [107]);
    assert_eq!(listed(stores, &of(&[failed, RunState::Queued], None, Some(2))).await, [107, 102]);
    assert_eq!(listed(stores, &of(&[], Some("b.py"), None)).await, [106, 104, 102]);
    assert_eq!(listed(stores, &of(&[], Some("b.py"), Some(3))).await, [106]);
    assert_eq!(listed(stores, &of(&[], None, Some(0))).await, [104, 103]);
    assert_eq!(listed(stores, &of(&[failed], Some("b.py"), Some(2))).await, [102]);
    assert_eq!(listed(stores, &of(&RunState::ALL, Some("c.py"), None)).await, [105]);
}

pub(in crate::contract) async fn times_are_filtered_to_the_millisecond(stores: &Stores) {
    let time = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
    for milliseconds in [1000, 1001, 1002] {
        let id = RunId::new(time(milliseconds), [0; 10]);
        add(stores, &NewRun { id, ..run(1) }).await;
    }
    let between = async |from, to| {
        let filter = RunFilter { from, to, ..everything() };
        let page = page(stores, &filter, None, 9).await;
        page.runs.iter().map(|run| run.created.as_millisecond()).collect::<Vec<i64>>()
    };

    assert_eq!(between(Some(time(1001)), None).await, [1002, 1001]);
    assert_eq!(between(None, Some(time(1001))).await, [1000]);
    assert_eq!(between(Some(time(1001)), Some(time(1002))).await, [1001]);
    let nanoseconds = |value| Timestamp::from_nanosecond(value).unwrap();
    assert_eq!(between(Some(nanoseconds(1_000_000_001)), None).await, [1002, 1001]);
    assert_eq!(between(None, Some(nanoseconds(1_001_000_001))).await, [1001, 1000]);
    assert_eq!(between(Some(Timestamp::MIN), Some(Timestamp::MAX)).await, [1002, 1001, 1000]);
}

pub(in crate::contract) async fn text_is_found_in_names_and_values_whatever_its_case(
    stores: &Stores,
) {
    let json = |value: &str| RecordedArgument {
        name: "list".to_owned(),
        value: RecordedValue::Json(value.to_owned()),
        input: false,
        cut: false,
    };
    let secret = RecordedArgument {
        name: "--token".to_owned(),
        value: RecordedValue::Secret,
        input: false,
        cut: false,
    };
    let arguments = [
        vec![text("--customer", "Émile \"Q\"\n100%")],
        vec![json("[\"one\", {\"key\": 42}, true]"), secret],
        vec![text("a", &format!("{}Behind", "x".repeat(1024)))],
        vec![RecordedArgument { cut: true, ..json("\"cut_off") }],
    ];
    for (second, arguments) in (100..).zip(arguments) {
        add_ended(stores, &NewRun { arguments, ..run(second) }, RunState::Failed, 0).await;
    }
    let search = async |text: &str| {
        listed(stores, &RunFilter { text: Some(text.to_owned()), ..everything() }).await
    };

    assert_eq!(search("éMILE \"q\"").await, [100]);
    assert_eq!(search("100%").await, [100]);
    assert_eq!(search("CUSTOMER").await, [100]);
    assert_eq!(search("42").await, [101]);
    assert_eq!(search("--token").await, [101]);
    assert_eq!(search("xX").await, [102]);
    assert_eq!(search("CUT_").await, [103]);
    for absent in ["value", "behind", "%m", "key", "secret", "{"] {
        assert_eq!(search(absent).await, Vec::<i64>::new(), "{absent}");
    }
    assert_eq!(search("").await, [103, 102, 101, 100]);
}
