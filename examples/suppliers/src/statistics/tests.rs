use proptest::prelude::*;

use super::*;

#[test]
fn shares_are_rounded_by_largest_remainder() {
    let table: [([u64; 5], [u64; 5]); 8] = [
        ([0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),
        ([7, 0, 0, 0, 0], [1000, 0, 0, 0, 0]),
        ([1, 1, 1, 0, 0], [334, 333, 333, 0, 0]),
        ([0, 0, 1, 1, 1], [0, 0, 334, 333, 333]),
        ([1, 1, 1, 1, 2], [167, 167, 167, 166, 333]),
        ([2, 3, 2, 0, 0], [286, 428, 286, 0, 0]),
        ([999_999, 1, 0, 0, 0], [1000, 0, 0, 0, 0]),
        ([1, 1, 1, 1, 1], [200, 200, 200, 200, 200]),
    ];
    for (counts, expected) in table {
        assert_eq!(tenths(&counts), expected, "{counts:?}");
    }
}

/// Adds as a person does who reads the page: with one decimal.
fn read_and_add(board: &Map<String, Value>) -> f64 {
    let percents =
        board["distribution"].as_array().unwrap().iter().map(|one| one["percent"].as_f64().unwrap());
    (percents.sum::<f64>() * 10.0).round() / 10.0
}

proptest! {
    #[test]
    fn shares_always_add_up_and_are_off_by_less_than_a_tenth(counts in proptest::array::uniform5(0_u64..=u64::MAX / 8)) {
        let total: u128 = counts.iter().map(|count| u128::from(*count)).sum();
        let shares = tenths(&counts);
        prop_assert_eq!(shares.iter().sum::<u64>(), if total == 0 { 0 } else { 1_000 });
        for (count, share) in counts.into_iter().zip(shares) {
            let (exact, given) = (u128::from(count) * 1_000, u128::from(share) * total);
            prop_assert!(exact.abs_diff(given) < total.max(1), "{} of {} became {}", count, total, share);
        }
    }

    #[test]
    fn percents_on_the_board_add_up_to_a_hundred(by_status in proptest::array::uniform5(0_u64..2_000)) {
        prop_assume!(by_status.iter().sum::<u64>() > 0);
        let board = board(&Counts { by_status, ..Counts::default() }, Timestamp::from_millis(0));
        prop_assert_eq!(read_and_add(&board), 100.0);
    }

    #[test]
    fn more_applications_never_have_the_smaller_share(counts in proptest::array::uniform5(0_u64..500)) {
        let shares = tenths(&counts);
        for one in 0..5 {
            for other in 0..5 {
                prop_assert!(counts[one] <= counts[other] || shares[one] >= shares[other]);
            }
        }
    }
}

#[test]
fn the_board_has_exactly_its_fields() {
    // 2026-02-14T00:00:00Z.
    let now = Timestamp::from_millis(1_771_027_200_000);
    let recent = Recent {
        id: 7,
        tracking_code: "GCX-2026-000007".into(),
        company_name: "Acme".into(),
        status: Status::PendingReview,
        submitted_at: now,
    };
    let months = vec![Month { month: "2026-01".into(), applications: 5, approved: 2 }];
    let counts = Counts { by_status: [1, 2, 0, 3, 1], suppliers: 3, recent: vec![recent], months };
    let board = board(&counts, now);
    let keys: Vec<_> = board.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "total_applications",
            "pending_review",
            "under_review",
            "approved",
            "rejected",
            "total_suppliers",
            "distribution",
            "recent_applications",
            "monthly",
        ]
    );
    assert_eq!((&board["total_applications"], &board["approved"]), (&json!(7), &json!(3)));
    assert_eq!(
        board["distribution"][1],
        json!({"status": "UNDER_REVIEW", "label": "Under Review", "count": 2, "percent": 28.6})
    );
    assert_eq!(
        board["recent_applications"][0],
        json!({"id": 7, "tracking_code": "GCX-2026-000007", "company_name": "Acme", "status": "PENDING_REVIEW",
               "label": "Pending Review", "submitted_at": "2026-02-14T00:00:00.000Z"})
    );
    let monthly = board["monthly"].as_array().unwrap();
    assert_eq!(monthly.len(), 12);
    assert_eq!(monthly[0]["month"], "2025-03");
    assert_eq!(monthly[10], json!({"month": "2026-01", "label": "Jan", "applications": 5, "approved": 2}));
    assert_eq!(monthly[11], json!({"month": "2026-02", "label": "Feb", "applications": 0, "approved": 0}));
}
