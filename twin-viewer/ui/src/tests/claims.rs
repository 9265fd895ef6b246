//! Claims: the netting list, and the way from a figure to its entries and its place.

use terrarium_view_model::{
    ClaimName, FigureSource, LedgerBook, NettingLine, Page, Statement, StatementLine,
    StatementPosting, Treatment, Words,
};

use super::*;

fn words(en: &str, zh: &str) -> Words {
    Words {
        en: en.into(),
        zh: zh.into(),
    }
}

fn figure(id: &str, name: Words, value: Option<i64>, sources: Vec<FigureSource>) -> StatementLine {
    StatementLine {
        id: id.into(),
        words: name,
        value,
        unit: "mgCO2e".into(),
        half95: Some(1_000_000),
        is_result: id == "gross",
        depth: u32::from(id != "gross"),
        sources,
        remark: Some(words(
            "Only hours with a factor are in it; the others are told beside",
            "仅含有排放因子的小时，其余单列说明",
        )),
        ..StatementLine::default()
    }
}

fn statement() -> Statement {
    let flow = |en: &str, zh: &str, treatment, amount| NettingLine {
        flow: words(en, zh),
        treatment: Some(treatment),
        amount,
        unit: "mgCO2e".into(),
        why: words(
            "Avoided emissions are no reduction of the park's own emissions (GHG Protocol, chapter 8)",
            "避免排放不属于园区自身减排（GHG Protocol 第 8 章）",
        ),
    };
    Statement {
        claim: "ghgp_inventory_location".into(),
        title: words("Inventory of greenhouse gases", "温室气体清单"),
        standard: words(
            "GHG Protocol Corporate Standard, revised edition, with Scope 2 Guidance of 2015",
            "GHG Protocol 企业标准（修订版）与 2015 年范围二指南",
        ),
        from: "2026-04-30T14:00:00+08:00".into(),
        to: "2026-05-01T14:00:00+08:00".into(),
        is_provisional: true,
        gwp: "ar6".into(),
        lines: vec![
            figure(
                "gross",
                words("Gross emissions", "总排放"),
                Some(39_000_000),
                vec![FigureSource::Line("scope2".into())],
            ),
            figure(
                "scope2",
                words("Scope 2, location-based", "范围二（基于位置）"),
                Some(39_000_000),
                vec![FigureSource::Posting(0), FigureSource::Decision(7)],
            ),
            figure("scope3", words("Scope 3", "范围三"), None, Vec::new()),
        ],
        netting: vec![
            flow(
                "Purchased electricity",
                "外购电力",
                Treatment::Counted,
                Some(39_000_000),
            ),
            flow("Export", "外送", Treatment::Beside, Some(5_000_000)),
            flow("Credits", "碳信用", Treatment::LeftOut, None),
        ],
        verdict: words("39.0 kg CO₂e are stated", "陈述排放 39.0 kg CO₂e"),
        notes: vec![words(
            "No certificate was retired for the period",
            "该期间未注销任何证书",
        )],
        postings: vec![StatementPosting {
            book: "emission".into(),
            asset: "visitor-centre".into(),
            activity: "grid-import".into(),
            interval_start: "2026-05-01T00:00:00+08:00".into(),
            interval_seconds: 86_400,
            co2e_mg: 39_000_000,
            method: "scope2-location/1".into(),
        }],
        position: 4_711,
        ..Statement::default()
    }
}

fn with_statement(park: &str) -> ViewState {
    let mut state = live(park);
    state.apply(Command::ShowCarbon(true));
    state.apply(Command::ShowClaims(true));
    let names = ["ghgp_inventory_location", "stage", "of-tomorrow"].map(|claim| ClaimName {
        claim: claim.into(),
        is_promise: claim == "stage",
    });
    state.take(Report::ClaimNames(names.to_vec()));
    state.apply(Command::MakeClaim(Some("ghgp_inventory_location".into())));
    state.take(Report::Statement(Box::new(statement())));
    state
}

#[test]
fn a_figure_leads_to_its_parts_its_place_and_its_entries() {
    let mut harness = desk(with_statement(HAOTIAN), Vec2::new(1_920.0, 2_400.0));
    harness.run();
    harness.get_by_label_contains("Stated up to event 4711");
    harness.get_by_label_contains("Provisional");
    for treatment in ["counted", "kept beside", "left out"] {
        harness.get_by_label_contains(treatment);
    }
    let gross = harness
        .get_all_by_label("39.0 kg CO₂e ± 1.00 kg CO₂e")
        .next();
    gross.expect("the gross figure").click();
    harness.run();
    let parts = harness.get_all_by_label_contains("Scope 2, location-based  39.0 kg");
    parts.last().expect("what it is made of").click();
    harness.run();
    harness.get_by_label_contains("Decision, event 7");
    harness.get_by_label_contains("grid-import").click();
    harness.run();
    let state = &harness.state().state;
    let place = state
        .park()
        .and_then(|park| park.index_of("visitor-centre"));
    assert_eq!(state.selection.single(), place, "its place in the park");
    harness.get_by_label("List its entries").click();
    harness.run();
    let wanted = Some(("visitor-centre".to_owned(), LedgerBook::Emission));
    assert_eq!(harness.state().state.trail.asked, wanted);
}

#[test]
fn a_claim_is_chosen_from_the_list_and_made_anew_by_hand() {
    let mut harness = desk(with_statement(HAOTIAN), Vec2::new(1_920.0, 2_400.0));
    harness.run();
    harness.get_by_label("Make it anew").click();
    harness.run();
    let again = Command::MakeClaim(Some("ghgp_inventory_location".into()));
    assert!(harness.state().done.contains(&again));
    assert_eq!(
        harness.state().state.claims.statement,
        None,
        "it is awaited"
    );
}

#[test]
fn statements_fit_in_both_languages_at_every_size_of_text() {
    for (page, zoom) in [(Page::Desk, 1.0), (Page::Desk, 1.5), (Page::Ledger, 1.0)] {
        for language in Language::ALL {
            let mut state = with_statement(HAOTIAN);
            state.apply(Command::SetLanguage(language));
            state.apply(Command::ShowPage(page));
            state.apply(Command::OpenFigure(Some("scope2".into())));
            let size = Vec2::new(1_920.0 / zoom, 2_400.0);
            let screen = Rect::from_min_size(Pos2::ZERO, size);
            let mut harness = desk(state, size);
            harness.run();
            for (rect, clip, text) in drawn_texts(&harness.output().shapes) {
                let room = clip.intersect(screen);
                assert!(
                    rect.left() >= room.left() - 1.0 && rect.right() <= room.right() + 1.0,
                    "{page:?} {language:?}: {text:?} at {rect:?} does not fit into {room:?}"
                );
            }
        }
    }
}
